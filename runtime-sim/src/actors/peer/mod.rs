//! Scripted peers: they speak the peer protocol as a seed or a leecher, and break any rule of it at the times that
//! a script says.

mod fetch;
mod give;
mod mischief;
mod misdeed;
mod talk;
#[cfg(test)]
mod tests;

pub use misdeed::Misdeed;

use crate::actor::{Actor, Cx};
use crate::net::End;
use crate::payload::Torrent;
use bytes::Bytes;
use misdeed::{Planned, TICK};
use peerless_core::wire::{BlockRange, Decoder, ExtensionHandshake, Features, Handshake, Message};
use peerless_core::{Bitfield, Duration, Instant, NetError, PeerId, PieceIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use talk::Talk;

/// Between two attempts to reach somebody.
const REDIAL: Duration = Duration::from_secs(10);
/// Between two announces.
const ANNOUNCE: Duration = Duration::from_secs(60);

/// A peer that follows a script. Without one it is an honest seed or leecher, of the plainest kind: it unchokes
/// everybody, and asks for blocks in their order.
///
/// ```
/// use peerless_sim::{Host, Link, Misdeed, ScriptedPeer, Sim, units::*};
///
/// let mut sim = Sim::new(1);
/// let torrent = sim.torrent(mib(1), 64 << 10, &[])?;
/// let liar = ScriptedPeer::seed(&torrent).from(secs(1), Misdeed::Corrupt(500));
/// let liar = sim.add_actor("liar", Link::default(), liar);
/// let seed = sim.add(Host::new("seed").seeds(&torrent));
/// let leecher = sim.add(Host::new("leecher").downloads(&torrent));
/// sim.introduce(leecher, liar);
/// sim.introduce(leecher, seed);
/// sim.run_until(minutes(5), |sim| sim.downloads_left() == 0)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ScriptedPeer {
    torrent: Torrent,
    has: Bitfield,
    features: Features,
    /// It does not ask for what it lacks.
    only_gives: bool,
    script: Vec<Planned>,
    dials: Vec<SocketAddr>,
    tracker: Option<SocketAddr>,
    talks: BTreeMap<End, Talk>,
    announcing: Option<End>,
    /// Connections that it opens, and to whom.
    dialling: BTreeMap<End, SocketAddr>,
    redials: BTreeMap<Instant, Vec<SocketAddr>>,
    /// The script has been followed up to here.
    turned: Duration,
    next_tick: Instant,
    next_announce: Instant,
    /// Blocks of pieces that are not whole.
    parts: BTreeMap<PieceIndex, BTreeSet<u32>>,
    taken: u64,
    given: u64,
}

/// Writing the script.
impl ScriptedPeer {
    /// A peer that has everything.
    pub fn seed(torrent: &Torrent) -> Self {
        let pieces = torrent.metainfo.geometry().num_pieces();
        Self::new(torrent, Bitfield::full(pieces), true)
    }

    /// A peer that has nothing and downloads.
    pub fn leecher(torrent: &Torrent) -> Self {
        let pieces = torrent.metainfo.geometry().num_pieces();
        Self::new(torrent, Bitfield::new(pieces), false)
    }

    /// A peer that has these pieces and wants no others.
    pub fn partial_seed(torrent: &Torrent, pieces: impl IntoIterator<Item = PieceIndex>) -> Self {
        let mut has = Bitfield::new(torrent.metainfo.geometry().num_pieces());
        for piece in pieces {
            has.insert(piece);
        }
        Self::new(torrent, has, true)
    }

    fn new(torrent: &Torrent, has: Bitfield, only_gives: bool) -> Self {
        Self {
            torrent: torrent.clone(),
            has,
            features: Features::OURS,
            only_gives,
            script: Vec::new(),
            dials: Vec::new(),
            tracker: None,
            talks: BTreeMap::new(),
            announcing: None,
            dialling: BTreeMap::new(),
            redials: BTreeMap::new(),
            turned: Duration::ZERO,
            next_tick: Instant::FAR_FUTURE,
            next_announce: Instant::ZERO,
            parts: BTreeMap::new(),
            taken: 0,
            given: 0,
        }
    }

    /// It offers only these extensions.
    #[must_use]
    pub const fn offers(mut self, features: Features) -> Self {
        self.features = features;
        self
    }

