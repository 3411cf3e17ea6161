//! A host's disk: executes the operations of the core on virtual time, and fails as it is told.

mod blocks;
mod faults;
mod files;
mod run;
#[cfg(test)]
mod tests;
mod unsynced;

use crate::dice::Dice;
use crate::payload::Torrent;
use crate::units::{Rate, mib};
use faults::Faults;
use files::Files;
use peerless_core::{
    DiskError, DiskOp, DiskResult, DiskTask, Duration, Extent, Instant, PieceIndex, Place, TorrentId,
};
use std::collections::BTreeMap;
use unsynced::Unsynced;

/// What a disk costs. One operation runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpeed {
    /// Each operation takes this, whatever it does.
    pub access: Duration,
    /// Reading and writing.
    pub rate: Rate,
    /// Hashing.
    pub hash: Rate,
    /// A sync takes this besides.
    pub sync: Duration,
}

impl Default for DiskSpeed {
    /// A solid-state disk.
    fn default() -> Self {
        Self {
            access: Duration::from_micros(50),
            rate: Rate(mib(1_000)),
            hash: Rate(mib(1_500)),
            sync: Duration::from_millis(2),
        }
    }
}

/// See the module. It stays when its host crashes.
#[derive(Debug)]
pub struct Disk {
    speed: DiskSpeed,
    /// When the operation that was asked for last begins, and when it ends.
    started: Instant,
    busy_until: Instant,
    remainder: u64,
    torrents: BTreeMap<TorrentId, Torrent>,
    files: BTreeMap<(TorrentId, Place), Files>,
    journals: BTreeMap<TorrentId, Vec<u8>>,
    faults: Faults,
    unsynced: Unsynced,
    dice: Dice,
    /// Operations so far.
    operations: u64,
    /// What is there may be something else than what was written and synced.
    damaged: bool,
    /// So many nanoseconds the time of day is ahead.
    ahead: i64,
}

impl Disk {
    pub(crate) fn new(speed: DiskSpeed, dice: Dice) -> Self {
        Self {
            speed,
            started: Instant::ZERO,
            busy_until: Instant::ZERO,
            remainder: 0,
            torrents: BTreeMap::new(),
            files: BTreeMap::new(),
            journals: BTreeMap::new(),
            faults: Faults::default(),
            unsynced: Unsynced::default(),
            dice,
            operations: 0,
            damaged: false,
            ahead: 0,
        }
    }

    /// The engine knows this torrent by that number.
    pub(crate) fn register(&mut self, id: TorrentId, torrent: &Torrent) {
        self.torrents.insert(id, torrent.clone());
    }

    /// Puts the whole content of a torrent at its final place.
    pub(crate) fn fill(&mut self, id: TorrentId, now: Instant) {
        if let Some(torrent) = self.torrents.get(&id) {
            let files = Files::full(torrent.clone(), modified(now));
            self.files.insert((id, Place::Final), files);
        }
    }

    /// Puts some pieces of a torrent at the place of an unfinished download, as if an earlier run had left them.
    pub(crate) fn fill_part(
        &mut self,
        id: TorrentId,
        pieces: impl IntoIterator<Item = PieceIndex>,
        now: Instant,
    ) {
        if let Some(torrent) = self.torrents.get(&id) {
            let files = self.files.entry((id, Place::Part)).or_insert_with(|| Files::new(torrent.clone()));
            pieces.into_iter().for_each(|piece| files.fill(piece));
            files.fill_up(modified(now));
        }
    }

    /// Whether the finished torrent stands there, every byte of it right.
    pub fn is_complete(&self, id: TorrentId) -> bool {
        self.files.get(&(id, Place::Final)).is_some_and(|files| {
            let geometry = files.torrent().metainfo.geometry();
            let sizes = files.torrent().metainfo.layout().files().iter().zip(files.stamps());
            sizes.into_iter().all(|(file, stamp)| file.padding || stamp.is_some_and(|s| s.len == file.length))
                && geometry.pieces().all(|piece| files.holds(piece))
        })
    }

