//! The extension handshake (BEP 10): what a peer understands beyond the basic protocol, and some facts of it.

use super::error::WireError;
use super::message::EXTENDED;
use crate::bencode::{Document, Limits, Value, encode_dict};
use crate::limits::{MAX_EXTENSION_HANDSHAKE, MAX_OUTSTANDING_REQUESTS, MAX_SHOWN_TEXT};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use bytes::Bytes;
use core::net::IpAddr;

/// The payload of the extended message with the id [`ExtensionHandshake::ID`]. All of it is what the sender
/// claims; a fact that it does not state, or not in a way that makes sense, is absent.
///
/// A peer may send several; each states only what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionHandshake {
    /// The extensions that the sender understands (`ut_pex` and the like), and by which id of an extended
    /// message it wants each. 0 says that it does not want it any more; see [`id_of`](Self::id_of).
    pub m: BTreeMap<Box<str>, u8>,
    /// The sender's name and version, not longer than [`MAX_SHOWN_TEXT`]. Text from outside: escape it.
    pub v: Option<Box<str>>,
    /// The TCP port on which the sender accepts connections; not 0.
    pub p: Option<u16>,
    /// How many requests the sender keeps waiting without dropping any: 1 to [`MAX_OUTSTANDING_REQUESTS`].
    pub reqq: Option<u32>,
    /// The receiver's address as the sender sees it. An IPv4 address is always stated as one.
    pub yourip: Option<IpAddr>,
    /// Whether the sender will not download any more (BEP 21).
    pub upload_only: bool,
    /// Bytes of the torrent's info dictionary (BEP 9); not 0. Check it against a limit before believing it.
    pub metadata_size: Option<u32>,
}

impl ExtensionHandshake {
    /// The id of the extended message that is the handshake.
    pub const ID: u8 = 0;

    /// Reads the payload. Unknown keys, and known ones with a value of the wrong type or out of range, are
    /// passed over: clients differ too much in what they send.
    ///
    /// # Errors
    /// [`WireError`] if the payload is too long, not bencode, or not a dictionary.
    pub fn parse(payload: &[u8]) -> Result<Self, WireError> {
        check_len(payload.len())?;
        let document = Document::decode(payload, Limits::MESSAGE).map_err(WireError::ExtensionHandshake)?;
        let root = document.root();
        if root.as_dict().is_none() {
            return Err(WireError::ExtensionHandshakeNotDict);
        }
        Ok(Self {
            m: root.get("m").map(extensions).unwrap_or_default(),
            v: root.get("v").and_then(Value::as_bytes).and_then(client_name),
            p: positive(root.get("p")).and_then(|port| u16::try_from(port).ok()),
            reqq: positive(root.get("reqq")).map(clamp_reqq),
            yourip: root.get("yourip").and_then(Value::as_bytes).and_then(address),
            upload_only: positive(root.get("upload_only")).is_some(),
            metadata_size: positive(root.get("metadata_size")).and_then(|size| u32::try_from(size).ok()),
        })
    }

    /// The payload. What is absent is not stated.
    pub fn encode(&self) -> Bytes {
        let ints = [
            ("p", self.p.map(i64::from)),
            ("reqq", self.reqq.map(i64::from)),
            ("upload_only", self.upload_only.then_some(1)),
            ("metadata_size", self.metadata_size.map(i64::from)),
        ];
        let payload = encode_dict(|d| {
            d.entry("m").dict(|m| {
                for (name, id) in &self.m {
                    m.entry(name.as_bytes()).int(i64::from(*id));
                }
            });
            for (key, value) in ints {
                if let Some(value) = value {
                    d.entry(key).int(value);
                }
            }
            if let Some(v) = &self.v {
                d.entry("v").bytes(v.as_bytes());
            }
            match self.yourip {
                Some(IpAddr::V4(ip)) => d.entry("yourip").bytes(ip.octets()),
                Some(IpAddr::V6(ip)) => d.entry("yourip").bytes(ip.octets()),
                None => {}
            }
        });
        payload.into()
    }

