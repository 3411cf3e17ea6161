//! Looking at what is there.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn nothing_and_an_empty_directory_are_absent() {
    let mut desk = Desk::album();
    assert_eq!(desk.survey(Place::Final), Survey::Absent);
    fs::create_dir(desk.path(Place::Final)).unwrap();
    assert_eq!(desk.survey(Place::Final), Survey::Absent);
    fs::create_dir(desk.path(Place::Part)).unwrap();
    assert_eq!(desk.survey(Place::Part), Survey::Absent);
    assert_eq!(Desk::single(1).survey(Place::Part), Survey::Absent);
}

#[test]
fn each_file_has_its_stamp() {
    let mut desk = Desk::album();
    let root = desk.path(Place::Final);
    fs::create_dir_all(root.join("in/side")).unwrap();
    fs::write(root.join("in/side/two"), [1; 20]).unwrap();
    fs::write(root.join("in/empty"), []).unwrap();
    let Survey::Present(stamps) = desk.survey(Place::Final) else { panic!("not there") };
    let lengths: Vec<_> = stamps.iter().map(|s| s.map(|s| s.len)).collect();
    assert_eq!(lengths, [None, None, Some(20), Some(0)]);
    let modified = fs::metadata(root.join("in/empty")).unwrap().modified().unwrap();
    let nanos = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    assert_eq!(i128::from(stamps[3].unwrap().modified), nanos as i128);
}

#[test]
fn a_stranger_in_the_directory_makes_it_present() {
    let mut desk = Desk::album();
    fs::create_dir(desk.path(Place::Final)).unwrap();
    fs::write(desk.path(Place::Final).join("stranger"), b"x").unwrap();
    assert_eq!(desk.survey(Place::Final), Survey::Present(vec![None; 4]));
}

#[test]
fn something_of_another_kind_is_told_apart() {
    let mut desk = Desk::album();
    fs::write(desk.path(Place::Final), b"a file").unwrap();
    assert_eq!(desk.survey(Place::Final), Survey::WrongKind);
    let mut desk = Desk::single(4);
    fs::create_dir(desk.path(Place::Final)).unwrap();
    assert_eq!(desk.survey(Place::Final), Survey::WrongKind);
}

#[test]
fn links_below_the_target_are_missing_files() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("empty"), []).unwrap();
    let mut desk = Desk::album();
    let root = desk.path(Place::Part);
    fs::create_dir(&root).unwrap();
    symlink(elsewhere.path(), root.join("in")).unwrap();
    symlink(elsewhere.path().join("empty"), root.join("one")).unwrap();
    assert_eq!(desk.survey(Place::Part), Survey::Present(vec![None; 4]));
}

#[test]
fn a_link_in_our_own_places_is_of_another_kind() {
    let mut desk = Desk::single(4);
    fs::write(desk.dir.path().join("real"), b"data").unwrap();
    symlink("real", desk.path(Place::Part)).unwrap();
    assert_eq!(desk.survey(Place::Part), Survey::WrongKind);
}

#[test]
fn a_link_at_the_target_that_leads_to_nothing_is_in_the_way() {
    let mut desk = Desk::album();
    symlink("nowhere", desk.path(Place::Final)).unwrap();
    assert_eq!(desk.survey(Place::Final), Survey::WrongKind);
    let mut desk = Desk::album();
    fs::create_dir(desk.dir.path().join("empty")).unwrap();
    symlink("empty", desk.path(Place::Final)).unwrap();
    assert_eq!(desk.survey(Place::Final), Survey::WrongKind);
}
