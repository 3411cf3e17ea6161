//! What a torrent says of itself when it waits, and that it stops saying so when it goes on.

use super::witness::Witness;
use super::*;

/// A torrent whose only tracker is this one.
fn tracked(data: &[u8], url: &str) -> Arc<Metainfo> {
    let file = Builder::file("file", data.len() as u64, PIECE as u32).pieces(hashes(data)).trackers([[url]]);
    parse(&file.build().unwrap())
}

/// The most telling reason.
fn first_why(world: &World, host: usize) -> Option<Why> {
    world.status(host).why.first().copied()
}

#[test]
fn while_a_tracker_keeps_silent_we_say_that_it_was_asked() {
    let meta = tracked(&payload(PIECE), "http://10.9.9.9:80/announce");
    let mut world = World::new();
    world.silent = Some("10.9.9.9:80".parse().unwrap());
    let host = world.leecher(&meta, &[]);
    let told = |w: &World| {
        let slow = |e: &&Event| matches!(e, Event::Tracker { news: TrackerNews::Slow { .. }, .. });
        w.hosts[host].events.iter().filter(slow).count()
    };
    world.run_for(Duration::from_secs(4));
    assert_eq!(told(&world), 0);
    world.run_for(Duration::from_secs(5));
    assert_eq!(told(&world), 1);
    assert_eq!(world.status(host).why, [Why::AskingTrackers { asked: 1 }]);
    world.run_until(MINUTE, |w| matches!(first_why(w, host), Some(Why::TrackersFail { failed: 1, .. })));
}

#[test]
fn a_tracker_is_told_a_port_that_it_takes_even_if_we_do_not_listen() {
    let remote = "10.9.9.9:80".parse().unwrap();
    let meta = tracked(&payload(PIECE), "http://10.9.9.9:80/announce");
    let mut world = World::new();
    world.silent = Some(remote);
    let host = world.host(Config::default());
    world.hosts[host].engine = Witness::new(Config::default(), [1; 32], world.now);
    world.add(host, &meta, TorrentOptions::default());
    world.run_for(Duration::from_secs(1));
    let conn = world.hosts[host].actions.iter().find_map(|action| match action {
        Action::Connect { conn, remote: to, .. } if *to == remote => Some(*conn),
        _ => None,
    });
    let connected = Input::Connected { conn: conn.unwrap(), local: "10.0.0.1:50000".parse().unwrap() };
    let now = world.now;
    world.hosts[host].engine.handle(now, connected);
    world.perform();
    let request = world.hosts[host].actions.iter().find_map(|action| match action {
        Action::Send { data, .. } => Some(String::from_utf8_lossy(data).into_owned()),
        _ => None,
    });
    assert!(request.as_ref().is_some_and(|request| request.contains("&port=1&")), "{request:?}");
}

#[test]
fn when_no_tracker_answers_we_say_when_they_are_asked_again() {
    let meta = tracked(&payload(PIECE), "http://tracker.example/announce");
    let mut world = World::new();
    let host = world.leecher(&meta, &[]);
    world.run_for(Duration::from_secs(5));
    let Some(Why::TrackersFail { failed: 1, retry: Some(retry) }) = first_why(&world, host) else {
        panic!("{:?}", world.status(host).why)
    };
    let lookups = |w: &World| {
        w.hosts[host].actions.iter().filter(|action| matches!(action, Action::Resolve { .. })).count()
    };
    assert_eq!(lookups(&world), 1);
    world.run_for(retry - Duration::from_millis(1));
    assert_eq!(lookups(&world), 1, "before the time that was told");
    world.run_for(Duration::from_millis(2));
    assert_eq!(lookups(&world), 2, "not at the time that was told");
}

