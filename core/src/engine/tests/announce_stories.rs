//! What a tracker says of when it wants to be asked again, in the bytes of its whole answer, and that we keep to it.

use super::*;
use alloc::format;
use core::net::SocketAddr;

/// A tracker that gives the same answer each time.
struct Scripted {
    world: World,
    host: usize,
    addr: SocketAddr,
    answer: Vec<u8>,
    /// Actions of ours that it has seen.
    seen: usize,
    /// When it was asked.
    asked: Vec<Instant>,
}

impl Scripted {
    /// It names one peer, at which nobody is: of peers we run out at once, again and again.
    fn new(intervals: &str) -> Self {
        let addr = "10.9.9.9:80".parse().unwrap();
        let data = payload(PIECE);
        let file = Builder::file("file", data.len() as u64, PIECE as u32).pieces(hashes(&data));
        let meta = parse(&file.trackers([["http://tracker.example/announce"]]).build().unwrap());
        let mut world = World::new();
        world.silent = Some(addr);
        world.names.insert("tracker.example", Vec::from([addr.ip()]));
        let host = world.leecher(&meta, &[]);
        let body = [b"d", intervals.as_bytes(), b"5:peers6:\x0a\x00\x00\xc8\x1a\xe1e"].concat();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = [head.as_bytes(), &body].concat();
        Self { world, host, addr, answer, seen: 0, asked: Vec::new() }
    }

    /// The seconds at which it was asked within so many.
    fn asked_within(mut self, seconds: u64) -> Vec<u64> {
        while self.world.now < Instant::from_secs(seconds) {
            self.world.run_for(Duration::from_millis(100));
            self.answer_new();
        }
        self.asked.iter().map(|at| at.as_micros() / 1_000_000).collect()
    }

    fn answer_new(&mut self) {
        let actions = &self.world.hosts[self.host].actions[self.seen..];
        self.seen += actions.len();
        let connects: Vec<ConnId> = actions
            .iter()
            .filter_map(|action| match action {
                Action::Connect { conn, remote, .. } if *remote == self.addr => Some(*conn),
                _ => None,
            })
            .collect();
        for conn in connects {
            self.asked.push(self.world.now);
            self.input(Input::Connected { conn, local: "10.0.0.1:50000".parse().unwrap() });
            self.input(Input::Received { conn, data: self.answer.clone().into() });
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
    tracker
        .world
        .names
        .insert("tracker.example", Vec::from(["10.66.0.1".parse().unwrap(), tracker.addr.ip()]));
    let (now, host) = (tracker.world.now, tracker.host);
    tracker.world.hosts[host].engine.stop_torrent(now, TORRENT);
    tracker.world.perform();
    // All that there is for it are two seconds.
    assert_eq!(tracker.asked_within(3).len(), 2);
}
