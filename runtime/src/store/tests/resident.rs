//! What is read without waiting for a disk, and what is left to a worker.

use super::*;
use crate::store::pool::UNDER_WAY;
use crate::store::resident::Wait;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whoever is alone is so in the whole process: these tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn resident(desk: &Desk, task: DiskTask) -> Option<DiskResult> {
    desk.store.read_resident(&DiskOp { torrent: TORRENT, task }).map(Ok)
}

/// A torrent of one file of ten bytes that a worker has read.
fn known() -> Desk {
    let mut desk = Desk::single(10);
    desk.run(write(&[extent(0, 0, 10)], &[b"0123456789"])).unwrap();
    desk.run(read(Place::Part, &[extent(0, 0, 10)])).unwrap();
    desk
}

/// Whether the file system can say that it would wait. Few cannot, but a test may run on one.
fn can_tell(path: &Path) -> bool {
    Wait::of(File::open(path).unwrap().as_fd()) != Wait::Possible
}

#[test]
fn what_was_just_written_is_read_at_once_as_a_worker_reads_it() {
    let _turn = turn();
    let mut desk = known();
    let task = || read(Place::Part, &[extent(0, 3, 4), padding(1, 2), extent(0, 8, 2)]);
    let expected = desk.run(task());
    assert_eq!(resident(&desk, task()), can_tell(&desk.path(Place::Part)).then_some(expected));
}

#[test]
fn files_are_opened_by_workers_only() {
    let _turn = turn();
    let mut desk = Desk::single(10);
    std::fs::write(desk.path(Place::Final), b"0123456789").unwrap();
    let task = || read(Place::Final, &[extent(0, 0, 10)]);
    assert_eq!(resident(&desk, task()), None);
    desk.run(task()).unwrap();
    assert_eq!(resident(&desk, task()).is_some(), can_tell(&desk.path(Place::Final)));
    desk.store.pool.forget(|_| true);
    assert_eq!(resident(&desk, task()), None);
}

#[test]
fn failures_are_left_to_a_worker() {
    let desk = known();
    File::options().write(true).open(desk.path(Place::Part)).unwrap().set_len(5).unwrap();
    assert_eq!(resident(&desk, read(Place::Part, &[extent(0, 4, 2)])), None, "half of it is there");
    assert_eq!(resident(&desk, read(Place::Part, &[extent(0, 7, 2)])), None);
    assert_eq!(resident(&desk, DiskTask::Survey { place: Place::Part }), None, "that is no read");
    desk.store.unregister(TORRENT);
    assert_eq!(resident(&desk, read(Place::Part, &[extent(0, 0, 2)])), None);
}

#[test]
fn who_lacks_descriptors_is_not_waited_for() {
    let _turn = turn();
    let desk = known();
    let alone = UNDER_WAY.write().unwrap_or_else(PoisonError::into_inner);
    let refused = resident(&desk, read(Place::Part, &[extent(0, 0, 2)]));
    drop(alone);
    assert_eq!(refused, None);
}

#[test]
fn what_cannot_say_whether_it_waits_may_wait() {
    let (ours, _theirs) = std::io::pipe().unwrap();
    assert_eq!(Wait::of(ours.as_fd()), Wait::Possible);
}

#[cfg(target_os = "linux")]
#[test]
fn files_in_memory_never_wait() {
    let Ok(file) = tempfile::tempfile_in("/dev/shm") else { return };
    assert_eq!(Wait::of(file.as_fd()), Wait::Never);
}
