//! A file goes from one session to another, over loopback, through real files.
#![allow(clippy::unwrap_used)]

use peerless_core::{Event, Goal, Metainfo, PeerAddr, SeedPolicy, TorrentOptions, metainfo::Builder, sha1};
use peerless_mio::MioSession;
use peerless_runtime::{Listen, Session, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn settings() -> Settings {
    Settings { listen: Some(Listen::loopback(0)), ..Settings::default() }
}

/// Runs both sessions in turn until one says this.
fn run_until(sessions: &mut [MioSession], done: impl Fn(usize, &Event) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
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
    let dir = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let pieces: Vec<u8> = data.chunks(1 << 18).flat_map(|piece| sha1(piece).0).collect();
    let file = Builder::file("data", data.len() as u64, 1 << 18).pieces(pieces).build().unwrap();
    let meta = Arc::new(Metainfo::parse(&file).unwrap());
    std::fs::write(dir.path().join("seed"), &data).unwrap();

    let mut seed = MioSession::open(settings()).unwrap();
    let options = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
    seed.add(meta.clone(), dir.path().join("seed"), options).unwrap();
    let peer = PeerAddr::Addr(seed.listening()[0]);
    let mut leecher = MioSession::open(settings()).unwrap();
    let options = TorrentOptions { peers: vec![peer], ..Default::default() };
    leecher.add(meta, dir.path().join("copy"), options).unwrap();

    let mut both = [seed, leecher];
    run_until(&mut both, |n, event| n == 1 && matches!(event, Event::Stopped { .. }));
    assert!(std::fs::read(dir.path().join("copy")).unwrap() == data, "the copy differs");
    both[1].shutdown();
    both[0].shutdown();
    run_until(&mut both, |n, event| n == 0 && *event == Event::ShutDown);
}
