//! Version 2 and hybrid torrents (BEP 52) whose trees, layers or two sides do not fit.

use super::{Case, Raw, case, dict, hybrid_of, int, leaf, list, string, v2};

pub fn version_2() -> Vec<Case> {
    let tree = |name: &str, value: Raw| dict([(name, value)]);
    let no_root = dict([("", dict([("length", int(5))]))]);
    let short_root = dict([("", dict([("length", int(5)), ("pieces root", string([b'r'; 31]))]))]);
    let link = dict([("", dict([("attr", string("l")), ("length", int(0))]))]);
    let both = dict([("", dict([("length", int(0))])), ("b", leaf(5))]);
    let (long, root) = (40_000, "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr");
    let nested = (0..98).fold(leaf(5), |inner, _| tree("d", inner));
    let sound = || tree("a", leaf(5));
    vec![
        case(
            "v2-without-tree",
            v2(vec![], dict([]), &[]),
            "metainfo: no \"file tree\" in the info dictionary at byte 7",
        ),
        case(
            "v2-tree-is-a-list",
            v2(list([]), dict([]), &[]),
            "metainfo: the file tree is not a dictionary at byte 19",
        ),
        case(
            "v2-tree-is-empty",
            v2(dict([]), dict([]), &[]),
            "metainfo: the torrent has no data: every file is empty, at byte 19",
        ),
        case("v2-tree-is-a-file", v2(leaf(5), dict([]), &[]), "path: the name \"\" is empty, at byte 22"),
        case(
            "v2-entry-is-a-string",
            v2(tree("a", string("x")), dict([]), &[]),
            "metainfo: the file tree entry is not a dictionary at byte 23",
        ),
        case(
            "v2-properties-are-a-string",
            v2(tree("a", dict([("", string("x"))])), dict([]), &[]),
            "metainfo: the file entry is not a dictionary at byte 26",
        ),
        case(
            "v2-file-without-root",
            v2(tree("a", no_root), dict([]), &[]),
            "metainfo: no \"pieces root\" in the file entry at byte 26",
        ),
        case(
            "v2-root-of-31-bytes",
            v2(tree("a", short_root), dict([]), &[]),
            "metainfo: the pieces root is not of 32 bytes at byte 52",
        ),
        case(
            "v2-file-and-directory",
            v2(tree("a", both), dict([]), &[]),
            "metainfo: the file tree entry is a file and a directory at once at byte 23",
        ),
        case("v2-symlink", v2(tree("a", link), dict([]), &[]), "unsupported: symlink at byte 26"),
        case(
            "v2-leads-up",
            v2(tree("..", sound()), dict([]), &[]),
            "path: the name \"..\" means this directory or the one above, at byte 24",
        ),
        case(
            "v2-name-with-slash",
            v2(tree("a/b", leaf(5)), dict([]), &[]),
            "path: the name \"a/b\" holds a path separator, at byte 25",
        ),
        case(
            "v2-case-differs",
            v2(dict([("A", leaf(5)), ("a", leaf(5))]), dict([]), &[]),
            "path: two files named \"A\", as some systems see them: numbers 1 and 2",
        ),
        case("v2-nested-too-deep", v2(nested, dict([]), &[]), "bencode: nested deeper than 100 at byte 411"),
        case(
            "v2-piece-length-odd",
            v2(sound(), dict([]), &[("piece length", int(20_000))]),
            "metainfo: the piece length is not a power of two from 16384, as version 2 wants it, at byte 135",
        ),
        case(
            "v2-piece-length-small",
            v2(sound(), dict([]), &[("piece length", int(8_192))]),
            "metainfo: the piece length is not a power of two from 16384, as version 2 wants it, at byte 135",
        ),
        case(
            "v2-integer-with-zeros",
            v2(sound(), dict([]), &[("private", b"i01e".to_vec())]),
            "metainfo: the info dictionary is not in canonical form, as version 2 wants it, at byte 151",
        ),
        case(
            "v2-keys-not-sorted",
            v2(dict([("b", leaf(5)), ("a", leaf(5))]), dict([]), &[]),
            "metainfo: the info dictionary is not in canonical form, as version 2 wants it, at byte 19",
        ),
        case(
            "v2-without-layers",
            v2(sound(), vec![], &[]),
            "metainfo: no \"piece layers\" in the torrent at byte 0",
        ),
        case(
            "v2-layers-are-a-list",
            v2(sound(), list([]), &[]),
            "metainfo: the dictionary of piece layers is not a dictionary at byte 158",
        ),
        case(
            "v2-layer-missing",
            v2(tree("a", leaf(long)), dict([]), &[]),
            "metainfo: the pieces root has no piece layer at byte 56",
        ),
        case(
            "v2-layer-is-an-integer",
            v2(tree("a", leaf(long)), dict([(root, int(1))]), &[]),
            "metainfo: \"piece layers\" is not a dictionary of strings at byte 198",
        ),
        case(
            "v2-layer-too-short",
            v2(tree("a", leaf(long)), dict([(root, string([0; 64]))]), &[]),
            "metainfo: the piece layer does not fit the length of its file at byte 198",
        ),
        case(
            "v2-length-too-large",
            v2(tree("a", leaf(1 << 50)), dict([]), &[]),
            "limit: the length of a file is 1125899906842624, more than 281474976710655, at byte 35",
        ),
        case(
            "v2-unfolds-without-bound",
            unfolding(),
            "limit: the memory for all paths is 24105690, more than 24105120, at byte 155259",
        ),
    ]
}

