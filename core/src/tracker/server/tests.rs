//! The tracker's answers, from the query to the bytes.

use super::http;
use super::query::{self, Announce};
use super::registry::{Counts, Found, Registry};
use super::*;
use crate::tracker::AnnounceEvent;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use core::net::Ipv4Addr;

const HASH: [u8; 20] = *b"aaaaaaaaaaaaaaaaaaaa";
const NOW: Instant = Instant::ZERO;

fn asks(port: u16, left: u64, event: AnnounceEvent) -> Announce {
    let peer_id = *b"-PE0100-abcdefghijkl";
    let (compact, no_peer_id) = (true, false);
    Announce { info_hash: HASH, peer_id, port, left, event, numwant: None, compact, no_peer_id }
}

fn registry() -> Registry {
    Registry::new(1, &Settings::default())
}

fn ip(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, last).into()
}

fn addresses(found: &Found) -> Vec<SocketAddr> {
    let mut all: Vec<_> = found.peers.iter().map(|p| p.0).collect();
    all.sort_unstable();
    all
}

#[test]
fn an_announce_is_read_whole() {
    let text = "info_hash=%00aaaaaaaaaaaaaaaaaa%fF&peer_id=-PE0100-abcdefghijkl&port=6881&uploaded=0\
                &downloaded=0&left=5&compact=0&no_peer_id=1&event=started&numwant=7&key=1234";
    let announce = Announce::parse(text).unwrap();
    assert_eq!((announce.info_hash[0], announce.info_hash[19]), (0, 255));
    assert_eq!((announce.port, announce.left, announce.numwant), (6881, 5, Some(7)));
    assert_eq!(announce.event, AnnounceEvent::Started);
    assert!(!announce.compact && announce.no_peer_id);
}

#[test]
fn an_announce_that_lacks_something_is_told_what() {
    let told = |text: &str| Announce::parse(text).unwrap_err().to_string();
    let id = "peer_id=-PE0100-abcdefghijkl";
    assert_eq!(told(""), "port is missing");
    assert_eq!(told(&format!("{id}&port=1")), "info_hash is missing");
    assert_eq!(told(&format!("{id}&port=1&info_hash=abc")), "info_hash has 3 bytes instead of 20");
    assert_eq!(told("port=0"), "port must be 1 to 65535");
    assert_eq!(told("port=x"), "port is not a number");
    assert_eq!(told("port=1&info_hash=%4"), "a % without two hexadecimal digits");
    assert!(told(&"a=b&".repeat(200)).contains("too many"));
}

#[test]
fn peers_find_each_other_and_not_themselves() {
    let mut registry = registry();
    let started = AnnounceEvent::Started;
    let first = registry.announce(NOW, ip(1), &asks(1001, 0, started)).unwrap();
    assert_eq!((first.peers.len(), first.change), (0, Change::Joined));
    let second = registry.announce(NOW, ip(2), &asks(1002, 9, started)).unwrap();
    assert_eq!(addresses(&second), [SocketAddr::new(ip(1), 1001)]);
    assert_eq!(second.counts, Counts { complete: 1, incomplete: 1, downloaded: 0 });
    let again = registry.announce(NOW, ip(2), &asks(1002, 9, AnnounceEvent::None)).unwrap();
    assert_eq!((addresses(&again).len(), again.change), (1, Change::Nothing));
}

#[test]
fn a_seed_is_told_of_no_other_seed() {
    let mut registry = registry();
    for n in 1..=3 {
        registry.announce(NOW, ip(n), &asks(1000, u64::from(n == 3), AnnounceEvent::Started)).unwrap();
    }
    let seed = registry.announce(NOW, ip(1), &asks(1000, 0, AnnounceEvent::None)).unwrap();
    assert_eq!(addresses(&seed), [SocketAddr::new(ip(3), 1000)]);
}

#[test]
fn a_completed_download_is_counted_once() {
    let mut registry = registry();
    registry.announce(NOW, ip(1), &asks(1, 9, AnnounceEvent::Started)).unwrap();
    let done = registry.announce(NOW, ip(1), &asks(1, 0, AnnounceEvent::Completed)).unwrap();
    assert_eq!(done.change, Change::Completed);
    assert_eq!(done.counts, Counts { complete: 1, incomplete: 0, downloaded: 1 });
    let again = registry.announce(NOW, ip(1), &asks(1, 0, AnnounceEvent::Completed)).unwrap();
    assert_eq!(again.counts.downloaded, 1);
}

