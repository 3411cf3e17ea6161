//! Why a torrent does not go faster, found out when asked: the most telling reason first.

use super::Torrent;
use crate::event::Phase;
use crate::peer::Peer;
use crate::time::Instant;
use crate::why::Why;
use alloc::vec::Vec;

/// Payload with the disk above which the disk is the one that holds things up: 8 MiB.
const MUCH_WAITING: u64 = 8 << 20;

impl Torrent {
    pub(super) fn why(&self, now: Instant) -> Vec<Why> {
        let trouble =
            self.trouble.as_ref().map(|trouble| Why::DiskFailing { retry: trouble.retry.since(now) });
        match self.phase {
            Phase::Checking | Phase::Finishing if trouble.is_some() => trouble.into_iter().collect(),
            Phase::Checking => self.resume.as_ref().map_or_else(Vec::new, |resume| {
                let left = count(resume.to_hash.len()) + resume.hashing;
                Vec::from([Why::Checking { done: resume.total.saturating_sub(left), total: resume.total }])
            }),
            Phase::Finishing => Vec::from([Why::Finishing]),
            Phase::Downloading => self.why_downloading(now, trouble),
            Phase::Seeding if self.is_mending() => self.why_downloading(now, trouble),
            Phase::Seeding | Phase::Stopping | Phase::Stopped => Vec::new(),
        }
    }

    fn why_downloading(&self, now: Instant, trouble: Option<Why>) -> Vec<Why> {
        let mut why: Vec<Why> = trouble.into_iter().collect();
        if why.is_empty() && self.bytes_with_disk() > MUCH_WAITING {
            why.push(Why::DiskSlow { waiting: self.bytes_with_disk() });
        }
        if self.bytes_have() + self.picker.bytes_received_in_open() == self.geometry.total() {
            why.push(Why::Finishing);
            return why;
        }
        if self.peers.is_empty() {
            why.push(self.why_no_peers(now));
            return why;
        }
        self.why_of_peers(now, &mut why);
        why
    }

    /// Payload that waits for the disk: being written, or gathered behind what is.
    fn bytes_with_disk(&self) -> u64 {
        (self.in_flight as u64).saturating_sub(self.gather.bytes_growing())
    }

    /// What those say by their behaviour that are connected.
    fn why_of_peers(&self, now: Instant, why: &mut Vec<Why>) {
        let all = || self.peers.values();
        let interesting = count(all().filter(|p| p.interesting).count());
        if interesting == 0 || self.picker.unavailable() > 0 {
            let (peers, missing) = (count(self.peers.len()), self.picker.unavailable());
            why.push(Why::NobodyHasIt { peers, missing });
        }
        let may_ask = |p: &&Peer| p.interesting && !p.choking_us;
        let asked = count(all().filter(may_ask).count());
        let snubbed = count(all().filter(may_ask).filter(|p| p.window.is_snubbed()).count());
        if interesting > 0 && asked == 0 {
            why.push(Why::Choked { peers: interesting });
        } else if asked > 0 && snubbed == asked {
            why.push(Why::Snubbed { peers: snubbed });
        }
        let requests = count(all().map(|p| p.requests.len()).sum());
        let failed = self.picker.failed_and_waiting();
        if requests == 0 && failed > 0 {
            why.push(Why::FailedPieces { pieces: failed });
        }
        if requests > 0 && why.is_empty() && now.since(self.stats.progress).as_secs() > 0 {
            why.push(Why::Waiting { requests });
        }
    }

    fn why_no_peers(&self, now: Instant) -> Why {
        let (opening, backing_off) = (self.opening_count(), self.list.backing_off(now));
        if opening > 0 || backing_off > 0 {
            return Why::Connecting { opening, backing_off };
        }
        let trackers = self.announcer.counts();
        if trackers.asking > 0 {
            return Why::AskingTrackers { asked: trackers.asking };
        }
        if trackers.failed > 0 {
            return Why::TrackersFail {
                failed: trackers.failed,
                retry: trackers.retry.map(|at| at.since(now)),
            };
        }
        self.why_no_named_peer(now).unwrap_or(Why::NoPeers)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
