//! A .torrent file for a payload.

use crate::payload::Payload;
use peerless_core::{Sha1Hash, sha1};
use std::path::{Path, PathBuf};

/// A .torrent file on the disk, and what has to be known about it.
#[derive(Clone, Debug)]
pub struct Torrent {
    /// Where it is.
    pub path: PathBuf,
    /// Its identity.
    pub info_hash: Sha1Hash,
    /// What it describes.
    pub payload: Payload,
}

impl Torrent {
    /// Writes the .torrent file of `payload` into the directory `dir`. `tiers` are its trackers (BEP 12); with
    /// one alone there is only `announce`.
    pub fn new(dir: &Path, payload: &Payload, tiers: &[&[&str]]) -> Self {
        let info = info(payload);
        let mut file = b"d".to_vec();
        if let Some(first) = tiers.first().and_then(|tier| tier.first()) {
            string(&mut file, "announce");
            string(&mut file, first);
        }
        if tiers.iter().map(|tier| tier.len()).sum::<usize>() > 1 {
            string(&mut file, "announce-list");
            file.push(b'l');
            for tier in tiers {
                file.push(b'l');
                tier.iter().for_each(|url| string(&mut file, url));
                file.push(b'e');
            }
            file.push(b'e');
        }
        string(&mut file, "info");
        file.extend_from_slice(&info);
        file.push(b'e');
        let path = dir.join(format!("{}.torrent", payload.name()));
        std::fs::write(&path, file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { path, info_hash: sha1(&info), payload: payload.clone() }
    }
}

fn info(payload: &Payload) -> Vec<u8> {
    let mut out = b"d".to_vec();
    if payload.files().is_empty() {
        string(&mut out, "length");
        number(&mut out, payload.total());
    } else {
        string(&mut out, "files");
        out.push(b'l');
        for (path, len) in payload.files() {
            out.push(b'd');
            string(&mut out, "length");
            number(&mut out, *len);
            string(&mut out, "path");
            out.push(b'l');
            path.split('/').for_each(|element| string(&mut out, element));
            out.extend_from_slice(b"ee");
        }
        out.push(b'e');
    }
    string(&mut out, "name");
    string(&mut out, payload.name());
    string(&mut out, "piece length");
    number(&mut out, payload.piece_length().into());
    string(&mut out, "pieces");
    out.extend_from_slice(format!("{}:", payload.num_pieces() * 20).as_bytes());
    for index in 0..payload.num_pieces() {
        out.extend_from_slice(&sha1(&payload.piece(index)).0);
    }
    out.push(b'e');
    out
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{}:{text}", text.len()).as_bytes());
}

fn number(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(format!("i{n}e").as_bytes());
}