/// A directory a hundred levels deep with very many files: small as a tree, gigabytes as a list of paths.
fn unfolding() -> Raw {
    let empty = dict([("", dict([("length", int(0))]))]);
    let names: Vec<String> = (0..30_000).map(|n| format!("{n:05}")).collect();
    let files = dict(names.iter().map(|name| (&name[..], empty.clone())));
    v2((0..90).fold(files, |inner, _| dict([("d", inner)])), dict([]), &[])
}

pub fn hybrid() -> Vec<Case> {
    let entry = |length: u64, name: &str| dict([("length", int(length)), ("path", list([string(name)]))]);
    let pad = || {
        let (attr, path) = (string("p"), list([string(".pad"), string("16379")]));
        dict([("attr", attr), ("length", int(16_379)), ("path", path)])
    };
    let tree = || dict([("a", leaf(5)), ("b", leaf(7))]);
    let one = |list_of_files| hybrid_of(list_of_files, 1, tree());
    let two = |list_of_files| hybrid_of(list_of_files, 2, tree());
    vec![
        case(
            "hybrid-not-aligned",
            one(list([entry(5, "a"), entry(7, "b")])),
            "metainfo: the file list and the file tree differ from file 2 on",
        ),
        case(
            "hybrid-other-length",
            two(list([entry(5, "a"), pad(), entry(8, "b")])),
            "metainfo: the file list and the file tree differ from file 2 on",
        ),
        case(
            "hybrid-other-name",
            two(list([entry(5, "a"), pad(), entry(7, "c")])),
            "metainfo: the file list and the file tree differ from file 2 on",
        ),
        case(
            "hybrid-file-missing-in-the-list",
            one(list([entry(5, "a")])),
            "metainfo: the file list and the file tree differ from file 2 on",
        ),
        case(
            "hybrid-file-missing-in-the-tree",
            two(list([entry(5, "a"), pad(), entry(7, "b"), entry(1, "c")])),
            "metainfo: the file list and the file tree differ from file 3 on",
        ),
        case(
            "hybrid-without-list",
            v2(tree(), dict([]), &[("pieces", string([0; 20]))]),
            "metainfo: no \"length\" in the info dictionary at byte 7",
        ),
    ]
}
