//! The strict reader of what an engine says to one peer: every byte, against BEP 3, 6 and 10. Here is how a
//! connection stands; the rules of what may be said on it are in [`said`].

mod said;

use super::Moment;
use super::announce::Dialled;
use super::breach::Breach;
use super::heard::{Bearing, Heard};
use super::proof::Known;
use super::reader::*;
use super::watched::Me;
use crate::disk::Disk;
use peerless_core::wire::{BlockRange, Features};
use peerless_core::{Bitfield, Duration, Instant, PieceIndex};
use std::collections::BTreeMap;

/// How a handshake begins.
const PROTOCOL: &[u8] = b"\x13BitTorrent protocol";
/// The bytes of a handshake that name the torrent.
const NAMED: usize = 48;
/// BEP 3 has keep-alives come every two minutes.
const MOST_SILENCE: Duration = Duration::from_secs(120);

/// What surrounds a connection.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) at: Moment,
    /// The number of the input that the engine was given last.
    pub(super) serial: u64,
    pub(super) me: &'a mut Me,
    pub(super) torrents: &'a mut [Known],
    pub(super) disk: &'a Disk,
}

/// One connection of an engine.
#[derive(Debug)]
pub(super) struct Wire {
    accepted: bool,
    open: bool,
    /// Enough was said about it.
    ignored: bool,
    /// Until it has said its first word to whom it dialled: it may be a tracker.
    dialled: Option<Box<Dialled>>,
    /// Which of the host's torrents it is about.
    torrent: Option<usize>,
    heard: Heard,
    reader: Reader,
    features: Option<Features>,
    /// It has sent a message.
    introduced: bool,
    /// Pieces that it has said it has.
    told: Bitfield,
    choking: bool,
    choked_at: Instant,
    interested: bool,
    requests: BTreeMap<BlockRange, Request>,
    /// How many of them are neither answered nor cancelled.
    outstanding: usize,
    /// By the host's clock.
    last_sent: Instant,
    /// Since then both have shaken hands, by the host's clock.
    since: Option<Instant>,
    /// Bytes of payload that came last, and with which input.
    latest: (u64, u64),
}

/// Requests for one range.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    outstanding: bool,
    /// Cancelled ones, whose answers may still come.
    cancelled: u32,
}

impl Wire {
    /// A connection that the engine has accepted, or opens.
    pub(super) fn new(clock: Instant, dialled: Option<Dialled>) -> Self {
        let accepted = dialled.is_none();
        Self {
            accepted,
            open: accepted,
            ignored: false,
            dialled: dialled.map(Box::new),
            torrent: None,
            heard: Heard::new(),
            reader: Reader::new(),
            features: None,
            introduced: false,
            told: Bitfield::new(0),
            choking: true,
            choked_at: Instant::ZERO,
            interested: false,
            requests: BTreeMap::new(),
            outstanding: 0,
            last_sent: clock,
            since: None,
            latest: (0, 0),
        }
    }

    /// What the engine begins to say is no handshake: it does not talk to a peer.
    pub(super) fn asks_tracker(&mut self, data: &[u8]) -> Option<Dialled> {
        if !self.open || self.ignored || data.first().is_none_or(|byte| *byte == PROTOCOL[0]) {
            return None;
        }
        self.dialled.take().map(|dialled| *dialled)
    }

    /// Whether it has been with a peer of this torrent for so long.
    pub(super) fn has_been(&self, torrent: usize, clock: Instant, time: Duration) -> bool {
        self.torrent == Some(torrent) && self.since.is_some_and(|since| clock.since(since) >= time)
    }

    /// The payload that came with this input, and for which torrent: an engine that closes the connection now may not
    /// have read it.
    pub(super) fn unread(&self, serial: u64) -> Option<(usize, u64)> {
        self.torrent.filter(|_| self.latest.0 == serial).map(|torrent| (torrent, self.latest.1))
    }

    /// A connection that the engine opened is open.
    pub(super) const fn connected(&mut self, clock: Instant) {
        self.open = true;
        self.last_sent = clock;
    }

    /// The host slept, and could say nothing; or its clock says so.
    pub(super) const fn slept(&mut self, clock: Instant) {
        self.last_sent = clock;
    }

    /// Nothing more of it is judged.
    pub(super) const fn ignore(&mut self) {
        self.ignored = true;
    }

    /// The engine has lost a piece of one of its torrents.
    pub(super) fn lost(&mut self, torrent: usize, piece: PieceIndex) {
        if self.torrent == Some(torrent) {
            self.told.remove(piece);
        }
    }

    /// What both sides offered, once both have.
    fn agreed(&self) -> Option<Features> {
        Some(self.features?.common(self.heard.features?))
    }

    /// The engine reads bytes.
    pub(super) fn received(&mut self, around: &mut Around<'_>, mut data: &[u8]) -> Result<(), Breach> {
        if self.ignored || self.heard.broken {
            return Ok(());
        }
        self.check_silence(around.at.clock)?;
        while !self.heard.broken
            && let Some(read) = self.heard.reader.next(&mut data)
        {
            match read {
                Read::Handshake(handshake) => self.hear_handshake(around, &handshake),
                Read::KeepAlive => {}
                Read::Broken { .. } => self.heard.broken = true,
                Read::Message(head) => self.hear(around, &head),
            }
        }
        Ok(())
    }

