//! Ranges of bytes and the files they fall into.

use super::*;
use crate::disk::Extent;
use crate::ids::FileIndex;
use alloc::vec;
use proptest::prelude::*;

/// A layout of files of these lengths; every third is padding.
fn layout(lengths: &[u64]) -> FileLayout {
    let entry = |(n, length): (usize, &u64)| FileEntry::new(vec![], *length, n % 3 == 2);
    FileLayout::new(lengths.iter().enumerate().map(entry).collect(), false, 16_384, 0).unwrap()
}

fn extent(file: u32, offset: u64, len: u64) -> Extent {
    Extent { file: FileIndex(file), offset, len, padding: file % 3 == 2 }
}

#[test]
fn a_range_falls_into_the_files_it_touches() {
    let layout = layout(&[0, 10, 0, 0, 5, 20, 0]);
    assert_eq!(layout.extents(0..35), [extent(1, 0, 10), extent(4, 0, 5), extent(5, 0, 20)]);
    assert_eq!(layout.extents(9..11), [extent(1, 9, 1), extent(4, 0, 1)]);
    assert_eq!(layout.extents(10..15), [extent(4, 0, 5)]);
    assert_eq!(layout.extents(34..90), [extent(5, 19, 1)]);
    for nothing in [0..0, 12..12, 35..90, u64::MAX - 1..u64::MAX] {
        assert_eq!(layout.extents(nothing), []);
    }
}

#[test]
fn a_single_file_is_one_extent() {
    let bytes = torrent(2, |d| d.entry("length").int(20_000));
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let range = metainfo.geometry().piece_range(PieceIndex(1));
    let expected = Extent { file: FileIndex(0), offset: 16_384, len: 20_000 - 16_384, padding: false };
    assert_eq!(metainfo.layout().extents(range), [expected]);
}

#[test]
#[expect(clippy::disallowed_types, reason = "what this test is about is time spent")]
fn half_a_million_files_cost_no_more_than_the_ones_asked_for() {
    let layout = layout(&vec![3; 500_000]);
    let begun = std::time::Instant::now();
    for start in (0..1_500_000).step_by(30) {
        assert_eq!(layout.extents(start..start + 30).len(), 10);
    }
    // Milliseconds; scanning from the first file each time takes half a minute.
    assert!(begun.elapsed() < core::time::Duration::from_secs(5));
}

proptest! {
    #[test]
    fn extents_cover_a_range_exactly_and_in_order(
        lengths in proptest::collection::vec(prop_oneof![Just(0), 0u64..50], 1..40),
        start in 0u64..1_000,
        len in 0u64..1_000,
    ) {
        prop_assume!(lengths.iter().any(|len| *len > 0));
        let layout = layout(&lengths);
        let (mut at, end) = (start, (start + len).min(layout.geometry().total()));
        for extent in layout.extents(start..start + len) {
            let file = &layout.files()[extent.file.as_usize()];
            prop_assert!(extent.len > 0 && extent.offset + extent.len <= file.length);
            prop_assert_eq!(file.offset + extent.offset, at);
            prop_assert_eq!(extent.padding, file.padding);
            at += extent.len;
        }
        prop_assert_eq!(at, end.max(start));
    }
}
