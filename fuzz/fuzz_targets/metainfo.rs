//! Torrents: no name leaves the target, and the files cover the torrent exactly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_core::Metainfo;

fn check_element(element: &str) {
    assert!(!["", ".", ".."].contains(&element), "{element:?} is no name");
    assert!(!element.contains(|c: char| c.is_control() || c == '/' || c == '\\'), "{element:?} is not safe");
}

fuzz_target!(|data: &[u8]| {
    let Ok(metainfo) = Metainfo::parse(data) else { return };
    check_element(metainfo.name());
    let (geometry, layout) = (metainfo.geometry(), metainfo.layout());
    let mut end = 0;
    for file in layout.files() {
        assert_eq!(file.offset, end);
        end += file.length;
        assert_eq!(file.path.is_empty(), metainfo.is_single_file());
        file.path.iter().for_each(|element| check_element(element));
    }
    assert_eq!(end, geometry.total());
    // There may be very many pieces; the first and the last ones show as much.
    for piece in geometry.pieces().take(10).chain(geometry.pieces().rev().take(10)) {
        let range = geometry.piece_range(piece);
        let len: u64 = layout.extents(range.clone()).iter().map(|extent| extent.len).sum();
        assert_eq!(len, range.end - range.start);
    }
});