    fn hear_handshake(&mut self, around: &Around<'_>, handshake: &[u8; 68]) {
        let named = around.torrents.iter().position(|t| handshake[28..NAMED] == t.hash);
        if !handshake.starts_with(PROTOCOL)
            || named.is_none()
            || self.torrent.is_some_and(|t| Some(t) != named)
        {
            self.heard.broken = true;
            return;
        }
        self.torrent = named;
        self.heard.features = Some(features(handshake));
        self.greeted(around.at.clock);
        if let Some(known) = named.and_then(|n| around.torrents.get(n)) {
            self.heard.has = Bitfield::new(known.geometry.num_pieces());
        }
    }

    /// One of both has shaken hands.
    fn greeted(&mut self, clock: Instant) {
        self.since = self.agreed().map(|_| clock);
    }

    fn hear(&mut self, around: &mut Around<'_>, head: &Head) {
        let (at, serial) = (around.at, around.serial);
        let Some(known) = self.torrent.and_then(|n| around.torrents.get_mut(n)) else { return };
        // What an accepted connection says right behind its handshake is read before ours has left.
        let ours = self.features.unwrap_or(Features::OURS);
        let agreed = ours.common(self.heard.features.unwrap_or_default());
        match self.heard.message(at.now, serial, head, known.geometry, agreed) {
            Bearing::None => {}
            Bearing::Answered(range) => {
                let before = if self.latest.0 == serial { self.latest.1 } else { 0 };
                self.latest = (serial, before + u64::from(range.len));
                known.tally.came(serial, u64::from(range.len));
                self.answered(range, false);
            }
            Bearing::Rejected(range) => self.answered(range, true),
            Bearing::AllDropped => {
                self.requests.clear();
                self.outstanding = 0;
            }
        }
    }

    /// A request is over. Where one was cancelled and made again, a block counts for the later one and a reject for
    /// the earlier, as they do for the engine.
    fn answered(&mut self, range: BlockRange, rejected: bool) {
        let Some(request) = self.requests.get_mut(&range) else { return };
        if request.outstanding && !(rejected && request.cancelled > 0) {
            request.outstanding = false;
            self.outstanding -= 1;
        } else {
            request.cancelled = request.cancelled.saturating_sub(1);
        }
        if !request.outstanding && request.cancelled == 0 {
            self.requests.remove(&range);
        }
    }

    /// The engine sends bytes.
    pub(super) fn sent(&mut self, around: &mut Around<'_>, data: &[u8]) -> Result<(), Breach> {
        if self.ignored {
            return Ok(());
        }
        if !self.open {
            return Err(Breach::NoConnection(data.len()));
        }
        self.dialled = None;
        if self.accepted && self.heard.reader.greeting() < NAMED {
            return Err(Breach::HandshakeTooEarly);
        }
        self.check_silence(around.at.clock)?;
        self.last_sent = around.at.clock;
        let mut rest = data;
        while let Some(read) = self.reader.next(&mut rest) {
            match read {
                Read::Handshake(handshake) => self.say_handshake(around, &handshake)?,
                Read::KeepAlive => {}
                Read::Broken { id, len } => return Err(Breach::Length { id, len }),
                Read::Message(head) => self.say(around, &head)?,
            }
        }
        Ok(())
    }

    /// Both sides have shaken hands, and the engine owes a sign of life.
    fn check_silence(&self, clock: Instant) -> Result<(), Breach> {
        let silent = clock.since(self.last_sent);
        if self.agreed().is_some() && silent > MOST_SILENCE {
            return Err(Breach::Silent(silent));
        }
        Ok(())
    }

    fn say_handshake(&mut self, around: &mut Around<'_>, handshake: &[u8; 68]) -> Result<(), Breach> {
        let named = around.torrents.iter().position(|t| handshake[28..NAMED] == t.hash);
        if !handshake.starts_with(PROTOCOL)
            || named.is_none()
            || self.torrent.is_some_and(|t| Some(t) != named)
        {
            return Err(Breach::Handshake);
        }
        let mut peer_id = [0; 20];
        peer_id.copy_from_slice(&handshake[NAMED..]);
        if *around.me.peer_id.get_or_insert(peer_id) != peer_id {
            return Err(Breach::PeerId);
        }
        self.torrent = named;
        self.features = Some(features(handshake));
        self.greeted(around.at.clock);
        if let Some(known) = named.and_then(|n| around.torrents.get(n)) {
            self.told = Bitfield::new(known.geometry.num_pieces());
        }
        Ok(())
    }
}

/// The extensions that a handshake offers.
fn features(handshake: &[u8; 68]) -> Features {
    let mut reserved = [0; 8];
    reserved.copy_from_slice(&handshake[20..28]);
    Features::from_reserved(reserved)
}
