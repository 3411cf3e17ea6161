//! Expensive torrents of version 2 (BEP 52). In a tree a directory is named once, however many files are in it.

use crate::torrents::{many, reads, string};

/// What a file tree says of a file; of the first of all that it is not empty.
fn leaf(n: usize) -> String {
    match n {
        0 => format!("d0:d6:lengthi1e11:pieces root32:{}ee", "r".repeat(32)),
        _ => "d0:d6:lengthi0eee".to_owned(),
    }
}

/// A torrent with this in its file tree, with these piece layers, and with so much more in its info dictionary.
fn torrent(tree: &str, layers: &str, more: usize) -> Vec<u8> {
    let more = string(&"x".repeat(more));
    let info = format!("d9:file treed{tree}e12:meta versioni2e4:name1:n12:piece lengthi16384e1:x{more}e");
    format!("d4:info{info}12:piece layersd{layers}ee").into()
}

/// A tree inside directories of this name, one in another.
fn inside(directory: &str, depth: usize, tree: &str) -> String {
    format!("{}{tree}{}", format!("{}d", string(directory)).repeat(depth), "e".repeat(depth))
}

/// A file with a number for its name, which comes behind those of smaller numbers.
fn file(n: usize) -> String {
    format!("8:{n:08}{}", leaf(n))
}

#[test]
fn files_of_one_directory() {
    reads(|len| torrent(&many(len, file), "", 0), "ok");
}

#[test]
fn a_directory_for_each_file() {
    reads(|len| torrent(&many(len, |n| format!("8:{n:08}d{}e", file(n))), "", 0), "ok");
    let empty = |n: usize| if n == 0 { file(n) } else { format!("8:{n:08}de") };
    reads(|len| torrent(&many(len, empty), "", 0), "ok");
}

#[test]
fn more_paths_than_may_be_spelled_out() {
    let says = "limit: the memory for all paths is";
    reads(|len| torrent(&inside("d", 95, &many(len, file)), "", 0), says);
    reads(|len| torrent(&inside(&"d".repeat(238), 95, &many(len, file)), "", 0), says);
}

#[test]
fn as_many_paths_as_may_be_spelled_out() {
    let expanding = "\u{390}".repeat(100);
    for (directory, depth) in [("d", 95), (&"d".repeat(238), 95), (&"é".repeat(100), 50), (&expanding, 95)] {
        let make = |len: usize| {
            // Each element counts with its text and 40 bytes. Allowed are 32 bytes for each of the torrent.
            let of_a_file = (directory.len() + 40) * depth + 48;
            let files: String = (0..32 * len / of_a_file).map(file).collect();
            let tree = inside(directory, depth, &files);
            torrent(&tree, "", len - tree.len())
        };
        reads(make, "ok");
    }
}

#[test]
fn piece_layers() {
    let layers =
        |n: usize| -> String { (0..n).map(|n| format!("32:{n:032}{}", string(&"#".repeat(64)))).collect() };
    let long = |n: usize| format!("8:{n:08}d0:d6:lengthi32768e11:pieces root32:{n:032}ee");
    let files = |n: usize| -> String { (0..n).map(long).collect() };
    reads(|len| torrent(&files(len / 200), &layers(len / 200), 0), "ok");
    reads(|len| torrent(&file(0), &layers(len / 100), 0), "ok");
    let none = "metainfo: the pieces root has no piece layer";
    reads(|len| torrent(&files(len / 200), &layers(len / 200 - 1), 0), none);
}
