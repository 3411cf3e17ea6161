//! Torrents made and shown again.

mod support;

use peerless_core::metainfo::Builder;
use serde_json::json;
use std::fs;
use std::path::Path;
use support::{data, run, run_with_input};

fn tree(dir: &Path) {
    fs::create_dir_all(dir.join("album/cover")).expect("a directory");
    for (name, len) in [("b.flac", 70_000), ("a.flac", 40_000), ("cover/front.png", 1), ("empty", 0)] {
        fs::write(dir.join("album").join(name), data(len, len as u64)).expect("a file");
    }
}

#[test]
fn a_directory_becomes_a_torrent_that_show_explains() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let args =
        ["create", "album", "-a", "http://a.example/announce", "-a", "udp://b.example:80", "--private"];
    let made =
        run(dir.path(), &[&args[..], &["--piece-length", "32K", "--comment", "mine"]].concat()).succeeds();
    assert_eq!(made.stdout, "album.torrent\n");
    assert!(made.stderr.contains("4 files") && made.stderr.contains("4 pieces of 32.0 KiB"), "{made:?}");

    let shown = run(dir.path(), &["show", "album.torrent", "--json"]).succeeds();
    assert_eq!(shown.stdout.lines().count(), 1);
    let shown = shown.result();
    assert_eq!(shown["name"], "album");
    assert_eq!(shown["info_hash"].as_str().unwrap().len(), 40);
    assert_eq!(shown["info_hash_v2"], json!(null));
    assert_eq!((&shown["piece_length"], &shown["num_pieces"]), (&json!(32_768), &json!(4)));
    assert_eq!((&shown["total_size"], &shown["num_files"]), (&json!(110_001), &json!(4)));
    assert_eq!((&shown["private"], &shown["comment"]), (&json!(true), &json!("mine")));
    assert_eq!(shown["trackers"], json!([["http://a.example/announce"], ["udp://b.example:80"]]));
    assert_eq!(shown["web_seeds"], json!([]));
    let files = json!([
        { "path": "a.flac", "length": 40_000 },
        { "path": "b.flac", "length": 70_000 },
        { "path": "cover/front.png", "length": 1 },
        { "path": "empty", "length": 0 },
    ]);
    assert_eq!(shown["files"], files);

    let text = run(dir.path(), &["show", "album.torrent", "--files"]).succeeds().stdout;
    for words in
        ["name          album", "cover/front.png", "yes: peers", "http://a.example/announce", "107 KiB"]
    {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[test]
fn show_leaves_out_what_may_be_a_secret_and_its_json_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let url = "http://t\u{e4}g.example/announce?passkey=0123456789abcdef";
    let info = "d6:lengthi4e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
    let torrent = format!("d8:announce{}:{url}4:info{info}e", url.len());
    let text = run_with_input(dir.path(), &["show", "-"], torrent.as_bytes()).succeeds();
    assert!(text.stdout.contains("tracker 1") && !text.stdout.contains("0123456789abcdef"), "{text:?}");
    let json = run_with_input(dir.path(), &["show", "-", "--json"], torrent.as_bytes()).succeeds();
    assert_eq!(json.result()["trackers"], json!([[url]]));
}

#[test]
fn the_same_data_gives_the_same_info_hash() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let hash = |out: &str| {
        run(dir.path(), &["create", "album", "-o", out]).succeeds();
        run(dir.path(), &["show", out, "--json"]).succeeds().result()["info_hash"].clone()
    };
    assert_eq!(hash("one"), hash("two"));
}

#[test]
fn a_known_file_has_the_known_info_hash() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("hello.txt"), "hello").unwrap();
    run(dir.path(), &["create", "hello.txt", "--piece-length", "16K"]).succeeds();
    let shown = run(dir.path(), &["show", "hello.torrent", "--json"]);
    shown.fails(4, "hello.torrent");
    let shown = run(dir.path(), &["show", "hello.txt.torrent", "--json"]).succeeds().result();
    // SHA-1 of "d6:lengthi5e4:name9:hello.txt12:piece lengthi16384e6:pieces20:" + SHA-1 of "hello" + "e".
    let hello = b"\xaa\xf4\xc6\x1d\xdc\xc5\xe8\xa2\xda\xbe\xde\x0f\x3b\x48\x2c\xd9\xae\xa9\x43\x4d";
    let info = [&b"d6:lengthi5e4:name9:hello.txt12:piece lengthi16384e6:pieces20:"[..], hello, b"e"].concat();
    assert_eq!(shown["info_hash"], peerless_core::sha1(&info).to_hex());
    assert_eq!(shown["files"], json!([{ "path": "hello.txt", "length": 5 }]));
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    fs::write(dir.path().join("album.torrent"), "precious").unwrap();
    run(dir.path(), &["create", "album"]).fails(5, "album.torrent is there already");
    assert_eq!(fs::read(dir.path().join("album.torrent")).unwrap(), b"precious");
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
    run(dir.path(), &["create", "album", "-o", "link"]).fails(5, "link is there already");
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["create", "missing"]).fails(4, "there is nothing at missing");
    fs::create_dir(dir.path().join("empty")).unwrap();
    run(dir.path(), &["create", "empty"]).fails(3, "not one byte");
    tree(dir.path());
    std::os::unix::fs::symlink("a.flac", dir.path().join("album/z")).unwrap();
    run(dir.path(), &["create", "album"]).fails(3, "album/z is a symbolic link");
    fs::remove_file(dir.path().join("album/z")).unwrap();
    fs::write(dir.path().join("album/a\u{1b}[2Jb"), "x").unwrap();
    let ran = run(dir.path(), &["create", "album"]);
    ran.fails(3, "path");
    assert!(!ran.stderr.contains('\u{1b}'));
    assert!(!dir.path().join("album.torrent").exists());
}

#[test]
fn a_torrent_goes_through_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x"), data(100_000, 1)).unwrap();
    let made = support::command(dir.path(), &["create", "x", "-o", "-"]).output().unwrap();
    assert!(made.status.success());
    let shown = run_with_input(dir.path(), &["show", "-", "--json"], &made.stdout).succeeds();
    assert_eq!(shown.result()["total_size"], 100_000);
    let here = run(&dir.path().join("."), &["create", ".", "-o", "/dev/stdout"]);
    here.fails(5, "there already");
}

#[test]
fn dangerous_characters_are_escaped_in_text_and_json() {
    let dir = tempfile::tempdir().unwrap();
    let torrent = Builder::file("x", 1, 16_384)
        .pieces(peerless_core::sha1(b"x").0)
        .trackers([["http://t/\u{1b}[2J"]])
        .comment("\u{9b}2J\u{202e}x")
        .build()
        .unwrap();
    let text = run_with_input(dir.path(), &["show", "-"], &torrent).succeeds().stdout;
    let json = run_with_input(dir.path(), &["show", "-", "--json"], &torrent).succeeds();
    for out in [&text, &json.stdout] {
        assert!(!out.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{out:?}");
    }
    assert_eq!(json.result()["comment"], "\u{9b}2J\u{202e}x");
}
