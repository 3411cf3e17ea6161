//! Why a torrent does not go faster, found out when asked: the most telling reason first.

use super::Torrent;
use crate::event::Phase;
use crate::time::Instant;
use crate::why::Why;
use alloc::vec::Vec;

/// Payload with the disk above which the disk is the one that holds things up: 8 MiB.
const MUCH_WAITING: u64 = 8 << 20;

/// How the connected peers stand to a download, counted in one go: many are to be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    pub(super) seeds: u32,
    /// Those that have something for us; those of them that we may ask; those of these that do not answer.
    interesting: u32,
    asked: u32,
    snubbed: u32,
    /// Blocks asked for.
    requests: usize,
}

impl Torrent {
    pub(super) fn crowd(&self) -> Crowd {
        let mut crowd = Crowd::default();
        for peer in self.peers.values() {
            let asked = peer.interesting && !peer.choking_us;
            crowd.seeds += u32::from(peer.is_seed());
            crowd.interesting += u32::from(peer.interesting);
            crowd.asked += u32::from(asked);
            crowd.snubbed += u32::from(asked && peer.window.is_snubbed());
            crowd.requests += peer.requests.len();
        }
        crowd
    }

    pub(super) fn why(&self, now: Instant, crowd: Crowd) -> Vec<Why> {
        let trouble =
            self.trouble.as_ref().map(|trouble| Why::DiskFailing { retry: trouble.retry.since(now) });
        match self.phase {
            Phase::Checking | Phase::Finishing if trouble.is_some() => trouble.into_iter().collect(),
            Phase::Checking => self.resume.as_ref().map_or_else(Vec::new, |resume| {
                let left = count(resume.to_hash.len()) + resume.hashing;
                Vec::from([Why::Checking { done: resume.total.saturating_sub(left), total: resume.total }])
            }),
            Phase::Finishing => Vec::from([Why::Finishing]),
            Phase::Downloading => self.why_downloading(now, crowd, trouble),
            Phase::Seeding if self.is_mending() => self.why_downloading(now, crowd, trouble),
            Phase::Seeding | Phase::Stopping | Phase::Stopped => Vec::new(),
        }
    }

    fn why_downloading(&self, now: Instant, crowd: Crowd, trouble: Option<Why>) -> Vec<Why> {
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
        self.why_of_peers(now, crowd, &mut why);
        why
    }

    /// Payload that waits for the disk: being written, or gathered behind what is.
    fn bytes_with_disk(&self) -> u64 {
        (self.in_flight as u64).saturating_sub(self.gather.bytes_growing())
    }

    /// What those say by their behaviour that are connected.
    fn why_of_peers(&self, now: Instant, crowd: Crowd, why: &mut Vec<Why>) {
        let Crowd { interesting, asked, snubbed, requests, .. } = crowd;
        if interesting == 0 || self.picker.unavailable() > 0 {
            let (peers, missing) = (count(self.peers.len()), self.picker.unavailable());
            why.push(Why::NobodyHasIt { peers, missing });
        }
        if interesting > 0 && asked == 0 {
            why.push(Why::Choked { peers: interesting });
        } else if asked > 0 && snubbed == asked {
            why.push(Why::Snubbed { peers: snubbed });
        }
        let requests = count(requests);
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
