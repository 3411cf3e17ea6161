//! A torrent with its data, a session that seeds it, and deadlines.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use peerless_core::{Event, Goal, Metainfo, Phase, SeedPolicy, TorrentOptions, metainfo::Builder, sha1};
use peerless_runtime::{Listen, Session, Settings};
use peerless_smol::SmolSession;
use smol::{Timer, future};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub const DEADLINE: Duration = Duration::from_secs(60);
const PIECE: u32 = 1 << 18;

/// A directory with a torrent file and its data.
pub struct Payload {
    pub dir: TempDir,
    pub data: Vec<u8>,
    pub metainfo: Arc<Metainfo>,
}

impl Payload {
    pub fn new(words: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..words).flat_map(u32::to_le_bytes).collect();
        let pieces: Vec<u8> = data.chunks(PIECE as usize).flat_map(|piece| sha1(piece).0).collect();
        let file = Builder::file("data", data.len() as u64, PIECE).pieces(pieces).build().unwrap();
        std::fs::write(dir.path().join("data.torrent"), &file).unwrap();
        std::fs::write(dir.path().join("seed"), &data).unwrap();
        Self { dir, data, metainfo: Arc::new(Metainfo::parse(&file).unwrap()) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A session that seeds it: past its check, so that it takes the first peer that comes.
    pub fn seed(&self) -> SmolSession {
        let mut session = SmolSession::open(settings()).unwrap();
        let options = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
        session.add(self.metainfo.clone(), self.path("seed"), options).unwrap();
        let seeding = |event: &Event| matches!(event, Event::Phase { phase: Phase::Seeding, .. });
        smol::block_on(in_time(until(&mut session, seeding)));
        session
    }

    /// A session that downloads it to `name`.
    pub fn leecher(&self, name: &str, options: TorrentOptions) -> SmolSession {
        let mut session = SmolSession::open(settings()).unwrap();
        session.add(self.metainfo.clone(), self.path(name), options).unwrap();
        session
    }

    pub fn assert_copied(&self, name: &str) {
        assert!(std::fs::read(self.path(name)).unwrap() == self.data, "{name} differs");
    }
}

pub fn settings() -> Settings {
    Settings { listen: Some(Listen::loopback(0)), ..Settings::default() }
}

/// Awaits, but not for ever.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let late = async {
        Timer::after(DEADLINE).await;
        panic!("not in time")
    };
    future::or(future, late).await
}

/// Runs a session until it says this.
pub async fn until(session: &mut SmolSession, wanted: impl Fn(&Event) -> bool) {
    loop {
        let event = session.next_event().await.expect("the session ended");
        if wanted(&event) {
            return;
        }
    }
}
