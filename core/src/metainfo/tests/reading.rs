//! Keys, their variants, and what is made of those that make no sense.

use super::*;
use crate::hash::sha1;
use crate::ids::PieceIndex;
use crate::limits::{MAX_TRACKERS, MAX_URL, MAX_WEB_SEEDS};
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

/// A torrent with what `add` adds beside the info dictionary.
fn beside(add: impl FnOnce(&mut DictEncoder<'_>)) -> Metainfo {
    let bytes = encode_dict(|torrent| {
        torrent.entry("info").dict(|d| {
            d.entry("length").int(1);
            d.entry("name").bytes("name");
            d.entry("piece length").int(1);
            d.entry("pieces").bytes(hashes(1));
        });
        add(torrent);
    });
    Metainfo::parse(&bytes).unwrap()
}

#[test]
fn a_torrent_of_one_file_says_all_it_knows() {
    let info = "d6:lengthi20000e4:name10:debian.iso12:piece lengthi16384e6:pieces40:\
        aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb7:privatei1e6:source3:XYZe";
    let bytes = format!(
        "d8:announce18:http://a.example/x7:comment2:hi10:created by7:mktor 113:creation datei1700000000e\
         8:encoding5:UTF-84:info{info}8:url-list17:http://w.example/e"
    );
    let metainfo = Metainfo::parse(bytes.as_bytes()).unwrap();
    assert_eq!(metainfo.info_hash().v1, Some(sha1(info.as_bytes())));
    assert_eq!(metainfo.info_hash().v2, None);
    assert_eq!((metainfo.name(), metainfo.is_single_file()), ("debian.iso", true));
    assert_eq!((metainfo.geometry().total(), metainfo.geometry().num_pieces()), (20_000, 2));
    assert_eq!(metainfo.piece_hash(PieceIndex(1)).unwrap().0, [b'b'; 20]);
    assert_eq!(metainfo.piece_hash(PieceIndex(2)), None);
    assert_eq!(metainfo.trackers(), [vec!["http://a.example/x".into()]]);
    assert_eq!(metainfo.web_seeds(), ["http://w.example/".into()]);
    assert!(metainfo.is_private() && metainfo.has_v1());
    assert_eq!((metainfo.comment(), metainfo.created_by()), (Some("hi"), Some("mktor 1")));
    assert_eq!((metainfo.creation_date(), metainfo.source()), (Some(1_700_000_000), Some("XYZ")));
    assert_eq!(metainfo.encoding(), Some("UTF-8"));
    assert_eq!(&metainfo.file()[..], bytes.as_bytes());
    assert_eq!(paths(&metainfo), [""]);
}

#[test]
fn the_info_hash_is_of_the_bytes_as_they_came() {
    // Keys out of order and a number with a zero before it: re-encoding would give another hash.
    let info = b"d6:pieces20:aaaaaaaaaaaaaaaaaaaa4:name1:a12:piece lengthi016384e6:lengthi5ee";
    let bytes = [b"d4:info", &info[..], b"e\n"].concat();
    assert_eq!(Metainfo::parse(&bytes).unwrap().info_hash().v1, Some(sha1(info)));
}

#[test]
fn twins_in_utf_8_are_preferred() {
    let bytes = encode_dict(|torrent| {
        torrent.entry("comment").bytes(b"\xe4");
        torrent.entry("comment.utf-8").bytes("ä");
        torrent.entry("info").dict(|d| {
            d.entry("name").bytes(b"\xc4");
            d.entry("name.utf-8").bytes("Ä");
            d.entry("piece length").int(16_384);
            d.entry("pieces").bytes(hashes(1));
            d.entry("files").list(|l| {
                l.dict(|d| {
                    d.entry("length").int(1);
                    d.entry("path").list(|l| l.bytes(b"\xd6"));
                    d.entry("path.utf-8").list(|l| l.bytes("Ö"));
                });
            });
        });
    });
    let metainfo = Metainfo::parse(&bytes).unwrap();
    assert_eq!((metainfo.name(), metainfo.comment()), ("Ä", Some("ä")));
    assert_eq!(paths(&metainfo), ["Ö"]);
}

#[test]
fn a_twin_of_the_wrong_kind_is_passed_over() {
    let bytes = torrent(1, |d| {
        d.entry("name.utf-8").int(1);
        d.entry("length").int(1);
    });
    assert_eq!(Metainfo::parse(&bytes).unwrap().name(), "name");
}

#[test]
fn trackers_come_from_the_list_by_tier_each_once() {
    let metainfo = beside(|d| {
        d.entry("announce").bytes("http://ignored.example/");
        d.entry("announce-list").list(|tiers| {
            tiers.list(|l| [" http://a/ ", "http://b/", "http://a/"].iter().for_each(|url| l.bytes(url)));
            tiers.list(|l| l.bytes("http://b/"));
            tiers.list(|_| ());
            tiers.bytes("udp://flat/");
            tiers.int(7);
            tiers.list(|l| {
                l.int(7);
                l.bytes("");
                l.bytes("http://line\r\nbreak/");
                l.bytes(format!("http://{}/", "x".repeat(MAX_URL)));
                l.bytes(b"http://c/\xff");
            });
        });
    });
    let tiers: Vec<String> = metainfo.trackers().iter().map(|tier| tier.join(" ")).collect();
    assert_eq!(tiers, ["http://a/ http://b/", "udp://flat/", "http://c/%FF"]);
}

#[test]
fn announce_counts_where_the_list_names_no_tracker() {
    for list in [&b"le"[..], b"llee", b"ll0:ee", b"4:http", b"i0e"] {
        let metainfo = beside(|d| {
            d.entry("announce").bytes("http://a/");
            d.entry("announce-list").raw(list);
        });
        assert_eq!(metainfo.trackers(), [vec!["http://a/".into()]]);
    }
    assert!(beside(|d| d.entry("announce").int(1)).trackers().is_empty());
}

#[test]
fn trackers_and_web_seeds_end_at_their_limits() {
    let metainfo = beside(|d| {
        d.entry("announce-list").list(|tiers| {
            (0..20_000).for_each(|n| tiers.list(|l| l.bytes(format!("http://{n}/"))));
        });
        d.entry("url-list").list(|l| (0..20_000).for_each(|n| l.bytes(format!("http://{n}/"))));
    });
    assert_eq!(metainfo.trackers().len(), MAX_TRACKERS);
    assert_eq!(metainfo.web_seeds().len(), MAX_WEB_SEEDS);
}

#[test]
fn notes_that_make_no_sense_are_passed_over() {
    let metainfo = beside(|d| {
        d.entry("comment").int(1);
        d.entry("creation date").bytes("yesterday");
        d.entry("created by").bytes(b"\xff\x1b");
        d.entry("url-list").int(1);
        d.entry("nodes").bytes("x");
    });
    assert_eq!((metainfo.comment(), metainfo.creation_date()), (None, None));
    assert_eq!(metainfo.created_by(), Some("%FF\u{1b}"));
    assert!(metainfo.web_seeds().is_empty() && !metainfo.is_private());
}

proptest! {
    #[test]
    fn no_bytes_can_make_it_panic(bytes: Vec<u8>) {
        let _ = Metainfo::parse(&bytes);
    }

    #[test]
    fn no_change_to_a_sound_torrent_can_make_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: Option<prop::sample::Index>,
    ) {
        let mut bytes = versions::hybrid();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Err(error) = Metainfo::parse(&bytes) {
            let said = format!("{error}");
            prop_assert!(!said.contains(char::is_control), "{said}");
        }
    }
}
