//! One announce, with a tracker and a network that do what they like: it ends once, in time, uses one connection at
//! a time, and never leaves the public internet for a private network.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use peerless_core::limits::{MAX_REDIRECTS, MAX_TRACKER_ADDRESSES, TRACKER_TIMEOUT};
use peerless_core::tracker::http::{Exchange, Step};
use peerless_core::tracker::{AnnounceEvent, AnnounceParams};
use peerless_core::{Duration, Instant, NetError, PeerId, ResolveError, Sha1Hash};
use std::net::IpAddr;

#[derive(Arbitrary, Debug)]
struct Story {
    tls: bool,
    host: u8,
    path: u8,
    #[arbitrary(with = to_the_end)]
    ops: Vec<Op>,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Wait { millis: u16 },
    TimedOut,
    Resolved { ips: Vec<u8> },
    NotResolved,
    Connected,
    ConnectFailed,
    Received { data: Vec<u8> },
    Redirected { to: u8, path: u8 },
    Closed { broken: bool },
}

/// Addresses of which some are public, some private, and some this machine.
const IPS: [&str; 8] =
    ["8.8.8.8", "9.9.9.9", "2606:4700::1", "10.0.0.1", "127.0.0.1", "::1", "192.168.1.1", "169.254.169.254"];
const HOSTS: [&str; 6] =
    ["tracker.example", "8.8.8.8", "[2606:4700::1]:8080", "10.0.0.1", "127.0.0.1:6969", "other.example:81"];
const PATHS: [&str; 4] = ["/announce", "/announce?key=1", "/admin", "/"];

fn ip(n: u8) -> IpAddr {
    IPS[usize::from(n) % IPS.len()].parse().expect("they are addresses")
}

fn url(scheme: &str, host: u8, path: u8) -> String {
    let (host, path) = (HOSTS[usize::from(host) % HOSTS.len()], PATHS[usize::from(path) % PATHS.len()]);
    format!("{scheme}://{host}{path}")
}

fn is_public(ip: IpAddr) -> bool {
    matches!(ip.to_string().as_str(), "8.8.8.8" | "9.9.9.9" | "2606:4700::1")
}

/// What must hold of the steps, all in all.
#[derive(Default)]
struct Judge {
    /// Whether there is a connection, open or being opened.
    connected: bool,
    /// Whether it is open.
    open: bool,
    done: bool,
    dialled: u32,
    /// Whether a public address has answered.
    public: bool,
    remote: Option<IpAddr>,
}

impl Judge {
    fn drain(&mut self, exchange: &mut Exchange) {
        while let Some(step) = exchange.poll() {
            assert!(!self.done, "{step:?} after the end");
            match step {
                Step::Resolve { host } => assert!(!self.connected && !host.is_empty()),
                Step::Connect { remote, .. } => {
                    assert!(!self.connected, "two connections");
                    assert!(!self.public || is_public(remote.ip()), "from the internet to {remote}");
                    (self.connected, self.open) = (true, false);
                    self.remote = Some(remote.ip());
                    self.dialled += 1;
                }
                Step::Send(data) => assert!(self.connected && data.starts_with(b"GET /")),
                Step::Disconnect => assert!(std::mem::take(&mut self.connected), "nothing to close"),
                Step::Done(_) => {
                    assert!(!self.connected, "a connection is left");
                    self.done = true;
                }
            }
        }
        assert!(self.dialled <= (MAX_REDIRECTS + 1) * MAX_TRACKER_ADDRESSES as u32);
    }

    /// Bytes came. The only way from here to another connection is a redirect.
    fn received(&mut self, exchange: &mut Exchange, now: Instant, data: &[u8]) {
        if self.connected && self.open && !data.is_empty() {
            self.public |= self.remote.is_some_and(is_public);
            exchange.received(now, data);
        }
    }
}

/// Operations as long as there are bytes.
fn to_the_end(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Op>> {
    let mut ops = Vec::new();
    while !bytes.is_empty() {
        ops.push(bytes.arbitrary()?);
    }
    Ok(ops)
}

fuzz_target!(|story: Story| {
    let Story { tls, host, path, ops } = story;
    let params = AnnounceParams {
        info_hash: Sha1Hash([1; 20]),
        peer_id: PeerId([2; 20]),
        port: 6881,
        uploaded: 0,
        downloaded: 0,
        left: 1,
        event: AnnounceEvent::Started,
        numwant: 50,
        key: 7,
        tracker_id: None,
        user_agent: "fuzz/1".into(),
    };
    let mut now = Instant::ZERO;
    let url_of_tracker = url(if tls { "https" } else { "http" }, host, path);
    let Ok(mut exchange) = Exchange::new(now, &url_of_tracker, params, TRACKER_TIMEOUT) else { return };
    let mut judge = Judge::default();
    judge.drain(&mut exchange);
    for op in ops {
        match op {
            Op::Wait { millis } => now = now + Duration::from_millis(millis.into()),
            Op::TimedOut => exchange.timed_out(now),
            Op::Resolved { ips } => exchange.resolved(now, Ok(ips.into_iter().map(ip).collect())),
            Op::NotResolved => exchange.resolved(now, Err(ResolveError::NotFound)),
            // A driver says nothing of a connection that was closed or never asked for.
            Op::Connected if judge.connected && !judge.open => {
                judge.open = true;
                exchange.connected();
            }
            Op::ConnectFailed if judge.connected && !judge.open => {
                judge.connected = false;
                exchange.connect_failed(now, NetError::Refused);
            }
            Op::Received { data } => judge.received(&mut exchange, now, &data),
            Op::Redirected { to, path } => {
                let target = url("http", to, path);
                let response = format!("HTTP/1.1 302 \r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
                judge.received(&mut exchange, now, response.as_bytes());
            }
            Op::Closed { broken } if judge.connected => {
                judge.connected = false;
                exchange.closed(now, broken.then_some(NetError::Reset));
            }
            _ => {}
        }
        judge.drain(&mut exchange);
    }
    // However many hosts are left to try: it is over when its time is.
    exchange.timed_out(Instant::ZERO + TRACKER_TIMEOUT);
    judge.drain(&mut exchange);
    assert!(judge.done, "it never ends");
});
