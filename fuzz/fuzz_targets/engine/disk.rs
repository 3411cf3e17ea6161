//! A disk in memory that fails as it is told, and that may lose in a crash what was not synced.

use crate::torrents::Torrent;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use peerless_core::{
    DiskError, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, Extent, FileIndex, FileStamp,
    PieceIndex, Place, Survey,
};
use std::collections::BTreeMap;

/// How an operation fails.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NoSpace,
    Denied,
    TooManyFiles,
    NotFound,
    /// After half of it was done, where it can be done by halves.
    Halfway,
}

/// What was there before the first torrent was added.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// An unfinished download without a journal, of which these pieces are right.
    Part(u32),
    /// At the target, with these pieces right.
    Target(u32),
    WholeTarget,
}

/// What becomes of a file in a crash.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing is lost.
    Nothing,
    /// All that was not synced.
    Unsynced,
    /// Of what was not synced, every other page.
    Pages,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Contents {
    data: Vec<u8>,
    modified: i64,
}

#[derive(Clone, Debug, Default)]
struct File {
    now: Contents,
    /// What survives a crash.
    synced: Option<Contents>,
}

type Files = Vec<Option<File>>;

pub(crate) struct Disk {
    torrent: &'static Torrent,
    places: BTreeMap<Place, Files>,
    journal: Option<Vec<u8>>,
    /// Bytes of the journal that survive a crash.
    journal_synced: usize,
    /// Counts changes, for the files' times.
    clock: i64,
}

impl Disk {
    pub(crate) fn new(torrent: &'static Torrent, before: Before) -> Self {
        let mut disk = Self { torrent, places: BTreeMap::new(), journal: None, journal_synced: 0, clock: 0 };
        match before {
            Before::Nothing => {}
            Before::Part(right) => disk.fill(Place::Part, right),
            Before::Target(right) => disk.fill(Place::Final, right),
            Before::WholeTarget => disk.fill(Place::Final, u32::MAX),
        }
        disk
    }

    fn fill(&mut self, place: Place, right: u32) {
        let piece_length = self.torrent.meta.geometry().piece_length() as usize;
        let mut data = self.torrent.data.clone();
        for (n, piece) in
            data.chunks_mut(piece_length).enumerate().filter(|(n, _)| right & 1 << (n % 32) == 0)
        {
            piece[n % piece.len()] ^= 1;
        }
        let file = |entry: &peerless_core::metainfo::FileEntry| {
            let data = data[entry.offset as usize..][..entry.length as usize].to_vec();
            let now = Contents { data, modified: 0 };
            (!entry.padding).then(|| File { synced: Some(now.clone()), now })
        };
        self.places.insert(place, self.torrent.meta.layout().files().iter().map(file).collect());
    }

    /// Whether the finished download stands there, every byte of it right.
    pub(crate) fn is_complete(&self) -> bool {
        let Some(files) = self.places.get(&Place::Final) else { return false };
        self.torrent.meta.layout().files().iter().zip(files).all(|(entry, file)| {
            let data = &self.torrent.data[entry.offset as usize..][..entry.length as usize];
            entry.padding || file.as_ref().is_some_and(|file| file.now.data == data)
        })
    }

    /// Whether a piece stands there as the torrent has it.
    pub(crate) fn holds(&self, piece: PieceIndex) -> bool {
        let range = self.torrent.meta.geometry().piece_range(piece);
        let extents = self.torrent.meta.layout().extents(range.clone());
        let data = &self.torrent.data[range.start as usize..range.end as usize];
        [Place::Part, Place::Final]
            .iter()
            .any(|place| self.read(*place, &extents).is_some_and(|read| read == data))
    }

    /// The power is gone, and back. `journal`: how much of its unsynced end is lost, of 255.
    pub(crate) fn crash(&mut self, losses: &[Loss], journal: u8) {
        let mut losses = losses.iter().copied().chain(std::iter::repeat(Loss::Unsynced));
        for files in self.places.values_mut() {
            for file in files.iter_mut() {
                let loss = losses.next().expect("they never end");
                *file = file.take().and_then(|file| file.after(loss));
            }
        }
        self.places.retain(|_, files| files.iter().any(Option::is_some));
        if let Some(data) = &mut self.journal {
            let unsynced = data.len() - self.journal_synced;
            data.truncate(data.len() - unsynced * usize::from(journal) / 255);
            self.journal_synced = data.len();
        }
    }

