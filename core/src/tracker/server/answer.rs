//! What the tracker answers, in bencode (BEP 3, 7, 23, 48).

use super::query::Announce;
use super::registry::{Counts, Found};
use super::{Refusal, Settings};
use crate::bencode::{DictEncoder, encode_dict};
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// The answer to an announce.
pub(super) fn announce(settings: &Settings, asked: &Announce, found: &Found) -> Vec<u8> {
    encode_dict(|answer| {
        count(answer, &found.counts);
        number(answer, "interval", settings.interval.as_secs());
        number(answer, "min interval", settings.min_interval.as_secs());
        if asked.compact {
            compact(answer, &found.peers);
        } else {
            dictionaries(answer, &found.peers, !asked.no_peer_id);
        }
    })
}

/// The answer to a scrape, which names each torrent once.
pub(super) fn scrape(swarms: &[([u8; 20], Counts)]) -> Vec<u8> {
    encode_dict(|answer| {
        answer.entry("files").dict(|files| {
            for (hash, counts) in swarms {
                files.entry(hash).dict(|file| count(file, counts));
            }
        });
    })
}

/// A refusal in the words of BEP 3.
pub(super) fn failure(refusal: &Refusal) -> Vec<u8> {
    encode_dict(|answer| answer.entry("failure reason").bytes(refusal.to_string()))
}

fn count(dict: &mut DictEncoder<'_>, counts: &Counts) {
    number(dict, "complete", counts.complete);
    number(dict, "downloaded", counts.downloaded);
    number(dict, "incomplete", counts.incomplete);
}

/// `peers` with 6 bytes a peer (BEP 23), `peers6` with 18 (BEP 7).
fn compact(answer: &mut DictEncoder<'_>, peers: &[(SocketAddr, [u8; 20])]) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for (addr, _) in peers {
        match addr.ip() {
            IpAddr::V4(ip) => v4.extend(ip.octets().into_iter().chain(addr.port().to_be_bytes())),
            IpAddr::V6(ip) => v6.extend(ip.octets().into_iter().chain(addr.port().to_be_bytes())),
        }
    }
    answer.entry("peers").bytes(&v4);
    if !v6.is_empty() {
        answer.entry("peers6").bytes(&v6);
    }
}

/// `peers` as a list of dictionaries (BEP 3), of both families.
fn dictionaries(answer: &mut DictEncoder<'_>, peers: &[(SocketAddr, [u8; 20])], with_ids: bool) {
    answer.entry("peers").list(|list| {
        for (addr, id) in peers {
            list.dict(|peer| {
                peer.entry("ip").bytes(addr.ip().to_string());
                if with_ids {
                    peer.entry("peer id").bytes(id);
                }
                number(peer, "port", u64::from(addr.port()));
            });
        }
    });
}

fn number(dict: &mut DictEncoder<'_>, key: &str, value: u64) {
    dict.entry(key).int(i64::try_from(value).unwrap_or(i64::MAX));
}
