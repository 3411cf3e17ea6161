//! The journal's file.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;

fn load(desk: &mut Desk, limit: u64) -> Result<Option<Bytes>, DiskErrorKind> {
    match desk.run(DiskTask::LoadJournal { limit }) {
        Ok(DiskOutcome::LoadJournal(data)) => Ok(data),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.kind),
    }
}

fn store(data: &'static [u8]) -> DiskTask {
    DiskTask::StoreJournal { data: Bytes::from_static(data) }
}

fn append(data: &'static [u8], sync: bool) -> DiskTask {
    DiskTask::AppendJournal { data: Bytes::from_static(data), sync }
}

#[test]
fn a_journal_is_stored_added_to_replaced_and_deleted() {
    let mut desk = Desk::album();
    assert_eq!(load(&mut desk, 100), Ok(None));
    assert_eq!(desk.run(store(b"head ")), Ok(DiskOutcome::StoreJournal));
    assert_eq!(desk.run(append(b"one ", false)), Ok(DiskOutcome::AppendJournal));
    assert_eq!(desk.run(append(b"two", true)), Ok(DiskOutcome::AppendJournal));
    assert_eq!(load(&mut desk, 12), Ok(Some(Bytes::from_static(b"head one two"))));
    assert_eq!(names(desk.dir.path()), ["album.part.journal"]);
    desk.run(store(b"new ")).unwrap();
    desk.run(append(b"tail", true)).unwrap();
    assert_eq!(load(&mut desk, 100), Ok(Some(Bytes::from_static(b"new tail"))));
    assert_eq!(desk.run(DiskTask::DeleteJournal), Ok(DiskOutcome::DeleteJournal));
    assert_eq!(desk.run(DiskTask::DeleteJournal), Ok(DiskOutcome::DeleteJournal));
    assert_eq!(names(desk.dir.path()), [""; 0]);
    assert_eq!(desk.fails(append(b"x", false)), DiskErrorKind::NotFound);
}

#[test]
fn a_journal_of_an_earlier_session_is_added_to() {
    let mut desk = Desk::single(1);
    fs::write(desk.path(Place::Journal), b"old ").unwrap();
    desk.run(append(b"and new", false)).unwrap();
    assert_eq!(load(&mut desk, 100), Ok(Some(Bytes::from_static(b"old and new"))));
}

#[test]
fn a_journal_that_is_too_large_is_not_read() {
    let mut desk = Desk::single(1);
    fs::write(desk.path(Place::Journal), [1; 101]).unwrap();
    assert_eq!(load(&mut desk, 100), Err(DiskErrorKind::TooLarge));
}

#[test]
fn what_a_crash_left_of_a_new_journal_is_replaced() {
    let mut desk = Desk::single(1);
    fs::write(desk.path(Place::JournalNew), b"half of a much longer rec").unwrap();
    desk.run(store(b"whole")).unwrap();
    assert_eq!(load(&mut desk, 100), Ok(Some(Bytes::from_static(b"whole"))));
    fs::write(desk.path(Place::JournalNew), b"half").unwrap();
    desk.run(DiskTask::DeleteJournal).unwrap();
    assert_eq!(names(desk.dir.path()), [""; 0]);
}

#[test]
fn a_new_journal_that_cannot_be_written_leaves_the_old_one() {
    let mut desk = Desk::single(1);
    desk.run(store(b"old")).unwrap();
    fs::create_dir(desk.path(Place::JournalNew)).unwrap();
    assert_eq!(desk.fails(store(b"new")), DiskErrorKind::InTheWay);
    desk.run(append(b" kept", true)).unwrap();
    assert_eq!(load(&mut desk, 100), Ok(Some(Bytes::from_static(b"old kept"))));
}

#[test]
fn whatever_is_wrong_with_its_directory_the_journal_is_named() {
    for task in
        [store(b"data"), append(b"data", true), DiskTask::DeleteJournal, DiskTask::LoadJournal { limit: 9 }]
    {
        let mut desk = Desk::album();
        fs::remove_dir(desk.dir.path()).unwrap();
        fs::write(desk.dir.path(), b"no directory").unwrap();
        let error = desk.run(task).unwrap_err();
        assert_eq!(error.kind, DiskErrorKind::InTheWay);
        assert_eq!(*error.path, *desk.path(Place::Journal).to_str().unwrap(), "{error}");
        fs::remove_file(desk.dir.path()).unwrap();
    }
}

