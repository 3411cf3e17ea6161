//! Syncing, completing, publishing.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_sync_gives_stamps_in_the_order_asked_for() {
    let mut desk = Desk::album();
    desk.run(write(&[extent(0, 0, 10), padding(1, 6)], &[b"0123456789zzzzzz"])).unwrap();
    desk.run(write(&[extent(2, 0, 1)], &[b"a"])).unwrap();
    let files = vec![FileIndex(2), FileIndex(1), FileIndex(0)];
    let Ok(DiskOutcome::Sync(stamps)) = desk.run(DiskTask::Sync { files }) else { panic!("not synced") };
    assert_eq!(stamps.iter().map(|s| s.len).collect::<Vec<_>>(), [20, 0, 10]);
    let Survey::Present(survey) = desk.survey(Place::Part) else { panic!("not there") };
    assert_eq!(survey[0], Some(stamps[2]));
    assert_eq!(survey[2], Some(stamps[0]));
    assert_eq!(desk.fails(DiskTask::Sync { files: vec![FileIndex(3)] }), DiskErrorKind::NotFound);
}

#[test]
fn new_directories_are_synced_once() {
    let mut desk = Desk::album();
    let unsynced = |desk: &Desk| {
        let torrents = desk.store.torrents.read().unwrap();
        torrents[&TORRENT].entries.lock().unwrap().unsynced.len()
    };
    desk.run(write(&[extent(2, 0, 1)], &[b"a"])).unwrap();
    assert_eq!(unsynced(&desk), 4, "the base, the root, `in` and `in/side`");
    desk.run(DiskTask::Sync { files: vec![FileIndex(2)] }).unwrap();
    assert_eq!(unsynced(&desk), 0);
    desk.run(write(&[extent(2, 5, 1)], &[b"a"])).unwrap();
    assert_eq!(unsynced(&desk), 0, "nothing was created");
    desk.run(write(&[extent(0, 0, 1)], &[b"a"])).unwrap();
    assert_eq!(unsynced(&desk), 1, "the root has a new entry");
}

#[test]
fn completing_makes_empty_files_and_fills_holes() {
    let mut desk = Desk::album();
    let task = DiskTask::Write {
        extents: vec![extent(2, 0, 1)],
        data: vec![Bytes::from_static(b"a")],
        hash: None,
        allocation: Allocation::None,
    };
    desk.run(task).unwrap();
    assert_eq!(desk.run(DiskTask::FillUp), Ok(DiskOutcome::FillUp));
    let Survey::Present(stamps) = desk.survey(Place::Part) else { panic!("not there") };
    assert_eq!(
        stamps.iter().map(|s| s.map(|s| s.len)).collect::<Vec<_>>(),
        [Some(10), None, Some(20), Some(0)]
    );
    assert!(!desk.path(Place::Part).join(".pad").exists());
}

#[test]
fn an_empty_torrent_can_be_filled_up_and_published() {
    let mut desk = Desk::single(0);
    desk.run(DiskTask::FillUp).unwrap();
    desk.run(DiskTask::Publish).unwrap();
    assert_eq!(fs::metadata(desk.path(Place::Final)).unwrap().len(), 0);
}

#[test]
fn a_file_that_is_too_long_is_not_filled_up_and_not_cut() {
    let mut desk = Desk::single(4);
    fs::write(desk.path(Place::Part), b"data and more").unwrap();
    assert_eq!(desk.fails(DiskTask::FillUp), DiskErrorKind::InTheWay);
    assert_eq!(fs::read(desk.path(Place::Part)).unwrap(), b"data and more");
}

#[test]
fn a_finished_file_takes_its_name_and_is_still_read() {
    let mut desk = Desk::single(4);
    desk.run(write(&[extent(0, 0, 4)], &[b"data"])).unwrap();
    assert_eq!(desk.run(DiskTask::Publish), Ok(DiskOutcome::Publish));
    assert_eq!(names(desk.dir.path()), ["a.iso"]);
    assert_eq!(desk.run(DiskTask::Publish), Ok(DiskOutcome::Publish), "asked again, it syncs again");
    // A read that was on its way when the name changed.
    for place in [Place::Part, Place::Final] {
        let got = desk.run(read(place, &[extent(0, 0, 4)]));
        assert_eq!(bytes(got), b"data"[..], "{place:?}");
    }
}

#[test]
fn a_finished_directory_replaces_an_empty_one_only() {
    for (stranger, outcome) in [(false, Ok(DiskOutcome::Publish)), (true, Err(DiskErrorKind::InTheWay))] {
        let mut desk = Desk::album();
        desk.run(DiskTask::FillUp).unwrap();
        let target = desk.path(Place::Final);
        fs::create_dir(&target).unwrap();
        if stranger {
            fs::write(target.join("stranger"), b"precious").unwrap();
        }
        assert_eq!(desk.run(DiskTask::Publish).map_err(|e| e.kind), outcome);
        let expected: &[&str] = if stranger { &["stranger"] } else { &["in", "one"] };
        assert_eq!(names(&target), expected);
    }
}

#[test]
fn nothing_else_is_ever_replaced() {
    let mut desk = Desk::single(4);
    desk.run(write(&[extent(0, 0, 4)], &[b"data"])).unwrap();
    fs::write(desk.path(Place::Final), b"precious").unwrap();
    let error = desk.run(DiskTask::Publish).unwrap_err();
    assert_eq!(error.kind, DiskErrorKind::InTheWay);
    assert_eq!(&*error.path, desk.path(Place::Final).to_str().unwrap());
    assert_eq!(fs::read(desk.path(Place::Final)).unwrap(), b"precious");
    fs::remove_file(desk.path(Place::Final)).unwrap();
    fs::create_dir(desk.path(Place::Final)).unwrap();
    assert_eq!(desk.fails(DiskTask::Publish), DiskErrorKind::InTheWay, "an empty directory for a file");
    fs::remove_dir(desk.path(Place::Final)).unwrap();
    symlink("nowhere", desk.path(Place::Final)).unwrap();
    assert_eq!(desk.fails(DiskTask::Publish), DiskErrorKind::InTheWay);

    let mut desk = Desk::album();
    desk.run(DiskTask::FillUp).unwrap();
    fs::write(desk.path(Place::Final), b"precious").unwrap();
    assert_eq!(desk.fails(DiskTask::Publish), DiskErrorKind::InTheWay);
    assert_eq!(fs::read(desk.path(Place::Final)).unwrap(), b"precious");
}

#[test]
fn publishing_nothing_is_not_found() {
    assert_eq!(Desk::album().fails(DiskTask::Publish), DiskErrorKind::NotFound);
}
