//! Metainfo: what real torrents say, what must be read from them, layouts, versions, round trips.

mod building;
mod layout;
mod names;
mod reading;
mod versions;

use super::*;
use crate::bencode::{DictEncoder, Encoder, encode_dict};
use alloc::string::String;

/// A version 1 torrent whose info dictionary has what `info` adds to a name, a piece length and the hashes for
/// `pieces` pieces of 16 KiB.
fn torrent(pieces: u8, info: impl FnOnce(&mut DictEncoder<'_>)) -> Vec<u8> {
    encode_dict(|torrent| {
        torrent.entry("info").dict(|d| {
            d.entry("name").bytes("name");
            d.entry("piece length").int(16_384);
            d.entry("pieces").bytes(hashes(pieces));
            info(d);
        });
    })
}

/// Hashes that can be told apart: of 0s, of 1s and so on.
fn hashes(pieces: u8) -> Vec<u8> {
    (0..pieces).flat_map(|n| [n; 20]).collect()
}

/// An entry of a file list.
fn file(list: &mut Encoder, length: i64, path: &[&str], attr: &str) {
    list.dict(|d| {
        d.entry("length").int(length);
        d.entry("path").list(|l| path.iter().for_each(|element| l.bytes(element)));
        if !attr.is_empty() {
            d.entry("attr").bytes(attr);
        }
    });
}

/// Paths as one text each.
fn paths(metainfo: &Metainfo) -> Vec<String> {
    metainfo.layout().files().iter().map(|file| file.path.join("/")).collect()
}