    pub(crate) fn run(&mut self, op: DiskOp, fault: Option<Fault>) -> DiskResult {
        self.clock += 1;
        let action = op.task.verb();
        let result = match fault {
            None => self.perform(op.task),
            Some(fault) => Err(self.fail(op.task, fault)),
        };
        result.map_err(|kind| DiskError { action, path: "disk".into(), kind })
    }

    fn fail(&mut self, task: DiskTask, fault: Fault) -> DiskErrorKind {
        match fault {
            Fault::NoSpace => DiskErrorKind::NoSpace,
            Fault::Denied => DiskErrorKind::Denied,
            Fault::TooManyFiles => DiskErrorKind::TooManyFiles,
            Fault::NotFound => DiskErrorKind::NotFound,
            Fault::Halfway => {
                match task {
                    DiskTask::Write { extents, data, .. } => {
                        let data = data.concat();
                        self.write(Place::Part, &extents, &data[..data.len() / 2]);
                    }
                    DiskTask::Mend { extents, data, .. } => {
                        let data = data.concat();
                        self.write(Place::Final, &extents, &data[..data.len() / 2]);
                    }
                    DiskTask::AppendJournal { data, .. } => {
                        self.journal.get_or_insert_default().extend_from_slice(&data[..data.len() / 2]);
                    }
                    // The rename was done, the sync of its directory failed.
                    DiskTask::Publish | DiskTask::DeleteJournal | DiskTask::FillUp => {
                        drop(self.perform(task))
                    }
                    _ => {}
                }
                DiskErrorKind::Other { code: 5, text: "input/output error".into() }
            }
        }
    }

    fn perform(&mut self, task: DiskTask) -> Result<DiskOutcome, DiskErrorKind> {
        Ok(match task {
            DiskTask::Survey { place } => DiskOutcome::Survey(match self.places.get(&place) {
                None => Survey::Absent,
                Some(files) => Survey::Present(files.iter().map(|f| Some(stamp(f.as_ref()?))).collect()),
            }),
            DiskTask::Write { extents, data, mut hash, .. } => {
                let data = data.concat();
                self.write(Place::Part, &extents, &data);
                hash.iter_mut().for_each(|hash| hash.update(&data));
                DiskOutcome::Write(hash)
            }
            DiskTask::Digest { place, extents, mut hash } => {
                hash.update(&self.read(place, &extents).ok_or(DiskErrorKind::Short)?);
                DiskOutcome::Digest(hash)
            }
            DiskTask::Read { place, extents } => {
                let data = self.read(place, &extents).ok_or(DiskErrorKind::Short)?.into();
                DiskOutcome::Read { data, stamps: self.stamps(place, &extents) }
            }
            DiskTask::Mend { extents, data, mut hash } => {
                let data = data.concat();
                self.write(Place::Final, &extents, &data);
                for extent in extents.iter().filter(|extent| !extent.padding) {
                    let file = self.files(Place::Final)[extent.file.0 as usize].get_or_insert_default();
                    file.synced = Some(file.now.clone());
                }
                hash.iter_mut().for_each(|hash| hash.update(&data));
                DiskOutcome::Mend { hash, stamps: self.stamps(Place::Final, &extents) }
            }
            DiskTask::Sync { files } => {
                let part = self.places.get_mut(&Place::Part).ok_or(DiskErrorKind::NotFound)?;
                let mut sync = |file: FileIndex| {
                    let file = part[file.0 as usize].as_mut().ok_or(DiskErrorKind::NotFound)?;
                    file.synced = Some(file.now.clone());
                    Ok(stamp(file))
                };
                DiskOutcome::Sync(files.into_iter().map(&mut sync).collect::<Result<_, _>>()?)
            }
            DiskTask::LoadJournal { .. } => DiskOutcome::LoadJournal(self.journal.clone().map(Into::into)),
            DiskTask::StoreJournal { data } => {
                self.journal_synced = data.len();
                self.journal = Some(data.to_vec());
                DiskOutcome::StoreJournal
            }
            DiskTask::AppendJournal { data, sync } => {
                let journal = self.journal.as_mut().ok_or(DiskErrorKind::NotFound)?;
                journal.extend_from_slice(&data);
                if sync {
                    self.journal_synced = journal.len();
                }
                DiskOutcome::AppendJournal
            }
            DiskTask::FillUp => {
                let entries = self.torrent.meta.layout().files();
                for (n, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.padding) {
                    let clock = self.clock;
                    let file = self.files(Place::Part)[n].get_or_insert_default();
                    if file.now.data.len() < entry.length as usize {
                        file.now.data.resize(entry.length as usize, 0);
                        file.now.modified = clock;
                    }
                }
                DiskOutcome::FillUp
            }
            DiskTask::Publish => {
                if self.places.contains_key(&Place::Final) {
                    return Err(DiskErrorKind::InTheWay);
                }
                let files = self.places.remove(&Place::Part).ok_or(DiskErrorKind::NotFound)?;
                self.places.insert(Place::Final, files);
                DiskOutcome::Publish
            }
            DiskTask::DeleteJournal => {
                self.journal = None;
                self.journal_synced = 0;
                DiskOutcome::DeleteJournal
            }
        })
    }

