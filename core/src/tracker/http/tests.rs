//! Stories of one announce: what is asked, every answer that trackers give, and the ways there.

use super::{Exchange, Step};
use crate::http::HttpError;
use crate::ids::{PeerId, Sha1Hash};
use crate::input::{NetError, ResolveError};
use crate::limits::{MAX_ANNOUNCE_PEERS, MAX_SHOWN_TEXT};
use crate::time::{Duration, Instant};
use crate::tracker::{AnnounceEvent, AnnounceParams, AnnounceResponse, RetryIn, TrackerError, UrlError};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use proptest::prelude::*;

const TIMEOUT: Duration = Duration::from_secs(30);

fn params() -> AnnounceParams {
    AnnounceParams {
        info_hash: Sha1Hash(*b"\x00\x12 %&+=/aZ9-_.~\xff\xfe\x7f\n\r"),
        peer_id: PeerId(*b"-PE0100-\x80abcdefghij\0"),
        port: 6881,
        uploaded: 0,
        downloaded: 1,
        left: u64::MAX,
        event: AnnounceEvent::Started,
        numwant: 50,
        key: 0xbeef,
        tracker_id: None,
        user_agent: "Peerless/0.1".into(),
    }
}

fn exchange(url: &str) -> Exchange {
    Exchange::new(Instant::ZERO, url, params(), TIMEOUT).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Resolves, connects and takes the request; gives its first line's target.
fn ask(exchange: &mut Exchange, ips: &[&str]) -> (SocketAddr, String) {
    let mut dialled = None;
    while let Some(step) = exchange.poll() {
        match step {
            Step::Resolve { .. } => {
                exchange.resolved(Instant::ZERO, Ok(ips.iter().map(|text| ip(text)).collect()));
            }
            Step::Connect { remote, .. } => {
                dialled = Some(remote);
                exchange.connected();
            }
            Step::Send(bytes) => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let target = text.split(' ').nth(1).unwrap();
                return (dialled.unwrap(), target.into());
            }
            Step::Disconnect => {}
            Step::Done(result) => panic!("over before it asked: {result:?}"),
        }
    }
    panic!("it asked nothing")
}

fn done(exchange: &mut Exchange) -> Result<AnnounceResponse, TrackerError> {
    let mut result = None;
    while let Some(step) = exchange.poll() {
        match step {
            Step::Done(r) => assert!(result.replace(r).is_none(), "over twice"),
            Step::Disconnect => assert!(result.is_none(), "a connection outlives the exchange"),
            other => panic!("{other:?}"),
        }
    }
    result.expect("it is not over")
}

/// A tracker that sends `response` and closes the connection.
fn answer(response: &[u8]) -> Result<AnnounceResponse, TrackerError> {
    let mut exchange = exchange("http://127.0.0.1:6969/announce");
    ask(&mut exchange, &[]);
    exchange.received(Instant::ZERO, response);
    exchange.closed(Instant::ZERO, None);
    done(&mut exchange)
}

fn status(line: &str, body: &str) -> (u16, Box<str>) {
    match answer(format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()) {
        Err(TrackerError::Status { status, text }) => (status, text),
        other => panic!("{other:?}"),
    }
}

fn body(body: impl AsRef<[u8]>) -> Result<AnnounceResponse, TrackerError> {
    answer(&[b"HTTP/1.1 200 OK\r\n\r\n", body.as_ref()].concat())
}

fn redirect(exchange: &mut Exchange, location: &str) {
    let response = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    exchange.received(Instant::ZERO, response.as_bytes());
}

// ----- what is asked ---------------------------------------------------------------------------------

#[test]
fn every_parameter_is_there_and_the_ids_are_of_length_20() {
    let (remote, target) = ask(&mut exchange("http://127.0.0.1:6969/announce"), &[]);
    assert_eq!(remote, "127.0.0.1:6969".parse().unwrap());
    assert_eq!(
        target,
        "/announce?info_hash=%00%12%20%25%26%2B%3D%2FaZ9-_.~%FF%FE%7F%0A%0D\
         &peer_id=-PE0100-%80abcdefghij%00&port=6881&uploaded=0&downloaded=1&left=18446744073709551615\
         &compact=1&numwant=50&key=0000beef&event=started"
    );
}

