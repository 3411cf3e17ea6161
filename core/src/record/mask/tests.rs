//! What is masked, and what an engine can still tell apart.

use super::stream::Masked;
use super::*;
use crate::bencode::{Document, Limits, encode_dict};
use crate::tracker::{AnnounceResponse, reach};
use crate::wire::{ExtensionHandshake, Features, Handshake, Message};
use crate::*;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::net::Ipv6Addr;
use proptest::prelude::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn an_address_stays_good_for_the_same() {
    let mut mask = Mask::default();
    for same in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"]
    {
        assert_eq!(mask.ip(ip(same)), ip(same));
    }
    for (real, masked) in [
        ("93.184.216.34", "11.0.0.1"),
        ("192.168.1.2", "10.0.0.2"),
        ("100.64.3.4", "10.0.0.3"),
        ("93.184.216.34", "11.0.0.1"),
        ("11.0.0.1", "11.0.0.4"),
        ("::ffff:93.184.216.34", "::ffff:11.0.0.1"),
        ("2a00:1450::5", "2600:0:0:1::1"),
        ("2a00:1450::6", "2600:0:0:1::2"),
        ("2a00:1450:0:1::6", "2600:0:0:2::3"),
        ("fd12::1", "fd00:0:0:3::4"),
        ("fe80::1234", "fe80::5"),
        ("2001:db8::1", "2001:db8:0:4::6"),
    ] {
        assert_eq!(mask.ip(ip(real)), ip(masked), "{real}");
    }
}

proptest! {
    #[test]
    fn addresses_that_differ_stay_different(ips in proptest::collection::vec(any::<IpAddr>(), 0..50)) {
        let mut mask = Mask::default();
        let masked: Vec<IpAddr> = ips.iter().map(|ip| mask.ip(*ip)).collect();
        let count = |ips: &[IpAddr]| ips.iter().collect::<BTreeSet<_>>().len();
        prop_assert_eq!(count(&masked), count(&ips));
        for (real, masked) in ips.iter().zip(&masked) {
            prop_assert_eq!(reach::is_global(*real), reach::is_global(*masked));
            prop_assert_eq!(reach::is_unicast(*real), reach::is_unicast(*masked));
            prop_assert_eq!(real.is_loopback(), masked.is_loopback());
            prop_assert_eq!(mask.ip(*real), *masked);
        }
    }
}

#[test]
fn urls_keep_whom_they_lead_to() {
    let mut mask = Mask::default();
    for (real, masked) in [
        ("http://t.example/announce", "http://t.example/announce"),
        ("https://t.example:444/announce.php?passkey=abc", "https://t.example:444/announce.php?masked-1"),
        ("http://t.example/0123456789abcdef/announce", "http://t.example/masked-2/announce"),
        ("http://t.example/announce?passkey=abc", "http://t.example/announce?masked-1"),
        ("http://me:pw@t.example/", "http://t.example/?masked-3"),
        ("http://93.184.216.34:6969/announce", "http://11.0.0.1:6969/announce"),
        ("http://[2a00::1]/announce", "http://[2600:0:0:1::1]/announce"),
        ("/next/announce?passkey=abc", "/next/announce?masked-1"),
        ("udp://t.example:80", "udp://t.example:80"),
    ] {
        assert_eq!(mask.url(real), masked, "{real}");
    }
}

#[test]
fn a_torrent_keeps_its_identity_and_loses_its_secrets() {
    let file = encode_dict(|d| {
        d.entry("announce").bytes("http://t.example/announce?passkey=secret");
        d.entry("announce-list").list(|tiers| {
            tiers.list(|tier| {
                tier.bytes("http://t.example/announce?passkey=secret");
                tier.bytes("http://u.example/secret0123456789/announce");
            });
        });
        d.entry("comment").bytes("made by secret");
        d.entry("info").dict(|d| {
            d.entry("length").int(5);
            d.entry("name").bytes("name");
            d.entry("piece length").int(16_384);
            d.entry("pieces").bytes([7; 20]);
        });
        d.entry("url-list").bytes("http://w.example/data?token=secret");
    });
    let metainfo = Arc::new(Metainfo::parse(&file).unwrap());
    let command = Command::AddTorrent { metainfo: metainfo.clone(), options: Box::default() };
    let Command::AddTorrent { metainfo: masked, .. } = Mask::default().command(&command) else { panic!() };
    assert_eq!(masked.info_hash(), metainfo.info_hash());
    assert_eq!(masked.layout(), metainfo.layout());
    assert_eq!(masked.trackers().len(), 1);
    assert_eq!(masked.trackers()[0].len(), 2);
    assert!(!masked.file().windows(6).any(|part| part == b"secret"));
    assert_eq!(*masked, Metainfo::parse(masked.file()).unwrap());
}

