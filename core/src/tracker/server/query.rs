//! What a client asks: the query of an announce or scrape (BEP 3, 23, 7, 48), taken apart and checked.

use super::refusal::Refusal;
use crate::tracker::AnnounceEvent;
use alloc::vec::Vec;

/// Torrents that one scrape may ask for.
pub(super) const MAX_SCRAPE: usize = 64;
/// Parameters of one query.
const MAX_PARAMETERS: usize = 128;

/// A checked announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announce {
    /// Which torrent.
    pub(super) info_hash: [u8; 20],
    /// What the client calls itself.
    pub(super) peer_id: [u8; 20],
    /// Where it listens.
    pub(super) port: u16,
    /// Bytes that it still lacks; 0 for a seed. A client that does not say is taken to lack some.
    pub(super) left: u64,
    /// Why it announces.
    pub(super) event: AnnounceEvent,
    /// Peers that it would like; `None` where it does not say.
    pub(super) numwant: Option<usize>,
    /// Whether it takes the compact form (BEP 23): yes unless it says no.
    pub(super) compact: bool,
    /// Whether the dictionary form may leave out peer ids.
    pub(super) no_peer_id: bool,
}

impl Announce {
    /// Reads the query of an announce; the error is what the client is told.
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let parameters = Parameters::parse(query)?;
        let number = |name: &'static str| -> Result<Option<u64>, Refusal> {
            let Some(value) = parameters.first(name) else { return Ok(None) };
            let text = core::str::from_utf8(value).ok();
            // Some clients write -1 for "do not know" and "as many as you like".
            if text.is_some_and(|t| t.starts_with('-')) {
                return Ok(None);
            }
            text.and_then(|t| t.parse().ok()).map(Some).ok_or(Refusal::NoNumber(name))
        };
        let port = number("port")?.ok_or(Refusal::Missing("port"))?;
        let port = u16::try_from(port).ok().filter(|&p| p != 0).ok_or(Refusal::Port)?;
        Ok(Self {
            info_hash: parameters.twenty("info_hash")?,
            peer_id: parameters.twenty("peer_id")?,
            port,
            left: number("left")?.unwrap_or(1),
            event: match parameters.first("event") {
                Some(b"started") => AnnounceEvent::Started,
                Some(b"completed") => AnnounceEvent::Completed,
                Some(b"stopped") => AnnounceEvent::Stopped,
                _ => AnnounceEvent::None,
            },
            numwant: number("numwant")?.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            compact: parameters.first("compact") != Some(b"0"),
            no_peer_id: parameters.first("no_peer_id") == Some(b"1"),
        })
    }
}

/// The info hashes of a scrape; none means all torrents.
pub(super) fn scrape(query: &str) -> Result<Vec<[u8; 20]>, Refusal> {
    let parameters = Parameters::parse(query)?;
    let mut hashes = Vec::new();
    for (_, value) in parameters.0.iter().filter(|(name, _)| name == b"info_hash") {
        hashes.push(hash(value, "info_hash")?);
    }
    if hashes.len() > MAX_SCRAPE {
        return Err(Refusal::TooManyScraped(MAX_SCRAPE));
    }
    Ok(hashes)
}

struct Parameters(Vec<(Vec<u8>, Vec<u8>)>);

impl Parameters {
    fn parse(query: &str) -> Result<Self, Refusal> {
        let mut out = Vec::new();
        for part in query.split('&').filter(|p| !p.is_empty()) {
            if out.len() == MAX_PARAMETERS {
                return Err(Refusal::TooManyParameters);
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            out.push((unescape(name)?, unescape(value)?));
        }
        Ok(Self(out))
    }

    fn first(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    fn twenty(&self, name: &'static str) -> Result<[u8; 20], Refusal> {
        hash(self.first(name).ok_or(Refusal::Missing(name))?, name)
    }
}

fn hash(value: &[u8], name: &'static str) -> Result<[u8; 20], Refusal> {
    value.try_into().map_err(|_| Refusal::IdLength { name, len: value.len() })
}

/// Undoes percent-encoding. A `+` stays what it is: clients escape the space of a hash as `%20`.
fn unescape(text: &str) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or(Refusal::Escape);
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).map_err(|_| Refusal::Escape)?);
    }
    Ok(out)
}
