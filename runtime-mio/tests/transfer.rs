//! A file goes from one session to another, over loopback, through real files.
#![allow(clippy::unwrap_used)]

#[path = "../examples/own_poll.rs"]
#[allow(dead_code)]
mod own_poll;

use peerless_core::{
    Event, Goal, Metainfo, PeerAddr, Phase, SeedPolicy, TorrentOptions, metainfo::Builder, sha1,
};
use peerless_mio::MioSession;
use peerless_runtime::{Listen, Session, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(60);

/// A directory with a torrent file and its data.
struct Payload {
    dir: TempDir,
    data: Vec<u8>,
    metainfo: Arc<Metainfo>,
}

impl Payload {
    fn new(words: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..words).flat_map(u32::to_le_bytes).collect();
        let pieces: Vec<u8> = data.chunks(1 << 18).flat_map(|piece| sha1(piece).0).collect();
        let file = Builder::file("data", data.len() as u64, 1 << 18).pieces(pieces).build().unwrap();
        std::fs::write(dir.path().join("seed"), &data).unwrap();
        std::fs::write(dir.path().join("data.torrent"), &file).unwrap();
        Self { dir, data, metainfo: Arc::new(Metainfo::parse(&file).unwrap()) }
    }

    /// A session that seeds it.
    fn seed(&self) -> MioSession {
        let mut session = MioSession::open(settings()).unwrap();
        let options = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
        session.add(self.metainfo.clone(), self.dir.path().join("seed"), options).unwrap();
        session
    }

    fn assert_copied(&self, name: &str) {
        assert!(std::fs::read(self.dir.path().join(name)).unwrap() == self.data, "the copy differs");
    }
}

fn settings() -> Settings {
    Settings { listen: Some(Listen::loopback(0)), ..Settings::default() }
}

/// Runs both sessions in turn until one says this.
fn run_until(sessions: &mut [MioSession], done: impl Fn(usize, &Event) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        for (n, session) in sessions.iter_mut().enumerate() {
            while let Some(event) = session.wait(Some(Duration::from_millis(1))).unwrap() {
                if done(n, &event) {
                    return;
                }
            }
        }
    }
    panic!("not done in time");
}

#[test]
fn a_file_goes_from_one_session_to_another() {
    let payload = Payload::new(3_000_000);
    let seed = payload.seed();
    let peer = PeerAddr::Addr(seed.listening()[0]);
    let mut leecher = MioSession::open(settings()).unwrap();
    let options = TorrentOptions { peers: vec![peer], ..Default::default() };
    leecher.add(payload.metainfo.clone(), payload.dir.path().join("copy"), options).unwrap();

    let mut both = [seed, leecher];
    run_until(&mut both, |n, event| n == 1 && matches!(event, Event::Stopped { .. }));
    payload.assert_copied("copy");
    both[1].shutdown();
    both[0].shutdown();
    run_until(&mut both, |n, event| n == 0 && *event == Event::ShutDown);
}

#[test]
fn the_example_downloads_in_a_loop_of_its_own() {
    let payload = Payload::new(1_000_000);
    let mut seed = payload.seed();
    let seeding = |event: &Event| matches!(event, Event::Phase { phase: Phase::Seeding, .. });
    while !seeding(&seed.wait(Some(DEADLINE)).unwrap().expect("the data checked in time")) {}
    let (peers, stop) = (seed.listening()[..1].to_vec(), seed.waker());
    let other = std::thread::spawn(move || {
        // Events pass by until the waker is used.
        while seed.wait(Some(DEADLINE)).unwrap().is_some() {}
    });
    let path = |name: &str| payload.dir.path().join(name);
    own_poll::download(path("data.torrent"), path("copy"), peers).unwrap();
    stop.wake();
    other.join().unwrap();
    payload.assert_copied("copy");
}
