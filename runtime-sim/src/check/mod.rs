//! What every simulation must hold, looked at while it runs: what engines say to peers and trackers, and what they are.

mod announce;
mod breach;
mod heard;
mod invariants;
mod proof;
mod reader;
#[cfg(test)]
mod tests;
mod watched;
mod wire;

pub use announce::AnnounceBreach;
pub use breach::{Breach, Violation};

use crate::disk::Disk;
use crate::net::HostId;
use crate::payload::Torrent;
use peerless_core::{Config, ConnId, DiskOp, DiskTask, Engine, Event, Input, Instant, TorrentId};
use proof::Known;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use watched::Watched;

/// What is looked at while a simulation runs.
///
/// The default is everything that costs little. A benchmark that measures engines turns it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Every byte that engines send to peers and trackers, against BEP 3, 6, 7, 10 and 31, and every `have` against the
    /// disk.
    pub wire: bool,
    /// The numbers that [`Config`](peerless_core::Config) limits, after every input.
    pub limits: bool,
    /// The whole of an engine, after every so many of its inputs; 0 is never. It costs as much as there are peers
    /// and open pieces.
    pub state_every: u32,
    /// What happens when a rule is broken.
    pub on_violation: OnViolation,
}

/// See [`Checks::on_violation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnViolation {
    /// The run ends with a panic that tells it.
    Panic,
    /// The run goes on, and the violation is kept for [`Sim::violations`](crate::Sim::violations). The connection
    /// that it happened on is not judged any more.
    Keep,
}

impl Default for Checks {
    fn default() -> Self {
        Self { wire: true, limits: true, state_every: 1_000, on_violation: OnViolation::Panic }
    }
}

impl Checks {
    /// Nothing is looked at.
    pub const NONE: Self =
        Self { wire: false, limits: false, state_every: 0, on_violation: OnViolation::Panic };

    /// Everything, after every input.
    pub const ALL: Self = Self { wire: true, limits: true, state_every: 1, on_violation: OnViolation::Panic };

    /// Violations are kept, see [`OnViolation::Keep`].
    #[must_use]
    pub const fn keep(self) -> Self {
        Self { on_violation: OnViolation::Keep, ..self }
    }
}

/// A moment on a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// When it is.
    pub(crate) now: Instant,
    /// What the host's clock says: what an engine owes in time, it owes by this.
    pub(crate) clock: Instant,
}

/// Looks at all hosts of a simulation.
#[derive(Debug)]
pub(crate) struct Watch {
    checks: Checks,
    seed: u64,
    hosts: Vec<Watched>,
    kept: Vec<Violation>,
}

/// A write to pieces of a host's torrent.
#[derive(Debug)]
pub(crate) struct Write {
    torrent: usize,
    pieces: RangeInclusive<u32>,
}

impl Watch {
    pub(crate) fn new(seed: u64) -> Self {
        Self { checks: Checks::default(), seed, hosts: Vec::new(), kept: Vec::new() }
    }

    pub(crate) const fn set(&mut self, checks: Checks) {
        self.checks = checks;
    }

    /// What was violated and kept.
    pub(crate) fn violations(&self) -> &[Violation] {
        &self.kept
    }

