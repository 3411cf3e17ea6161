//! `peerless sim`: what a person and a program read of a simulation.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::run;

/// Runs the command; a simulation needs no directory of its own.
fn here(args: &[&str]) -> support::Ran {
    run(Path::new("."), args)
}

const SMALL: [&str; 6] = ["one-to-many", "--peers", "4", "--size", "2M", "--json"];

#[test]
fn what_json_says_depends_on_the_scenario_and_the_seed_alone() {
    let run = |seed: &str| here(&[&["sim"][..], &SMALL, &["--seed", seed]].concat()).json();
    let first = run("3");
    assert_eq!(first, run("3"));
    assert_ne!(first[0]["digest"], run("4")[0]["digest"]);
    assert_eq!(first[0]["ok"], true);
    assert_eq!(first[0]["downloads"].as_array().map(Vec::len), Some(4));
    assert_eq!(first[1]["type"], "result");
}

#[test]
fn what_struck_is_told() {
    let partition = ["sim", "partition", "--peers", "4", "--size", "2M"];
    let told = here(&partition);
    assert!(told.stdout.lines().any(|line| line.starts_with("struck") && line.contains("streams cut")));
    let json = here(&[&partition[..], &["--json"]].concat()).json();
    assert!(json[0]["struck"]["streams_cut"].as_u64() > Some(0), "{}", json[0]["struck"]);
}

#[test]
fn many_runs_are_a_line_each() {
    let out = here(&["sim", "one-to-one", "--size", "1M", "--runs", "3"]);
    assert_eq!((out.code, out.stdout.lines().count()), (0, 3), "{}", out.stdout);
    assert!(out.stdout.lines().all(|line| line.contains("ended well")));
}

#[test]
fn a_picture_is_drawn() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("x.svg");
    let file = path.to_str().expect("a path of text");
    let out = here(&["sim", "one-to-many", "--peers", "3", "--size", "1M", "--plot", file]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let svg = std::fs::read_to_string(&path).expect("the picture");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(svg.matches("<polyline").count(), 3);
}

#[test]
fn what_it_is_to_leave_is_looked_at_before_it_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    // So large that it would take minutes.
    let sim = |more: &[&str]| {
        let args = ["sim", "one-to-many", "--peers", "200", "--size", "8G", "--runs", "1000000"];
        run(dir.path(), &[&args, more].concat())
    };
    std::fs::write(dir.path().join("notes"), "precious").expect("a file");
    std::os::unix::fs::symlink("nothing", dir.path().join("link")).expect("a link");
    let pipe =
        std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().expect("mkfifo runs");
    assert!(pipe.success());
    for name in ["notes", "link", "pipe", "."] {
        sim(&["--plot", name]).fails(5, "is there already");
    }
    for name in ["notes", "pipe", "."] {
        sim(&["--record", name]).fails(5, "is there already");
    }
    sim(&["--plot", "no/x.svg"]).fails(7, "disk: cannot write no/x.svg");
    sim(&["--record", "no/a.rec"]).fails(7, "disk: cannot write the recording no/a.rec");
    sim(&["--record", "a.rec", "--leecher", "0"]).fails(2, "usage: ");
    sim(&["--record", "a.rec", "--leecher", "201"]).fails(2, "usage: there is no leecher 201 to record");
    sim(&["--record", "a", "--plot", "a"]).fails(2, "usage: --plot and --record name the same file");
    assert_eq!(std::fs::read(dir.path().join("notes")).expect("a file"), b"precious");
    // What could be made was not kept either.
    sim(&["--plot", "x.svg", "--record", "notes"]).fails(5, "notes is there already");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 3);
}

#[test]
fn a_leecher_is_recorded_and_replays() {
    let dir = tempfile::tempdir().expect("a directory");
    let sim = |more: &[&str]| {
        let args = ["sim", "slow-and-fast", "--peers", "3", "--size", "1M", "--seed", "5", "--record"];
        run(dir.path(), &[&args, more].concat())
    };
    sim(&["a.rec"]).succeeds();
    sim(&["b.rec", "--leecher", "3"]).succeeds();
    for name in ["a.rec", "b.rec"] {
        let replay = run(dir.path(), &["replay", name, "--why"]).succeeds();
        assert!(replay.stdout.contains("(100%)"), "{replay:?}");
        assert!(replay.stderr.contains("the recording is whole"), "{replay:?}");
        let mode = std::fs::metadata(dir.path().join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let read = |name: &str| std::fs::read(dir.path().join(name)).expect("a file");
    let first = read("a.rec");
    assert_ne!(first, read("b.rec"));
    // One seed is one run, recorded or not, and one recording.
    sim(&["a.rec"]).succeeds();
    assert_eq!(read("a.rec"), first);

    sim(&["c.rec", "--leecher", "9"]).fails(2, "usage: there is no leecher 9 to record");
    std::fs::write(dir.path().join("notes"), "precious").expect("a file");
    sim(&["notes"]).fails(5, "path: notes is there already and is not a finished recording");
    assert_eq!(read("notes"), b"precious");
}

#[test]
fn the_list_names_all_and_a_wrong_name_points_to_it() {
    let out = here(&["sim", "--list"]);
    assert!(out.stdout.lines().any(|line| line.starts_with("one-to-many")), "{}", out.stdout);
    let out = here(&["sim", "no-such-scenario"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("--list"), "{}", out.stderr);
}