    /// By which id of an extended message the sender wants this extension, if it does.
    pub fn id_of(&self, extension: &str) -> Option<u8> {
        self.m.get(extension).copied().filter(|id| *id != 0)
    }
}

/// The same refusal that the decoder gives by the head of the message.
fn check_len(payload: usize) -> Result<(), WireError> {
    if payload <= MAX_EXTENSION_HANDSHAKE {
        return Ok(());
    }
    let prefix = |payload: usize| u32::try_from(payload.saturating_add(2)).unwrap_or(u32::MAX);
    Err(WireError::Length {
        id: EXTENDED,
        len: prefix(payload),
        min: 2,
        max: prefix(MAX_EXTENSION_HANDSHAKE),
    })
}

fn extensions(m: Value<'_>) -> BTreeMap<Box<str>, u8> {
    let entry = |(name, id): (&[u8], Value<'_>)| {
        Some((core::str::from_utf8(name).ok()?.into(), u8::try_from(id.as_int()?).ok()?))
    };
    m.as_dict().into_iter().flatten().filter_map(entry).collect()
}

fn client_name(bytes: &[u8]) -> Option<Box<str>> {
    let name: String = String::from_utf8_lossy(bytes).chars().take(MAX_SHOWN_TEXT).collect();
    (!name.is_empty()).then(|| name.into())
}

fn positive(value: Option<Value<'_>>) -> Option<i64> {
    value?.as_int().filter(|n| *n > 0)
}

fn clamp_reqq(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX).min(MAX_OUTSTANDING_REQUESTS as u32)
}

