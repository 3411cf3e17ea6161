//! A host that is looked at: its torrents, and its connections with peers and trackers.

use super::Moment;
use super::announce::{AnnounceBreach, Asking, Dialled, Early};
use super::breach::Breach;
use super::proof::Known;
use super::wire::{Around, Wire};
use crate::disk::Disk;
use crate::map::Map;
use peerless_core::{ConnId, Duration, Event, Instant};
use std::net::SocketAddr;

/// Peers that have been there for [`LONG`]: whoever has so many needs no more.
const MANY_PEERS: usize = 30;
/// See [`MANY_PEERS`].
const LONG: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) name: String,
    /// Inputs that its engine was given.
    pub(super) serial: u64,
    me: Me,
    pub(super) torrents: Vec<Known>,
    lines: Map<ConnId, Line>,
}

/// As what an engine is known to others.
#[derive(Debug, Default)]
pub(super) struct Me {
    /// Where it listens.
    pub(super) port: u16,
    /// From its first word on.
    pub(super) peer_id: Option<[u8; 20]>,
}

/// A connection of an engine. One that it opens is taken for one with a peer until it says something else.
#[derive(Debug)]
enum Line {
    Peer(Box<Wire>),
    Tracker(Box<Asking>),
}

impl Watched {
    pub(super) fn new(name: &str, port: u16, torrents: Vec<Known>) -> Self {
        Self { name: name.to_owned(), me: Me { port, peer_id: None }, torrents, ..Self::default() }
    }

    /// The host slept, or its clock says so.
    pub(super) fn slept(&mut self, clock: Instant) {
        for line in self.lines.values_mut() {
            if let Line::Peer(wire) = line {
                wire.slept(clock);
            }
        }
    }

    pub(super) fn opens(&mut self, clock: Instant, conn: ConnId, remote: SocketAddr) {
        let counts = self.torrents.iter().map(|known| known.tally.counts(self.serial)).collect();
        let wire = Wire::new(clock, Some(Dialled { remote, serial: self.serial, counts }));
        self.lines.insert(conn, Line::Peer(Box::new(wire)));
    }

    pub(super) fn accepted(&mut self, clock: Instant, conn: ConnId) {
        self.lines.insert(conn, Line::Peer(Box::new(Wire::new(clock, None))));
    }

    pub(super) fn connected(&mut self, clock: Instant, conn: ConnId) {
        if let Some(Line::Peer(wire)) = self.lines.get_mut(&conn) {
            wire.connected(clock);
        }
    }

    /// The engine closes a connection.
    pub(super) fn closes(&mut self, clock: Instant, conn: ConnId) {
        match self.lines.remove(&conn) {
            Some(Line::Peer(wire)) => {
                if let Some((torrent, bytes)) = wire.unread(self.serial)
                    && let Some(known) = self.torrents.get_mut(torrent)
                {
                    known.tally.doubt(bytes);
                }
            }
            Some(Line::Tracker(asking)) => asking.ended(clock, self.serial, &mut self.torrents, false),
            None => {}
        }
    }

    /// The other side has closed a connection, or it could not be opened.
    pub(super) fn closed(&mut self, clock: Instant, conn: ConnId) {
        if let Some(Line::Tracker(asking)) = self.lines.remove(&conn) {
            asking.ended(clock, self.serial, &mut self.torrents, true);
        }
    }

    /// The engine reads bytes.
    pub(super) fn received(
        &mut self,
        at: Moment,
        conn: ConnId,
        disk: &Disk,
        data: &[u8],
    ) -> Result<(), Breach> {
        let Self { serial, me, torrents, lines, .. } = self;
        match lines.get_mut(&conn) {
            Some(Line::Peer(wire)) => {
                wire.received(&mut Around { at, serial: *serial, me, torrents, disk }, data)
            }
            Some(Line::Tracker(asking)) => {
                asking.received(data);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The engine sends bytes.
    pub(super) fn sends(&mut self, at: Moment, conn: ConnId, disk: &Disk, data: &[u8]) -> Result<(), Breach> {
        let Self { serial, me, torrents, lines, .. } = self;
        let line = lines.get_mut(&conn).ok_or(Breach::NoConnection(data.len()))?;
        let mut around = Around { at, serial: *serial, me, torrents, disk };
        if let Line::Peer(wire) = line {
            let Some(dialled) = wire.asks_tracker(data) else { return wire.sent(&mut around, data) };
            *line = Line::Tracker(Box::new(Asking::new(dialled)));
        }
        let Line::Tracker(asking) = line else { return Ok(()) };
        match asking.sent(&mut around, data)? {
            Some(early) => self.check_need(at.clock, early),
            None => Ok(()),
        }
    }

    /// A tracker is asked before its time only by those who need peers.
    fn check_need(&self, clock: Instant, early: Early) -> Result<(), Breach> {
        let has = |line: &&Line| matches!(line, Line::Peer(w) if w.has_been(early.torrent, clock, LONG));
        match self.lines.values().filter(has).count() {
            peers @ MANY_PEERS.. => Err(AnnounceBreach::NeedsNoPeers { left: early.by, peers }.into()),
            _ => Ok(()),
        }
    }

    /// The engine tells the application something. A piece that it lost and has again it may announce again.
    pub(super) fn tells(&mut self, event: &Event) {
        let torrent = match event {
            Event::PieceVerified { torrent, .. }
            | Event::PieceLost { torrent, .. }
            | Event::Completed { torrent }
            | Event::Stopped { torrent } => torrent.0 as usize,
            _ => return,
        };
        if let Some(known) = self.torrents.get_mut(torrent) {
            known.tells(event);
        }
        if let Event::PieceLost { piece, .. } = event {
            for line in self.lines.values_mut() {
                if let Line::Peer(wire) = line {
                    wire.lost(torrent, *piece);
                }
            }
        }
    }

    /// Nothing more of a connection is judged, and what it does not count is not seen any more.
    pub(super) fn ignore(&mut self, conn: ConnId) {
        match self.lines.get_mut(&conn) {
            Some(Line::Peer(wire)) => {
                wire.ignore();
                self.torrents.iter_mut().for_each(|known| known.tally.blind = true);
            }
            Some(Line::Tracker(asking)) => asking.ignored = true,
            None => {}
        }
    }
}