#[test]
fn a_named_peer_that_cannot_be_found_is_told_of_and_looked_up_again() {
    let data = payload(PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let host = world.host(Config::default());
    let peers = vec![PeerAddr::Host("seed.example".into(), 6881)];
    world.add(host, &meta, TorrentOptions { peers, ..Default::default() });
    world.run_until(MINUTE, |w| first_why(w, host) == Some(Why::LookingUp { hosts: 1 }));
    world.run_for(Duration::from_secs(70));
    let retry_of = |event: &Event| match event {
        Event::PeerLookupFailed { host, port: 6881, error: ResolveError::NotFound, retry, .. } => {
            assert_eq!(&**host, "seed.example");
            Some(retry.as_secs())
        }
        _ => None,
    };
    let retries: Vec<u64> = world.hosts[host].events.iter().filter_map(retry_of).collect();
    assert_eq!(retries, [5, 10, 20, 40]);
    let why = world.status(host).why;
    assert!(matches!(why[..], [Why::LookupsFail { hosts: 1, retry }] if retry < MINUTE), "{why:?}");

    // It has a name now.
    let addr = world.hosts[seed].addr.ip();
    world.names.insert("seed.example", Vec::from([addr]));
    world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
    assert_eq!(world.hosts[host].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn a_peer_that_chokes_us_is_what_we_wait_for() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let stingy = world.host(Config { upload_slots: UploadSlots::Fixed(0), ..Config::default() });
    let options = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
    let id = world.add(stingy, &meta, options);
    world.hosts[stingy].disk.fill(id, Place::Final, &data);
    world.run_until(MINUTE, |w| w.phase(stingy) == Phase::Seeding);
    let leecher = world.leecher(&meta, &[stingy]);
    world.run_for(Duration::from_secs(15));
    assert_eq!(world.status(leecher).why, [Why::Choked { peers: 1 }]);

    // Another, who is generous, ends the wait.
    let generous = world.seed(&meta, &data);
    let (now, addr) = (world.now, world.hosts[generous].addr);
    world.hosts[leecher].engine.add_peer(now, TORRENT, addr);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 5);
    assert_eq!(world.status(leecher).why, []);
}

#[test]
fn a_peer_that_stops_sending_is_what_we_wait_for_until_it_sends_again() {
    let data = payload(60 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 10);
    assert_eq!(world.status(leecher).why, []);
    world.hang(seed);
    world.run_for(Duration::from_secs(3));
    assert!(matches!(first_why(&world, leecher), Some(Why::Waiting { requests: 1.. })));
    world.run_until(MINUTE, |w| first_why(w, leecher) == Some(Why::Snubbed { peers: 1 }));
    world.unhang(seed);
    let had = world.status(leecher).have;
    world.run_until(Duration::from_secs(1), |w| w.status(leecher).have > had);
    assert_eq!(world.status(leecher).why, []);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn a_disk_that_does_not_keep_up_is_what_we_wait_for() {
    let data = payload(300 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Downloading);
    world.hosts[leecher].disk_time = Duration::from_secs(20);
    world.run_for(Duration::from_secs(10));
    let why = first_why(&world, leecher);
    assert!(matches!(why, Some(Why::DiskSlow { waiting }) if waiting > 8 << 20), "{why:?}");
    world.hosts[leecher].disk_time = Duration::from_millis(1);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn when_all_is_here_but_not_on_the_disk_we_say_so() {
    let data = payload(5 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Downloading);
    world.hosts[leecher].disk_time = Duration::from_secs(20);
    world.run_for(Duration::from_secs(10));
    assert_eq!(world.phase(leecher), Phase::Downloading);
    assert_eq!(world.status(leecher).why, [Why::Finishing]);
}

#[test]
fn a_failed_piece_that_waits_for_somebody_above_suspicion_is_a_reason() {
    const LARGE: usize = 64 * 16_384;
    let data = payload(LARGE);
    let pieces = sha1(&data).0;
    let meta = parse(&Builder::file("file", LARGE as u64, LARGE as u32).pieces(pieces).build().unwrap());
    let mut world = World::new();
    let seeds: Vec<usize> = (0..2).map(|_| world.seed(&meta, &data)).collect();
    world.hosts[seeds[1]].corrupt = Some(|n, block| {
        if n == 0 {
            block[500] ^= 0xff;
        }
    });
    let leecher = world.leecher(&meta, &seeds);
    let failed = |w: &World| w.hosts[leecher].events.iter().any(|e| matches!(e, Event::PieceFailed { .. }));
    world.run_until(MINUTE, failed);
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.status(leecher).why, [Why::FailedPieces { pieces: 1 }]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}
