//! Torrents that are built, and read back.

use super::*;
use alloc::string::ToString;
use alloc::{format, vec};
use proptest::prelude::*;

#[test]
fn what_is_built_is_read_back() {
    let files = vec![(vec!["a".into(), "b.txt".into()], 20_000), (vec!["empty".into()], 0)];
    let bytes = Builder::directory("album", files, 16_384)
        .pieces(hashes(2))
        .trackers([vec!["http://a/", "http://b/"], vec![], vec!["http://c/"]])
        .web_seeds(["http://w/"])
        .private(true)
        .comment("c")
        .created_by("p")
        .creation_date(-1)
        .source("s")
        .build()
        .unwrap();
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!((metainfo.name(), metainfo.is_single_file()), ("album", false));
    assert_eq!(paths(&metainfo), ["a/b.txt", "empty"]);
    assert_eq!(metainfo.trackers().iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert!(bytes.starts_with(b"d8:announce9:http://a/13:announce-listll"));
    let notes = (metainfo.comment(), metainfo.created_by(), metainfo.creation_date(), metainfo.source());
    assert_eq!(notes, (Some("c"), Some("p"), Some(-1), Some("s")));
    assert!(metainfo.is_private());
    assert_eq!(metainfo.web_seeds(), ["http://w/".into()]);
}

#[test]
fn what_cannot_be_read_back_is_not_built() {
    let said = |builder: Builder| builder.build().unwrap_err().to_string();
    assert!(
        said(Builder::file("..", 1, 16_384).pieces(hashes(1))).starts_with("path: the name \"..\" means")
    );
    assert!(said(Builder::file("a", 1, 16_384)).starts_with("metainfo: the pieces are 0 bytes where 1"));
    assert!(said(Builder::file("a", u64::MAX, 16_384)).starts_with("limit: the length of a file is"));
    assert_eq!(
        said(Builder::directory("a", vec![(vec!["con".into()], 1)], 16_384).pieces(hashes(1))),
        "path: \"con\" cannot be shared under this name (it would become \"_con\"); rename it first"
    );
}

#[test]
fn pieces_are_as_long_as_the_torrent_wants() {
    assert_eq!(Builder::default_piece_length(0), 16_384);
    assert_eq!(Builder::default_piece_length(1 << 20), 16_384);
    assert_eq!(Builder::default_piece_length(1 << 30), 1 << 20);
    assert_eq!(Builder::default_piece_length(700 << 20), 512 << 10);
    assert_eq!(Builder::default_piece_length(1 << 47), 16 << 20);
    assert_eq!(Builder::default_piece_length(u64::MAX), 16 << 20);
}

proptest! {
    #[test]
    fn any_sound_torrent_survives_the_round_trip(
        name in "[a-zA-Z0-9äß日 ]{1,20}y",
        lengths in proptest::collection::vec(0u64..100_000, 1..30),
        shift in 0u32..8,
    ) {
        let piece_length = 16_384u32 << shift;
        let total: u64 = lengths.iter().sum();
        prop_assume!(total > 0);
        let files: Vec<_> =
            lengths.iter().enumerate().map(|(n, len)| (vec![format!("d{}", n % 3), format!("{n}")], *len)).collect();
        let pieces = vec![7; total.div_ceil(u64::from(piece_length)) as usize * 20];
        let bytes = Builder::directory(&name[..], files.clone(), piece_length).pieces(pieces).build().unwrap();
        let metainfo = Metainfo::parse(&bytes).unwrap();
        prop_assert_eq!(metainfo.name(), name);
        prop_assert_eq!(metainfo.geometry(), Geometry::new(total, piece_length).unwrap());
        let read: Vec<_> = metainfo.layout().files().iter()
            .map(|f| (f.path.iter().map(|e| e.clone().into_string()).collect::<Vec<_>>(), f.length)).collect();
        prop_assert_eq!(read, files);
    }
}
