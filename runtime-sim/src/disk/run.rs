//! What each operation does to what stands on the disk.

use super::Disk;
use super::files::Files;
use super::unsynced::Change;
use bytes::Bytes;
use peerless_core::{
    Allocation, DiskErrorKind, DiskOutcome, DiskTask, Extent, FileIndex, FileStamp, Instant, PieceDigest,
    PieceIndex, Place, Sha1Hash, Sha1State, Survey, TorrentId, sha1,
};
use std::ops::Range;

impl Disk {
    /// Carries out a task that takes from the start to the end of `when`.
    pub(super) fn run(
        &mut self,
        when: Range<Instant>,
        id: TorrentId,
        task: DiskTask,
    ) -> Result<DiskOutcome, DiskErrorKind> {
        match task {
            DiskTask::Survey { place } => Ok(DiskOutcome::Survey(match self.files.get(&(id, place)) {
                Some(files) => Survey::Present(files.stamps().to_vec()),
                None => Survey::Absent,
            })),
            DiskTask::Write { .. } => self.write(when, id, task),
            DiskTask::Digest { place, extents, hash } => {
                let files = self.files.get(&(id, place)).ok_or(DiskErrorKind::Short)?;
                files.range(&extents).ok_or(DiskErrorKind::Short)?;
                let whole = files.advance(&extents, hash.whole());
                let blocks = || PieceDigest::known(whole, files.block_digests(&extents));
                Ok(DiskOutcome::Digest(if hash.wants_blocks() { blocks() } else { whole.into() }))
            }
            DiskTask::Read { place, extents } => {
                let files = self.files.get(&(id, place)).ok_or(DiskErrorKind::Short)?;
                let data = files.read(&extents).ok_or(DiskErrorKind::Short)?;
                Ok(DiskOutcome::Read { data, stamps: known(files.stamps_of(&extents)) })
            }
            DiskTask::Mend { extents, data, hash } => self.mend(when, id, &extents, &data, hash),
            DiskTask::Sync { files } => self.sync(when, id, files),
            DiskTask::FillUp => {
                let modified = self.modified(when.end);
                let replaced = self.part(id)?.fill_up(modified);
                self.note(when, id, Change::Files(replaced));
                Ok(DiskOutcome::FillUp)
            }
            DiskTask::Publish => self.publish(when, id),
            _ => self.run_journal(when, id, task),
        }
    }

    fn write(
        &mut self,
        when: Range<Instant>,
        id: TorrentId,
        task: DiskTask,
    ) -> Result<DiskOutcome, DiskErrorKind> {
        let DiskTask::Write { extents, data, hash, allocation } = task else {
            return Err(DiskErrorKind::NotFound);
        };
        let modified = self.modified(when.end);
        let files = self.part(id)?;
        let replaced = files.write(&extents, &data, modified, allocation);
        let state = hash.map(|state| files.advance(&extents, state));
        self.note(when, id, Change::Files(replaced));
        if self.faults.any {
            self.spoil_write(id, &extents);
        }
        Ok(DiskOutcome::Write(state))
    }

    fn mend(
        &mut self,
        when: Range<Instant>,
        id: TorrentId,
        extents: &[Extent],
        data: &[Bytes],
        hash: Option<Sha1State>,
    ) -> Result<DiskOutcome, DiskErrorKind> {
        let modified = self.modified(when.end);
        let files = self.files.get_mut(&(id, Place::Final)).ok_or(DiskErrorKind::NotFound)?;
        if extents.iter().zip(files.stamps_of(extents)).any(|(e, stamp)| !e.padding && stamp.is_none()) {
            return Err(DiskErrorKind::NotFound);
        }
        let replaced = files.write(extents, data, modified, Allocation::Sparse);
        let hash = hash.map(|state| files.advance(extents, state));
        let stamps = known(files.stamps_of(extents));
        self.note(when.clone(), id, Change::Files(replaced));
        if self.faults.any {
            self.spoil_write(id, extents);
        }
        if !self.faults.sync_lies {
            let files = extents.iter().filter(|e| !e.padding).map(|e| e.file).collect();
            self.note(when, id, Change::Synced(files));
        }
        Ok(DiskOutcome::Mend { hash, stamps })
    }