#[test]
fn who_stops_is_forgotten_and_who_is_silent_too() {
    let mut registry = registry();
    for n in 1..=3 {
        registry.announce(NOW, ip(n), &asks(1000, 9, AnnounceEvent::Started)).unwrap();
    }
    let left = registry.announce(NOW, ip(1), &asks(1000, 9, AnnounceEvent::Stopped)).unwrap();
    assert_eq!((left.change, left.peers.len(), left.counts.incomplete), (Change::Left, 0, 2));
    let unknown = registry.announce(NOW, ip(9), &asks(1000, 9, AnnounceEvent::Stopped)).unwrap();
    assert_eq!(unknown.change, Change::Nothing);

    // Two and a half intervals.
    let later = Instant::from_secs(149);
    assert_eq!(registry.announce(later, ip(2), &asks(1000, 9, AnnounceEvent::None)).unwrap().peers.len(), 1);
    let last = Instant::from_secs(165);
    assert_eq!(registry.announce(last, ip(2), &asks(1000, 9, AnnounceEvent::None)).unwrap().peers.len(), 0);
}

#[test]
fn a_full_swarm_takes_no_more_and_still_serves_its_own() {
    let mut registry = registry();
    for n in 0..MAX_SWARM {
        let port = u16::try_from(n + 1).unwrap();
        registry.announce(NOW, ip(1), &asks(port, 9, AnnounceEvent::Started)).unwrap();
    }
    assert!(
        registry
            .announce(NOW, ip(2), &asks(1, 9, AnnounceEvent::Started))
            .unwrap_err()
            .to_string()
            .contains("full")
    );
    let known = registry.announce(NOW, ip(1), &asks(1, 9, AnnounceEvent::None)).unwrap();
    assert_eq!(known.peers.len(), 50);
}

#[test]
fn as_many_peers_as_asked_for_and_all_different() {
    let mut registry = registry();
    for n in 1..=100 {
        registry.announce(NOW, ip(1), &asks(n, 9, AnnounceEvent::Started)).unwrap();
    }
    let mut ask = asks(1, 9, AnnounceEvent::None);
    for (wanted, expected) in [(0, 0), (1, 1), (30, 30), (5_000, 99)] {
        ask.numwant = Some(wanted);
        let mut peers = addresses(&registry.announce(NOW, ip(1), &ask).unwrap());
        peers.dedup();
        assert_eq!(peers.len(), expected);
        assert!(!peers.contains(&SocketAddr::new(ip(1), 1)));
    }
}

#[test]
fn answers_are_compact_in_both_families_or_dictionaries() {
    let v4 = SocketAddr::from(([10, 0, 0, 1], 0x1234));
    let v6: SocketAddr = "[2001:db8::1]:258".parse().unwrap();
    let counts = Counts { complete: 1, incomplete: 2, downloaded: 3 };
    let peers = vec![(v4, *b"aaaaaaaaaaaaaaaaaaaa"), (v6, *b"bbbbbbbbbbbbbbbbbbbb")];
    let found = Found { peers, counts, change: Change::Nothing };
    let settings = Settings::default();
    let mut ask = asks(1, 1, AnnounceEvent::None);
    let head = "d8:completei1e10:downloadedi3e10:incompletei2e8:intervali60e12:min intervali15e5:peers";

    let mut expected = head.as_bytes().to_vec();
    expected.extend_from_slice(
        b"6:\x0a\0\0\x01\x12\x346:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02e",
    );
    assert_eq!(answer::announce(&settings, &ask, &found), expected);

    ask.compact = false;
    let text = String::from_utf8(answer::announce(&settings, &ask, &found)).unwrap();
    let list = "ld2:ip8:10.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti4660ee\
                d2:ip11:2001:db8::17:peer id20:bbbbbbbbbbbbbbbbbbbb4:porti258eee";
    assert_eq!(text, format!("{head}{list}e"));
    ask.no_peer_id = true;
    assert!(!String::from_utf8(answer::announce(&settings, &ask, &found)).unwrap().contains("peer id"));
}

