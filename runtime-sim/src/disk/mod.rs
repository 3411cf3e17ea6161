//! A host's disk: executes the operations of the core on virtual time, and fails as it is told.

mod files;
#[cfg(test)]
mod tests;

use crate::payload::Torrent;
use crate::units::{Rate, mib};
use bytes::Bytes;
use files::Files;
use peerless_core::{
    Allocation, BlockId, DiskError, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, Duration,
    Extent, FileIndex, Instant, PieceIndex, Place, Sha1Hash, Sha1State, Survey, TorrentId,
};
use std::collections::BTreeMap;

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
    busy_until: Instant,
    remainder: u64,
    torrents: BTreeMap<TorrentId, Torrent>,
    files: BTreeMap<(TorrentId, Place), Files>,
    journals: BTreeMap<TorrentId, Vec<u8>>,
    /// Every operation with this verb fails so.
    faults: BTreeMap<&'static str, DiskErrorKind>,
}

impl Disk {
    pub(crate) const fn new(speed: DiskSpeed) -> Self {
        Self {
            speed,
            busy_until: Instant::ZERO,
            remainder: 0,
            torrents: BTreeMap::new(),
            files: BTreeMap::new(),
            journals: BTreeMap::new(),
            faults: BTreeMap::new(),
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
            files.complete(modified(now));
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

    /// Damages a block of the finished torrent: nobody notices before it is read.
    pub fn corrupt(&mut self, id: TorrentId, block: BlockId) {
        if let Some(files) = self.files.get_mut(&(id, Place::Final)) {
            files.corrupt(block);
        }
    }

    /// From now on every operation with this verb ([`DiskTask::verb`]) fails so; `None`: works again.
    pub fn set_fault(&mut self, verb: &'static str, fault: Option<DiskErrorKind>) {
        match fault {
            Some(kind) => self.faults.insert(verb, kind),
            None => self.faults.remove(verb),
        };
    }

    /// Carries out an operation: what comes of it, and when.
    pub(crate) fn begin(&mut self, now: Instant, op: DiskOp) -> (Instant, DiskResult) {
        let cost = self.cost(&op.task);
        self.busy_until = self.busy_until.max(now) + cost;
        let action = op.task.verb();
        let result = match self.faults.get(action) {
            Some(kind) => Err(kind.clone()),
            None => self.run(self.busy_until, op.torrent, op.task),
        };
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
            DiskTask::Sync { .. } | DiskTask::AppendJournal { sync: true, .. } => (0, 0, self.speed.sync),
            DiskTask::StoreJournal { .. } | DiskTask::Publish => (0, 0, self.speed.sync),
            _ => (0, 0, Duration::ZERO),
        };
        let hashing = self.speed.hash.time(hashed, &mut 0);
        self.speed.access + self.speed.rate.time(bytes, &mut self.remainder) + hashing + more
    }

    fn run(&mut self, now: Instant, id: TorrentId, task: DiskTask) -> Result<DiskOutcome, DiskErrorKind> {
        let Some(torrent) = self.torrents.get(&id).cloned() else { return Err(DiskErrorKind::NotFound) };
        Ok(match task {
            DiskTask::Survey { place } => DiskOutcome::Survey(match self.files.get(&(id, place)) {
                Some(files) => Survey::Present(files.stamps().to_vec()),
                None => Survey::Absent,
            }),
            DiskTask::Write { extents, data, hash, allocation } => {
                let files = self.files.entry((id, Place::Part)).or_insert_with(|| Files::new(torrent));
                files.write(&extents, &data, modified(now), allocation != Allocation::None);
                DiskOutcome::Write(hash.map(|state| files.advance(&extents, state)))
            }
            DiskTask::Digest { place, extents, hash } => {
                let files = self.files.get(&(id, place)).ok_or(DiskErrorKind::Short)?;
                files.range(&extents).ok_or(DiskErrorKind::Short)?;
                DiskOutcome::Digest(files.advance(&extents, hash))
            }
            DiskTask::Read { place, extents } => {
                let files = self.files.get(&(id, place)).ok_or(DiskErrorKind::Short)?;
                DiskOutcome::Read(files.read(&extents).ok_or(DiskErrorKind::Short)?)
            }
            DiskTask::Sync { files } => {
                let part = self.files.get(&(id, Place::Part)).ok_or(DiskErrorKind::NotFound)?;
                let stamp = |file: FileIndex| part.stamps().get(file.as_usize()).copied().flatten();
                let stamps: Option<Vec<_>> = files.into_iter().map(stamp).collect();
                DiskOutcome::Sync(stamps.ok_or(DiskErrorKind::NotFound)?)
            }
            DiskTask::LoadJournal { .. } => {
                DiskOutcome::LoadJournal(self.journals.get(&id).map(|j| Bytes::from(j.clone())))
            }
            DiskTask::StoreJournal { data } => {
                self.journals.insert(id, data.to_vec());
                DiskOutcome::StoreJournal
            }
            DiskTask::AppendJournal { data, .. } => {
                self.journals.get_mut(&id).ok_or(DiskErrorKind::NotFound)?.extend_from_slice(&data);
                DiskOutcome::AppendJournal
            }
            DiskTask::Complete => {
                let files = self.files.entry((id, Place::Part)).or_insert_with(|| Files::new(torrent));
                files.complete(modified(now));
                DiskOutcome::Complete
            }
            DiskTask::Publish => {
                if self.files.contains_key(&(id, Place::Final)) {
                    return Err(DiskErrorKind::InTheWay);
                }
                let files = self.files.remove(&(id, Place::Part)).ok_or(DiskErrorKind::NotFound)?;
                self.files.insert((id, Place::Final), files);
                DiskOutcome::Publish
            }
            DiskTask::DeleteJournal => {
                self.journals.remove(&id);
                DiskOutcome::DeleteJournal
            }
        })
    }
}

/// The digests of simulated content. What a swarm spends most of its time on is not done over and over: the
/// digest of a piece that holds the torrent's bytes is known.
impl Files {
    fn holds(&self, piece: PieceIndex) -> bool {
        let geometry = self.torrent().metainfo.geometry();
        self.torrent().payload.cut(geometry.piece_range(piece)).all(|(block, part)| self.is_true(block, part))
    }

    /// `state` after the bytes that stand in these extents.
    fn advance(&self, extents: &[Extent], state: Sha1State) -> Sha1State {
        let Some(range) = self.range(extents) else { return state };
        let geometry = self.torrent().metainfo.geometry();
        let piece = self.torrent().payload.cut(range.clone()).next().map(|(block, _)| block.piece);
        let Some(piece) = piece else { return state };
        let truth = self.torrent().metainfo.piece_hash(piece).unwrap_or(WRONG);
        let in_place = range.start == geometry.piece_start(piece) + state.len();
        let so_far = state.is_empty() || (state.is_known() && state.finish() == truth);
        let good = in_place
            && so_far
            && self.torrent().payload.cut(range.clone()).all(|(block, part)| self.is_true(block, part));
        let digest = if good { truth } else { WRONG };
        Sha1State::known(digest, state.len() + (range.end - range.start))
    }
}

/// What bytes that are not the torrent's hash to.
const WRONG: Sha1Hash = Sha1Hash([0xbb; 20]);

/// What the file system says of a change at this time.
fn modified(now: Instant) -> i64 {
    i64::try_from(now.as_micros().saturating_mul(1_000)).unwrap_or(i64::MAX)
}