#[test]
fn an_answer_keeps_its_numbers_and_its_peers() {
    let body = encode_dict(|d| {
        d.entry("external ip").bytes([93, 184, 216, 1]);
        d.entry("interval").int(1_800);
        d.entry("peers").bytes([93, 184, 216, 34, 0x1a, 0xe1, 192, 168, 0, 9, 0x1a, 0xe2, 5]);
        d.entry("peers6").bytes([&ip6("2a00::7").octets()[..], &[0x1a, 0xe3]].concat());
        d.entry("tracker id").bytes("secret");
        d.entry("warning message").bytes("hello secret");
    });
    let mut mask = Mask::default();
    let masked = mask.answer(&body);
    assert!(!masked.windows(6).any(|part| part == b"secret"));
    let answer = AnnounceResponse::parse(&masked).unwrap();
    assert_eq!(answer.interval, Some(Duration::from_secs(1_800)));
    assert_eq!(answer.external_ip, Some(ip("11.0.0.1")));
    let peers: BTreeSet<SocketAddr> = answer.peers.iter().copied().collect();
    let expected = ["11.0.0.2:6881", "10.0.0.3:6882", "[2600:0:0:1::1]:6883"].map(|a| a.parse().unwrap());
    assert_eq!(peers, BTreeSet::from(expected));
    assert!(answer.warning.is_some() && answer.tracker_id.is_some());

    let refusal = encode_dict(|d| {
        d.entry("failure reason").bytes("passkey secret unknown");
        d.entry("retry in").bytes("never");
    });
    let document = mask.answer(&refusal);
    let document = Document::decode(&document, Limits::TRACKER).unwrap();
    assert_eq!(document.root().get("failure reason").unwrap().as_str(), Some("masked"));
    assert_eq!(document.root().get("retry in").unwrap().as_str(), Some("never"));
    assert_eq!(mask.answer(b"<html>secret"), b"masked");
}

#[test]
fn peers_as_dictionaries_are_masked_too() {
    let body = b"d8:intervali60e5:peersld2:ip13:93.184.216.344:porti6881eed2:ip8:a.secret4:porti1eeee";
    let masked = Mask::default().answer(body);
    let answer = AnnounceResponse::parse(&masked).unwrap();
    assert_eq!(answer.peers, ["11.0.0.1:6881".parse().unwrap()]);
    assert!(!masked.windows(6).any(|part| part == b"secret"));
}

fn ip6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// What is recorded of a stream that is cut into such portions.
fn record(data: &[u8], portions: usize, tracker: bool) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
    let (mut mask, mut stream) = (Mask::default(), Stream::new());
    let masked = data.chunks(portions).map(|part| stream.received(&mut mask, part, tracker).data).collect();
    (masked, stream.closed(&mut mask))
}

