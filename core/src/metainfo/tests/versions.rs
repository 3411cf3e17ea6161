//! Version 2 and hybrid torrents (BEP 52).

use super::*;
use crate::hash::{sha1, sha256};
use alloc::string::ToString;

/// A file of a file tree.
fn leaf(dict: &mut DictEncoder<'_>, name: &str, length: i64) {
    dict.entry(name).dict(|d| {
        d.entry("").dict(|d| {
            d.entry("length").int(length);
            if length > 0 {
                d.entry("pieces root").bytes([length as u8; 32]);
            }
        });
    });
}

/// A torrent of version 2 with this tree, what `info` adds, and layers of so many hashes for files of so many
/// bytes.
fn v2(
    name: &str,
    tree: impl FnOnce(&mut DictEncoder<'_>),
    info: impl FnOnce(&mut DictEncoder<'_>),
    layers: &[(i64, usize)],
) -> Vec<u8> {
    encode_dict(|torrent| {
        torrent.entry("info").dict(|d| {
            d.entry("file tree").dict(tree);
            d.entry("meta version").int(2);
            d.entry("name").bytes(name);
            d.entry("piece length").int(16_384);
            info(d);
        });
        torrent.entry("piece layers").dict(|d| {
            for (length, hashes) in layers {
                d.entry([*length as u8; 32]).bytes(alloc::vec![0; hashes * 32]);
            }
        });
    })
}

/// A sound hybrid torrent of two files, one of three pieces, and an empty one.
pub(super) fn hybrid() -> Vec<u8> {
    let tree = |d: &mut DictEncoder<'_>| {
        d.entry("d").dict(|d| {
            leaf(d, "a", 33_001);
            leaf(d, "b", 0);
        });
        leaf(d, "z", 9);
    };
    let list = |d: &mut DictEncoder<'_>| {
        d.entry("pieces").bytes(hashes(4));
        d.entry("files").list(|l| {
            file(l, 33_001, &["d", "a"], "");
            file(l, 0, &["d", "b"], "");
            file(l, 3 * 16_384 - 33_001, &[".pad", "16151"], "p");
            file(l, 9, &["z"], "");
        });
    };
    v2("two", tree, list, &[(33_001, 3)])
}

#[test]
fn a_version_2_torrent_shows_its_files_at_the_starts_of_pieces() {
    let tree = |d: &mut DictEncoder<'_>| {
        leaf(d, "a", 5);
        leaf(d, "b", 0);
        d.entry("c").dict(|d| leaf(d, "d", 16_384));
        leaf(d, "e", 40_000);
        d.entry("empty directory").dict(|_| ());
    };
    let bytes = v2("dir", tree, |_| (), &[(40_000, 3)]);
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let info = &bytes[b"d4:info".len()..bytes.windows(14).position(|w| w == b"12:piece layer").unwrap()];
    assert_eq!(metainfo.info_hash().v2, Some(sha256(info)));
    assert_eq!((metainfo.info_hash().v1, metainfo.has_v1()), (None, false));
    assert_eq!(metainfo.piece_hash(PieceIndex(0)), None);
    assert_eq!(paths(&metainfo), ["a", "b", ".pad/16379", "c/d", "e"]);
    let offsets: Vec<u64> = metainfo.layout().files().iter().map(|file| file.offset).collect();
    assert_eq!(offsets, [0, 5, 5, 16_384, 32_768]);
    assert_eq!(metainfo.geometry().num_pieces(), 1 + 1 + 3);
    assert_eq!(metainfo.layout().content_length(), 5 + 16_384 + 40_000);
}

#[test]
fn a_tree_of_one_file_called_like_the_torrent_is_that_file() {
    let single = v2("a", |d| leaf(d, "a", 5), |_| (), &[]);
    let metainfo = Metainfo::parse(&single).unwrap();
    assert!(metainfo.is_single_file());
    assert_eq!(paths(&metainfo), [""]);
    let other = v2("b", |d| leaf(d, "a", 5), |_| (), &[]);
    assert!(!Metainfo::parse(&other).unwrap().is_single_file());
}

#[test]
fn a_hybrid_torrent_has_both_hashes_and_the_files_of_its_list() {
    let bytes = hybrid();
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let info = &bytes[b"d4:info".len()..bytes.windows(14).position(|w| w == b"12:piece layer").unwrap()];
    assert_eq!(metainfo.info_hash(), InfoHash { v1: Some(sha1(info)), v2: Some(sha256(info)) });
    assert_eq!(paths(&metainfo), ["d/a", "d/b", ".pad/16151", "z"]);
    assert_eq!(metainfo.piece_hash(PieceIndex(3)).unwrap().0, [3; 20]);
}

#[test]
fn a_hybrid_of_one_file_may_be_a_file_or_a_directory() {
    let tree = |d: &mut DictEncoder<'_>| leaf(d, "a", 5);
    let file_side = |d: &mut DictEncoder<'_>| {
        d.entry("length").int(5);
        d.entry("pieces").bytes(hashes(1));
    };
    let list_side = |d: &mut DictEncoder<'_>| {
        d.entry("files").list(|l| file(l, 5, &["a"], ""));
        d.entry("pieces").bytes(hashes(1));
    };
    assert!(Metainfo::parse(&v2("a", tree, file_side, &[])).unwrap().is_single_file());
    assert!(!Metainfo::parse(&v2("a", tree, list_side, &[])).unwrap().is_single_file());
    let error = Metainfo::parse(&v2("b", tree, file_side, &[])).unwrap_err();
    assert_eq!(error, MetainfoError::HybridMismatch { number: 1 });
}

#[test]
fn a_tree_beside_version_1_without_a_version_number_is_not_looked_at() {
    let bytes = torrent(1, |d| {
        d.entry("file tree").int(7);
        d.entry("length").int(5);
    });
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!(metainfo.info_hash().v2, None);
}

#[test]
fn a_small_tree_cannot_become_a_huge_list() {
    // A deep directory with few files is fine.
    let nested = |files: i64| {
        let mut encoder = Encoder::new();
        encoder.dict(|d| (0..files).for_each(|n| leaf(d, &alloc::format!("{n:05}"), 0)));
        leaf_in(encoder.finish())
    };
    assert!(Metainfo::parse(&nested(20)).is_ok());
    let error = Metainfo::parse(&nested(20_000)).unwrap_err().to_string();
    assert!(error.starts_with("limit: the memory for all paths is"), "{error}");
}

/// A torrent with these files ninety directories deep, and a file beside them.
fn leaf_in(files: Vec<u8>) -> Vec<u8> {
    let deep = (0..90).fold(files, |inner, _| encode_dict(|d| d.entry("d").raw(&inner)));
    let tree = |d: &mut DictEncoder<'_>| {
        d.entry("d").raw(&deep);
        leaf(d, "e", 5);
    };
    v2("dir", tree, |_| (), &[])
}
