//! The tracker's answers, from the query to the bytes, without and with sockets.

use super::http::Response;
use super::query::{Announce, AnnounceEvent};
use super::registry::{Change, Counts, EXPIRY, Found, MAX_SWARM, MIN_INTERVAL, Registry};
use super::{Server, answer, http, query, server};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const HASH: [u8; 20] = *b"aaaaaaaaaaaaaaaaaaaa";
const NOW: Duration = Duration::ZERO;

fn asks(port: u16, left: u64, event: AnnounceEvent) -> Announce {
    let peer_id = *b"-PE0100-abcdefghijkl";
    let (compact, no_peer_id) = (true, false);
    Announce { info_hash: HASH, peer_id, port, left, event, numwant: None, compact, no_peer_id }
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
    let told = |text: &str| Announce::parse(text).unwrap_err();
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
    let mut registry = Registry::new(1);
    let started = AnnounceEvent::Started;
    let first = registry.announce(NOW, ip(1), &asks(1001, 0, started)).unwrap();
    assert_eq!((first.peers.len(), first.change), (0, Change::Joined));
    let second = registry.announce(NOW, ip(2), &asks(1002, 9, started)).unwrap();
    assert_eq!(addresses(&second), [SocketAddr::new(ip(1), 1001)]);
    assert_eq!(second.counts, Counts { complete: 1, incomplete: 1, downloaded: 0 });
    let again = registry.announce(NOW, ip(2), &asks(1002, 9, AnnounceEvent::Regular)).unwrap();
    assert_eq!((addresses(&again).len(), again.change), (1, Change::Nothing));
}

#[test]
fn a_seed_is_told_of_no_other_seed() {
    let mut registry = Registry::new(1);
    for n in 1..=3 {
        registry.announce(NOW, ip(n), &asks(1000, u64::from(n == 3), AnnounceEvent::Started)).unwrap();
    }
    let seed = registry.announce(NOW, ip(1), &asks(1000, 0, AnnounceEvent::Regular)).unwrap();
    assert_eq!(addresses(&seed), [SocketAddr::new(ip(3), 1000)]);
}

#[test]
fn a_completed_download_is_counted_once() {
    let mut registry = Registry::new(1);
    registry.announce(NOW, ip(1), &asks(1, 9, AnnounceEvent::Started)).unwrap();
    let done = registry.announce(NOW, ip(1), &asks(1, 0, AnnounceEvent::Completed)).unwrap();
    assert_eq!(done.change, Change::Completed);
    assert_eq!(done.counts, Counts { complete: 1, incomplete: 0, downloaded: 1 });
    let again = registry.announce(NOW, ip(1), &asks(1, 0, AnnounceEvent::Completed)).unwrap();
    assert_eq!(again.counts.downloaded, 1);
}

#[test]
fn who_stops_is_forgotten_and_who_is_silent_too() {
    let mut registry = Registry::new(1);
    for n in 1..=3 {
        registry.announce(NOW, ip(n), &asks(1000, 9, AnnounceEvent::Started)).unwrap();
    }
    let left = registry.announce(NOW, ip(1), &asks(1000, 9, AnnounceEvent::Stopped)).unwrap();
    assert_eq!((left.change, left.peers.len(), left.counts.incomplete), (Change::Left, 0, 2));
    let unknown = registry.announce(NOW, ip(9), &asks(1000, 9, AnnounceEvent::Stopped)).unwrap();
    assert_eq!(unknown.change, Change::Nothing);

    let later = EXPIRY - Duration::from_secs(1);
    assert_eq!(
        registry.announce(later, ip(2), &asks(1000, 9, AnnounceEvent::Regular)).unwrap().peers.len(),
        1
    );
    let last = EXPIRY + MIN_INTERVAL;
    assert_eq!(
        registry.announce(last, ip(2), &asks(1000, 9, AnnounceEvent::Regular)).unwrap().peers.len(),
        0
    );
}

#[test]
fn a_full_swarm_takes_no_more_and_still_serves_its_own() {
    let mut registry = Registry::new(1);
    for n in 0..MAX_SWARM {
        let port = u16::try_from(n + 1).unwrap();
        registry.announce(NOW, ip(1), &asks(port, 9, AnnounceEvent::Started)).unwrap();
    }
    assert!(registry.announce(NOW, ip(2), &asks(1, 9, AnnounceEvent::Started)).unwrap_err().contains("full"));
    let known = registry.announce(NOW, ip(1), &asks(1, 9, AnnounceEvent::Regular)).unwrap();
    assert_eq!(known.peers.len(), 50);
}

#[test]
fn as_many_peers_as_asked_for_and_all_different() {
    let mut registry = Registry::new(7);
    for n in 1..=100 {
        registry.announce(NOW, ip(1), &asks(n, 9, AnnounceEvent::Started)).unwrap();
    }
    let mut ask = asks(1, 9, AnnounceEvent::Regular);
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
    let mut ask = asks(1, 1, AnnounceEvent::Regular);
    let head = "d8:completei1e10:downloadedi3e10:incompletei2e8:intervali60e12:min intervali15e5:peers";

    let mut expected = head.as_bytes().to_vec();
    expected.extend_from_slice(
        b"6:\x0a\0\0\x01\x12\x346:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02e",
    );
    assert_eq!(answer::announce(&ask, &found), expected);

    ask.compact = false;
    let text = String::from_utf8(answer::announce(&ask, &found)).unwrap();
    let list = "ld2:ip8:10.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti4660ee\
                d2:ip11:2001:db8::17:peer id20:bbbbbbbbbbbbbbbbbbbb4:porti258eee";
    assert_eq!(text, format!("{head}{list}e"));
    ask.no_peer_id = true;
    assert!(!String::from_utf8(answer::announce(&ask, &found)).unwrap().contains("peer id"));
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
    server::reachable(&mut found, Ipv4Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into());
    assert!(found.peers[0].0.ip().is_loopback());
    server::reachable(&mut found, ip(2), ip(1));
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
fn a_running_tracker_answers_and_stops_when_dropped() {
    let server = Server::start(([127, 0, 0, 1], 0).into(), Box::new(|_, _, _| {})).unwrap();
    let url = server.announce_url();
    let addr = url.strip_prefix("http://").unwrap().strip_suffix("/announce").unwrap();
    let ask = |text: &str| {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let query = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left=0";
    let announce = ask(&format!("GET /announce?{query} HTTP/1.1\r\n\r\n"));
    assert!(announce.starts_with("HTTP/1.1 200 OK\r\n"), "{announce}");
    assert!(announce.ends_with("5:peers0:e"), "{announce}");
    assert!(
        ask("GET /announce?port=1 HTTP/1.0\r\n\r\n").ends_with("d14:failure reason20:info_hash is missinge")
    );
    assert!(ask("GET /scrape HTTP/1.1\r\n\r\n").contains("8:completei1e"));
    assert!(ask("GET /etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    let long = format!("GET /{} HTTP/1.1", "a".repeat(8 << 10));
    assert!(ask(&long).starts_with("HTTP/1.1 431"));
    drop(server);
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn a_refusal_says_why_in_the_body() {
    assert_eq!(Response::refuse(404, "no").body, b"no\n");
}
