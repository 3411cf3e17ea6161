//! What trackers and peers say in bencode, with the addresses and texts in it replaced.

use super::{Mask, TEXT};
use crate::bencode::{Document, Encoder, Limits, Value};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

impl Mask {
    /// The body of a tracker's answer. What is not bencode becomes another text that is not.
    pub(super) fn answer(&mut self, body: &[u8]) -> Vec<u8> {
        let Ok(document) = Document::decode(body, Limits::TRACKER) else { return TEXT.into() };
        let Some(entries) = document.root().as_dict() else { return document.root().raw().into() };
        let mut out = Encoder::new();
        out.raw(b"d");
        for (key, value) in entries {
            out.bytes(key);
            match key {
                b"peers" => self.peers(&mut out, value, 4, 2),
                b"peers6" => self.peers(&mut out, value, 16, 2),
                b"external ip" => {
                    let len = value.as_bytes().map_or(0, <[u8]>::len);
                    self.peers(&mut out, value, len, 0);
                }
                b"tracker id" => {
                    let id = value.as_bytes().map(String::from_utf8_lossy).unwrap_or_default();
                    text(&mut out, value, &self.word(&id));
                }
                // A number of minutes, or `never`, and in both cases perhaps a text.
                b"retry in" => out.raw(value.raw()),
                _ => text(&mut out, value, TEXT),
            }
        }
        out.raw(b"e");
        out.finish()
    }

    /// Peers, in compact form or as dictionaries.
    fn peers(&mut self, out: &mut Encoder, value: Value<'_>, address: usize, port: usize) {
        if let Some(compact) = value.as_bytes() {
            return out.bytes(self.compact(compact, address, port));
        }
        let Some(list) = value.as_list() else { return out.raw(value.raw()) };
        out.raw(b"l");
        for peer in list {
            self.peer(out, peer);
        }
        out.raw(b"e");
    }

    fn peer(&mut self, out: &mut Encoder, peer: Value<'_>) {
        let Some(entries) = peer.as_dict() else { return out.raw(peer.raw()) };
        out.raw(b"d");
        for (key, value) in entries {
            out.bytes(key);
            match (key, value.as_str()) {
                (b"ip", Some(ip)) => match ip.parse::<IpAddr>() {
                    Ok(ip) => out.bytes(self.ip(ip).to_string()),
                    Err(_) => out.bytes(self.word(ip)),
                },
                _ => out.raw(value.raw()),
            }
        }
        out.raw(b"e");
    }

    /// Addresses of so many bytes, each with so many behind it. What is no whole one becomes zeros.
    fn compact(&mut self, compact: &[u8], address: usize, behind: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(compact.len());
        for group in compact.chunks((address + behind).max(1)) {
            let (ip, behind) = group.split_at_checked(address).unwrap_or_default();
            let v4 = <[u8; 4]>::try_from(ip).ok().map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(ip).ok().map(IpAddr::from);
            match v4.or(v6).map(|ip| self.ip(ip)) {
                Some(IpAddr::V4(ip)) => out.extend_from_slice(&ip.octets()),
                Some(IpAddr::V6(ip)) => out.extend_from_slice(&ip.octets()),
                None => {
                    out.resize(out.len() + group.len(), 0);
                    continue;
                }
            }
            out.extend_from_slice(behind);
        }
        out
    }

    /// The body of an extended message (BEP 10), of the same length. Of the extension handshake the addresses are
    /// replaced; others, of which we speak none, become zeros.
    pub(super) fn extended(&mut self, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0; body.len()];
        let (Some((id, payload)), Some((masked_id, masked))) = (body.split_first(), out.split_first_mut())
        else {
            return out;
        };
        *masked_id = *id;
        // One that is not bencode is no handshake, and neither are zeros.
        let document = Document::decode(payload, Limits::MESSAGE).ok().filter(|_| *id == 0);
        let Some(entries) = document.as_ref().and_then(|document| document.root().as_dict()) else {
            return out;
        };
        masked.copy_from_slice(payload);
        for (key, value) in entries {
            let (b"yourip" | b"ipv4" | b"ipv6", Some(ip)) = (key, value.as_bytes()) else { continue };
            let end = value.position() + value.raw().len();
            let ip = self.compact(ip, ip.len(), 0);
            if let Some(place) = masked.get_mut(end.saturating_sub(ip.len())..end) {
                place.copy_from_slice(&ip);
            }
        }
        out
    }
}

/// A text for a text; anything else stays.
fn text(out: &mut Encoder, value: Value<'_>, masked: &str) {
    match value.as_bytes() {
        Some(_) => out.bytes(masked),
        None => out.raw(value.raw()),
    }
}