    /// Whether a piece of a torrent stands there as the torrent has it, finished or not: what an engine says it
    /// has must be so.
    pub fn proves(&self, id: TorrentId, piece: PieceIndex) -> bool {
        let holds = |files: &Files| {
            let extents = files.torrent().metainfo.layout().extents(files.geometry().piece_range(piece));
            files.range(&extents).is_some() && files.holds(piece)
        };
        [Place::Part, Place::Final].iter().any(|place| self.files.get(&(id, *place)).is_some_and(holds))
    }

    /// Whether an engine may say that it has a piece. Of a disk that was damaged or lies nothing is expected.
    pub(crate) fn vouches(&self, id: TorrentId, piece: PieceIndex) -> bool {
        self.damaged || self.proves(id, piece)
    }

    /// Everything of a torrent is gone, as if it had never been written.
    #[cfg(test)]
    pub(crate) fn lose(&mut self, id: TorrentId) {
        self.files.retain(|(of, _), _| *of != id);
    }

    /// How many operations it has been asked for so far.
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    pub(crate) const fn started(&self) -> Instant {
        self.started
    }

    /// From now on it costs this. What was asked for before takes as long as it would have.
    pub const fn set_speed(&mut self, speed: DiskSpeed) {
        self.speed = speed;
    }

    /// Files that are changed from now on bear another time.
    pub(crate) const fn set_time_of_day(&mut self, ahead_seconds: i64) {
        self.ahead = ahead_seconds.saturating_mul(1_000_000_000);
    }

    /// What the file system says of a change at this time.
    fn modified(&self, at: Instant) -> i64 {
        modified(at).saturating_add(self.ahead)
    }

    /// Carries out an operation: what comes of it, and when.
    pub(crate) fn begin(&mut self, now: Instant, op: DiskOp) -> (Instant, DiskResult) {
        self.unsynced.settle(now);
        self.operations += 1;
        self.started = self.busy_until.max(now);
        self.busy_until = self.started + self.cost(&op.task);
        let action = op.task.verb();
        let mut result = match self.refuses(&op) {
            Some(kind) => Err(kind),
            None => self.run(self.started..self.busy_until, op.torrent, op.task),
        };
        if self.faults.any {
            result = result.map(|outcome| self.spoil_read(outcome));
        }
        let result = result.map_err(|kind| DiskError { action, path: "simulated disk".into(), kind });
        (self.busy_until, result)
    }

    fn cost(&mut self, task: &DiskTask) -> Duration {
        let bytes = |extents: &[Extent]| extents.iter().filter(|e| !e.padding).map(|e| e.len).sum::<u64>();
        let (bytes, hashed, more) = match task {
            DiskTask::Write { extents, hash, .. } => {
                (bytes(extents), if hash.is_some() { bytes(extents) } else { 0 }, Duration::ZERO)
            }
            DiskTask::Digest { extents, .. } => (bytes(extents), bytes(extents), Duration::ZERO),
            DiskTask::Read { extents, .. } => (bytes(extents), 0, Duration::ZERO),
            DiskTask::Mend { extents, .. } => (bytes(extents), 0, self.speed.sync),
            DiskTask::Sync { .. } | DiskTask::AppendJournal { sync: true, .. } => (0, 0, self.speed.sync),
            DiskTask::StoreJournal { .. } | DiskTask::Publish => (0, 0, self.speed.sync),
            _ => (0, 0, Duration::ZERO),
        };
        let hashing = self.speed.hash.time(hashed, &mut 0);
        self.speed.access + self.speed.rate.time(bytes, &mut self.remainder) + hashing + more
    }
}

/// What a file system says of a change at this time.
fn modified(now: Instant) -> i64 {
    i64::try_from(now.as_micros().saturating_mul(1_000)).unwrap_or(i64::MAX)
}