    /// It connects to this address when it starts, and again whenever that ends.
    #[must_use]
    pub fn dials(mut self, addr: SocketAddr) -> Self {
        self.dials.push(addr);
        self
    }

    /// It announces itself to the tracker at this address.
    #[must_use]
    pub const fn announces_to(mut self, tracker: SocketAddr) -> Self {
        self.tracker = Some(tracker);
        self
    }

    /// It does this all the time.
    #[must_use]
    pub fn does(self, misdeed: Misdeed) -> Self {
        self.from(Duration::ZERO, misdeed)
    }

    /// It does this from that time of the simulation on.
    #[must_use]
    pub fn from(mut self, time: Duration, misdeed: Misdeed) -> Self {
        self.script.push(Planned { from: time, until: None, misdeed });
        self
    }

    /// It does this between these times of the simulation.
    #[must_use]
    pub fn between(mut self, from: Duration, until: Duration, misdeed: Misdeed) -> Self {
        self.script.push(Planned { from, until: Some(until), misdeed });
        self
    }
}

/// While it runs: see [`Sim::with_actor`](crate::Sim::with_actor).
impl ScriptedPeer {
    /// It does this from now on.
    pub fn begin(&mut self, cx: &mut Cx<'_>, misdeed: Misdeed) {
        self.turned = cx.now.since(Instant::ZERO);
        self.script.push(Planned { from: self.turned, until: None, misdeed });
        self.begins(cx, misdeed);
        self.plan(cx);
    }

    /// It stops doing this.
    pub fn end(&mut self, cx: &mut Cx<'_>, misdeed: Misdeed) {
        self.script.retain(|planned| planned.misdeed != misdeed);
        self.ended(cx);
    }

    /// Pieces that it has.
    pub const fn has(&self) -> &Bitfield {
        &self.has
    }

    /// Bytes of blocks that it has sent.
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// Bytes of blocks that came, right or wrong.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Connections on which both sides have shaken hands.
    pub fn connections(&self) -> usize {
        self.talks.values().filter(|talk| talk.is_open()).count()
    }

    /// What it does wrong at this moment.
    fn active(&self, now: Instant) -> impl Iterator<Item = Misdeed> + '_ {
        let time = now.since(Instant::ZERO);
        let on = move |p: &&Planned| p.from <= time && p.until.is_none_or(|until| time < until);
        self.script.iter().filter(on).map(|planned| planned.misdeed)
    }

    fn does_now(&self, now: Instant, misdeed: Misdeed) -> bool {
        self.active(now).any(|active| active == misdeed)
    }

    /// Whether what it sends leaves slowly.
    fn trickles(&self, now: Instant) -> Option<u32> {
        self.active(now).find_map(|m| if let Misdeed::Trickle(rate) = m { Some(rate) } else { None })
    }

    /// Asks to be woken when something is to be done next.
    fn plan(&mut self, cx: &mut Cx<'_>) {
        let time = cx.now.since(Instant::ZERO);
        let turns = self.script.iter().flat_map(|p| [Some(p.from), p.until]).flatten();
        if let Some(next) = turns.filter(|turn| *turn > time).min() {
            cx.wake_at(Instant::ZERO + next);
        }
        if self.active(cx.now).any(Misdeed::recurs)
            && !(cx.now < self.next_tick && self.next_tick < Instant::FAR_FUTURE)
        {
            self.next_tick = cx.now + TICK;
            cx.wake_at(self.next_tick);
        }
    }
}

/// Connections.
impl ScriptedPeer {
    fn dial(&mut self, cx: &mut Cx<'_>, addr: SocketAddr) {
        let end = cx.connect(addr);
        self.dialling.insert(end, addr);
    }

    fn redial_later(&mut self, cx: &mut Cx<'_>, end: End) {
        if let Some(addr) = self.dialling.remove(&end) {
            let at = cx.now + REDIAL;
            self.redials.entry(at).or_default().push(addr);
            cx.wake_at(at);
        }
    }

    fn announce(&mut self, cx: &mut Cx<'_>) {
        let Some(tracker) = self.tracker.filter(|_| cx.now >= self.next_announce) else { return };
        self.next_announce = cx.now + ANNOUNCE;
        cx.wake_at(self.next_announce);
        self.announcing = Some(cx.connect(tracker));
    }