#[test]
fn a_link_in_the_journals_place_is_never_followed() {
    for place in [Place::Journal, Place::JournalNew] {
        let mut desk = Desk::single(1);
        let precious = desk.dir.path().join("precious");
        fs::write(&precious, b"precious").unwrap();
        symlink(&precious, desk.path(place)).unwrap();
        if place == Place::Journal {
            assert_eq!(load(&mut desk, 100), Err(DiskErrorKind::Symlink));
            assert_eq!(desk.fails(append(b"x", false)), DiskErrorKind::Symlink);
        }
        assert_eq!(desk.fails(store(b"x")), DiskErrorKind::Symlink);
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
    }
}

#[test]
fn half_a_record_is_taken_back_before_the_next_one() {
    let mut desk = Desk::single(1);
    desk.run(store(b"good ")).unwrap();
    // As after an append that failed half-way, and could not be taken back either.
    fs::write(desk.path(Place::Journal), b"good hal").unwrap();
    let torrents = desk.store.torrents.read().unwrap();
    torrents[&TORRENT].journal.lock().unwrap().torn = Some(5);
    drop(torrents);
    desk.run(append(b"whole", false)).unwrap();
    assert_eq!(load(&mut desk, 100), Ok(Some(Bytes::from_static(b"good whole"))));
}

/// What another process would have: a store of its own, with the same target.
fn other(desk: &Desk) -> Desk {
    let store = Store::new(16);
    let target = store.claim(&desk.target).unwrap();
    store.register(TORRENT, &target, Contents { single: true, files: vec![file("", 1)] });
    Desk { dir: tempfile::tempdir().unwrap(), target, store, scratch: Scratch::default() }
}

fn is_taken(error: &DiskErrorKind) -> bool {
    *error == DiskErrorKind::InUse
}

#[test]
fn two_processes_never_download_to_one_target() {
    let mut first = Desk::single(1);
    let mut second = other(&first);
    assert_eq!(load(&mut first, 100), Ok(None));
    assert_eq!(load(&mut second, 100), Ok(None), "nobody has begun");
    first.run(store(b"first ")).unwrap();
    let refused = |second: &mut Desk| {
        is_taken(&load(second, 100).unwrap_err())
            && [store(b"second"), append(b"x", false), DiskTask::DeleteJournal]
                .into_iter()
                .all(|task| is_taken(&second.fails(task)))
    };
    assert!(refused(&mut second));
    first.run(store(b"first again ")).unwrap();
    assert!(refused(&mut second), "the lock was lost with the journal that was replaced");
    first.run(append(b"and more", true)).unwrap();
    assert_eq!(names(first.dir.path()), ["a.iso.part.journal"]);

    // Even while an operation is under way, which still knows the torrent.
    let known = first.store.torrents.read().unwrap()[&TORRENT].clone();
    first.store.unregister(TORRENT);
    assert_eq!(load(&mut second, 100), Ok(Some(Bytes::from_static(b"first again and more"))));
    assert!(is_taken(&load(&mut other(&first), 100).unwrap_err()), "reading did not lock it");
    drop(known);
    second.run(DiskTask::DeleteJournal).unwrap();
    let mut third = other(&first);
    third.run(store(b"third")).unwrap();
    assert!(is_taken(&second.fails(store(b"second"))), "a lock on what is deleted holds nothing");
}

#[test]
fn of_many_that_begin_at_once_one_has_the_target() {
    let desk = Desk::single(1);
    let begin = || {
        let mut desk = other(&desk);
        let had = desk.run(store(b"mine")).is_ok();
        (had, desk)
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
        // Nobody lets go before everybody has tried.
        let all: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        assert_eq!(all.iter().filter(|(had, _)| *had).count(), 1);
    });
}

#[test]
fn an_empty_journal_is_none() {
    let mut desk = Desk::single(1);
    fs::write(desk.path(Place::Journal), b"").unwrap();
    assert_eq!(load(&mut desk, 100), Ok(None));
}
