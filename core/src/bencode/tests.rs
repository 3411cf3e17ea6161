//! Bencode: what real documents contain, what hostile ones try, and round trips.

use super::*;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use proptest::prelude::*;

fn decode(input: &[u8]) -> Result<Document<'_>, Error> {
    Document::decode(input, Limits::TORRENT)
}

fn fails(input: &[u8], says: &str) {
    let error = decode(input).map(drop).unwrap_err().to_string();
    assert_eq!(error, format!("bencode: {says}"), "for {:?}", input.escape_ascii().to_string());
}

#[test]
fn a_document_shows_its_values_and_where_they_stand() {
    let input = b"d4:infod6:lengthi-42e4:name3:abce4:listl0:i7elee1:zi0ee";
    let document = decode(input).unwrap();
    let root = document.root();
    let info = root.get("info").unwrap();
    assert_eq!(info.raw(), b"d6:lengthi-42e4:name3:abce");
    assert_eq!(info.position(), 7);
    assert_eq!(info.get("length").unwrap().as_int(), Some(-42));
    assert_eq!(info.get("name").unwrap().as_str(), Some("abc"));
    let list: Vec<_> = root.get("list").unwrap().as_list().unwrap().map(|v| v.raw()).collect();
    assert_eq!(list, [&b"0:"[..], b"i7e", b"le"]);
    let keys: Vec<_> = root.as_dict().unwrap().map(|(key, _)| key).collect();
    assert_eq!(keys, [&b"info"[..], b"list", b"z"]);
    assert_eq!(root.raw(), input);
}

#[test]
fn a_value_is_only_what_it_is() {
    let document = decode(b"l1:1i1e3:\xff\xff\xffe").unwrap();
    let values: Vec<_> = document.root().as_list().unwrap().collect();
    assert_eq!((values[0].as_int(), values[0].as_str()), (None, Some("1")));
    assert_eq!((values[1].as_int(), values[1].as_bytes()), (Some(1), None));
    assert_eq!((values[2].as_str(), values[2].as_bytes()), (None, Some(&b"\xff\xff\xff"[..])));
    assert!(values.iter().all(|v| v.as_list().is_none() && v.as_dict().is_none() && v.get("1").is_none()));
}

#[test]
fn what_real_torrents_get_wrong_is_accepted_and_noted() {
    for (input, position) in [
        (&b"d1:bi1e1:ai2ee"[..], Some(0)),
        (b"li1ei007ee", Some(4)),
        (b"i-0e", Some(0)),
        (b"l03:abce", Some(1)),
        (b"ld1:ai0e1:bi10e1:c0:ee", None),
    ] {
        assert_eq!(decode(input).unwrap().root().non_canonical(), position);
    }
    let document = decode(b"d1:bi-007e1:ai2ee \r\n").unwrap();
    assert_eq!(document.root().get("b").unwrap().as_int(), Some(-7));
    assert_eq!(document.root().get("a").unwrap().as_int(), Some(2));
    let inner = decode(b"d1:bi01e1:ai2ee").unwrap();
    assert_eq!(inner.root().get("a").unwrap().non_canonical(), None);
}

#[test]
fn every_fault_names_itself_and_its_place() {
    fails(b"", "the data ends too early at byte 0");
    fails(b"<html>", "no value begins with '<' at byte 0");
    fails(b"e", "no value begins with 'e' at byte 0");
    fails(b"d4:name", "the data ends too early at byte 7");
    fails(b"li1e", "the data ends too early at byte 4");
    fails(b"di1e1:ae", "a key is a string and cannot begin with 'i' at byte 1");
    fails(b"d1:ae", "a key without a value at byte 4");
    fails(b"d1:ai1e1:ai2ee", "the key \"a\" for the second time at byte 7");
    fails(b"d1:bi1e1:ai2e1:bi3ee", "the key \"b\" for the second time at byte 13");
    fails(b"d2:\x1b\xffi1e2:\x1b\xffi1ee", "the key \"\\u{1b}\\xff\" for the second time at byte 8");
    fails(b"ie", "an integer that is not a number at byte 1");
    fails(b"i-e", "an integer that is not a number at byte 2");
    fails(b"i+1e", "an integer that is not a number at byte 1");
    fails(b"i1.5e", "an integer that is not a number at byte 2");
    fails(b"i12", "the data ends too early at byte 3");
    fails(b"i9223372036854775808e", "an integer that does not fit in 64 bits at byte 0");
    fails(b"li-9223372036854775809ee", "an integer that does not fit in 64 bits at byte 1");
    fails(b"5:abc", "a string longer than the 3 bytes left at byte 0");
    fails(b"99999999999999999999999:abc", "a string longer than the 3 bytes left at byte 0");
    fails(b"5abc", "a string length that is not a number at byte 1");
    fails(b"5", "the data ends too early at byte 1");
    fails(b"i1e\0", "1 bytes after the end of the document at byte 3");
    fails(b"i1ei2e", "3 bytes after the end of the document at byte 3");
    let strict = Document::decode(b"i1e\n", Limits::MESSAGE).map(drop).unwrap_err();
    assert_eq!(strict.kind, ErrorKind::Trailing(1));
}