#[test]
fn of_a_peer_the_extension_handshake_is_masked() {
    let (info_hash, peer_id) = (Sha1Hash([1; 20]), PeerId([2; 20]));
    let mut data = BytesMut::from(&Handshake { info_hash, peer_id, features: Features::OURS }.encode()[..]);
    let theirs =
        ExtensionHandshake { yourip: Some(ip("93.184.216.34")), reqq: Some(250), ..Default::default() };
    Message::Extended { id: 0, payload: theirs.encode() }.encode(&mut data);
    Message::Piece { index: 0, begin: 0, data: Bytes::from(vec![9; 30]).into() }.encode(&mut data);
    Message::Extended { id: 3, payload: Bytes::from_static(b"secret") }.encode(&mut data);
    Message::Have(1).encode(&mut data);

    let masked = ExtensionHandshake { yourip: Some(ip("11.0.0.1")), ..theirs };
    let masked = masked.encode();
    let (whole, _) = record(&data, data.len(), false);
    assert_eq!(whole[0].len(), data.len());
    assert!(whole[0].windows(masked.len()).any(|part| part == &masked[..]));
    for portions in 1..data.len() {
        let (parts, rest) = record(&data, portions, false);
        assert_eq!((parts.concat(), rest), (whole[0].clone(), None));
    }

    let mut stream = Stream::new();
    let Masked { data, blocks } = stream.received(&mut Mask::default(), &data, false);
    assert_eq!(blocks.len(), 1);
    assert_eq!(&data[blocks[0].clone()], [9; 30]);
}

/// What the engine makes of an answer that comes in such portions and then the connection's end.
fn parse(parts: &[Vec<u8>], rest: Option<&[u8]>) -> (usize, Result<(u16, Vec<u8>), bool>) {
    let mut parser = http::ResponseParser::new();
    for (n, part) in parts.iter().map(|part| &part[..]).chain(rest).enumerate() {
        match parser.receive(part) {
            Ok(None) => {}
            Ok(Some(response)) => return (n, Ok((response.head.status, response.body))),
            Err(_) => return (n, Err(parser.head().is_some_and(|head| head.status != 200))),
        }
    }
    let end = parser.end().map(|response| (response.head.status, response.body));
    (usize::MAX, end.map_err(|_| parser.head().is_some_and(|head| head.status != 200)))
}

#[test]
fn a_tracker_answers_the_same_in_other_words() {
    let body = "d8:intervali60e5:peers6:\x01\x02\x03\x04\x05\x06e";
    let masked = Mask::default().answer(body.as_bytes());
    let len = body.len();
    let whole = [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{len:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nX-Secret: secret\r\n\r\n{body}"),
        format!("HTTP/1.0 404 secret\r\nContent-Length: {len}\r\n\r\n{body}"),
    ];
    for answer in &whole {
        for portions in 1..=answer.len() {
            let parts: Vec<Vec<u8>> = answer.as_bytes().chunks(portions).map(<[u8]>::to_vec).collect();
            let (real_at, real) = parse(&parts, None);
            let (recorded, rest) = record(answer.as_bytes(), portions, true);
            let (at, found) = parse(&recorded, rest.as_deref());
            assert_eq!((at, found.map(|(s, _)| s)), (real_at, real.map(|(s, _)| s)), "{answer}");
            assert_eq!(parse(&recorded, rest.as_deref()).1.unwrap().1, masked);
            assert!(!recorded.concat().windows(6).any(|part| part == b"secret"));
        }
    }
}

#[test]
fn an_answer_that_is_of_no_use_stays_so() {
    for answer in [
        "SSH-2.0-secret\r\n",
        "HTTP/1.1 secret\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nsecret",
        "HTTP/1.1 503 secret\r\nContent-Length: 90\r\n\r\nsecret",
        "HTTP/1.1 503 secret\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
    ] {
        for portions in [1, 7, 1_000] {
            let parts: Vec<Vec<u8>> = answer.as_bytes().chunks(portions).map(<[u8]>::to_vec).collect();
            let (recorded, rest) = record(answer.as_bytes(), portions, true);
            assert_eq!(recorded.len(), parts.len());
            assert_eq!(parse(&recorded, rest.as_deref()), parse(&parts, None), "{answer:?} in {portions}");
            assert!(!recorded.concat().windows(6).any(|part| part == b"secret"));
        }
    }
}

#[test]
fn a_redirect_leads_on_without_its_secret() {
    let answer = "HTTP/1.1 302 x\r\nLocation: http://t.example/announce?secret\r\nContent-Length: 0\r\n\r\n";
    let (recorded, _) = record(answer.as_bytes(), 1_000, true);
    let response = http::ResponseParser::new().receive(&recorded[0]).unwrap().unwrap();
    assert_eq!(response.head.location.as_deref(), Some("http://t.example/announce?masked-1"));
}
