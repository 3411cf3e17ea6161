//! A disk in memory that executes disk operations, and fails when it is told to.

use crate::disk::*;
use crate::ids::{FileIndex, TorrentId};
use crate::metainfo::Metainfo;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// The files of one torrent at one place.
type Files = Vec<Option<Vec<u8>>>;

#[derive(Default)]
pub(super) struct Disk {
    metas: BTreeMap<TorrentId, Arc<Metainfo>>,
    pub(super) files: BTreeMap<(TorrentId, Place), Files>,
    pub(super) journals: BTreeMap<TorrentId, Vec<u8>>,
    /// Files written to and not synced since.
    pub(super) unsynced: BTreeSet<FileIndex>,
    /// What every operation did, by name, in order.
    pub(super) log: Vec<&'static str>,
    /// What the file system says of the time of every change, but for writes.
    pub(super) modified: i64,
    /// By how much writes have made each file younger than that.
    written: BTreeMap<FileIndex, i64>,
    /// Operations of these names fail with this.
    pub(super) fails: BTreeMap<&'static str, DiskErrorKind>,
    /// So many more writes have room.
    pub(super) room: Option<usize>,
}

impl Disk {
    pub(super) fn register(&mut self, torrent: TorrentId, meta: &Arc<Metainfo>) {
        self.metas.insert(torrent, meta.clone());
    }

    /// Puts the whole data of a torrent somewhere.
    pub(super) fn fill(&mut self, torrent: TorrentId, place: Place, data: &[u8]) {
        let files = self.metas[&torrent].layout().files().iter();
        let cut = |f: &crate::metainfo::FileEntry| data[f.offset as usize..][..f.length as usize].to_vec();
        self.files.insert((torrent, place), files.map(|f| (!f.padding).then(|| cut(f))).collect());
    }

    pub(super) fn contents(&self, torrent: TorrentId, place: Place) -> Option<Vec<u8>> {
        let meta = &self.metas[&torrent];
        let files = self.files.get(&(torrent, place))?;
        let mut out = Vec::new();
        for (entry, file) in meta.layout().files().iter().zip(files) {
            match file {
                Some(bytes) => out.extend_from_slice(bytes),
                None => out.resize(out.len() + entry.length as usize, 0),
            }
        }
        Some(out)
    }

    pub(super) fn run(&mut self, op: DiskOp) -> DiskResult {
        let verb = op.task.verb();
        self.log.push(verb);
        if let Some(kind) = self.fails.get(verb) {
            return Err(DiskError { action: verb, path: Box::from("disk"), kind: kind.clone() });
        }
        if let (DiskTask::Write { .. }, Some(room)) = (&op.task, &mut self.room) {
            let kind = DiskErrorKind::NoSpace;
            *room = room.checked_sub(1).ok_or_else(|| DiskError {
                action: verb,
                path: Box::from("disk"),
                kind,
            })?;
        }
        let torrent = op.torrent;
        let short = DiskError { action: verb, path: Box::from("disk"), kind: DiskErrorKind::Short };
        Ok(match op.task {
            DiskTask::Survey { place } => DiskOutcome::Survey(match self.files.get(&(torrent, place)) {
                Some(files) => Survey::Present(self.stamps(files)),
                None => Survey::Absent,
            }),
            DiskTask::Write { extents, data, hash, .. } => {
                let bytes: Vec<u8> = data.concat();
                self.part(torrent);
                self.write(torrent, Place::Part, &extents, &bytes);
                DiskOutcome::Write(hash.map(|mut h| {
                    h.update(&bytes);
                    h
                }))
            }
            DiskTask::Digest { place, extents, mut hash } => {
                hash.update(&self.read(torrent, place, &extents).ok_or(short)?);
                DiskOutcome::Digest(hash)
            }
            DiskTask::Read { place, extents } => {
                let data = Bytes::from(self.read(torrent, place, &extents).ok_or(short)?);
                DiskOutcome::Read { data, stamps: self.stamps_of(torrent, place, &extents) }
            }
            DiskTask::Mend { extents, data, mut hash } => {
                let bytes = data.concat();
                self.lengthen(torrent, &extents);
                self.write(torrent, Place::Final, &extents, &bytes);
                extents.iter().for_each(|e| {
                    self.unsynced.remove(&e.file);
                });
                hash.iter_mut().for_each(|hash| hash.update(&bytes));
                DiskOutcome::Mend { hash, stamps: self.stamps_of(torrent, Place::Final, &extents) }
            }
            DiskTask::Sync { files } => {
                files.iter().for_each(|f| {
                    self.unsynced.remove(f);
                });
                let stamps = self.stamps(&self.files[&(torrent, Place::Part)]);
                DiskOutcome::Sync(files.iter().map(|f| stamps[f.as_usize()].unwrap()).collect())
            }
            DiskTask::LoadJournal { .. } => {
                DiskOutcome::LoadJournal(self.journals.get(&torrent).map(|j| Bytes::from(j.clone())))
            }
            DiskTask::StoreJournal { data } => {
                assert!(self.unsynced.is_empty(), "recorded before it was synced");
                self.journals.insert(torrent, data.to_vec());
                DiskOutcome::StoreJournal
            }
            DiskTask::AppendJournal { data, .. } => {
                self.journals
                    .get_mut(&torrent)
                    .expect("the journal was stored first")
                    .extend_from_slice(&data);
                DiskOutcome::AppendJournal
            }
            DiskTask::FillUp => {
                let entries: Vec<_> =
                    self.metas[&torrent].layout().files().iter().map(|f| (f.padding, f.length)).collect();
                let part = self.part(torrent);
                for (file, (padding, length)) in part.iter_mut().zip(entries) {
                    if !padding {
                        file.get_or_insert_default().resize(length as usize, 0);
                    }
                }
                DiskOutcome::FillUp
            }
            DiskTask::Publish => {
                assert!(self.unsynced.is_empty(), "published before it was synced");
                let files =
                    self.files.remove(&(torrent, Place::Part)).expect("there is something to publish");
                assert!(!self.files.contains_key(&(torrent, Place::Final)), "something was in the way");
                self.files.insert((torrent, Place::Final), files);
                DiskOutcome::Publish
            }
            DiskTask::DeleteJournal => {
                self.journals.remove(&torrent);
                DiskOutcome::DeleteJournal
            }
        })
    }