    /// A host was started with these torrents, and listens at this port: nothing of an earlier life counts.
    pub(crate) fn started<'a>(
        &mut self,
        host: HostId,
        name: &str,
        port: u16,
        torrents: impl Iterator<Item = &'a Torrent>,
    ) {
        let torrents = (0..).zip(torrents).map(|(n, torrent)| Known::new(TorrentId(n), torrent)).collect();
        if self.hosts.len() <= host.index() {
            self.hosts.resize_with(host.index() + 1, Watched::default);
        }
        self.hosts[host.index()] = Watched::new(name, port, torrents);
    }

    /// A host that slept is awake again, or its clock has jumped.
    pub(crate) fn woke(&mut self, clock: Instant, host: HostId) {
        if let Some(watched) = self.hosts.get_mut(host.index()) {
            watched.slept(clock);
        }
    }

    /// The engine opens a connection.
    pub(crate) fn opens(&mut self, clock: Instant, host: HostId, conn: ConnId, remote: SocketAddr) {
        if let Some(watched) = self.hosts.get_mut(host.index()).filter(|_| self.checks.wire) {
            watched.opens(clock, conn, remote);
        }
    }

    /// The engine closes a connection.
    pub(crate) fn closes(&mut self, clock: Instant, host: HostId, conn: ConnId) {
        if let Some(watched) = self.hosts.get_mut(host.index()) {
            watched.closes(clock, conn);
        }
    }

    /// The engine is about to be given an input.
    pub(crate) fn input(&mut self, at: Moment, host: HostId, disk: &Disk, input: &Input) {
        let Some(watched) = self.hosts.get_mut(host.index()).filter(|_| self.checks.wire) else { return };
        match input {
            Input::Accepted { conn, .. } => watched.accepted(at.clock, *conn),
            Input::Connected { conn, .. } => watched.connected(at.clock, *conn),
            Input::ConnectFailed { conn, .. } | Input::Closed { conn, .. } => watched.closed(at.clock, *conn),
            Input::Received { conn, data } => {
                let result = watched.received(at, *conn, disk, data);
                self.judge(at.now, host, Some(*conn), result.err());
            }
            _ => {}
        }
    }

    /// The engine sends bytes.
    pub(crate) fn sends(&mut self, at: Moment, host: HostId, conn: ConnId, disk: &Disk, data: &[u8]) {
        let Some(watched) = self.hosts.get_mut(host.index()).filter(|_| self.checks.wire) else { return };
        let result = watched.sends(at, conn, disk, data);
        self.judge(at.now, host, Some(conn), result.err());
    }

    /// Which pieces the engine writes to with a disk operation.
    pub(crate) fn write(&self, host: HostId, op: &DiskOp) -> Option<Write> {
        let (DiskTask::Write { extents, .. } | DiskTask::Mend { extents, .. }) = &op.task else {
            return None;
        };
        let torrent = op.torrent.0 as usize;
        let watched = self.hosts.get(host.index()).filter(|_| self.checks.wire)?;
        Some(Write { torrent, pieces: watched.torrents.get(torrent)?.touched(extents)? })
    }

    /// Such a write returns at `at`.
    pub(crate) fn writes(&mut self, host: HostId, write: Write, at: Instant) {
        let watched = self.hosts.get_mut(host.index());
        if let Some(known) = watched.and_then(|w| w.torrents.get_mut(write.torrent)) {
            known.writes(write.pieces, at);
        }
    }

    /// The engine tells the application something.
    pub(crate) fn tells(&mut self, host: HostId, event: &Event) {
        if let Some(watched) = self.hosts.get_mut(host.index()).filter(|_| self.checks.wire) {
            watched.tells(event);
        }
    }

    /// The engine was given an input, and what it asked for is done.
    pub(crate) fn settled(&mut self, at: Moment, host: HostId, engine: &Engine, config: &Config) {
        let checks = self.checks;
        let Some(watched) = self.hosts.get_mut(host.index()) else { return };
        watched.serial += 1;
        let limits = if checks.limits { invariants::limits(engine, config) } else { None };
        let due = checks.state_every > 0 && watched.serial.is_multiple_of(u64::from(checks.state_every));
        let breach = limits.or_else(|| due.then(|| invariants::state(at.clock, engine, config)).flatten());
        self.judge(at.now, host, None, breach);
    }

    fn judge(&mut self, at: Instant, host: HostId, conn: Option<ConnId>, breach: Option<Breach>) {
        let Some(breach) = breach else { return };
        let Some(watched) = self.hosts.get_mut(host.index()) else { return };
        let violation = Violation { seed: self.seed, at, host: watched.name.clone(), conn, breach };
        assert!(self.checks.on_violation == OnViolation::Keep, "{violation}");
        if let Some(conn) = conn {
            watched.ignore(conn);
        }
        self.kept.push(violation);
    }
}