#[test]
fn the_largest_integers_are_read() {
    assert_eq!(decode(b"i9223372036854775807e").unwrap().root().as_int(), Some(i64::MAX));
    assert_eq!(decode(b"i-9223372036854775808e").unwrap().root().as_int(), Some(i64::MIN));
}

#[test]
fn depth_and_number_of_values_end_at_their_limits() {
    let nested = |depth| [b"l".repeat(depth), b"e".repeat(depth)].concat();
    assert!(decode(&nested(100)).is_ok());
    fails(&nested(101), "nested deeper than 100 at byte 100");
    fails(&b"d1:a".repeat(300_000), "nested deeper than 100 at byte 400");
    let limits = Limits { values: 3, ..Limits::TORRENT };
    assert!(Document::decode(b"d1:ai1e1:bi1ee", limits).is_ok());
    let error = Document::decode(b"d1:ai1e1:bi1e1:ci1ee", limits).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "bencode: more than 3 values at byte 16");
}

#[test]
fn a_dictionary_with_its_keys_upside_down_costs_no_more_than_sorting_them() {
    let mut input = b"d".to_vec();
    for n in (0..200_000u32).rev() {
        input.extend_from_slice(format!("6:{n:06}i0e").as_bytes());
    }
    input.extend_from_slice(b"6:000777i0ee");
    let place = input.len() - b"6:000777i0ee".len();
    fails(&input, &format!("the key \"000777\" for the second time at byte {place}"));
}

#[test]
fn entries_come_out_sorted_whatever_their_order() {
    let encoded = encode_dict(|d| {
        d.entry("zz").int(i64::MIN);
        d.entry("a").dict(|d| {
            d.entry("2").bytes(b"\xff");
            d.entry("10").list(|l| {
                l.raw(b"i0e");
                l.bytes("");
            });
        });
        d.entry("").int(-1);
    });
    assert_eq!(encoded, b"d0:i-1e1:ad2:10li0e0:e1:21:\xffe2:zzi-9223372036854775808ee");
    assert_eq!(decode(&encoded).unwrap().root().non_canonical(), None);
    assert_eq!(encode_dict(|_| ()), b"de");
}

/// A value to encode: only tests need bencode as a tree.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Int(i64),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Dict(Vec<(Vec<u8>, Self)>),
}

impl Tree {
    fn write(&self, to: &mut Encoder) {
        match self {
            Self::Int(n) => to.int(*n),
            Self::Bytes(bytes) => to.bytes(bytes),
            Self::List(values) => to.list(|l| values.iter().for_each(|v| v.write(l))),
            Self::Dict(entries) => to.dict(|d| entries.iter().for_each(|(k, v)| v.write(d.entry(k)))),
        }
    }

    fn read(value: Value<'_>) -> Self {
        if let Some(n) = value.as_int() {
            return Self::Int(n);
        }
        if let Some(bytes) = value.as_bytes() {
            return Self::Bytes(bytes.to_vec());
        }
        match value.as_list() {
            Some(list) => Self::List(list.map(Self::read).collect()),
            None => Self::Dict(value.as_dict().unwrap().map(|(k, v)| (k.to_vec(), Self::read(v))).collect()),
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let text = proptest::collection::vec(any::<u8>(), 0..6);
    let leaf = prop_oneof![any::<i64>().prop_map(Tree::Int), text.clone().prop_map(Tree::Bytes)];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Tree::List),
            proptest::collection::btree_map(text.clone(), inner, 0..8)
                .prop_map(|entries| Tree::Dict(entries.into_iter().rev().collect())),
        ]
    })
}

fn sorted(tree: Tree) -> Tree {
    match tree {
        Tree::List(values) => Tree::List(values.into_iter().map(sorted).collect()),
        Tree::Dict(mut entries) => {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Tree::Dict(entries.into_iter().map(|(k, v)| (k, sorted(v))).collect())
        }
        leaf => leaf,
    }
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(tree in trees()) {
        let mut encoder = Encoder::new();
        tree.write(&mut encoder);
        let encoded = encoder.finish();
        let document = decode(&encoded).unwrap();
        prop_assert_eq!(document.root().non_canonical(), None);
        prop_assert_eq!(Tree::read(document.root()), sorted(tree));
    }

    #[test]
    fn no_bytes_can_make_it_panic(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&input);
    }

    #[test]
    fn what_looks_like_bencode_is_read_or_refused_inside_the_input(
        words in proptest::collection::vec(
            proptest::sample::select(&["d", "l", "e", "e", "i1e", "i-0e", "1:a", "1:b", "0:", "2:ab", "9:", "i", "-"][..]),
            0..40,
        ),
    ) {
        let input = words.concat();
        match decode(input.as_bytes()) {
            Ok(document) => {
                prop_assert_eq!(document.root().raw(), input.as_bytes());
                Tree::read(document.root());
            }
            Err(error) => prop_assert!(error.position <= input.len()),
        }
    }
}
