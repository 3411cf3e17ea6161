//! The trial of a piece that failed its hash with blocks from several senders: who may fetch it alone.
//!
//! Such a failure proves nothing against any of them. The piece is fetched again, whole, from one address; what
//! that one sends can be judged, and compared with what the others sent.

use crate::time::{Duration, Instant};
use alloc::vec::Vec;
use core::net::IpAddr;

/// How long somebody above suspicion has the first claim, and how long an owner may be idle.
pub(crate) const SOLO_WAIT: Duration = Duration::from_secs(10);

/// Owners that may give up or fail before the piece is fetched from everybody again. It may be more than a peer gives
/// before it chokes us; whoever lies is still found when a version passes.
pub(super) const MAX_OWNERS: u32 = 3;

/// Who may fetch a piece that must come from one address.
#[derive(Debug)]
pub(super) struct Solo {
    /// The senders of the attempt that failed, sorted.
    suspects: Vec<IpAddr>,
    /// The owner before this one, who gave up or failed: it waits as a suspect does.
    before: Option<IpAddr>,
    /// The one address whose blocks count.
    owner: Option<IpAddr>,
    /// Owners that gave up or failed.
    lost: u32,
    /// Since when the piece waits for an owner.
    since: Instant,
    /// When the owner last took blocks.
    last_pick: Instant,
}

impl Solo {
    /// A piece that failed just now, with blocks of these senders.
    pub(super) fn new(now: Instant, mut suspects: Vec<IpAddr>) -> Self {
        suspects.sort_unstable();
        Self { suspects, before: None, owner: None, lost: 0, since: now, last_pick: now }
    }

    /// The one address whose blocks count, if there is one.
    pub(super) const fn owner(&self) -> Option<IpAddr> {
        self.owner
    }

    /// Whether this address may take blocks of the piece; `busy` says that blocks are requested of the owner.
    pub(super) fn may_take(&self, addr: IpAddr, now: Instant, busy: bool) -> bool {
        if let Some(owner) = self.owner {
            if owner == addr {
                return true;
            }
            if busy || now.since(self.last_pick) < SOLO_WAIT {
                return false;
            }
        }
        let doubted = self.before == Some(addr) || self.suspects.binary_search(&addr).is_ok();
        !doubted || now.since(self.since) >= SOLO_WAIT
    }

    /// The address takes blocks: from now on it is the owner. Says whether it was not before.
    pub(super) fn take(&mut self, addr: IpAddr, now: Instant) -> bool {
        let before = self.owner.replace(addr);
        self.lost += u32::from(before.is_some_and(|before| before != addr));
        self.last_pick = now;
        before != Some(addr)
    }

    /// The owner gave up or failed: the piece waits for another.
    pub(super) const fn wait(&mut self, now: Instant) {
        if let Some(owner) = self.owner.take() {
            self.before = Some(owner);
            self.lost += 1;
        }
        self.since = now;
    }

    /// Whether the trial came to nothing.
    pub(super) const fn is_over(&self) -> bool {
        self.lost >= MAX_OWNERS
    }
}
