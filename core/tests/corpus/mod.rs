//! Malformed .torrent files: what each is called, its bytes, and the one sentence that must be said of it.
//!
//! Other packages' tests include this file by its path.
#![allow(dead_code, unreachable_pub)]

mod content;
mod encoding;
mod names;
mod version_2;

use std::collections::BTreeMap;

/// A .torrent file that must be refused.
pub struct Case {
    /// What is wrong, as a file name could say it.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// The whole error.
    pub says: &'static str,
}

/// All cases by name, for those who need no more than the files.
pub fn cases() -> Vec<(&'static str, Vec<u8>)> {
    table().into_iter().map(|case| (case.name, case.bytes)).collect()
}

/// All cases.
pub fn table() -> Vec<Case> {
    let parts = [
        encoding::bencode(),
        content::structure(),
        content::sizes(),
        content::attributes(),
        names::names(),
        names::paths(),
        names::clashes(),
        version_2::version_2(),
        version_2::hybrid(),
    ];
    parts.into_iter().flatten().collect()
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, says: &'static str) -> Case {
    Case { name, bytes: bytes.into(), says }
}

/// A value as bencode.
pub type Raw = Vec<u8>;

/// A string.
pub fn string(text: impl AsRef<[u8]>) -> Raw {
    let text = text.as_ref();
    [text.len().to_string().as_bytes(), b":", text].concat()
}

/// An integer.
pub fn int(value: impl ToString) -> Raw {
    format!("i{}e", value.to_string()).into_bytes()
}

/// A list.
pub fn list(values: impl IntoIterator<Item = Raw>) -> Raw {
    let values: Vec<Raw> = values.into_iter().collect();
    [b"l", &values.concat()[..], b"e"].concat()
}

/// A dictionary, its keys in the order given.
pub fn dict<'k>(entries: impl IntoIterator<Item = (&'k str, Raw)>) -> Raw {
    let entries: Vec<Raw> = entries.into_iter().map(|(key, value)| [string(key), value].concat()).collect();
    [b"d", &entries.concat()[..], b"e"].concat()
}

/// A sound info dictionary with some values changed or added, or taken out where the value is empty.
fn info_with<'k>(base: &[(&'k str, Raw)], changes: &[(&'k str, Raw)]) -> Raw {
    let mut entries: BTreeMap<&str, Raw> = base.iter().chain(changes).cloned().collect();
    entries.retain(|_, value| !value.is_empty());
    dict(entries)
}

/// A torrent of this info dictionary.
pub fn torrent(info: Raw) -> Raw {
    dict([("info", info)])
}

/// A torrent of one file of 5 bytes, changed.
pub fn single(changes: &[(&str, Raw)]) -> Raw {
    let base = [
        ("length", int(5)),
        ("name", string("name")),
        ("piece length", int(16_384)),
        ("pieces", string([b'#'; 20])),
    ];
    torrent(info_with(&base, changes))
}

/// A torrent of a directory with these files, in one piece.
pub fn directory(files: impl IntoIterator<Item = Raw>) -> Raw {
    single(&[("length", vec![]), ("files", list(files))])
}

/// An entry of a file list: 5 bytes.
pub fn file(path: &[&str]) -> Raw {
    dict([("length", int(5)), ("path", list(path.iter().map(string)))])
}

/// A version 2 torrent with this file tree and these piece layers.
pub fn v2(tree: Raw, layers: Raw, changes: &[(&str, Raw)]) -> Raw {
    let base = [
        ("file tree", tree),
        ("meta version", int(2)),
        ("name", string("name")),
        ("piece length", int(16_384)),
    ];
    let entries = [("info", info_with(&base, changes)), ("piece layers", layers)];
    dict(entries.into_iter().filter(|(_, value)| !value.is_empty()))
}

/// What a file tree says of one file.
pub fn leaf(length: u64) -> Raw {
    dict([("", dict([("length", int(length)), ("pieces root", string([b'r'; 32]))]))])
}

/// The sides of a hybrid torrent, for two files `a` and `b` in pieces of 16 KiB.
pub fn hybrid_of(list_of_files: Raw, pieces: usize, tree: Raw) -> Raw {
    v2(tree, dict([]), &[("files", list_of_files), ("pieces", string(vec![b'#'; 20 * pieces]))])
}
