//! An engine whose every run is recorded and, at the end of its story, replayed: whatever happened, it has to come
//! out the same.

use crate::record::{End, Ending, RecordOptions, Recorded, Replay};
use crate::*;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

/// The engine, and what was recorded of it so far.
pub(super) struct Witness {
    engine: Recorded,
    recording: Vec<u8>,
}

impl Witness {
    pub(super) fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        // Every other one is masked: that must make no difference either.
        let options = RecordOptions { payload: false, mask: seed[0].is_multiple_of(2), limit: u64::MAX };
        Self { engine: Recorded::new(config, seed, now, Some(options)), recording: Vec::new() }
    }

    /// What was recorded so far.
    pub(super) fn recording(&mut self) -> Vec<u8> {
        if let Some(recorder) = self.engine.recorder_mut() {
            recorder.drain_into(&mut self.recording);
        }
        self.recording.clone()
    }
}

impl Deref for Witness {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.engine
    }
}

impl DerefMut for Witness {
    fn deref_mut(&mut self) -> &mut Recorded {
        &mut self.engine
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Some(recorder) = self.engine.recorder_mut() {
            recorder.end();
        }
        let mut replay = Replay::new(self.recording().into()).unwrap();
        let masked = replay.header().masked;
        match replay.run() {
            Ok(ending) => assert_eq!(ending, Ending::Whole(End::Session)),
            Err(error) => panic!("{error}"),
        }
        let (now, engine) = (replay.now(), replay.engine());
        for torrent in self.engine.torrents() {
            assert_eq!(engine.torrent(now, torrent), self.engine.torrent(now, torrent));
            let (again, peers) = (engine.peers(now, torrent), self.engine.peers(now, torrent));
            assert_eq!(again.len(), peers.len());
            for (again, peer) in again.into_iter().zip(peers) {
                let remote = if masked { again.remote } else { peer.remote };
                assert_eq!(again, PeerStatus { remote, ..peer });
            }
        }
    }
}
