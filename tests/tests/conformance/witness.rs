//! Every session of every story is recorded; when it is over the recording has to replay. Every other one is masked.

use peerless_core::record::{End, Ending, Replay};
use peerless_runtime::{Recording, Settings};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

static SERIAL: AtomicU32 = AtomicU32::new(0);

/// A recording in a directory of its own, judged when it is dropped: after the session.
pub(crate) struct Witness {
    _dir: TempDir,
    path: PathBuf,
}

impl Witness {
    /// Has a session recorded, unless its settings say how, or it is in a process of its own, which is there to be
    /// measured.
    pub(crate) fn of(settings: &mut Settings) -> Option<Self> {
        if settings.record.is_some() || crate::child::orders().is_some() {
            return None;
        }
        let dir = tempfile::Builder::new().prefix("peerless-").tempdir().unwrap();
        let path = dir.path().join("session.rec");
        let mask = SERIAL.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        settings.record = Some(Recording { mask, ..Recording::to(&path) });
        Some(Self { _dir: dir, path })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut replay = Replay::new(std::fs::read(&self.path).unwrap().into()).unwrap();
        let masked = replay.header().masked;
        match replay.run() {
            Ok(ending) => assert_eq!(ending, Ending::Whole(End::Session)),
            Err(error) => panic!("{error} (masked: {masked})"),
        }
    }
}