#[test]
fn events_and_the_tracker_id_are_told() {
    let mut told = params();
    told.tracker_id = Some(b"a b\xff".as_slice().into());
    for (event, expected) in [
        (AnnounceEvent::None, "key=0000beef&trackerid=a%20b%FF"),
        (AnnounceEvent::Completed, "&event=completed&trackerid=a%20b%FF"),
        (AnnounceEvent::Stopped, "&event=stopped&trackerid=a%20b%FF"),
    ] {
        told.event = event;
        let mut exchange = Exchange::new(Instant::ZERO, "http://1.2.3.4/", told.clone(), TIMEOUT).unwrap();
        let (_, target) = ask(&mut exchange, &[]);
        assert!(target.ends_with(expected), "{target}");
    }
}

#[test]
fn the_urls_own_query_stays_in_front() {
    for (url, start) in [
        ("http://1.2.3.4/a?passkey=x%20y", "/a?passkey=x%20y&info_hash=%00"),
        ("http://1.2.3.4/a?", "/a?info_hash=%00"),
        ("http://1.2.3.4/a?x=1&", "/a?x=1&info_hash=%00"),
        ("http://1.2.3.4", "/?info_hash=%00"),
        ("http://1.2.3.4/a b#part", "/a%20b?info_hash=%00"),
    ] {
        let (_, target) = ask(&mut exchange(url), &[]);
        assert!(target.starts_with(start), "{url}: {target}");
    }
}

