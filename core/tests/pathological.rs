//! Inputs of a mebibyte that are made to be expensive are handled in time that grows with their length only.

use peerless_core::Metainfo;
use std::time::Duration;

/// About the length of every input.
const LEN: usize = 1 << 20;

/// Parses, and holds the answer against the beginning of an error, or `ok`. Quadratic work on any of these
/// inputs takes minutes; what is done takes a fraction of a second, so the limit suits a slow machine.
#[expect(clippy::disallowed_types, reason = "what these tests are about is time spent")]
fn quickly(input: &[u8], says: &str) {
    let begun = std::time::Instant::now();
    let said = Metainfo::parse(input).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
    assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}: {said}", begun.elapsed());
    assert!(said.starts_with(says), "{said}");
}

/// A torrent of these files, each a path in bencode and a length.
fn torrent(files: impl IntoIterator<Item = (String, u32)>) -> Vec<u8> {
    let files: String =
        files.into_iter().map(|(path, len)| format!("d6:lengthi{len}e4:pathl{path}ee")).collect();
    let hash = "#".repeat(20);
    format!("d4:infod5:filesl{files}e4:name1:n12:piece lengthi16384e6:pieces20:{hash}ee").into()
}

fn string(text: &str) -> String {
    format!("{}:{text}", text.len())
}

#[test]
fn lists_and_strings_in_the_hundreds_of_thousands() {
    for part in ["le", "0:", "i0e", "de"] {
        quickly(format!("l{}e", part.repeat(LEN / part.len())).as_bytes(), "metainfo: the torrent is not");
    }
}

#[test]
fn a_dictionary_of_one_key_over_and_over() {
    quickly(
        format!("d{}e", "1:ai0e".repeat(100_000)).as_bytes(),
        "bencode: the key \"a\" for the second time",
    );
    let alternating = "1:bi0e1:ai0e".repeat(80_000);
    quickly(format!("d{alternating}e").as_bytes(), "bencode: the key \"a\" for the second time at byte 19");
}

#[test]
fn a_dictionary_with_all_its_keys_backwards() {
    let keys: String = (0..80_000).rev().map(|n| format!("6:{n:06}i0e")).collect();
    quickly(format!("d{keys}e").as_bytes(), "metainfo: no \"info\"");
    let long: String = (0..1_000).rev().map(|n| format!("{}i0e", string(&format!("{n:01000}")))).collect();
    quickly(format!("d{long}e").as_bytes(), "metainfo: no \"info\"");
}

#[test]
fn files_of_one_name_and_of_very_similar_ones() {
    let clash = "path: two files named \"a\", as some systems see them: numbers 1 and 2";
    quickly(&torrent((0..40_000).map(|_| ("1:a".into(), 1))), "metainfo: the pieces are");
    quickly(&torrent((0..40_000).map(|n| ("1:a".into(), u32::from(n == 0)))), clash);
    let stem = "x".repeat(200);
    quickly(&torrent((0..4_500).rev().map(|n| (string(&format!("{stem}{n}")), 1))), "ok");
}

#[test]
fn paths_a_hundred_directories_deep() {
    let deep = "2:é".repeat(99);
    quickly(&torrent((0..2_400).rev().map(|n| (format!("{deep}{}", string(&n.to_string())), 1))), "ok");
}

#[test]
fn names_that_grow_when_they_are_folded_or_decoded() {
    let expanding = "\u{390}".repeat(100);
    quickly(&torrent((0..4_400).map(|n| (string(&format!("{expanding}{n}")), 1))), "ok");
    let accents = format!("a{}", "\u{301}\u{323}".repeat(LEN / 4));
    quickly(&torrent([(string(&accents), 1)]), "ok");
    let head = format!("d4:infod6:lengthi1e4:name{LEN}:");
    let tail = format!("12:piece lengthi1e6:pieces20:{}ee", "#".repeat(20));
    quickly(&[head.as_bytes(), &[0xff; LEN], tail.as_bytes()].concat(), "ok");
}
