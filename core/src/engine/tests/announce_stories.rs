//! What a tracker says of when it wants to be asked again, in the bytes of its whole answer, and that we keep to it.

use super::*;
use alloc::collections::BTreeMap;
use alloc::format;
use core::net::SocketAddr;

/// Trackers that each give the same answer each time. They are where otherwise nobody is.
struct Scripted {
    world: World,
    host: usize,
    answers: BTreeMap<SocketAddr, Vec<u8>>,
    /// Actions of ours that they have seen.
    seen: usize,
    /// When which was asked.
    asked: Vec<(Instant, SocketAddr)>,
}

/// The address of a tracker.
fn at(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 66, 9, n], 80))
}

/// An answer that names these peers.
fn answer(intervals: &str, peers: impl IntoIterator<Item = [u8; 4]>) -> Vec<u8> {
    let peers: Vec<u8> = peers.into_iter().flat_map(|[a, b, c, d]| [a, b, c, d, 0x1a, 0xe1]).collect();
    let body = [format!("d{intervals}5:peers{}:", peers.len()).as_bytes(), &peers, b"e"].concat();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}

impl Scripted {
    /// One that names one peer, at which nobody is: of peers we run out at once, again and again.
    fn new(intervals: &str) -> Self {
        let mut scripted =
            Self::of(World::new(), Config::default(), [["http://tracker.example/announce"]], false);
        scripted.world.names.insert("tracker.example", Vec::from([at(1).ip()]));
        scripted.answers.insert(at(1), answer(intervals, [[10, 0, 0, 200]]));
        scripted
    }

    /// A host that wants everything, or has it, and knows these trackers only.
    fn of<const N: usize>(mut world: World, config: Config, tiers: [[&str; 1]; N], seeds: bool) -> Self {
        let data = payload(PIECE);
        let file = Builder::file("file", data.len() as u64, PIECE as u32).pieces(hashes(&data));
        let meta = parse(&file.trackers(tiers).build().unwrap());
        let host = if seeds {
            world.seed_with(config, &meta, &data)
        } else {
            let host = world.host(config);
            world.add(host, &meta, TorrentOptions::default());
            host
        };
        Self { world, host, answers: BTreeMap::new(), seen: 0, asked: Vec::new() }
    }

    /// The seconds at which a tracker was asked within so many.
    fn asked_within(mut self, seconds: u64) -> Vec<u64> {
        self.run_for(seconds);
        self.asked_at(at(1))
    }

    fn run_for(&mut self, seconds: u64) {
        while self.world.now < Instant::from_secs(seconds) {
            self.world.run_for(Duration::from_millis(100));
            self.answer_new();
        }
    }

    fn asked_at(&self, tracker: SocketAddr) -> Vec<u64> {
        let asked = self.asked.iter().filter(|(_, addr)| *addr == tracker);
        asked.map(|(at, _)| at.as_micros() / 1_000_000).collect()
    }

    fn answer_new(&mut self) {
        let actions = &self.world.hosts[self.host].actions[self.seen..];
        self.seen += actions.len();
        let connects: Vec<_> = actions
            .iter()
            .filter_map(|action| match action {
                Action::Connect { conn, remote, .. } => Some((*conn, *remote)),
                _ => None,
            })
            .collect();
        for (conn, remote) in connects {
            let Some(answer) = self.answers.get(&remote).cloned() else { continue };
            self.asked.push((self.world.now, remote));
            self.input(Input::Connected { conn, local: "10.0.0.1:50000".parse().unwrap() });
            self.input(Input::Received { conn, data: answer.into() });
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.world.now;
        self.world.hosts[self.host].engine.handle(now, input);
        self.world.perform();
    }
}

#[test]
fn a_min_interval_is_kept_to_however_much_we_lack_peers() {
    let asked = Scripted::new("8:intervali1800e12:min intervali300e").asked_within(1_000);
    assert_eq!(asked, [0, 300, 600, 900]);
}

#[test]
fn a_min_interval_that_is_longer_than_the_interval_counts() {
    let asked = Scripted::new("8:intervali60e12:min intervali300e").asked_within(1_000);
    assert_eq!(asked, [0, 300, 600, 900]);
}

#[test]
fn without_a_min_interval_a_tracker_is_asked_early_but_not_at_once() {
    let asked = Scripted::new("8:intervali1800e").asked_within(300);
    assert_eq!(asked, [0, 120, 240]);
}

#[test]
fn a_tracker_whose_first_address_is_silent_is_told_at_the_second_that_we_stop() {
    let mut tracker = Scripted::new("8:intervali1800e");
    tracker.world.run_for(Duration::from_secs(1));
    tracker.answer_new();
    tracker.world.names.insert("tracker.example", Vec::from(["10.66.0.1".parse().unwrap(), at(1).ip()]));
    let (now, host) = (tracker.world.now, tracker.host);
    tracker.world.hosts[host].engine.stop_torrent(now, TORRENT);
    tracker.world.perform();
    // All that there is for it are two seconds.
    assert_eq!(tracker.asked_within(3).len(), 2);
}

#[test]
fn a_tracker_that_names_nobody_who_is_there_keeps_us_from_no_other() {
    let tiers = [["http://10.66.9.1/announce"], ["http://10.66.9.2/announce"]];
    for seeds in [false, true] {
        // So many that one of them is always ready to be dialled, again or for the first time, or is being dialled.
        for (phantoms, max_half_open) in [(5, 1), (20, 1), (200, 1), (200, 4), (200, 30)] {
            let config = Config { max_half_open, ..Config::default() };
            let mut swarm = Scripted::of(World::new(), config, tiers, seeds);
            // Some refuse and some are silent, so that not all are given up at one moment.
            let nobody = (0..phantoms).map(|n| [10, if n % 3 == 0 { 0 } else { 66 }, 1, n]);
            swarm.answers.insert(at(1), answer("8:intervali1800e12:min intervali1800e", nobody));
            swarm.answers.insert(at(2), answer("8:intervali1800e", []));
            swarm.run_for(600);
            assert_eq!(swarm.asked_at(at(1)), [0]);
            let first = swarm.asked_at(at(2)).first().copied();
            let told = format!("{phantoms} phantoms, {max_half_open} at once, seeds: {seeds}: {first:?}");
            assert!(first.is_some_and(|at| (5..200).contains(&at)), "{told}");
        }
    }
}