    fn stamps(&self, files: &Files) -> Vec<Option<FileStamp>> {
        let stamp = |(file, data): (FileIndex, &Option<Vec<u8>>)| {
            let len = data.as_ref()?.len() as u64;
            Some(FileStamp { len, modified: self.modified + self.written.get(&file).unwrap_or(&0) })
        };
        (0..).map(FileIndex).zip(files).map(stamp).collect()
    }

    fn stamps_of(&self, torrent: TorrentId, place: Place, extents: &[Extent]) -> Vec<FileStamp> {
        let stamps = self.stamps(&self.files[&(torrent, place)]);
        let padding = FileStamp { len: 0, modified: 0 };
        extents.iter().map(|e| stamps[e.file.as_usize()].unwrap_or(padding)).collect()
    }

    /// A file that is mended has its full length again.
    fn lengthen(&mut self, torrent: TorrentId, extents: &[Extent]) {
        let files = self.files.get_mut(&(torrent, Place::Final)).expect("there is something to mend");
        for file in extents.iter().filter(|e| !e.padding).map(|e| e.file.as_usize()) {
            let length = self.metas[&torrent].layout().files()[file].length;
            files[file].as_mut().expect("the file is there").resize(length as usize, 0);
        }
    }

    fn part(&mut self, torrent: TorrentId) -> &mut Files {
        let count = self.metas[&torrent].layout().files().len();
        self.files.entry((torrent, Place::Part)).or_insert_with(|| vec![None; count])
    }

    fn write(&mut self, torrent: TorrentId, place: Place, extents: &[Extent], mut bytes: &[u8]) {
        assert_eq!(extents.iter().map(|e| e.len).sum::<u64>(), bytes.len() as u64);
        for extent in extents {
            let (now, rest) = bytes.split_at(extent.len as usize);
            bytes = rest;
            if extent.padding {
                continue;
            }
            self.unsynced.insert(extent.file);
            *self.written.entry(extent.file).or_default() += 1;
            let files = self.files.get_mut(&(torrent, place)).expect("there is something to write to");
            let file = files[extent.file.as_usize()].get_or_insert_default();
            let end = (extent.offset + extent.len) as usize;
            if file.len() < end {
                file.resize(end, 0);
            }
            file[extent.offset as usize..end].copy_from_slice(now);
        }
    }

    fn read(&self, torrent: TorrentId, place: Place, extents: &[Extent]) -> Option<Vec<u8>> {
        let files = self.files.get(&(torrent, place))?;
        let mut out = Vec::new();
        for extent in extents {
            if extent.padding {
                out.resize(out.len() + extent.len as usize, 0);
                continue;
            }
            let file = files[extent.file.as_usize()].as_ref()?;
            out.extend_from_slice(file.get(extent.offset as usize..(extent.offset + extent.len) as usize)?);
        }
        Some(out)
    }
}