    fn files(&mut self, place: Place) -> &mut Files {
        let count = self.torrent.meta.layout().files().len();
        self.places.entry(place).or_insert_with(|| vec![None; count])
    }

    fn stamps(&self, place: Place, extents: &[Extent]) -> Vec<FileStamp> {
        let file = |extent: &Extent| self.places.get(&place)?[extent.file.0 as usize].as_ref();
        let none = FileStamp { len: 0, modified: 0 };
        extents.iter().map(|extent| file(extent).map_or(none, stamp)).collect()
    }

    fn write(&mut self, place: Place, extents: &[Extent], mut data: &[u8]) {
        let clock = self.clock;
        for extent in extents {
            let (now, rest) = data.split_at(data.len().min(extent.len as usize));
            data = rest;
            if extent.padding || now.is_empty() {
                continue;
            }
            let entry = &self.torrent.meta.layout().files()[extent.file.0 as usize];
            let (at, end) = (extent.offset as usize, extent.offset as usize + now.len());
            assert!(end <= entry.length as usize, "a write beyond the end of a file");
            let file = self.files(place)[extent.file.0 as usize].get_or_insert_default();
            if file.now.data.len() < end {
                file.now.data.resize(end, 0);
            }
            file.now.data[at..end].copy_from_slice(now);
            file.now.modified = clock;
        }
    }

    fn read(&self, place: Place, extents: &[Extent]) -> Option<Vec<u8>> {
        let files = self.places.get(&place)?;
        let mut out = Vec::new();
        for extent in extents {
            if extent.padding {
                out.resize(out.len() + extent.len as usize, 0);
                continue;
            }
            let file = files[extent.file.0 as usize].as_ref()?;
            let range = extent.offset as usize..(extent.offset + extent.len) as usize;
            out.extend_from_slice(file.now.data.get(range)?);
        }
        Some(out)
    }
}

impl File {
    fn after(self, loss: Loss) -> Option<Self> {
        const PAGE: usize = 4_096;
        let now = match (loss, self.synced) {
            (Loss::Nothing, _) => self.now,
            (Loss::Unsynced, synced) => synced?,
            (Loss::Pages, None) => Contents { data: vec![0; self.now.data.len()], ..self.now },
            (Loss::Pages, Some(synced)) => {
                let mut mixed = self.now;
                for (n, page) in mixed.data.chunks_mut(PAGE).enumerate().step_by(2) {
                    let old = synced.data.get(n * PAGE..).unwrap_or_default();
                    let known = old.len().min(page.len());
                    page[..known].copy_from_slice(&old[..known]);
                    page[known..].fill(0);
                }
                mixed
            }
        };
        Some(Self { synced: Some(now.clone()), now })
    }
}

fn stamp(file: &File) -> FileStamp {
    FileStamp { len: file.now.data.len() as u64, modified: file.now.modified }
}
