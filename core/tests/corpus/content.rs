//! Info dictionaries with keys missing, of the wrong kind, or with numbers that cannot be.

use super::{Case, case, dict, directory, file, int, list, single, string, torrent};

pub fn structure() -> Vec<Case> {
    let without = |key| single(&[(key, vec![])]);
    vec![
        case("a-list", b"le", "metainfo: the torrent is not a dictionary at byte 0"),
        case("a-string", b"4:info", "metainfo: the torrent is not a dictionary at byte 0"),
        case("an-integer", b"i42e", "metainfo: the torrent is not a dictionary at byte 0"),
        case("an-empty-dictionary", b"de", "metainfo: no \"info\" in the torrent at byte 0"),
        case(
            "info-is-a-string",
            dict([("info", string("x"))]),
            "metainfo: the info dictionary is not a dictionary at byte 7",
        ),
        case("info-is-empty", torrent(dict([])), "metainfo: no \"name\" in the info dictionary at byte 7"),
        case(
            "info-spelled-with-a-capital",
            dict([("Info", dict([]))]),
            "metainfo: no \"info\" in the torrent at byte 0",
        ),
        case("no-name", without("name"), "metainfo: no \"name\" in the info dictionary at byte 7"),
        case(
            "no-piece-length",
            without("piece length"),
            "metainfo: no \"piece length\" in the info dictionary at byte 7",
        ),
        case("no-pieces", without("pieces"), "metainfo: no \"pieces\" in the info dictionary at byte 7"),
        case("no-length", without("length"), "metainfo: no \"length\" in the info dictionary at byte 7"),
        case(
            "name-is-an-integer",
            single(&[("name", int(7))]),
            "metainfo: \"name\" is not a string at byte 25",
        ),
        case(
            "piece-length-is-a-string",
            single(&[("piece length", string("16384"))]),
            "metainfo: \"piece length\" is not an integer at byte 46",
        ),
        case(
            "pieces-is-a-list",
            single(&[("pieces", list([string([b'#'; 20])]))]),
            "metainfo: \"pieces\" is not a string at byte 61",
        ),
        case(
            "length-is-a-string",
            single(&[("length", string("5"))]),
            "metainfo: \"length\" is not an integer at byte 16",
        ),
        case(
            "private-is-a-string",
            single(&[("private", string("1"))]),
            "metainfo: \"private\" is not an integer at byte 93",
        ),
        case(
            "length-and-files",
            single(&[("files", list([file(&["a"])]))]),
            "metainfo: the file list stands beside a length, so it is unclear which is meant, at byte 15",
        ),
        case(
            "files-is-a-dictionary",
            single(&[("length", vec![]), ("files", dict([]))]),
            "metainfo: \"files\" is not a list at byte 15",
        ),
        case(
            "files-is-empty",
            directory([]),
            "metainfo: the torrent has no data: every file is empty, at byte 15",
        ),
        case(
            "file-is-a-string",
            directory([string("a")]),
            "metainfo: the file entry is not a dictionary at byte 16",
        ),
        case(
            "file-without-length",
            directory([dict([("path", list([string("a")]))])]),
            "metainfo: no \"length\" in the file entry at byte 16",
        ),
        case(
            "file-without-path",
            directory([dict([("length", int(5))])]),
            "metainfo: no \"path\" in the file entry at byte 16",
        ),
        case(
            "path-is-a-string",
            directory([dict([("length", int(5)), ("path", string("a"))])]),
            "metainfo: \"path\" is not a list at byte 34",
        ),
        case(
            "path-of-integers",
            directory([dict([("length", int(5)), ("path", list([int(1)]))])]),
            "metainfo: \"path\" is not a list of strings at byte 35",
        ),
    ]
}

