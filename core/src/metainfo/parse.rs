//! Reading a .torrent file: the outer dictionary, which versions the info dictionary speaks, trackers, notes.

use super::error::MetainfoError;
use super::fields::{Fields, decode_text, wrong_type};
use super::v2::FileTree;
use super::{Metainfo, Notes, clash, path, v1};
use crate::bencode::{Document, Limits, Value, encode_dict};
use crate::hash::{sha1, sha256};
use crate::ids::InfoHash;
use crate::limits::{MAX_PIECE_LENGTH, MAX_TORRENT_FILE, MAX_TRACKERS, MAX_URL, MAX_WEB_SEEDS};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

pub(super) fn parse(data: &[u8]) -> Result<Metainfo, MetainfoError> {
    if data.len() > MAX_TORRENT_FILE {
        return Err(MetainfoError::FileTooLarge { len: data.len() });
    }
    let file = Bytes::copy_from_slice(data);
    let document = Document::decode(&file, Limits::TORRENT)?;
    let torrent = Fields::new(document.root(), "torrent")?;
    let info = Fields::new(torrent.need("info")?, "info dictionary")?;
    let has_v2 = speaks_v2(info)?;
    let has_v1 = !has_v2 || info.find("pieces").is_some();

    let name = name(info)?;
    let piece_length = piece_length(info)?;
    let tree = if has_v2 { Some(FileTree::read(info, piece_length)?) } else { None };
    if let Some(tree) = &tree {
        tree.check_layers(torrent, piece_length)?;
    }
    let (layout, pieces) = match tree {
        Some(tree) if !has_v1 => (tree.into_layout(&name, piece_length)?, &[][..]),
        tree => {
            let (layout, pieces) = v1::read(info, piece_length)?;
            tree.map_or(Ok(()), |tree| tree.compare(&layout, &name))?;
            (layout, pieces)
        }
    };
    clash::refuse_clashes(layout.files())?;

    let raw = info.value().raw();
    Ok(Metainfo {
        info_hash: InfoHash { v1: has_v1.then(|| sha1(raw)), v2: has_v2.then(|| sha256(raw)) },
        name,
        layout,
        pieces: file.slice_ref(pieces),
        private: info.int("private")?.is_some_and(|private| private != 0),
        trackers: trackers(torrent),
        web_seeds: web_seeds(torrent),
        notes: notes(torrent, info),
        file: file.clone(),
    })
}

/// A .torrent file with what is needed of another: see [`Metainfo::with_urls`].
pub(super) fn with_urls(metainfo: &Metainfo, mut url: impl FnMut(&str) -> String) -> Vec<u8> {
    let document = Document::decode(metainfo.file(), Limits::TORRENT).expect("it was read before");
    let root = document.root();
    encode_dict(|torrent| {
        torrent.entry("announce-list").list(|tiers| {
            for tier in metainfo.trackers() {
                tiers.list(|urls| tier.iter().for_each(|tracker| urls.bytes(url(tracker))));
            }
        });
        for key in ["info", "piece layers"] {
            if let Some(value) = root.get(key) {
                torrent.entry(key).raw(value.raw());
            }
        }
        torrent.entry("url-list").list(|urls| {
            metainfo.web_seeds().iter().for_each(|seed| urls.bytes(url(seed)));
        });
    })
}

/// Whether the info dictionary is of version 2 (BEP 52), alone or beside version 1. A version to come is refused
/// before anything else is looked at.
fn speaks_v2(info: Fields<'_>) -> Result<bool, MetainfoError> {
    match info.int("meta version")? {
        None => Ok(false),
        Some(2) => Ok(true),
        Some(_) => {
            let position = info.need("meta version")?.position();
            Err(MetainfoError::Unsupported { what: "a meta version other than 2", position })
        }
    }
}

fn name(info: Fields<'_>) -> Result<Box<str>, MetainfoError> {
    let twin = info.find("name.utf-8").filter(|name| name.as_bytes().is_some());
    let value = match twin {
        Some(name) => name,
        None => info.need("name")?,
    };
    let raw = value.as_bytes().ok_or_else(|| wrong_type(value, "name", "a string"))?;
    Ok(path::name(raw, value.position())?)
}

fn piece_length(info: Fields<'_>) -> Result<u32, MetainfoError> {
    let (found, position) = info.need_size("piece length")?;
    if found == 0 {
        return Err(MetainfoError::invalid("piece length", "is 0", position));
    }
    u32::try_from(found).ok().filter(|&length| length <= MAX_PIECE_LENGTH).ok_or_else(|| {
        MetainfoError::limit("the piece length is", found, u64::from(MAX_PIECE_LENGTH), position)
    })
}

/// `announce-list` where it names a tracker, otherwise `announce` (BEP 12).
fn trackers(torrent: Fields<'_>) -> Vec<Vec<Box<str>>> {
    let mut seen = BTreeSet::new();
    let mut tier = |value: Value<'_>| -> Vec<Box<str>> {
        // Some programs write a flat list: then each URL is a tier.
        let listed = value.as_list().into_iter().flatten().filter_map(url);
        let urls = listed.chain(url(value));
        urls.filter(|url| seen.len() < MAX_TRACKERS && seen.insert(url.clone())).collect()
    };
    let list = torrent.find("announce-list").and_then(Value::as_list);
    let mut tiers: Vec<_> = list.into_iter().flatten().map(&mut tier).filter(|t| !t.is_empty()).collect();
    if tiers.is_empty() {
        tiers.extend(torrent.find("announce").map(tier).filter(|t| !t.is_empty()));
    }
    tiers
}

/// `url-list` (BEP 19): one URL or a list of them.
fn web_seeds(torrent: Fields<'_>) -> Vec<Box<str>> {
    let Some(value) = torrent.find("url-list") else { return Vec::new() };
    let listed = value.as_list().into_iter().flatten().filter_map(url);
    let mut seen = BTreeSet::new();
    listed.chain(url(value)).filter(|url| seen.insert(url.clone())).take(MAX_WEB_SEEDS).collect()
}

/// A URL that could be one. Whether its scheme is of use is for those who follow it to say.
fn url(value: Value<'_>) -> Option<Box<str>> {
    let raw = value.as_bytes()?.trim_ascii();
    let sound = !raw.is_empty() && raw.len() <= MAX_URL && !raw.iter().any(u8::is_ascii_control);
    sound.then(|| decode_text(raw))
}

fn notes(torrent: Fields<'_>, info: Fields<'_>) -> Notes {
    Notes {
        comment: torrent.text("comment.utf-8").or_else(|| torrent.text("comment")),
        created_by: torrent.text("created by.utf-8").or_else(|| torrent.text("created by")),
        creation_date: torrent.find("creation date").and_then(Value::as_int),
        source: info.text("source").or_else(|| torrent.text("source")),
        encoding: torrent.text("encoding"),
    }
}
