//! Torrents that are made to be expensive, of version 1 or of none.

use crate::meter::measure;
use crate::{LONG, MAX_PEAK, corpus, costs_little};
use peerless_core::{Config, Engine, Instant, Metainfo, TorrentOptions};
use std::sync::Arc;

/// Reads it, and says `ok` or what is wrong with it.
#[track_caller]
pub(crate) fn reads(make: impl Fn(usize) -> Vec<u8>, says: &str) {
    let read = |input: &Vec<u8>| Metainfo::parse(input).map_or_else(|e| e.to_string(), |_| "ok".to_owned());
    costs_little(make, read, says);
}

pub(crate) fn string(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// As many parts as make about that length: `part` is told the number of each.
pub(crate) fn many(len: usize, mut part: impl FnMut(usize) -> String) -> String {
    let mut out = String::new();
    for n in 0.. {
        if out.len() >= len {
            break;
        }
        out += &part(n);
    }
    out
}

/// A sound torrent of one file, with something more outside its info dictionary, before and behind it.
fn with(before: &str, behind: &str) -> Vec<u8> {
    let hash = "#".repeat(20);
    let info = format!("d6:lengthi1e4:name1:n12:piece lengthi16384e6:pieces20:{hash}e");
    format!("d{before}4:info{info}{behind}e").into()
}

/// A torrent of one piece, with these file entries.
fn files(entries: &str) -> Vec<u8> {
    let hash = "#".repeat(20);
    format!("d4:infod5:filesl{entries}e4:name1:n12:piece lengthi1048576e6:pieces20:{hash}ee").into()
}

/// An entry of a file list: the first of all files has a byte, the others have none.
fn file(n: usize, path: &str) -> String {
    format!("d6:lengthi{}e4:pathl{path}ee", u32::from(n == 0))
}

#[test]
fn nothing_but_tiny_values() {
    for part in ["le", "0:", "i0e", "de", "d0:0:e"] {
        reads(|len| format!("l{}e", part.repeat(len / part.len())).into(), "metainfo: the torrent is not");
    }
}

#[test]
fn deep_nesting_over_and_over() {
    let pit = format!("{}{}", "l".repeat(99), "e".repeat(99));
    reads(|len| format!("l{}e", pit.repeat(len / pit.len())).into(), "metainfo: the torrent is not");
    reads(|len| "l".repeat(len).into(), "bencode: nested deeper than 100");
    reads(|len| "d1:a".repeat(len / 4).into(), "bencode: nested deeper than 100");
}

#[test]
fn one_key_over_and_over() {
    let again = "bencode: the key \"a\" for the second time";
    reads(|len| format!("d{}e", "1:ai0e".repeat(len / 6)).into(), again);
    reads(|len| format!("d{}e", "1:bi0e1:ai0e".repeat(len / 12)).into(), again);
}

#[test]
fn keys_in_their_hundreds_of_thousands() {
    let backwards = |n: usize| format!("8:{:08}0:", 99_999_999 - n);
    reads(|len| format!("d{}e", many(len, backwards)).into(), "metainfo: no \"info\"");
    let long = |n: usize| format!("{}0:", string(&format!("{:01000}", 99_999_999 - n)));
    reads(|len| format!("d{}e", many(len, long)).into(), "metainfo: no \"info\"");
    let behind_info = |n: usize| format!("8:zz{n:06}0:");
    reads(|len| with("", &many(len, behind_info)), "ok");
}

#[test]
fn files_of_one_name() {
    let clash = "path: two files named \"a\", as some systems see them: numbers 1 and 2";
    reads(|len| files(&many(len, |n| file(n, "1:a"))), clash);
}

#[test]
fn files_of_very_similar_names() {
    let stem = "x".repeat(200);
    reads(|len| files(&many(len, |n| file(n, &string(&format!("{stem}{}", 99_999_999 - n))))), "ok");
}

#[test]
fn tiny_files() {
    reads(|len| files(&many(len, |n| file(n, &string(&n.to_string())))), "ok");
    // Padding needs no path: it is given one.
    let padding = |n| format!("d4:attr1:p6:lengthi{}ee", u32::from(n == 0));
    reads(|len| files(&many(len, padding)), "ok");
}

#[test]
fn paths_of_a_hundred_elements() {
    for element in ["1:a", "2:é"] {
        let deep = element.repeat(99);
        reads(|len| files(&many(len, |n| file(n, &format!("{deep}{}", string(&n.to_string()))))), "ok");
    }
    reads(|len| files(&file(0, &"1:a".repeat(len / 3))), "limit: the number of a path's elements is");
}

#[test]
fn names_that_grow_when_they_are_folded_or_decoded() {
    let expanding = "\u{390}".repeat(100);
    reads(|len| files(&many(len, |n| file(n, &string(&format!("{expanding}{n}"))))), "ok");
    let accents = |len| format!("a{}", "\u{301}\u{323}".repeat(len / 4));
    reads(|len| files(&file(0, &string(&accents(len)))), "ok");
    let no_text = |n: usize| {
        let head = format!("d6:lengthi{}e4:pathl200:{n:05}", u32::from(n == 0));
        [head.as_bytes(), &[0xff; 195], b"ee"].concat()
    };
    let hash = "#".repeat(20);
    let tail = format!("e4:name1:n12:piece lengthi1048576e6:pieces20:{hash}ee");
    let list = |len: usize| (0..len / 230).flat_map(no_text).collect::<Vec<u8>>();
    reads(|len| [b"d4:infod5:filesl", &list(len)[..], tail.as_bytes()].concat(), "ok");
}

#[test]
fn long_texts_that_are_no_text() {
    let bytes = |len: usize| [format!("{len}:").as_bytes(), &vec![0xff; len]].concat();
    for key in ["7:comment", "10:created by", "8:encoding", "4:info"] {
        let says =
            if key == "4:info" { "metainfo: the info dictionary is not" } else { "metainfo: no \"info\"" };
        reads(|len| [b"d", key.as_bytes(), &bytes(len), b"e"].concat(), says);
    }
    let head = b"d4:infod6:lengthi1e4:name";
    let tail = format!("12:piece lengthi1e6:pieces20:{}ee", "#".repeat(20));
    reads(|len| [head, &bytes(len)[..], tail.as_bytes()].concat(), "ok");
}

#[test]
fn trackers_and_web_seeds() {
    let url = |n: usize| string(&format!("http://{n}/"));
    let lists: [&dyn Fn(usize) -> String; 4] =
        [&|_| "1:a".to_owned(), &url, &|n| format!("l{}e", url(n)), &|n| {
            string(&format!("{}{n}", "x".repeat(4_000)))
        }];
    for part in lists {
        reads(|len| with(&format!("13:announce-listl{}e", many(len, part)), ""), "ok");
        reads(|len| with(&format!("13:announce-listll{}ee", many(len, part)), ""), "ok");
        reads(|len| with("", &format!("8:url-listl{}e", many(len, part))), "ok");
    }
    reads(|len| with("", &format!("8:url-list{}", string(&"x".repeat(len)))), "ok");
}

#[test]
fn long_lists_where_one_value_belongs() {
    let ints = |len: usize| format!("l{}e", "i1e".repeat(len / 3));
    for key in ["8:announce", "13:announce-list", "13:creation date"] {
        reads(|len| with(&format!("{key}{}", ints(len)), ""), "ok");
    }
    reads(|len| with("", &format!("5:nodes{}", ints(len))), "ok");
    reads(|len| format!("d4:infod5:files{}ee", ints(len)).into(), "metainfo: no \"");
    reads(|len| files(&ints(len)), "metainfo: the file entry is not");
    reads(|len| files(&file(0, &ints(len))), "metainfo: \"path\"");
    reads(|len| format!("d4:infod6:pieces{}ee", ints(len)).into(), "metainfo: no \"");
}

#[test]
fn whatever_is_malformed() {
    for (name, bytes) in corpus::cases() {
        let (_, cost) = measure(|| Metainfo::parse(&bytes));
        let limit = MAX_PEAK * bytes.len().div_ceil(LONG);
        assert!(cost.peak <= limit, "{name}: {} bytes at once", cost.peak);
    }
}

#[test]
fn pieces_and_an_engine_for_them() {
    let make = |len: usize| {
        let pieces = len / 20;
        let hashes = string(&"#".repeat(20 * pieces));
        let info = format!("d6:lengthi{pieces}e4:name1:n12:piece lengthi1e6:pieces{hashes}e");
        format!("d4:info{info}e").into_bytes()
    };
    reads(make, "ok");
    let take_on = |input: &Vec<u8>| {
        let mut engine = Engine::new(Config::default(), [0; 32], Instant::ZERO);
        let metainfo = Metainfo::parse(input).unwrap();
        let id = engine.add_torrent(Instant::ZERO, Arc::new(metainfo), TorrentOptions::default());
        format!("{id:?}")
    };
    costs_little(make, take_on, "Ok");
}