    fn sync(
        &mut self,
        when: Range<Instant>,
        id: TorrentId,
        files: Vec<FileIndex>,
    ) -> Result<DiskOutcome, DiskErrorKind> {
        let part = self.files.get(&(id, Place::Part)).ok_or(DiskErrorKind::NotFound)?;
        let stamp = |file: &FileIndex| part.stamps().get(file.as_usize()).copied().flatten();
        let stamps: Option<Vec<_>> = files.iter().map(stamp).collect();
        let stamps = stamps.ok_or(DiskErrorKind::NotFound)?;
        if !self.faults.sync_lies {
            self.note(when, id, Change::Synced(files));
        }
        Ok(DiskOutcome::Sync(stamps))
    }

    fn publish(&mut self, when: Range<Instant>, id: TorrentId) -> Result<DiskOutcome, DiskErrorKind> {
        if self.files.contains_key(&(id, Place::Final)) {
            return Err(DiskErrorKind::InTheWay);
        }
        let files = self.files.remove(&(id, Place::Part)).ok_or(DiskErrorKind::NotFound)?;
        self.files.insert((id, Place::Final), files);
        self.note(when, id, Change::Published { synced: true });
        Ok(DiskOutcome::Publish)
    }

    fn run_journal(
        &mut self,
        when: Range<Instant>,
        id: TorrentId,
        task: DiskTask,
    ) -> Result<DiskOutcome, DiskErrorKind> {
        Ok(match task {
            DiskTask::StoreJournal { data } => {
                let before = self.journals.insert(id, data.to_vec());
                self.note(when, id, Change::Journal { before, synced: true });
                DiskOutcome::StoreJournal
            }
            DiskTask::AppendJournal { data, sync } => {
                let journal = self.journals.get_mut(&id).ok_or(DiskErrorKind::NotFound)?;
                let from = journal.len();
                journal.extend_from_slice(&data);
                self.note(when, id, Change::Grown { from, to: from + data.len(), synced: sync });
                DiskOutcome::AppendJournal
            }
            DiskTask::DeleteJournal => {
                if let Some(before) = self.journals.remove(&id) {
                    self.note(when, id, Change::Journal { before: Some(before), synced: false });
                }
                DiskOutcome::DeleteJournal
            }
            _ => DiskOutcome::LoadJournal(self.journals.get(&id).map(|j| Bytes::from(j.clone()))),
        })
    }

    fn note(&mut self, when: Range<Instant>, id: TorrentId, change: Change) {
        self.unsynced.push(id, when.start, when.end, change);
    }

    /// The files of an unfinished download, made if need be.
    pub(super) fn part(&mut self, id: TorrentId) -> Result<&mut Files, DiskErrorKind> {
        let torrent = self.torrents.get(&id).ok_or(DiskErrorKind::NotFound)?;
        Ok(self.files.entry((id, Place::Part)).or_insert_with(|| Files::new(torrent.clone())))
    }
}

/// Padding has a stamp like another.
fn known(stamps: Vec<Option<FileStamp>>) -> Vec<FileStamp> {
    stamps.into_iter().map(|stamp| stamp.unwrap_or(FileStamp { len: 0, modified: 0 })).collect()
}

/// The digests of simulated content. What a swarm spends most of its time on is not done over and over: the
/// digest of a piece that holds the torrent's bytes is known.
impl Files {
    pub(super) fn holds(&self, piece: PieceIndex) -> bool {
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

    /// The digests of the blocks that stand in these extents, each by itself.
    fn block_digests(&self, extents: &[Extent]) -> Vec<Sha1Hash> {
        let range = self.range(extents).unwrap_or_default();
        self.torrent().payload.cut(range).map(|(block, part)| sha1(&self.block(block).slice(part))).collect()
    }
}

/// What bytes that are not the torrent's hash to.
pub(super) const WRONG: Sha1Hash = Sha1Hash([0xbb; 20]);
