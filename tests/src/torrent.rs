//! A .torrent file for a payload.

use crate::hybrid;
use crate::payload::Payload;
use peerless_core::bencode::encode_dict;
use peerless_core::{Sha1Hash, sha1};
use std::path::{Path, PathBuf};

/// A .torrent file on the disk, and what has to be known about it.
#[derive(Clone, Debug)]
pub struct Torrent {
    /// Where it is.
    pub path: PathBuf,
    /// Its identity to peers and trackers, of a hybrid too.
    pub info_hash: Sha1Hash,
    /// What it describes.
    pub payload: Payload,
}

impl Torrent {
    /// Writes the .torrent file of `payload` into the directory `dir`. `tiers` are its trackers (BEP 12); with
    /// one alone there is only `announce`.
    pub fn new(dir: &Path, payload: &Payload, tiers: &[&[&str]]) -> Self {
        Self::save(dir, payload, tiers, &info(payload), None)
    }

    /// The same as a hybrid (BEP 52): it has a version 2 side as well, and padding between its files.
    pub fn hybrid(dir: &Path, payload: &Payload, tiers: &[&[&str]]) -> Self {
        let (info, layers) = hybrid::info_and_layers(payload);
        Self::save(dir, payload, tiers, &info, Some(&layers))
    }

    fn save(dir: &Path, payload: &Payload, tiers: &[&[&str]], info: &[u8], layers: Option<&[u8]>) -> Self {
        let file = encode_dict(|d| {
            if let Some(first) = tiers.first().and_then(|tier| tier.first()) {
                d.entry("announce").bytes(first);
            }
            if tiers.iter().map(|tier| tier.len()).sum::<usize>() > 1 {
                d.entry("announce-list").list(|l| {
                    tiers.iter().for_each(|tier| l.list(|l| tier.iter().for_each(|url| l.bytes(url))));
                });
            }
            d.entry("info").raw(info);
            if let Some(layers) = layers {
                d.entry("piece layers").raw(layers);
            }
        });
        let path = dir.join(format!("{}.torrent", payload.name()));
        std::fs::write(&path, file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { path, info_hash: sha1(info), payload: payload.clone() }
    }
}

fn info(payload: &Payload) -> Vec<u8> {
    let pieces: Vec<u8> = (0..payload.num_pieces()).flat_map(|p| sha1(&payload.piece(p)).0).collect();
    encode_dict(|d| {
        if payload.files().is_empty() {
            d.entry("length").int(payload.total() as i64);
        } else {
            d.entry("files").list(|l| {
                for (path, len) in payload.files() {
                    l.dict(|d| {
                        d.entry("length").int(*len as i64);
                        d.entry("path").list(|l| path.split('/').for_each(|element| l.bytes(element)));
                    });
                }
            });
        }
        d.entry("name").bytes(payload.name());
        d.entry("piece length").int(payload.piece_length().into());
        d.entry("pieces").bytes(pieces);
    })
}
