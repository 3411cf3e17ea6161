//! The store on real directories: every operation, and what stands in its way.

mod claim;
mod finish;
mod journal;
mod resident;
mod survey;
mod together;
mod transfer;

use super::{Contents, Scratch, Store, StoredFile, goes_together};
use bytes::Bytes;
use peerless_core::{
    Allocation, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, Extent, FileIndex, PieceDigest,
    Place, Sha1State, Survey, TorrentId,
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TORRENT: TorrentId = TorrentId(7);

/// A store with one torrent in a temporary directory.
struct Desk {
    dir: TempDir,
    target: PathBuf,
    store: Store,
    scratch: Scratch,
}

impl Desk {
    /// A torrent of one file.
    fn single(length: u64) -> Self {
        Self::new("a.iso", Contents { single: true, files: vec![file("", length)] })
    }

    /// A torrent of several files.
    fn multi(files: Vec<StoredFile>) -> Self {
        Self::new("album", Contents { single: false, files })
    }

    /// Three files in two directories, with padding between the first two: 10 + 6 + 20 + 0 bytes.
    fn album() -> Self {
        let padding = StoredFile { padding: true, ..file(".pad/6", 6) };
        Self::multi(vec![file("one", 10), padding, file("in/side/two", 20), file("in/empty", 0)])
    }

    fn new(name: &str, contents: Contents) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(16);
        let target = store.claim(&dir.path().join(name)).unwrap();
        store.register(TORRENT, &target, contents);
        Self { dir, target, store, scratch: Scratch::default() }
    }

    fn run(&mut self, task: DiskTask) -> DiskResult {
        self.run_op(DiskOp { torrent: TORRENT, task })
    }

    fn run_op(&mut self, op: DiskOp) -> DiskResult {
        self.store.execute(op, &mut self.scratch)
    }

    fn fails(&mut self, task: DiskTask) -> DiskErrorKind {
        self.run(task).unwrap_err().kind
    }

    fn path(&self, place: Place) -> PathBuf {
        let mut path = self.target.clone().into_os_string();
        path.push(place.suffix());
        path.into()
    }

    fn survey(&mut self, place: Place) -> Survey {
        match self.run(DiskTask::Survey { place }) {
            Ok(DiskOutcome::Survey(survey)) => survey,
            other => panic!("{other:?}"),
        }
    }
}

fn file(path: &str, length: u64) -> StoredFile {
    let path = path.split('/').filter(|e| !e.is_empty()).map(Into::into).collect();
    StoredFile { path, length, padding: false }
}

fn extent(file: u32, offset: u64, len: u64) -> Extent {
    Extent { file: FileIndex(file), offset, len, padding: false }
}

fn padding(file: u32, len: u64) -> Extent {
    Extent { padding: true, ..extent(file, 0, len) }
}

fn write(extents: &[Extent], data: &[&'static [u8]]) -> DiskTask {
    DiskTask::Write {
        extents: extents.to_vec(),
        data: data.iter().map(|d| Bytes::from_static(d)).collect(),
        hash: None,
        allocation: Allocation::Sparse,
    }
}

fn read(place: Place, extents: &[Extent]) -> DiskTask {
    DiskTask::Read { place, extents: extents.to_vec() }
}

/// What a read brought.
fn bytes(result: DiskResult) -> Bytes {
    match result {
        Ok(DiskOutcome::Read { data, .. }) => data,
        other => panic!("nothing was read: {other:?}"),
    }
}

fn state_of(data: &[u8]) -> Sha1State {
    let mut state = Sha1State::new();
    state.update(data);
    state
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_extents_of_a_torrent_fit_its_files() {
    let path = |p: &str| p.split('/').map(str::to_owned).collect();
    let files =
        vec![(path("one"), 30_000), (path("in/side/two"), 1), (path("in/empty"), 0), (path("three"), 9_999)];
    let torrent = peerless_core::metainfo::Builder::directory("album", files, 16_384).pieces([0; 60]).build();
    let metainfo = peerless_core::Metainfo::parse(&torrent.unwrap()).unwrap();
    let mut desk = Desk::new("album", Contents::of(&metainfo));
    let data: Bytes = (0..40_000u32).map(|n| (n % 249) as u8).collect();
    for piece in metainfo.geometry().pieces() {
        let range = metainfo.geometry().piece_range(piece);
        let bytes = data.slice(range.start as usize..range.end as usize);
        let extents = metainfo.layout().extents(range);
        let (hash, allocation) = (None, Allocation::Sparse);
        desk.run(DiskTask::Write { extents, data: vec![bytes], hash, allocation }).unwrap();
    }
    desk.run(DiskTask::FillUp).unwrap();
    desk.run(DiskTask::Publish).unwrap();
    let got = desk.run(read(Place::Final, &metainfo.layout().extents(0..40_000)));
    assert_eq!(bytes(got), data);
    assert_eq!(std::fs::metadata(desk.target.join("in/side/two")).unwrap().len(), 1);
}