#[test]
fn a_scrape_lists_what_is_known_in_order() {
    assert_eq!(query::scrape("info_hash=aaaaaaaaaaaaaaaaaaaa").unwrap(), [HASH]);
    assert!(query::scrape("info_hash=a").is_err());
    assert!(query::scrape(&"info_hash=aaaaaaaaaaaaaaaaaaaa&".repeat(65)).is_err());
    let counts = Counts { complete: 1, incomplete: 0, downloaded: 2 };
    let text = String::from_utf8(answer::scrape(&[(HASH, counts)])).unwrap();
    assert_eq!(text, "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei0eeee");
}

#[test]
fn a_local_peer_is_named_to_others_by_the_address_they_reach() {
    let peers = vec![(SocketAddr::from(([127, 0, 0, 1], 5)), HASH)];
    let mut found = Found { peers, counts: Counts::default(), change: Change::Nothing };
    let local = Ipv4Addr::LOCALHOST.into();
    reachable(&mut found, Asker { remote: local, local });
    assert!(found.peers[0].0.ip().is_loopback());
    reachable(&mut found, Asker { remote: ip(2), local: ip(1) });
    assert_eq!(found.peers[0].0, SocketAddr::new(ip(1), 5));
}

#[test]
fn only_a_plain_get_is_a_request() {
    let ok = http::parse(b"GET /announce?a=b HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!((ok.path.as_str(), ok.query.as_str()), ("/announce", "a=b"));
    let status = |head: &[u8]| http::parse(head).unwrap_err().status;
    assert_eq!(status(b"POST /announce HTTP/1.1\r\n\r\n"), 405);
    for head in
        [&b"GET /a b HTTP/1.1"[..], b"", b"\r\n\r\n", b"GET http://x/ HTTP/1.1", b"GET / FTP", b"\xff"]
    {
        assert_eq!(status(head), 400);
    }
}

#[test]
fn a_refusal_says_why_in_the_body() {
    assert_eq!(Response::refuse(404, "no").body, b"no\n");
}

#[test]
fn requests_are_answered_by_their_path() {
    let mut tracker = Tracker::new(1, Settings { interval: Duration::from_secs(900), ..Settings::default() });
    let mut ask = |target: &str| {
        let head = format!("GET {target} HTTP/1.1\r\n\r\n");
        let request = RequestReader::new().push(head.as_bytes()).unwrap().unwrap();
        let (response, news) = tracker.answer(NOW, Asker { remote: ip(1), local: ip(9) }, &request);
        (String::from_utf8(response.encode()).unwrap(), news)
    };
    let (text, news) =
        ask("/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left=0");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("8:intervali900e"), "{text}");
    let peer = SocketAddr::new(ip(1), 7);
    assert_eq!(news, Some(SwarmNews { info_hash: Sha1Hash(HASH), peer, change: Change::Joined }));
    assert!(ask("/announce?port=1").0.ends_with("d14:failure reason20:info_hash is missinge"));
    assert!(ask("/scrape").0.contains("8:completei1e"));
    assert!(ask("/etc/passwd").0.starts_with("HTTP/1.1 404"));
    assert!(ask("/").0.contains("BitTorrent tracker"));
    assert_eq!(tracker.swarm(&Sha1Hash(HASH)), Some((1, 0)));
}

#[test]
fn a_request_is_found_however_it_is_cut() {
    let head = b"GET /announce?a=b HTTP/1.1\r\nHost: x\r\n\r\n";
    for cut in 1..head.len() {
        let mut reader = RequestReader::new();
        assert_eq!(reader.push(&head[..cut]), Ok(None), "after {cut} bytes");
        assert_eq!(reader.push(&head[cut..]).unwrap().unwrap().path, "/announce");
    }
    let mut reader = RequestReader::new();
    assert_eq!(reader.push(&[b'a'; MAX_REQUEST - 1]), Ok(None));
    assert_eq!(reader.push(b"aa").unwrap_err().status, 431);
    assert_eq!(RequestReader::new().push(&[b'a'; 2 * MAX_REQUEST]).unwrap_err().status, 431);
}
