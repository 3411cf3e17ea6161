//! How fast it goes, how long it still takes, and since when nothing came: worked out from status to status.

use peerless_core::{Phase, TorrentStatus, Why};
use std::time::Duration;

/// After so long without a byte a person wants to know why.
const PATIENCE: Duration = Duration::from_secs(10);
/// An estimate beyond this says nothing.
const MAX_ETA: Duration = Duration::from_secs(100 * 86_400);

/// The pace of one torrent.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    bytes: u64,
    phase: Option<Phase>,
    moved: Duration,
    measured: Duration,
    /// Bytes a second, smoothed over some seconds, so that the estimate does not jump.
    rate: u64,
}

impl Pace {
    /// The pace before anything is known.
    pub(super) const fn new() -> Self {
        Self { bytes: 0, phase: None, moved: Duration::ZERO, measured: Duration::ZERO, rate: 0 }
    }

    /// Takes in how things stand, `now` after the beginning.
    pub(super) fn update(&mut self, now: Duration, status: &TorrentStatus) {
        if status.downloaded != self.bytes || self.phase != Some(status.phase) {
            self.bytes = status.downloaded;
            self.phase = Some(status.phase);
            self.moved = now;
        }
        if self.rate == 0 {
            self.rate = status.down_rate;
            self.measured = now;
        } else if now >= self.measured + Duration::from_secs(1) {
            self.rate = (self.rate * 3).saturating_add(status.down_rate) / 4;
            self.measured = now;
        }
    }

    /// Time until the download is complete, if it goes on like this.
    pub(super) fn eta(&self, status: &TorrentStatus) -> Option<Duration> {
        if status.phase != Phase::Downloading || self.rate == 0 || status.down_rate == 0 {
            return None;
        }
        let left = status.bytes_total.saturating_sub(status.bytes_progress);
        Some(Duration::from_secs(left.div_ceil(self.rate))).filter(|&eta| eta <= MAX_ETA)
    }

    /// Why nothing comes, once it is time to say so. At other times than a download's that is at once.
    pub(super) fn why<'s>(&self, now: Duration, status: &'s TorrentStatus) -> Option<&'s Why> {
        let waits = match status.phase {
            Phase::Downloading => now.saturating_sub(self.moved) >= PATIENCE,
            Phase::Checking => true,
            _ => false,
        };
        status.why.first().filter(|_| waits)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A download of 1,000 bytes, half done.
    pub(in crate::output) fn status() -> TorrentStatus {
        TorrentStatus {
            phase: Phase::Downloading,
            have: 5,
            pieces: 10,
            bytes_have: 500,
            bytes_total: 1_000,
            bytes_progress: 500,
            downloaded: 500,
            uploaded: 0,
            wasted: 0,
            duplicate: 0,
            corrupt: 0,
            down_rate: 0,
            up_rate: 0,
            peers: 1,
            seeds: 1,
            known_peers: 1,
            why: vec![Why::NoPeers],
        }
    }

    #[test]
    fn the_reason_is_told_after_ten_seconds_without_bytes() {
        let mut pace = Pace::new();
        let mut status = status();
        let at = Duration::from_secs;
        pace.update(at(0), &status);
        assert_eq!(pace.why(at(9), &status), None);
        assert_eq!(pace.why(at(10), &status), Some(&Why::NoPeers));
        status.downloaded += 1;
        pace.update(at(11), &status);
        assert_eq!(pace.why(at(12), &status), None);
        assert_eq!(pace.why(at(21), &status), Some(&Why::NoPeers));
    }

    #[test]
    fn the_estimate_follows_the_rate_slowly() {
        let mut pace = Pace::new();
        let mut status = status();
        assert_eq!(pace.eta(&status), None);
        status.down_rate = 100;
        pace.update(Duration::ZERO, &status);
        assert_eq!(pace.eta(&status), Some(Duration::from_secs(5)));
        status.down_rate = 500;
        pace.update(Duration::from_secs(1), &status);
        assert_eq!(pace.eta(&status), Some(Duration::from_secs(3)));
        status.phase = Phase::Seeding;
        assert_eq!(pace.eta(&status), None);
    }
}
