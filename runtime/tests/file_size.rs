//! A disk that stops in the middle of a write, by the limit on the size of files. Alone in its process,
//! which has the limit.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use bytes::Bytes;
use peerless_core::{
    Allocation, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, Extent, FileIndex, TorrentId,
};
use peerless_runtime::{Contents, Scratch, Store, StoredFile};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const TORRENT: TorrentId = TorrentId(0);

fn limit_files_to(bytes: u64) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: Some(bytes), maximum }).unwrap();
}

fn append(data: &'static [u8]) -> DiskTask {
    DiskTask::AppendJournal { data: Bytes::from_static(data), sync: true }
}

#[test]
fn what_is_cut_off_leaves_no_half_record() {
    // Instead of the signal that would end the process the write fails.
    let caught = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::clone(&caught)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(8);
    let target = store.claim(&dir.path().join("file")).unwrap();
    let files = vec![StoredFile { path: Vec::new(), length: 1_000, padding: false }];
    store.register(TORRENT, &target, Contents { single: true, files });
    let mut scratch = Scratch::default();
    let mut run = |task| -> DiskResult { store.execute(DiskOp { torrent: TORRENT, task }, &mut scratch) };
    run(DiskTask::StoreJournal { data: Bytes::from_static(b"head.") }).unwrap();
    run(append(b"first.")).unwrap();

    limit_files_to(16);
    let error = run(append(b"a record of which five bytes fit")).unwrap_err();
    assert_eq!(error.kind, DiskErrorKind::TooLarge);
    assert_eq!(std::fs::read(dir.path().join("file.part.journal")).unwrap(), b"head.first.");
    let new = DiskTask::StoreJournal { data: Bytes::from_static(b"a new journal that is longer still") };
    assert_eq!(run(new).unwrap_err().kind, DiskErrorKind::TooLarge);
    let data = vec![Bytes::from_static(&[7; 100])];
    let extents = vec![Extent { file: FileIndex(0), offset: 0, len: 100, padding: false }];
    let write = DiskTask::Write { extents, data, hash: None, allocation: Allocation::None };
    assert_eq!(run(write.clone()).unwrap_err().kind, DiskErrorKind::TooLarge);

    limit_files_to(1 << 20);
    run(append(b"second.")).unwrap();
    let journal = run(DiskTask::LoadJournal { limit: 100 });
    assert_eq!(journal, Ok(DiskOutcome::LoadJournal(Some(Bytes::from_static(b"head.first.second.")))));
    assert_eq!(run(write), Ok(DiskOutcome::Write(None)));
    assert!(caught.load(std::sync::atomic::Ordering::SeqCst));
}