/// An address in 4 or 16 bytes.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| IpAddr::from(v6).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bencode::{Error, ErrorKind};
    use crate::limits::{MAX_EXTENSION_DEPTH, MAX_EXTENSION_TOKENS};
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use std::string::ToString;

    fn parse(payload: &[u8]) -> ExtensionHandshake {
        ExtensionHandshake::parse(payload).unwrap()
    }

    fn refusal(payload: &[u8]) -> WireError {
        ExtensionHandshake::parse(payload).unwrap_err()
    }

    #[test]
    fn the_handshake_of_a_usual_client_is_understood() {
        let handshake = parse(
            b"d12:complete_agoi-1e1:md11:lt_donthavei7e11:ut_metadatai2e6:ut_pexi1ee13:metadata_sizei31235e\
              1:pi6881e4:reqqi250e11:upload_onlyi1e1:v16:Some/1.0 \xc2\xb5Swarm6:yourip4:\x7f\0\0\x01e",
        );
        assert_eq!(handshake.id_of("ut_metadata"), Some(2));
        assert_eq!(handshake.id_of("ut_pex"), Some(1));
        assert_eq!(handshake.id_of("ut_holepunch"), None);
        assert_eq!(handshake.metadata_size, Some(31_235));
        assert_eq!(handshake.p, Some(6881));
        assert_eq!(handshake.reqq, Some(250));
        assert!(handshake.upload_only);
        assert_eq!(handshake.v.as_deref(), Some("Some/1.0 µSwarm"));
        assert_eq!(handshake.yourip, Some(IpAddr::from([127, 0, 0, 1])));
    }

    #[test]
    fn an_empty_handshake_states_nothing() {
        assert_eq!(parse(b"de"), ExtensionHandshake::default());
        assert_eq!(&ExtensionHandshake::default().encode()[..], b"d1:mdee");
    }

    #[test]
    fn single_values_that_make_no_sense_are_passed_over() {
        for payload in [
            &b"d1:mi5e1:vi1e1:p4:68814:reqqle11:upload_only1:113:metadata_sizedee"[..],
            b"d1:mde1:v0:1:pi0e4:reqqi0e11:upload_onlyi0e13:metadata_sizei0e6:yourip3:abce",
            b"d1:pi65536e4:reqqi-1e13:metadata_sizei4294967296e6:youripi1ee",
            b"d1:md1:ai256e1:bi-1e1:c1:12:\xff\xfei3eee",
        ] {
            assert_eq!(parse(payload), ExtensionHandshake::default());
        }
        let half = parse(b"d1:md3:badi999e6:ut_pexi4ee1:plee");
        assert_eq!(half.m.len(), 1);
        assert_eq!(half.id_of("ut_pex"), Some(4));
    }

    #[test]
    fn an_extension_with_the_id_0_is_switched_off() {
        let handshake = parse(b"d1:md6:ut_pexi0eee");
        assert_eq!(handshake.m.get("ut_pex"), Some(&0));
        assert_eq!(handshake.id_of("ut_pex"), None);
    }

    #[test]
    fn claims_are_cut_to_size() {
        assert_eq!(parse(b"d4:reqqi9223372036854775807ee").reqq, Some(MAX_OUTSTANDING_REQUESTS as u32));
        let long = parse(&encode_dict(|d| d.entry("v").bytes([b'x'; 60_000])));
        assert_eq!(long.v.unwrap().len(), MAX_SHOWN_TEXT);
    }

    #[test]
    fn an_ipv4_address_in_the_clothes_of_ipv6_is_one() {
        let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1];
        let handshake = parse(&encode_dict(|d| d.entry("yourip").bytes(mapped)));
        assert_eq!(handshake.yourip, Some(IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn what_is_not_a_bencoded_dictionary_is_refused() {
        let early = Error { kind: ErrorKind::UnexpectedEnd, position: 0 };
        assert_eq!(refusal(b""), WireError::ExtensionHandshake(early));
        let text = "extension handshake that is not bencode: no value begins with '<' at byte 0";
        assert_eq!(refusal(b"<html>").to_string(), text);
        assert_eq!(refusal(b"le"), WireError::ExtensionHandshakeNotDict);
        assert_eq!(refusal(b"i1e").to_string(), "extension handshake that is not a dictionary");
    }

    #[test]
    fn bombs_end_at_the_limits() {
        let deep = [b"d1:a".repeat(9), b"e".repeat(9)].concat();
        let error = Error { kind: ErrorKind::TooDeep(MAX_EXTENSION_DEPTH), position: 32 };
        assert_eq!(refusal(&deep), WireError::ExtensionHandshake(error));

        let wide = encode_dict(|d| d.entry("x").list(|l| (0..MAX_EXTENSION_TOKENS).for_each(|_| l.int(0))));
        let WireError::ExtensionHandshake(error) = refusal(&wide) else { panic!() };
        assert_eq!(error.kind, ErrorKind::TooManyValues(MAX_EXTENSION_TOKENS));

        let max = MAX_EXTENSION_HANDSHAKE as u32 + 2;
        let long = encode_dict(|d| d.entry("x").bytes(Vec::from([0; MAX_EXTENSION_HANDSHAKE])));
        let len = long.len() as u32 + 2;
        assert_eq!(refusal(&long), WireError::Length { id: 20, len, min: 2, max });
    }

    proptest! {
        #[test]
        fn what_is_stated_is_understood(
            m in proptest::collection::btree_map("[a-z_]{0,12}", any::<u8>(), 0..20),
            v in proptest::option::of("\\PC{1,200}"),
            p in proptest::option::of(1u16..),
            reqq in proptest::option::of(1..=MAX_OUTSTANDING_REQUESTS as u32),
            yourip in proptest::option::of(any::<IpAddr>().prop_map(|ip| ip.to_canonical())),
            upload_only in any::<bool>(),
            metadata_size in proptest::option::of(1u32..),
        ) {
            let m = m.into_iter().map(|(name, id)| (name.into(), id)).collect();
            let v = v.map(String::into_boxed_str);
            let said = ExtensionHandshake { m, v, p, reqq, yourip, upload_only, metadata_size };
            prop_assert_eq!(ExtensionHandshake::parse(&said.encode()), Ok(said));
        }

        #[test]
        fn arbitrary_bytes_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ExtensionHandshake::parse(&noise);
            // Likewise what begins like a handshake.
            let _ = ExtensionHandshake::parse(&[b"d1:md", &noise[..]].concat());
        }
    }
}
