//! With 32 descriptors, files beyond number. Alone in its process, which has the limit.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use bytes::Bytes;
use peerless_core::{Allocation, DiskOp, DiskOutcome, DiskTask, Extent, FileIndex, Place, TorrentId};
use peerless_runtime::{Contents, Scratch, Share, Store, StoredFile};
use rustix::process::{Resource, Rlimit, setrlimit};

const FILES: u32 = 300;
const TORRENT: TorrentId = TorrentId(0);

fn extent(n: u32) -> Extent {
    Extent { file: FileIndex(n), offset: 0, len: 4, padding: false }
}

fn fill_and_read_back(store: &Store, first: u32, step: usize) {
    let mut scratch = Scratch::default();
    let mut run = |task| store.execute(DiskOp { torrent: TORRENT, task }, &mut scratch).unwrap();
    for n in (first..FILES).step_by(step) {
        let data = vec![Bytes::from_static(b"data")];
        let allocation = Allocation::Sparse;
        run(DiskTask::Write { extents: vec![extent(n)], data, hash: None, allocation });
    }
    run(DiskTask::Sync { files: (first..FILES).step_by(step * 5).map(FileIndex).collect() });
    for n in (first..FILES).step_by(step) {
        let read = run(DiskTask::Read { place: Place::Part, extents: vec![extent(n)] });
        assert!(matches!(read, DiskOutcome::Read { data, .. } if data == b"data"[..]));
    }
}

fn store(max_open: usize, dir: &tempfile::TempDir) -> Store {
    let path = |n: u32| vec!["a".into(), "b".into(), format!("{}", n % 30).into(), format!("{n}").into()];
    let files = (0..FILES).map(|n| StoredFile { path: path(n), length: 4, padding: false }).collect();
    let store = Store::new(max_open);
    let target = store.claim(&dir.path().join("many")).unwrap();
    store.register(TORRENT, &target, Contents { single: false, files });
    store
}

#[test]
fn a_download_of_many_files_needs_few_descriptors() {
    setrlimit(Resource::Nofile, Rlimit { current: Some(32), maximum: Some(32) }).unwrap();
    let session = Share::claim();
    let share = session.descriptors();
    assert!(share.files + share.sockets <= 16, "{share:?}");
    let dir = tempfile::tempdir().unwrap();
    let within_budget = store(share.files, &dir);
    std::thread::scope(|scope| {
        for first in 0..4 {
            let store = &within_budget;
            scope.spawn(move || fill_and_read_back(store, first, 4));
        }
    });
    drop(within_budget);
    // A pool that does not know of the limit runs into it, closes what is idle, and goes on.
    let dir = tempfile::tempdir().unwrap();
    fill_and_read_back(&store(1_000, &dir), 0, 1);
}