pub fn sizes() -> Vec<Case> {
    let entry = |length: &str, name: &str| dict([("length", int(length)), ("path", list([string(name)]))]);
    let half = (1u64 << 47).to_string();
    vec![
        case(
            "length-negative",
            single(&[("length", int(-5))]),
            "metainfo: the length is negative at byte 16",
        ),
        case(
            "length-zero",
            single(&[("length", int(0)), ("pieces", string(""))]),
            "metainfo: the torrent has no data: every file is empty, at byte 16",
        ),
        case(
            "length-above-the-limit",
            single(&[("length", int(1u64 << 48))]),
            "limit: the length of a file is 281474976710656, more than 281474976710655, at byte 16",
        ),
        case(
            "length-the-largest-integer",
            single(&[("length", int(i64::MAX))]),
            "limit: the length of a file is 9223372036854775807, more than 281474976710655, at byte 16",
        ),
        case(
            "file-length-negative",
            directory([entry("-1", "a")]),
            "metainfo: the length is negative at byte 25",
        ),
        case(
            "all-files-empty",
            directory([entry("0", "a"), entry("0", "b")]),
            "metainfo: the torrent has no data: every file is empty, at byte 15",
        ),
        case(
            "lengths-add-up-too-far",
            directory([entry(&half, "a"), entry(&half, "b"), entry("1", "c")]),
            "limit: the length of all files is 281474976710657, more than 281474976710655, at byte 15",
        ),
        case(
            "piece-length-zero",
            single(&[("piece length", int(0))]),
            "metainfo: the piece length is 0 at byte 46",
        ),
        case(
            "piece-length-negative",
            single(&[("piece length", int(-16_384))]),
            "metainfo: the piece length is negative at byte 46",
        ),
        case(
            "piece-length-above-the-limit",
            single(&[("piece length", int((512 << 20) + 1))]),
            "limit: the piece length is 536870913, more than 536870912, at byte 46",
        ),
        case(
            "piece-length-of-40-bits",
            single(&[("piece length", int(1u64 << 40))]),
            "limit: the piece length is 1099511627776, more than 536870912, at byte 46",
        ),
        case(
            "too-many-pieces",
            single(&[("length", int(1u64 << 40)), ("piece length", int(16_384))]),
            "limit: the number of pieces is 67108864, more than 2097152, at byte 16",
        ),
        case(
            "one-byte-pieces",
            single(&[("length", int((1u64 << 48) - 1)), ("piece length", int(1))]),
            "limit: the number of pieces is 281474976710655, more than 2097152, at byte 16",
        ),
        case(
            "pieces-empty",
            single(&[("pieces", string(""))]),
            "metainfo: the pieces are 0 bytes where 1 hashes of 20 are needed, at byte 61",
        ),
        case(
            "pieces-of-19-bytes",
            single(&[("pieces", string([b'#'; 19]))]),
            "metainfo: the pieces are 19 bytes where 1 hashes of 20 are needed, at byte 61",
        ),
        case(
            "a-hash-too-few",
            single(&[("length", int(16_385))]),
            "metainfo: the pieces are 20 bytes where 2 hashes of 20 are needed, at byte 65",
        ),
        case(
            "a-hash-too-many",
            single(&[("pieces", string([b'#'; 40]))]),
            "metainfo: the pieces are 40 bytes where 1 hashes of 20 are needed, at byte 61",
        ),
    ]
}

pub fn attributes() -> Vec<Case> {
    let link = dict([
        ("attr", string("l")),
        ("length", int(0)),
        ("path", list([string("a")])),
        ("symlink path", list([string("..")])),
    ]);
    vec![
        case("symlink-in-a-list", directory([file(&["b"]), link]), "unsupported: symlink at byte 40"),
        case("symlink-alone", single(&[("attr", string("xl"))]), "unsupported: symlink at byte 7"),
        case(
            "version-of-the-future",
            single(&[("meta version", int(3))]),
            "unsupported: a meta version other than 2 at byte 34",
        ),
        case(
            "version-1-by-number",
            single(&[("meta version", int(1))]),
            "unsupported: a meta version other than 2 at byte 34",
        ),
        case(
            "version-is-a-string",
            single(&[("meta version", string("2"))]),
            "metainfo: \"meta version\" is not an integer at byte 34",
        ),
    ]
}
