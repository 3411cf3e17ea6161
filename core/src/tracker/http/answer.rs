//! What comes back: the bencoded dictionary, read with patience for everything but nonsense.

use crate::bencode::{Document, Limits, Value};
use crate::limits::{MAX_ANNOUNCE_PEERS, MAX_TRACKER_ID};
use crate::tracker::text::{is_web_page, one_line, useful_line};
use crate::tracker::{AnnounceResponse, RetryIn, TrackerError, reach};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

impl AnnounceResponse {
    /// Reads the body of a tracker's answer.
    ///
    /// A key that is optional and has the wrong type is taken as missing.
    ///
    /// # Errors
    /// [`TrackerError::Refused`] where the tracker gives a `failure reason`, [`TrackerError::Garbage`] where the
    /// answer is no dictionary, has neither peers nor an interval, has peers that are neither a string nor a
    /// list, or has a part of one peer and no other.
    pub fn parse(body: &[u8]) -> Result<Self, TrackerError> {
        let document = Document::decode(body, Limits::TRACKER).map_err(|e| not_bencode(body, &e))?;
        let root = document.root();
        if root.as_dict().is_none() {
            return Err(garbage("it is not a dictionary"));
        }
        if let Some(refused) = refusal(root) {
            return Err(refused);
        }
        let (peers, peers6) = (root.get("peers"), root.get("peers6"));
        if peers.is_none() && peers6.is_none() && root.get("interval").is_none() {
            return Err(garbage("it has neither peers nor an interval"));
        }
        let v4 = peers.map(peer_list).transpose()?.unwrap_or_default();
        let v6 = peers6.and_then(Value::as_bytes).map(compact_v6).unwrap_or_default();
        if v4.is_empty() && v6.is_empty() && (is_cut_off(peers, 6) || is_cut_off(peers6, 18)) {
            return Err(garbage("its peers end in the middle of the first address"));
        }
        Ok(Self {
            interval: seconds(root.get("interval")),
            min_interval: seconds(root.get("min interval")),
            tracker_id: root
                .get("tracker id")
                .and_then(Value::as_bytes)
                .filter(|id| id.len() <= MAX_TRACKER_ID)
                .map(Into::into),
            complete: count(root.get("complete")),
            incomplete: count(root.get("incomplete")),
            external_ip: root.get("external ip").and_then(Value::as_bytes).and_then(address),
            warning: text(root.get("warning message")),
            leftover: leftover(peers, 6) + leftover(peers6, 18),
            peers: in_turn(v4, v6),
        })
    }
}

/// What a body says that came with an HTTP status other than 200.
pub(super) fn error_of(status: u16, reason: &str, body: &[u8]) -> TrackerError {
    if let Ok(document) = Document::decode(body, Limits::TRACKER)
        && let Some(refused) = refusal(document.root())
    {
        return refused;
    }
    let line = useful_line(body).or_else(|| Some(one_line(reason.as_bytes())).filter(|r| !r.is_empty()));
    let line = line.unwrap_or_else(|| "no reason given".into());
    // Error pages like to repeat the number.
    let text = line.strip_prefix(&*format!("{status} ")).unwrap_or(&line);
    TrackerError::Status { status, text: text.into() }
}

/// The tracker's refusal, if it is one.
fn refusal(root: Value<'_>) -> Option<TrackerError> {
    let text = one_line(root.get("failure reason")?.as_bytes()?);
    let text = if text.is_empty() { "no reason given".into() } else { text };
    Some(TrackerError::Refused { text, retry_in: root.get("retry in").and_then(retry_in) })
}

/// Minutes, or the word `never` (BEP 31). Some trackers send the minutes as text.
fn retry_in(value: Value<'_>) -> Option<RetryIn> {
    if value.as_bytes() == Some(b"never") {
        return Some(RetryIn::Never);
    }
    let minutes = value.as_int().or_else(|| value.as_str()?.parse().ok())?;
    let minutes = u64::try_from(minutes).ok()?;
    Some(RetryIn::After(Duration::from_secs(minutes.saturating_mul(60))))
}

