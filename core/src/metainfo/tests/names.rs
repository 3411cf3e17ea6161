//! What becomes of names, and which are too much alike.

use super::*;
use crate::escape::is_hidden;
use crate::limits::MAX_PATH_ELEMENT;
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

fn named(raw: impl AsRef<[u8]>) -> String {
    path::name(raw.as_ref(), 0).unwrap().into()
}

#[test]
fn honest_names_are_left_alone() {
    for name in [
        "a",
        "...a",
        ".hidden",
        "Größe",
        "日本語",
        "a b",
        "what?*<>|\"",
        "con1",
        "aux-",
        "COM0",
        "a.con",
        "100:1",
    ] {
        assert_eq!(named(name), name);
    }
}

#[test]
fn names_that_windows_reserves_get_an_underscore() {
    for name in ["CON", "con.txt", "Aux.tar.gz", "nul ", "COM1", "lpt9.x", "com¹", "CONIN$", "C:", "c:x"] {
        assert!(named(name).starts_with(&format!("_{name}")), "{name}");
    }
    assert_eq!(named("vol. 1."), "vol. 1._");
    assert_eq!(named("a "), "a _");
    assert_eq!(named("..."), "..._");
    assert_eq!(named("nul."), "_nul._");
}

#[test]
fn what_cannot_be_seen_is_dropped_and_what_is_not_utf_8_is_spelled() {
    assert_eq!(named("evil\u{202e}gpj.exe"), "evilgpj.exe");
    assert_eq!(named("\u{feff}a\u{200d}b\u{2028}"), "ab");
    assert_eq!(named(b"caf\xe9"), "caf%E9");
    assert_eq!(named(b"\xc0\xaf\xe2\x82"), "%C0%AF%E2%82");
}

#[test]
fn a_name_too_long_is_cut_before_its_extension_and_stays_its_own() {
    let long = |n: usize, last: &str| format!("{}{last}", "é".repeat(n));
    assert_eq!(named(long(117, ".mkv")), long(117, ".mkv"));
    let (a, b) = (named(long(200, "1.mkv")), named(long(200, "2.mkv")));
    assert_ne!(a, b);
    for name in [&a, &b] {
        assert!(
            name.len() <= MAX_PATH_ELEMENT && name.len() > MAX_PATH_ELEMENT - 4 && name.ends_with(".mkv")
        );
        assert_eq!(named(name), **name, "a name once made is kept");
    }
    assert!(!named(long(300, ".not an extension")).ends_with("extension"));
}

#[test]
fn padding_files_may_be_called_alike() {
    let bytes = torrent(1, |d| {
        d.entry("files").list(|l| {
            file(l, 1, &["a"], "");
            file(l, 5, &[".pad", "5"], "p");
            file(l, 1, &["b"], "x");
            file(l, 5, &[".pad", "5"], "");
            file(l, 1, &[".pad", "notes"], "");
            file(l, 1, &["_____padding_file_0_if you see this file, update"], "");
            l.dict(|d| {
                d.entry("attr").bytes("p");
                d.entry("length").int(9);
            });
        });
    });
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let padding: Vec<bool> = metainfo.layout().files().iter().map(|file| file.padding).collect();
    assert_eq!(padding, [false, true, false, true, false, true, true]);
    assert_eq!(metainfo.layout().content_length(), 3);
    assert_eq!(paths(&metainfo)[6], ".pad/9");
}

#[test]
fn names_that_only_look_alike_are_two() {
    let files = ["a/b", "a-b", "a b", "ab/c", "a/bc", "ab d", "é", "e", "а"];
    let bytes = torrent(1, |d| {
        d.entry("files").list(|l| {
            files.iter().for_each(|path| file(l, 1, &path.split('/').collect::<Vec<_>>(), ""));
        });
    });
    assert_eq!(paths(&Metainfo::parse(&bytes).unwrap()), files);
}

proptest! {
    #[test]
    fn every_name_is_one_safe_element_and_stays_what_it_is(raw in arbitrary_name()) {
        let Ok(name) = path::name(&raw, 0) else { return Ok(()) };
        prop_assert!(!name.is_empty() && &*name != "." && &*name != "..");
        prop_assert!(name.len() <= MAX_PATH_ELEMENT);
        prop_assert!(!name.contains(['/', '\\']) && !name.contains(is_hidden));
        prop_assert!(!name.ends_with(['.', ' ']));
        prop_assert_eq!(&path::name(name.as_bytes(), 0).unwrap(), &name);
    }
}

fn arbitrary_name() -> impl Strategy<Value = Vec<u8>> {
    let parts = vec![
        "con", "COM1", ".", "..", " ", "/", "\\", "\0", "\u{200b}", "\u{202e}", "é", "x.tar.gz", "C:",
        "\u{85}", "_",
    ];
    prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        proptest::collection::vec(proptest::sample::select(parts), 0..5)
            .prop_map(|v| v.concat().into_bytes()),
        ("[a-zé ]{0,9}", 100usize..300, "[. a-z]{0,20}").prop_map(|(word, n, end)| format!(
            "{}{end}",
            word.repeat(n)
        )
        .into_bytes()),
    ]
}
