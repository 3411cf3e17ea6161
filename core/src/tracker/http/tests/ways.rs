//! The way to a tracker: addresses, broken connections, time-outs, redirects.

use super::*;

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
fn of_hundreds_of_addresses_few_are_tried_and_both_families() {
    let mut exchange = exchange("http://t.example:1/");
    exchange.poll();
    let v6 = (1..=200).map(|n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]));
    let v4 = (1..=200).map(|n| IpAddr::from([192, 0, 2, n]));
    exchange.resolved(Instant::ZERO, Ok(v6.chain(v4).collect()));
    let mut dialled = Vec::new();
    let mut now = Instant::ZERO;
    let end = loop {
        match exchange.poll() {
            Some(Step::Connect { remote, .. }) => dialled.push(remote.ip()),
            Some(Step::Done(end)) => break end,
            Some(_) => {}
            None => {
                now = exchange.deadline();
                exchange.timed_out(now);
            }
        }
    };
    assert_eq!(dialled, ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"].map(ip));
    assert_eq!(end, Err(TrackerError::Connect(NetError::TimedOut)));
    assert!(now <= Instant::from_secs(30), "at {now}");
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

    let mut slow = exchange("http://127.0.0.1/announce");
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

    let mut last = exchange("http://127.0.0.1/announce");
    last.poll();
    last.timed_out(Instant::from_secs(10));
    assert_eq!(last.poll(), Some(Step::Disconnect));
    assert_eq!(done(&mut last), Err(TrackerError::Connect(NetError::TimedOut)));
}

#[test]
fn an_answer_is_taken_even_if_the_connection_stays_open() {
    let mut exchange = exchange("http://127.0.0.1/announce");
    ask(&mut exchange, &[]);
    exchange.received(Instant::ZERO, b"HTTP/1.1 200 OK\r\n\r\nd8:intervali60ee");
    assert_eq!(exchange.poll(), None);
    exchange.timed_out(Instant::ZERO + TIMEOUT);
    assert_eq!(done(&mut exchange).unwrap().interval, Some(Duration::from_secs(60)));
}

#[test]
fn redirects_are_followed_with_the_announce() {
    let mut exchange = exchange("http://127.0.0.1:1/announce/a/b?x=1");
    ask(&mut exchange, &[]);
    redirect(&mut exchange, "/announce?y=2");
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
    let mut to_announce = exchange("http://192.168.0.2/start");
    ask(&mut to_announce, &[]);
    redirect(&mut to_announce, "http://127.0.0.1:9/announce.php");
    assert_eq!(ask(&mut to_announce, &[]).0.port(), 9);
    let mut elsewhere = exchange("http://192.168.0.2/announce");
    ask(&mut elsewhere, &[]);
    redirect(&mut elsewhere, "http://0.0.0.0:9091/transmission/rpc");
    assert!(matches!(done(&mut elsewhere), Err(TrackerError::Redirect(_))));
    // Nor may a torrent name just anything.
    let named = done(&mut exchange("http://127.0.0.1:9091/transmission/rpc"));
    assert!(matches!(named, Err(TrackerError::Redirect(_))));
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
