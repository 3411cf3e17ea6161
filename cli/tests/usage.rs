//! The command line as scripts and people meet it: help, mistakes, sources that are none, exit codes.

mod support;

use std::fs;
use std::io::Read;
use std::process::Stdio;
use support::{command, run, run_with_input};

#[test]
fn help_and_version_are_what_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["--help"]).succeeds();
    assert!(help.stdout.contains("peerless SOURCE [OUT]") && help.stdout.contains("Exit codes"));
    assert!(help.stderr.is_empty());
    assert!(run(dir.path(), &["get", "--help"]).succeeds().stdout.contains("--seed-ratio"));
    let word = run(dir.path(), &["help"]).succeeds();
    assert_eq!((word.stdout, word.stderr.as_str()), (help.stdout, ""));
    assert!(run(dir.path(), &["help", "get"]).succeeds().stdout.contains("--seed-ratio"));
    let version = run(dir.path(), &["--version"]).succeeds();
    assert_eq!(version.stdout, concat!("peerless ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_command_line_that_is_wrong_is_one_sentence_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    for (args, words) in [
        (&["--bogus"][..], "--bogus"),
        (&["get"], "SOURCE"),
        (&["x", "out", "-o", "out"], "cannot be used with"),
        (&["x", "--timeout", "soon"], "not a time"),
        (&["x", "--seed-ratio", "much"], "not a ratio"),
        (&["x", "--peer", "nowhere"], "HOST:PORT"),
        (&["x", "--driver", "tokio"], "possible values: mio, smol"),
        (&["x", "--port", "99999"], "0 to 65535"),
        (&["create", ".", "--piece-length", "100K"], "power of two"),
        (&["tracker", "--listen", "nowhere"], "--listen"),
        (&["seed", "x"], "PATH"),
        (&["\u{1b}[2J", "--bo\u{9b}gus"], "--bo"),
        (&["x", "out", "more"], "unexpected argument \"more\"; it is peerless SOURCE [OUT]"),
        (&["x", "out", "more", "still"], "unexpected argument \"more\""),
        (&["x", "out", "m\u{1b}[2Jore"], "unexpected argument"),
        (&["x", "out", "show"], "the command \"show\" comes first; a file of that name is written ./show"),
        (&["help", "nonsense"], "nonsense"),
    ] {
        let ran = run(dir.path(), args);
        ran.fails(2, words);
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        assert!(ran.stderr.starts_with("peerless: usage: "), "{ran:?}");
        assert!(ran.stdout.is_empty() && !ran.stderr.contains(['\u{1b}', '\u{9b}']));
    }
}

#[test]
fn without_arguments_there_is_help_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("Usage") && ran.stdout.is_empty());
}

#[test]
fn a_source_that_is_not_there_is_exit_code_4() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["nothing.torrent"][..], &["get", "nothing.torrent"], &["show", "nothing.torrent"]] {
        run(dir.path(), args).fails(4, "path: there is no file nothing.torrent");
    }
    run(dir.path(), &["-v", "get", "x"]).fails(4, "the command \"get\" has to come first");
    run(dir.path(), &["shwo", "x"]).fails(4, "did you mean the command \"show\"?");
    fs::write(dir.path().join("show"), "").unwrap();
    run(dir.path(), &["./show"]).fails(3, "bencode");
}

#[test]
fn what_comes_with_later_versions_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for source in [
        "magnet:?xt=urn:btih:da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "https://example.org/x.torrent",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ] {
        run(dir.path(), &[source]).fails(2, "later version");
    }
}

#[test]
fn what_is_not_a_torrent_is_exit_code_3() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text"), "hello").unwrap();
    run(dir.path(), &["text"]).fails(3, "bencode");
    run(dir.path(), &["show", "."]).fails(3, "is a directory");
    run(dir.path(), &["show", "/dev/zero"]).fails(3, "limit: /dev/zero is larger");
    run_with_input(dir.path(), &["show", "-"], b"").fails(3, "bencode");
    run_with_input(dir.path(), &["show", "-"], b"d4:infodee").fails(3, "metainfo");
}

#[test]
fn an_error_is_a_json_result_too() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["get", "nothing", "--json"][..], &["show", "nothing", "--json"], &["nothing", "--json"]] {
        let ran = run(dir.path(), args);
        ran.fails(4, "nothing");
        let result = ran.result();
        assert_eq!(result["result"], "source_not_found");
        assert!(result["error"].as_str().unwrap().starts_with("path: "));
    }
}

#[test]
fn a_command_line_that_is_wrong_is_a_json_result_too() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["get", "--json", "--bogus"][..],
        &["get", "--json"],
        &["--bogus", "--json"],
        &["verify", "x", "--json"],
        &["x", "--timeout", "soon", "--json"],
    ] {
        let ran = run(dir.path(), args);
        ran.fails(2, "usage: ");
        let result = ran.result();
        assert_eq!((ran.stdout.lines().count(), &result["result"]), (1, &"usage".into()));
        assert!(result["error"].as_str().unwrap().starts_with("usage: "), "{result}");
    }
    // Behind "--" it is the name of a file.
    assert_eq!(run(dir.path(), &["get", "--bogus", "--", "--json"]).stdout, "");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        command(dir.path(), &["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}