/// `peers`: compact (BEP 23) or a list of dictionaries (BEP 3).
fn peer_list(value: Value<'_>) -> Result<Vec<SocketAddr>, TrackerError> {
    if let Some(compact) = value.as_bytes() {
        let (peers, _) = compact.as_chunks::<6>();
        let addresses = peers.iter().map(|[a, b, c, d, high, low]| {
            SocketAddr::new(Ipv4Addr::new(*a, *b, *c, *d).into(), u16::from_be_bytes([*high, *low]))
        });
        return Ok(usable(addresses));
    }
    match value.as_list() {
        Some(list) => Ok(usable(list.filter_map(peer_dict))),
        None if value.as_int().is_some() => Err(garbage("its peers are an integer")),
        None => Err(garbage("its peers are a dictionary")),
    }
}

/// Bytes behind the last whole address of compact peers of so many bytes each.
fn leftover(peers: Option<Value<'_>>, address: usize) -> usize {
    peers.and_then(Value::as_bytes).map_or(0, |compact| compact.len() % address)
}

/// Whether these are compact peers of so many bytes each, but not one of them is whole.
fn is_cut_off(peers: Option<Value<'_>>, size: usize) -> bool {
    peers.and_then(Value::as_bytes).is_some_and(|bytes| (1..size).contains(&bytes.len()))
}

/// One peer as a dictionary. Host names, which BEP 3 allows and nobody sends, are left out.
fn peer_dict(peer: Value<'_>) -> Option<SocketAddr> {
    let ip: IpAddr = peer.get("ip")?.as_str()?.parse().ok()?;
    let port = u16::try_from(peer.get("port")?.as_int()?).ok()?;
    Some(SocketAddr::new(ip, port))
}

/// `peers6` (BEP 7).
fn compact_v6(compact: &[u8]) -> Vec<SocketAddr> {
    let (peers, _) = compact.as_chunks::<18>();
    usable(peers.iter().filter_map(|peer| {
        let (ip, port) = peer.split_first_chunk::<16>()?;
        let port = u16::from_be_bytes(port.try_into().ok()?);
        Some(SocketAddr::new(Ipv6Addr::from(*ip).to_canonical(), port))
    }))
}

/// The addresses that can be dialled, up to the limit.
fn usable(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    addresses.filter(|a| a.port() != 0 && reach::is_unicast(a.ip())).take(MAX_ANNOUNCE_PEERS).collect()
}

/// One of each in turn, so that the limit leaves room for both families.
fn in_turn(v4: Vec<SocketAddr>, v6: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if v6.is_empty() {
        return v4;
    }
    let (mut v4, mut v6) = (v4.into_iter(), v6.into_iter());
    let mut peers = Vec::new();
    while peers.len() < MAX_ANNOUNCE_PEERS {
        let before = peers.len();
        peers.extend(v6.next());
        peers.extend(v4.next());
        if peers.len() == before {
            break;
        }
    }
    peers.truncate(MAX_ANNOUNCE_PEERS);
    peers
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(|b| IpAddr::from(Ipv4Addr::from(b)));
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|b| Ipv6Addr::from(b).to_canonical()))
}

fn seconds(value: Option<Value<'_>>) -> Option<Duration> {
    let seconds = u64::try_from(value?.as_int()?).ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn count(value: Option<Value<'_>>) -> Option<u32> {
    u32::try_from(value?.as_int()?).ok()
}

fn text(value: Option<Value<'_>>) -> Option<Box<str>> {
    Some(one_line(value?.as_bytes()?)).filter(|text| !text.is_empty())
}

fn garbage(what: &str) -> TrackerError {
    TrackerError::Garbage(what.into())
}

/// Says what a body is that is not bencode: the user recognises a login page sooner than a byte position.
fn not_bencode(body: &[u8], error: &crate::bencode::Error) -> TrackerError {
    let Some(line) = useful_line(body) else { return garbage("it is empty") };
    if is_web_page(&String::from_utf8_lossy(body)) {
        return TrackerError::Garbage(format!("a web page, \"{line}\"").into());
    }
    match body {
        [b'd', b'0'..=b'9', ..] => TrackerError::Garbage(format!("{error}").into()),
        _ => TrackerError::Garbage(format!("not bencode, but \"{line}\"").into()),
    }
}
