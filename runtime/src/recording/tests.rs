//! Tests of the file of a recording.

use super::*;
use crate::settings::Recording;
use peerless_core::record::{Reader, RecordOptions, Step};
use peerless_core::{Config, Input, Instant};
use std::fs::OpenOptions;

fn recorder() -> Recorder {
    let options = RecordOptions { payload: false, mask: false, limit: u64::MAX };
    Recorder::new(&Config::default(), [1; 32], Instant::ZERO, options)
}

/// How many entries the file holds, and whether it was ended in order.
fn entries(path: &Path) -> (usize, bool) {
    let mut reader = Reader::new(std::fs::read(path).unwrap().into()).unwrap();
    let (mut entries, mut ended) = (0, false);
    while let Some(entry) = reader.next().unwrap() {
        entries += 1;
        ended = matches!(entry.what, Step::End { .. });
    }
    (entries, ended)
}

#[test]
fn what_is_recorded_is_in_the_file_when_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let file = RecordingFile::open(&Recording::to(&path)).unwrap();
    let mut recorder = recorder();
    for n in 0..50_000 {
        recorder.input(Instant::from_micros(n), &Input::Timeout);
        file.take(&mut recorder);
    }
    recorder.end();
    file.take(&mut recorder);
    assert_eq!(file.failure(), None);
    drop(file);
    let checks = 50_000 / 1_024;
    assert_eq!(entries(&path), (50_000 + checks + 1, true));
}

#[test]
fn what_is_recorded_is_soon_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let file = RecordingFile::open(&Recording::to(&path)).unwrap();
    let mut recorder = recorder();
    recorder.input(Instant::ZERO, &Input::Timeout);
    file.take(&mut recorder);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while std::fs::metadata(&path).unwrap().len() == 0 {
        assert!(std::time::Instant::now() < deadline, "nothing was written");
        thread::yield_now();
    }
    assert_eq!(entries(&path), (1, false));
}

#[test]
fn a_recording_gives_way_to_a_new_one_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let recording = Recording::to(&path);
    let write = || {
        let file = RecordingFile::open(&recording).unwrap();
        file.take(&mut recorder());
    };
    write();
    let long = std::fs::read(&path).unwrap().repeat(3);
    std::fs::write(&path, &long).unwrap();
    write();
    assert_eq!(std::fs::metadata(&path).unwrap().len() * 3, long.len() as u64);

    let text: Box<str> = path.to_string_lossy().into();
    let refused = || RecordingFile::open(&recording).err();
    for content in [&b"precious"[..], b"peerless-j01 is a journal", b"p"] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(refused(), Some(SessionError::RecordingInTheWay(text.clone())));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(refused(), Some(SessionError::RecordingInTheWay(text)));
}

#[test]
fn two_sessions_do_not_share_a_recording() {
    let dir = tempfile::tempdir().unwrap();
    let recording = Recording::to(dir.path().join("a"));
    let first = RecordingFile::open(&recording).unwrap();
    assert!(matches!(RecordingFile::open(&recording), Err(SessionError::RecordingInTheWay(_))));
    drop(first);
    assert!(RecordingFile::open(&recording).is_ok());
}

#[test]
fn others_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    drop(RecordingFile::open(&Recording::to(&path)).unwrap());
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    // Not even where an older one, which they could read, gives way.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    drop(open_recording(&path).unwrap());
    assert_eq!(mode(), 0o600);
}

#[test]
fn to_ask_whether_it_can_be_opened_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    check_recording(&path).unwrap();
    assert!(!path.exists());
    let mut out = Vec::new();
    recorder().drain_into(&mut out);
    std::fs::write(&path, &out).unwrap();
    check_recording(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), out);
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(check_recording(&path), Err(SessionError::RecordingInTheWay(_))));
    let nowhere = check_recording(&dir.path().join("no/a"));
    assert!(matches!(nowhere, Err(SessionError::RecordingUnusable { .. })), "{nowhere:?}");
}

#[test]
fn a_pipe_is_in_the_way_and_nobody_waits_for_its_other_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(matches!(check_recording(&path), Err(SessionError::RecordingInTheWay(_))));
    assert!(path.symlink_metadata().is_ok());
}

#[test]
fn a_recording_stands_in_no_torrent() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    let clashes = |target: &str, recording: &str| {
        let found = Recording::to(at(recording)).keep_out_of(&at(target));
        assert!(matches!(found, Ok(()) | Err(SessionError::RecordingInTarget { .. })), "{found:?}");
        found.is_err()
    };
    std::fs::create_dir(at("sub")).unwrap();
    symlink(dir.path(), at("sub/up")).unwrap();
    symlink("out.part", at("dangling")).unwrap();
    symlink("dangling", at("sub/far")).unwrap();
    std::fs::create_dir(at("real")).unwrap();
    symlink("real", at("album")).unwrap();
    for recording in [
        "out",
        "./out.part",
        "out.part.journal",
        "out.part.journal.new",
        "out/inside/a",
        "out.part/a",
        "sub/../out.part",
        "sub/up/out.part",
        "dangling",
    ] {
        assert!(clashes("out", recording), "{recording}");
        assert!(clashes("sub/up/out", recording), "{recording}");
    }
    assert!(clashes("sub/dangling", "sub/far"));
    assert!(clashes("album", "real/a"), "behind a link");
    assert!(clashes("a/new/out", "a"), "around it");
    for recording in ["out.rec", "out.partial", "ou", "sub/out.part", "sub/far", "a"] {
        assert!(!clashes("out", recording), "{recording}");
    }
    std::fs::write(at("one"), "").unwrap();
    std::fs::hard_link(at("one"), at("out.part")).unwrap();
    assert!(clashes("out", "one"), "another name of the same file");
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let desk = Arc::new(Desk::default());
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let for_thread = desk.clone();
    let thread = Some(thread::spawn(move || run(full, &for_thread)));
    let file = RecordingFile { settings: Recording::to("/dev/full"), desk, thread };
    let mut recorder = recorder();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while file.failure().is_none() {
        assert!(std::time::Instant::now() < deadline, "no failure");
        recorder.input(Instant::ZERO, &Input::Timeout);
        file.take(&mut recorder);
    }
    // Nobody waits for room any more.
    for _ in 0..2 * MAX_WAITING / 16 {
        recorder.input(Instant::ZERO, &Input::Timeout);
        file.take(&mut recorder);
    }
}
