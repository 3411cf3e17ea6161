//! Who may have which target.

use super::*;
use crate::error::SessionError;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;

#[test]
fn a_target_belongs_to_one_torrent() {
    let desk = Desk::album();
    let taken = |path: &str| {
        let result = desk.store.claim(&desk.dir.path().join(path));
        matches!(result, Err(SessionError::TargetTaken(_)))
    };
    for path in
        ["album", "album/", "./album", "album.part", "album.part.journal", "album/inside", "album.part/x"]
    {
        assert!(taken(path), "{path}");
    }
    for path in ["albu", "album2", "album.par", "other/album"] {
        assert!(!taken(path), "{path}");
    }
    assert!(matches!(desk.store.claim(desk.dir.path()), Err(SessionError::TargetTaken(_))), "around it");
    desk.store.unregister(TORRENT);
    assert!(!taken("album"));
}

#[test]
fn two_ways_to_one_directory_are_one_target() {
    let desk = Desk::single(1);
    fs::create_dir(desk.dir.path().join("sub")).unwrap();
    symlink(desk.dir.path(), desk.dir.path().join("link")).unwrap();
    for way in ["link/a.iso", "sub/../a.iso"] {
        let result = desk.store.claim(&desk.dir.path().join(way));
        assert!(matches!(result, Err(SessionError::TargetTaken(_))), "{way}");
    }
}

#[test]
fn a_target_needs_a_name() {
    let store = Store::new(2);
    for path in ["", "/"] {
        assert!(matches!(store.claim(Path::new(path)), Err(SessionError::TargetUnusable(_))), "{path:?}");
    }
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    assert_eq!(store.claim(Path::new(".")).unwrap(), here);
    assert_eq!(store.claim(Path::new("..")).unwrap(), here.parent().unwrap());
    assert_eq!(store.claim(Path::new("not/there/yet")).unwrap(), here.join("not/there/yet"));
}

#[test]
fn a_target_that_is_not_text_is_as_good_as_any() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(4);
    let name = OsString::from_vec(b"caf\xe9".to_vec());
    let target = store.claim(&dir.path().join(&name)).unwrap();
    store.register(TORRENT, &target, Contents { single: true, files: vec![file("", 4)] });
    let task = write(&[extent(0, 0, 4)], &[b"data"]);
    store.execute(DiskOp { torrent: TORRENT, task }, &mut Scratch::default()).unwrap();
    store.execute(DiskOp { torrent: TORRENT, task: DiskTask::Publish }, &mut Scratch::default()).unwrap();
    assert_eq!(fs::read(dir.path().join(name)).unwrap(), b"data");
}
