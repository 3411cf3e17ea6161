//! Scripted peers: they speak the peer protocol as a seed or a leecher, and break any rule of it at the times that
//! a script says.

mod fetch;
mod give;
mod greet;
mod mischief;
mod misdeed;
mod reach;
mod react;
mod talk;
#[cfg(test)]
mod tests;

pub use misdeed::Misdeed;

use crate::actor::Cx;
use crate::net::End;
use crate::payload::Torrent;
use misdeed::{Planned, TICK};
use peerless_core::wire::Features;
use peerless_core::{Bitfield, Duration, Instant, PieceIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use talk::Talk;

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
    /// Misdeeds that others have felt.
    done: Vec<Misdeed>,
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
            done: Vec::new(),
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

    /// Misdeeds of its script that have come to be felt by somebody, each once, in that order.
    pub fn done(&self) -> &[Misdeed] {
        &self.done
    }

    /// Keeps in mind that a misdeed is felt.
    fn did(&mut self, misdeed: Misdeed) {
        if !self.done.contains(&misdeed) {
            self.done.push(misdeed);
        }
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
