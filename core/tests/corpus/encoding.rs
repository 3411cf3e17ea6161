//! Files that are not bencode, or more of it than anyone needs.

use super::{Case, case, dict, int, single};

pub fn bencode() -> Vec<Case> {
    let valid = single(&[]);
    let deep = |depth: usize| dict([("info", [b"l".repeat(depth), b"e".repeat(depth)].concat())]);
    vec![
        case("empty", b"", "bencode: the data ends too early at byte 0"),
        case("web-page", b"<!DOCTYPE html>", "bencode: no value begins with '<' at byte 0"),
        case("magnet", b"magnet:?xt=urn:btih:", "bencode: no value begins with 'm' at byte 0"),
        case("gzip", b"\x1f\x8b\x08", "bencode: no value begins with '\\x1f' at byte 0"),
        case("zeros", [0; 64], "bencode: no value begins with '\\x00' at byte 0"),
        case("cut-in-a-key", &valid[..5], "bencode: a string longer than the 2 bytes left at byte 1"),
        case("cut-in-the-hashes", &valid[..80], "bencode: a string longer than the 16 bytes left at byte 61"),
        case("last-byte-missing", &valid[..valid.len() - 1], "bencode: the data ends too early at byte 85"),
        case(
            "two-documents",
            [&valid[..], &valid[..]].concat(),
            "bencode: 86 bytes after the end of the document at byte 86",
        ),
        case(
            "zeros-behind",
            [&valid[..], b"\0\0"].concat(),
            "bencode: 2 bytes after the end of the document at byte 86",
        ),
        case(
            "key-is-an-integer",
            b"di1e4:infoe",
            "bencode: a key is a string and cannot begin with 'i' at byte 1",
        ),
        case("key-without-value", b"d4:infoe", "bencode: a key without a value at byte 7"),
        case("key-twice", b"d4:infode4:infodee", "bencode: the key \"info\" for the second time at byte 9"),
        case(
            "key-twice-out-of-order",
            single(&[("private", b"i1e4:name1:x".to_vec())]),
            "bencode: the key \"name\" for the second time at byte 96",
        ),
        case(
            "integer-empty",
            single(&[("length", b"ie".to_vec())]),
            "bencode: an integer that is not a number at byte 17",
        ),
        case(
            "integer-of-letters",
            single(&[("length", b"iabce".to_vec())]),
            "bencode: an integer that is not a number at byte 17",
        ),
        case(
            "integer-with-a-plus",
            single(&[("length", b"i+5e".to_vec())]),
            "bencode: an integer that is not a number at byte 17",
        ),
        case(
            "integer-with-a-point",
            single(&[("length", b"i5.0e".to_vec())]),
            "bencode: an integer that is not a number at byte 18",
        ),
        case(
            "integer-minus-alone",
            single(&[("length", b"i-e".to_vec())]),
            "bencode: an integer that is not a number at byte 18",
        ),
        case(
            "integer-of-65-bits",
            single(&[("length", int("9223372036854775808"))]),
            "bencode: an integer that does not fit in 64 bits at byte 16",
        ),
        case(
            "integer-of-200-digits",
            single(&[("length", int("7".repeat(200)))]),
            "bencode: an integer that does not fit in 64 bits at byte 16",
        ),
        case(
            "string-too-long",
            single(&[("name", b"999:name".to_vec())]),
            "bencode: a string longer than the 59 bytes left at byte 25",
        ),
        case(
            "string-length-of-65-bits",
            single(&[("name", b"18446744073709551617:x".to_vec())]),
            "bencode: a string longer than the 56 bytes left at byte 25",
        ),
        case(
            "string-length-negative",
            single(&[("name", b"-1:x".to_vec())]),
            "bencode: no value begins with '-' at byte 25",
        ),
        case(
            "string-without-colon",
            single(&[("name", b"4name".to_vec())]),
            "bencode: a string length that is not a number at byte 26",
        ),
        case("lists-nested-too-deep", deep(100), "bencode: nested deeper than 100 at byte 106"),
        case("lists-never-closed", b"l".repeat(1 << 20), "bencode: nested deeper than 100 at byte 100"),
        case(
            "dictionaries-nested-without-end",
            b"d1:a".repeat(1 << 18),
            "bencode: nested deeper than 100 at byte 400",
        ),
        case(
            "too-many-values",
            [&b"l"[..], &b"le".repeat(3_000_000), b"e"].concat(),
            "bencode: more than 3000000 values at byte 5999999",
        ),
        case(
            "too-large",
            vec![b'0'; (32 << 20) + 1],
            "limit: a .torrent file of 33554433 bytes, more than 33554432",
        ),
    ]
}