#[test]
fn the_head_names_the_host_and_who_asks() {
    let mut exchange = exchange("http://me:secret@[::1]:6969/announce");
    let connect = Step::Connect { remote: "[::1]:6969".parse().unwrap(), tls: None };
    assert_eq!(exchange.poll(), Some(connect), "an address needs no look-up");
    exchange.connected();
    let Some(Step::Send(bytes)) = exchange.poll() else { panic!() };
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (_, head) = text.split_once("\r\n").unwrap();
    assert_eq!(
        head,
        "Host: [::1]:6969\r\nUser-Agent: Peerless/0.1\r\nAccept-Encoding: gzip\r\n\
         Authorization: Basic bWU6c2VjcmV0\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn https_names_who_the_certificate_must_be_of() {
    let mut named = exchange("https://bücher.example/announce");
    assert_eq!(named.poll(), Some(Step::Resolve { host: "xn--bcher-kva.example".into() }));
    named.resolved(Instant::ZERO, Ok(vec![ip("192.0.2.1")]));
    let tls = Some("xn--bcher-kva.example".into());
    assert_eq!(named.poll(), Some(Step::Connect { remote: "192.0.2.1:443".parse().unwrap(), tls }));
    let tls = Some("::1".into());
    let connect = Step::Connect { remote: "[::1]:443".parse().unwrap(), tls };
    assert_eq!(exchange("https://[::1]/").poll(), Some(connect));
}

#[test]
fn a_url_that_cannot_be_used_is_told_at_once() {
    let error = Exchange::new(Instant::ZERO, "udp://t:80", params(), TIMEOUT).unwrap_err();
    assert_eq!(error, TrackerError::Url(UrlError::Scheme("udp".into())));
    assert_eq!(format!("{error}"), "tracker: udp trackers are not supported; http and https ones are");
}

// ----- what is answered ------------------------------------------------------------------------------

#[test]
fn a_compact_answer_is_read_whole() {
    let response = body(
        b"d8:completei3e11:external ip4:\x05\x06\x07\x0810:incompletei4e8:intervali1800e12:min intervali900e\
          5:peers12:\x01\x02\x03\x04\x1a\xe1\x05\x06\x07\x08\0\x50\
          6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1\
          10:tracker id2:\xffx15:warning message6:slow\n!e",
    );
    let peers = ["[2001:db8::1]:6881", "1.2.3.4:6881", "5.6.7.8:80"];
    let expected = AnnounceResponse {
        interval: Some(Duration::from_secs(1_800)),
        min_interval: Some(Duration::from_secs(900)),
        tracker_id: Some(b"\xffx".as_slice().into()),
        complete: Some(3),
        incomplete: Some(4),
        external_ip: Some(ip("5.6.7.8")),
        warning: Some("slow !".into()),
        peers: peers.iter().map(|p| p.parse().unwrap()).collect(),
    };
    assert_eq!(response, Ok(expected));
}

#[test]
fn peers_may_be_dictionaries() {
    let response = body(
        "d8:intervali60e5:peersl\
         d2:ip7:1.2.3.47:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881ee\
         d2:ip11:2001:db8::14:porti80ee\
         d2:ip12:host.example4:porti1ee\
         d2:ip7:1.2.3.44:porti-1ee\
         d2:ip7:1.2.3.44:porti65536ee\
         d4:porti1eei5e3:abc\
         ee",
    );
    assert_eq!(
        response.unwrap().peers,
        ["1.2.3.4:6881".parse().unwrap(), "[2001:db8::1]:80".parse().unwrap()]
    );
}

#[test]
fn peers_that_nobody_can_dial_are_left_out() {
    let response = body(
        b"d8:intervali60e5:peers31:\x01\x02\x03\x04\0\0\0\0\0\0\x1a\xe1\xe0\0\0\x01\0\x50\xff\xff\xff\xff\0\x50\
          \x01\x02\x03\x04\0\x50\x01e",
    );
    assert_eq!(response.unwrap().peers, ["1.2.3.4:80".parse().unwrap()], "and a cut one at the end too");
}

#[test]
fn a_flood_of_peers_is_cut_and_leaves_room_for_both_families() {
    let v4 = [1, 2, 3, 4, 0, 80].repeat(5_000);
    let v6 = [&[0x20; 16][..], &[0, 80]].concat().repeat(5_000);
    let mut bytes = format!("d8:intervali60e5:peers{}:", v4.len()).into_bytes();
    bytes.extend([&v4[..], format!("6:peers6{}:", v6.len()).as_bytes(), &v6, b"e"].concat());
    let peers = body(&bytes).unwrap().peers;
    assert_eq!(peers.len(), MAX_ANNOUNCE_PEERS);
    assert_eq!(peers.iter().filter(|p| p.is_ipv6()).count(), MAX_ANNOUNCE_PEERS / 2);
}

#[test]
fn optional_keys_of_the_wrong_type_are_taken_as_missing() {
    let response = body(
        "d8:complete1:x11:external ip3:abc10:incompletei-1e8:interval4:180012:min intervalle5:peers0:6:peers6i1e\
         10:tracker idi5e15:warning messageli1eee",
    );
    assert_eq!(response, Ok(AnnounceResponse::default()));
    let long_id = format!("d8:intervali1e10:tracker id300:{}e", "x".repeat(300));
    assert_eq!(body(long_id).unwrap().tracker_id, None);
}

#[test]
fn absurd_intervals_are_values_like_any_other() {
    let interval = |text: &str| body(format!("d8:interval{text}5:peers0:e")).unwrap().interval;
    assert_eq!(interval("i0e"), None);
    assert_eq!(interval("i-5e"), None);
    assert_eq!(interval("i9223372036854775807e"), Some(Duration::from_secs(i64::MAX as u64)));
}

#[test]
fn answers_without_sense_are_garbage() {
    for (bytes, expected) in [
        ("", "it is empty"),
        ("i5e", "it is not a dictionary"),
        ("de", "it has neither peers nor an interval"),
        ("d8:intervali60e5:peersi5ee", "its peers are an integer"),
        ("d8:intervali60e5:peersdee", "its peers are a dictionary"),
        ("d8:intervali60e5:peers9:abc", "bencode: a string longer than the 3 bytes left at byte 22"),
        ("Torrent  not\nregistered", "not bencode, but \"Torrent not registered\""),
        ("<html><title>Log in</title></html>", "a web page, \"Log in\""),
    ] {
        assert_eq!(body(bytes), Err(TrackerError::Garbage(expected.into())), "{bytes}");
    }
}

#[test]
fn a_refusal_is_told_in_the_trackers_words() {
    let refused = |bytes: &str| match body(bytes) {
        Err(TrackerError::Refused { text, retry_in }) => (text, retry_in),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("d14:failure reason7:not\nyoue"), ("not you".into(), None));
    assert_eq!(refused("d14:failure reason0:e").0, "no reason given".into());
    let long = format!("d14:failure reason5000:{}e", "x".repeat(5_000));
    assert_eq!(refused(&long).0.chars().count(), MAX_SHOWN_TEXT);
    let retry = |value: &str| refused(&format!("d14:failure reason1:x8:retry in{value}e")).1;
    assert_eq!(retry("5:never"), Some(RetryIn::Never));
    assert_eq!(retry("i10e"), Some(RetryIn::After(Duration::from_secs(600))));
    assert_eq!(retry("2:10"), Some(RetryIn::After(Duration::from_secs(600))));
    assert_eq!(retry("i-1e"), None);
    assert_eq!(retry("4:soon"), None);
    let far = RetryIn::After(Duration::from_secs(u64::MAX));
    assert_eq!(retry("i9223372036854775807e"), Some(far));
}

#[test]
fn an_http_error_tells_the_most_useful_line() {
    assert_eq!(status("400 Bad Request", "passkey\r\nunknown"), (400, "passkey unknown".into()));
    let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    assert_eq!(status("502 Bad Gateway", page), (502, "Bad Gateway".into()));
    assert_eq!(status("404 Not Found", ""), (404, "Not Found".into()));
    assert_eq!(status("404", ""), (404, "no reason given".into()));
    assert_eq!(status("302 Found", ""), (302, "Found".into()), "a redirect without a target");
    let refused = answer(b"HTTP/1.1 400 Bad Request\r\n\r\nd14:failure reason6:bannede");
    assert_eq!(refused, Err(TrackerError::Refused { text: "banned".into(), retry_in: None }));
    let refused = refused.unwrap_err();
    assert_eq!(format!("{refused}"), "tracker: says: banned");
}

#[test]
fn an_http_error_whose_body_cannot_be_read_is_still_told() {
    let too_long = answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 99999999\r\n\r\n");
    assert_eq!(too_long, Err(TrackerError::Status { status: 503, text: "Busy".into() }));
    let cut = answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nab");
    assert_eq!(cut, Err(TrackerError::Status { status: 503, text: "Busy".into() }));
}

#[test]
fn what_is_not_an_answer_is_told_apart() {
    assert_eq!(answer(b""), Err(TrackerError::Incomplete));
    assert_eq!(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nde"), Err(TrackerError::Incomplete));
    assert_eq!(answer(b"SSH-2.0-x"), Err(TrackerError::Http(HttpError::NotHttp)));
    let long = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n");
    assert_eq!(long, Err(TrackerError::Http(HttpError::BodyTooLong)));
}

// ----- the way there ---------------------------------------------------------------------------------

#[test]
fn a_host_without_an_address_is_told() {
    let mut nowhere = exchange("http://t.example/announce");
    assert_eq!(nowhere.poll(), Some(Step::Resolve { host: "t.example".into() }));
    assert_eq!(nowhere.poll(), None);
    nowhere.connected();
    nowhere.received(Instant::ZERO, b"HTTP/1.1 200 OK\r\n\r\nde");
    assert_eq!(nowhere.poll(), None, "nothing has been asked yet");
    nowhere.resolved(Instant::ZERO, Err(ResolveError::NotFound));
    assert_eq!(done(&mut nowhere), Err(TrackerError::Resolve(ResolveError::NotFound)));
    nowhere.resolved(Instant::ZERO, Ok(vec![ip("127.0.0.1")]));
    assert_eq!(nowhere.poll(), None, "over is over");

    let mut empty = exchange("http://t.example/announce");
    empty.poll();
    empty.resolved(Instant::ZERO, Ok(vec![]));
    assert_eq!(done(&mut empty), Err(TrackerError::Resolve(ResolveError::NotFound)));
}

#[test]
fn the_next_address_is_tried_when_one_fails() {
    let mut exchange = exchange("http://t.example:1/");
    exchange.poll();
    let ips = ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"];
    exchange.resolved(Instant::ZERO, Ok(ips.map(ip).to_vec()));
    let dialled = |exchange: &mut Exchange| match exchange.poll() {
        Some(Step::Connect { remote, .. }) => remote.ip(),
        other => panic!("{other:?}"),
    };
    assert_eq!(dialled(&mut exchange), ip(ips[0]));
    exchange.timed_out(Instant::from_secs(4));
    assert_eq!(exchange.poll(), None, "it has more time than that");
    let later = exchange.deadline();
    assert_eq!(later, Instant::from_secs(5), "but not all of it, since others wait");
    exchange.timed_out(later);
    assert_eq!(exchange.poll(), Some(Step::Disconnect));
    assert_eq!(dialled(&mut exchange), ip(ips[1]), "silent");
    exchange.connect_failed(later, NetError::Refused);
    assert_eq!(dialled(&mut exchange), ip(ips[2]), "refused");
    exchange.connected();
    assert!(matches!(exchange.poll(), Some(Step::Send(_))));
    exchange.closed(later, Some(NetError::Reset));
    assert_eq!(dialled(&mut exchange), ip(ips[3]), "hung up without a word");
    exchange.connect_failed(later, NetError::Unreachable);
    assert_eq!(done(&mut exchange), Err(TrackerError::Connect(NetError::Unreachable)));
}

#[test]
fn a_connection_that_breaks_says_how() {
    let broken = |sent: &[u8], error: NetError| {
        let mut exchange = exchange("https://127.0.0.1/announce");
        ask(&mut exchange, &[]);
        exchange.received(Instant::ZERO, sent);
        exchange.closed(Instant::ZERO, Some(error));
        done(&mut exchange)
    };
    let tls = NetError::Tls("unknown issuer".into());
    assert_eq!(broken(b"", tls.clone()), Err(TrackerError::Connect(tls)));
    assert_eq!(broken(b"HTTP/1.1 ", NetError::Reset), Err(TrackerError::Broken(NetError::Reset)));
    let whole = broken(b"HTTP/1.1 200 OK\r\n\r\nd8:intervali60ee", NetError::Reset);
    assert!(whole.is_ok(), "whole all the same: bencode knows its own end");
}

#[test]
fn a_silent_tracker_runs_out_of_time() {
    let timeout = Err(TrackerError::TimedOut(TIMEOUT));
    let end = Instant::ZERO + TIMEOUT;

    let mut resolving = exchange("http://t.example/");
    resolving.poll();
    assert_eq!(resolving.deadline(), end);
    resolving.timed_out(end);
    assert_eq!(done(&mut resolving), timeout);

    let mut slow = exchange("http://127.0.0.1/");
    ask(&mut slow, &[]);
    for second in 1..30 {
        slow.received(Instant::from_secs(second), b"H".get(second as usize - 1..).unwrap_or_default());
        slow.timed_out(Instant::from_secs(second));
        assert_eq!(slow.poll(), None);
    }
    slow.timed_out(end);
    assert_eq!(slow.poll(), Some(Step::Disconnect));
    assert_eq!(done(&mut slow), timeout);
    assert_eq!(slow.deadline(), Instant::FAR_FUTURE);

    let mut last = exchange("http://127.0.0.1/");
    last.poll();
    last.timed_out(Instant::from_secs(10));
    assert_eq!(last.poll(), Some(Step::Disconnect));
    assert_eq!(done(&mut last), Err(TrackerError::Connect(NetError::TimedOut)));
}

#[test]
fn an_answer_is_taken_even_if_the_connection_stays_open() {
    let mut exchange = exchange("http://127.0.0.1/");
    ask(&mut exchange, &[]);
    exchange.received(Instant::ZERO, b"HTTP/1.1 200 OK\r\n\r\nd8:intervali60ee");
    assert_eq!(exchange.poll(), None);
    exchange.timed_out(Instant::ZERO + TIMEOUT);
    assert_eq!(done(&mut exchange).unwrap().interval, Some(Duration::from_secs(60)));
}

#[test]
fn redirects_are_followed_with_the_announce() {
    let mut exchange = exchange("http://127.0.0.1:1/a/announce?x=1");
    ask(&mut exchange, &[]);
    redirect(&mut exchange, "../announce?y=2");
    let (remote, target) = ask(&mut exchange, &[]);
    assert_eq!(remote.port(), 1);
    assert!(target.starts_with("/announce?y=2&info_hash=%00%12"), "{target}");
    redirect(&mut exchange, "http://t.example:7/announce?info_hash=%00&whole=1");
    let (remote, target) = ask(&mut exchange, &["192.0.2.9"]);
    assert_eq!(remote, "192.0.2.9:7".parse().unwrap());
    assert_eq!(target, "/announce?info_hash=%00&whole=1", "the tracker copied our query");
    exchange.received(Instant::ZERO, b"HTTP/1.0 200 OK\r\nContent-Length: 16\r\n\r\nd8:intervali60ee");
    assert!(done(&mut exchange).is_ok());
}

#[test]
fn redirects_in_a_circle_end() {
    let mut exchange = exchange("http://127.0.0.1/announce");
    for _ in 0..5 {
        ask(&mut exchange, &[]);
        redirect(&mut exchange, "/announce");
    }
    ask(&mut exchange, &[]);
    redirect(&mut exchange, "/announce");
    assert_eq!(done(&mut exchange), Err(TrackerError::Redirect("more than 5 redirects".into())));
}

#[test]
fn a_redirect_from_the_internet_into_a_private_network_is_refused() {
    let mut exchange = exchange("http://t.example/announce");
    ask(&mut exchange, &["8.8.8.8"]);
    redirect(&mut exchange, "http://router.example/announce?admin=1");
    assert_eq!(exchange.poll(), Some(Step::Disconnect));
    assert_eq!(exchange.poll(), Some(Step::Resolve { host: "router.example".into() }));
    exchange.resolved(Instant::ZERO, Ok(["192.168.0.1", "::1", "::ffff:10.0.0.1"].map(ip).to_vec()));
    let Err(TrackerError::Redirect(text)) = done(&mut exchange) else { panic!() };
    assert_eq!(&*text, "redirects to http://router.example/announce, which a tracker must not send us to");
}

#[test]
fn a_redirect_is_refused_by_address_and_not_by_name() {
    let mut exchange = exchange("http://t.example/announce");
    ask(&mut exchange, &["8.8.8.8"]);
    redirect(&mut exchange, "http://mixed.example/announce");
    let (remote, _) = ask(&mut exchange, &["127.0.0.1", "9.9.9.9"]);
    assert_eq!(remote.ip(), ip("9.9.9.9"), "only what is public is dialled");
    redirect(&mut exchange, "http://[::ffff:127.0.0.1]/announce");
    assert!(matches!(done(&mut exchange), Err(TrackerError::Redirect(_))));
}

#[test]
fn a_redirect_on_this_machine_leads_to_announce_only() {
    let mut to_announce = exchange("http://127.0.0.1/start");
    ask(&mut to_announce, &[]);
    redirect(&mut to_announce, "http://127.0.0.1:9/announce.php");
    assert_eq!(ask(&mut to_announce, &[]).0.port(), 9);
    let mut elsewhere = exchange("http://192.168.0.2/announce");
    ask(&mut elsewhere, &[]);
    redirect(&mut elsewhere, "http://0.0.0.0:9091/transmission/rpc");
    assert!(matches!(done(&mut elsewhere), Err(TrackerError::Redirect(_))));
}

#[test]
fn a_redirect_to_another_scheme_is_refused() {
    for location in ["file:///etc/passwd", "ftp://t.example/announce", "udp://t:1", "http://", "//:"] {
        let mut exchange = exchange("http://127.0.0.1/announce");
        ask(&mut exchange, &[]);
        redirect(&mut exchange, location);
        assert!(matches!(done(&mut exchange), Err(TrackerError::Redirect(_))), "{location}");
    }
}

proptest! {
    #[test]
    fn an_answer_of_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = body(&bytes);
        let _ = answer(&bytes);
        let _ = answer(&[b"HTTP/1.1 400 X\r\n\r\n<html><", &bytes[..]].concat());
    }

    #[test]
    fn peers_read_back_as_they_were_written(
        peers in prop::collection::vec((1u8..224, any::<[u8; 3]>(), 1u16..), 0..MAX_ANNOUNCE_PEERS),
    ) {
        let mut bytes = format!("d5:peers{}:", peers.len() * 6).into_bytes();
        for (a, [b, c, d], port) in &peers {
            bytes.extend([*a, *b, *c, *d]);
            bytes.extend(port.to_be_bytes());
        }
        bytes.push(b'e');
        let expected: Vec<SocketAddr> =
            peers.iter().map(|(a, [b, c, d], port)| SocketAddr::from(([*a, *b, *c, *d], *port))).collect();
        prop_assert_eq!(body(&bytes).unwrap().peers, expected);
    }

    #[test]
    fn any_location_ends_in_order(location in "[ -~]{0,40}") {
        let mut exchange = exchange("http://8.8.8.8/announce");
        ask(&mut exchange, &[]);
        redirect(&mut exchange, &location);
        let mut over = false;
        while let Some(step) = exchange.poll() {
            match step {
                Step::Connect { remote, .. } => prop_assert!(crate::tracker::reach::is_global(remote.ip())),
                Step::Resolve { .. } => exchange.resolved(Instant::ZERO, Ok(vec![ip("127.0.0.1")])),
                Step::Done(_) => over = true,
                Step::Send(_) | Step::Disconnect => {}
            }
        }
        exchange.timed_out(exchange.deadline());
        over |= core::iter::from_fn(|| exchange.poll()).any(|step| matches!(step, Step::Done(_)));
        prop_assert!(over);
    }
}
