//! Stories of one announce: what is asked, every answer that trackers give, and the ways there.

mod answers;
mod ways;

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

fn redirect(exchange: &mut Exchange, location: &str) {
    let response = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    exchange.received(Instant::ZERO, response.as_bytes());
}

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
    assert_eq!(exchange("https://[::1]/announce").poll(), Some(connect));
}

#[test]
fn a_url_that_cannot_be_used_is_told_at_once() {
    let error = Exchange::new(Instant::ZERO, "udp://t:80", params(), TIMEOUT).unwrap_err();
    assert_eq!(error, TrackerError::Url(UrlError::Scheme("udp".into())));
    assert_eq!(format!("{error}"), "tracker: udp trackers are not supported; http and https ones are");
}
