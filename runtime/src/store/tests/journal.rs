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
fn a_link_in_the_journals_place_is_never_followed() {
    for place in [Place::Journal, Place::JournalNew] {
        let mut desk = Desk::single(1);
        let precious = desk.dir.path().join("precious");
        fs::write(&precious, b"precious").unwrap();
        symlink(&precious, desk.path(place)).unwrap();
        if place == Place::Journal {
            assert_eq!(load(&mut desk, 100), Err(DiskErrorKind::Symlink));
            assert_eq!(desk.fails(append(b"x", false)), DiskErrorKind::Symlink);
            desk.run(store(b"x")).unwrap();
        } else {
            assert_eq!(desk.fails(store(b"x")), DiskErrorKind::Symlink);
        }
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
    *torrents[&TORRENT].torn_journal.lock().unwrap() = Some(5);
    drop(torrents);
    desk.run(append(b"whole", false)).unwrap();
    assert_eq!(load(&mut desk, 100), Ok(Some(Bytes::from_static(b"good whole"))));
}