    fn announce_text(&self, cx: &Cx<'_>) -> String {
        let hash = self.torrent.metainfo.info_hash().wire();
        let hash: String = hash.0.iter().map(|byte| format!("%{byte:02x}")).collect();
        let id = String::from_utf8_lossy(&self.peer_id(cx).0).into_owned();
        let (port, left) = (cx.addr().port(), u32::from(!self.has.is_full()));
        format!("GET /announce?info_hash={hash}&peer_id={id}&port={port}&left={left} HTTP/1.1\r\n\r\n")
    }

    fn peer_id(&self, cx: &Cx<'_>) -> PeerId {
        let mut id = *b"-SC0000-000000000000";
        let number = format!("{:012}", cx.host.get());
        id[8..].copy_from_slice(&number.as_bytes()[..12]);
        PeerId(id)
    }

    fn handshake(&self, cx: &Cx<'_>) -> Handshake {
        let info_hash = self.torrent.metainfo.info_hash().wire();
        Handshake { info_hash, peer_id: self.peer_id(cx), features: self.features }
    }

    /// Sends our handshake, or what a misdeed makes of it.
    fn greet(&mut self, cx: &mut Cx<'_>, end: End) {
        let mut bytes = self.handshake(cx).encode().to_vec();
        let mut sent = bytes.len();
        for misdeed in self.active(cx.now) {
            match misdeed {
                Misdeed::SilentAccept => sent = 0,
                Misdeed::HalfHandshake => sent = sent.min(34),
                Misdeed::WrongProtocol => bytes[1..20].copy_from_slice(b"BitTorment protocol"),
                Misdeed::WrongTorrent => bytes[28..48].fill(0x77),
                _ => {}
            }
        }
        bytes.truncate(sent);
        let slowly = self.trickles(cx.now).is_some();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        talk.stuck |= bytes.len() < 68;
        talk.greeted = true;
        if !bytes.is_empty() {
            let stuck = std::mem::replace(&mut talk.stuck, false);
            talk.send(cx, slowly, bytes.into());
            talk.stuck = stuck;
        }
    }

    /// Says what it has, and what it can do.
    fn introduce(&mut self, cx: &mut Cx<'_>, end: End) {
        let claims_all = self.does_now(cx.now, Misdeed::ClaimAll);
        let wrong = self.does_now(cx.now, Misdeed::WrongBitfield);
        let slowly = self.trickles(cx.now).is_some();
        let pieces = self.torrent.metainfo.geometry().num_pieces();
        let has = if claims_all { Bitfield::full(pieces) } else { self.has.clone() };
        let Some(talk) = self.talks.get_mut(&end) else { return };
        let first = match (talk.features.fast, has.is_full(), has.is_empty()) {
            _ if wrong => Some(Message::Bitfield(Bytes::from(vec![0xff; pieces.div_ceil(8) as usize + 1]))),
            (true, true, _) => Some(Message::HaveAll),
            (true, _, true) => Some(Message::HaveNone),
            (false, _, true) => None,
            _ => Some(Message::Bitfield(has.to_wire())),
        };
        if let Some(first) = first {
            talk.say(cx, slowly, &first);
        }
        if talk.features.extended {
            let hello = ExtensionHandshake { v: Some("Scripted".into()), ..ExtensionHandshake::default() };
            let payload = hello.encode();
            talk.say(cx, slowly, &Message::Extended { id: ExtensionHandshake::ID, payload });
        }
        let active: Vec<Misdeed> = self.active(cx.now).collect();
        for misdeed in active {
            self.once(cx, end, misdeed);
        }
    }

    fn drop_talk(&mut self, cx: &mut Cx<'_>, end: End) {
        self.talks.remove(&end);
        self.redial_later(cx, end);
        self.fetch_everywhere(cx);
    }
}

impl Actor for ScriptedPeer {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.listen(cx.addr().port());
        for addr in self.dials.clone() {
            self.dial(cx, addr);
        }
        self.announce(cx);
        self.plan(cx);
    }

    fn connected(&mut self, cx: &mut Cx<'_>, end: End) {
        if self.announcing == Some(end) {
            let text = self.announce_text(cx);
            return cx.send(end, text);
        }
        self.talks.insert(end, Talk::new(end, self.has.len()));
        self.greet(cx, end);
    }

    fn connect_failed(&mut self, cx: &mut Cx<'_>, end: End, _error: NetError) {
        self.redial_later(cx, end);
    }

    fn accepted(&mut self, cx: &mut Cx<'_>, end: End, _remote: SocketAddr, _port: u16) {
        self.talks.insert(end, Talk::new(end, self.has.len()));
        // An honest one waits for the torrent to be named.
        if self.does_now(cx.now, Misdeed::HalfHandshake) {
            self.greet(cx, end);
        }
    }

    fn received(&mut self, cx: &mut Cx<'_>, end: End, data: Bytes) {
        let features = self.features;
        let Some(talk) = self.talks.get_mut(&end) else { return };
        let data = match &mut talk.decoder {
            Some(_) => data,
            None => match talk.handshake.push(data) {
                Ok(None) => return,
                Ok(Some((theirs, rest))) => {
                    talk.features = features.common(theirs.features);
                    talk.decoder = Some(Decoder::new(talk.theirs.len(), talk.features));
                    if !talk.greeted {
                        self.greet(cx, end);
                    }
                    self.introduce(cx, end);
                    rest
                }
                Err(_) => {
                    cx.close(end);
                    return self.drop_talk(cx, end);
                }
            },
        };
        let decoder = self.talks.get_mut(&end).and_then(|talk| talk.decoder.as_mut());
        decoder.into_iter().for_each(|decoder| decoder.push(data.clone()));
        while let Some(decoder) = self.talks.get_mut(&end).and_then(|talk| talk.decoder.as_mut())
            && let Ok(Some(message)) = decoder.next()
        {
            self.message(cx, end, message);
        }
    }

    fn sent(&mut self, cx: &mut Cx<'_>, end: End, bytes: usize) {
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if talk.left(bytes) && talk.breaking {
            cx.reset(end);
            return self.drop_talk(cx, end);
        }
        self.give(cx, end);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, end: End, _error: Option<NetError>) {
        if self.announcing == Some(end) {
            self.announcing = None;
            return;
        }
        self.drop_talk(cx, end);
    }

    fn woken(&mut self, cx: &mut Cx<'_>) {
        while let Some(due) = self.redials.first_entry()
            && *due.key() <= cx.now
        {
            due.remove().into_iter().for_each(|addr| self.dial(cx, addr));
        }
        self.announce(cx);
        let time = cx.now.since(Instant::ZERO);
        let turned = std::mem::replace(&mut self.turned, time);
        let now = |at: Duration| turned < at && at <= time;
        let begun: Vec<Misdeed> = self.script.iter().filter(|p| now(p.from)).map(|p| p.misdeed).collect();
        for misdeed in begun {
            self.begins(cx, misdeed);
        }
        if self.script.iter().any(|p| p.until.is_some_and(now)) {
            self.ended(cx);
        }
        if self.next_tick <= cx.now {
            self.next_tick = Instant::FAR_FUTURE;
            self.tick(cx);
        }
        self.plan(cx);
    }
}

/// A message has come.
impl ScriptedPeer {
    fn message(&mut self, cx: &mut Cx<'_>, end: End, message: Message) {
        let geometry = self.torrent.metainfo.geometry();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        match message {
            Message::Interested => {
                talk.interested = true;
                self.unchoke(cx, end);
            }
            Message::NotInterested => talk.interested = false,
            Message::Choke => self.choked_us(cx, end),
            Message::Unchoke => {
                talk.choked = false;
                self.fetch(cx, end);
            }
            Message::Have(index) => {
                talk.theirs.insert(PieceIndex::new(index));
                self.fetch(cx, end);
            }
            Message::Bitfield(bits) => {
                if let Some(theirs) = Bitfield::from_wire(geometry.num_pieces(), &bits) {
                    talk.theirs = theirs;
                }
                self.fetch(cx, end);
            }
            Message::HaveAll => {
                talk.theirs = Bitfield::full(geometry.num_pieces());
                self.fetch(cx, end);
            }
            Message::Request(range) => self.requested(cx, end, range),
            Message::Cancel(range) => self.cancelled(cx, end, range),
            Message::Piece { index, begin, data } => self.arrived(cx, end, index, begin, &data),
            Message::Reject(BlockRange { index, begin, len }) => {
                if let Some(block) = geometry.block(index, begin, len) {
                    talk.wanted.remove(&block);
                }
            }
            _ => {}
        }
    }
}
