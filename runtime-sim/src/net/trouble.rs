//! What goes wrong on the way: hosts that do not answer, partitions, streams that break for no reason.
//!
//! What does not get to the other host is tried again, each time after twice as long, until it does or the sender
//! gives up; nothing more is sent meanwhile. So a stream stands still while a partition lasts, and goes on some
//! time after it.

use super::stream::{Stall, State};
use super::{End, HostId, NetEvent, Network, Noticed, PartitionId, Path};
use peerless_core::{Duration, Instant, NetError};

/// The first time that something is tried again, in excess of a round trip.
const FIRST_RETRY: Duration = Duration::from_millis(200);
/// No time between two tries is longer.
const LONGEST_RETRY: Duration = Duration::from_secs(120);
/// The sender gives up after so long.
const GIVE_UP: Duration = Duration::from_secs(900);
/// A request to open a stream is sent again after a second, then after twice as long, so many times.
const DIALS: u32 = 5;
/// What is left then of the time that the opener waits.
const LAST_DIAL: Duration = Duration::from_secs(29);
const SECOND: Duration = Duration::from_secs(1);

/// What a scenario does to the network.
impl Network {
    /// See [`Routes::set_path`](super::Routes).
    pub(crate) fn set_path(&mut self, a: HostId, b: HostId, path: Option<Path>) {
        self.routes.set_path(a, b, path);
    }

    pub(crate) fn part(&mut self, a: &[HostId], b: &[HostId]) -> PartitionId {
        self.routes.part(a, b)
    }

    pub(crate) fn heal(&mut self, partition: PartitionId) {
        self.routes.heal(partition);
    }

    /// The host stops taking part for a while, and nobody is told: it sleeps.
    pub(crate) fn fall_asleep(&mut self, host: HostId) {
        self.ports[host.index()].asleep = true;
    }

    /// It takes part again.
    pub(crate) fn wake_up(&mut self, now: Instant, host: HostId) {
        self.ports[host.index()].asleep = false;
        self.start_uplink(now, host);
        self.start_downlink(now, host);
    }
}

/// What comes of it.
impl Network {
    /// Whether what one host sends gets to the other.
    pub(super) fn reaches(&self, from: HostId, to: HostId) -> bool {
        let port = &self.ports[to.index()];
        port.on && !port.asleep && !self.routes.parted(from, to)
    }

    /// A request to open a stream got no answer.
    pub(super) fn dial_again(&mut self, now: Instant, end: End, tries: u32) {
        if tries < DIALS {
            self.plan(now + SECOND * (1 << tries), NetEvent::Dialled(end, tries + 1));
        } else {
            self.plan(now + LAST_DIAL, NetEvent::Answered(end, Some(NetError::TimedOut)));
        }
    }

    /// A parcel that flies from this end did not get there, or is behind one that did not.
    pub(super) fn stall(&mut self, now: Instant, end: End) {
        let (Some(here), Some(there)) = (self.side(end), self.side(end.other())) else { return };
        let retry = 2 * self.way(here.host, there.host) + FIRST_RETRY;
        let cut = here.stall.is_none() && self.routes.parted(here.host, there.host);
        self.struck.add("streams_cut", u64::from(cut));
        let Some(side) = self.side_mut(end) else { return };
        match &mut side.stall {
            Some(stall) => stall.owed += 1,
            None => {
                side.stall = Some(Stall { since: now, tries: 0, owed: 1 });
                self.plan(now + retry, NetEvent::Again(end));
            }
        }
    }

    /// What did not get there is tried again.
    pub(super) fn again(&mut self, now: Instant, end: End) {
        let (Some(here), Some(there)) = (self.side(end), self.side(end.other())) else { return };
        let Some(stall) = here.stall else { return };
        if self.reaches(here.host, there.host) {
            if let Some(side) = self.side_mut(end) {
                side.stall = None;
            }
            (0..stall.owed).for_each(|_| self.deliver(now, end));
            self.offer(now, end);
            self.sweep(end);
        } else if now.since(stall.since) > GIVE_UP {
            self.give_up(end);
        } else {
            let way = 2 * self.way(here.host, there.host) + FIRST_RETRY;
            let retry = (way * (2 << stall.tries.min(16))).min(LONGEST_RETRY);
            if let Some(stall) = self.side_mut(end).and_then(|side| side.stall.as_mut()) {
                stall.tries += 1;
            }
            self.plan(now + retry, NetEvent::Again(end));
        }
    }

    /// The host at this end takes the stream for dead. The other one is not told.
    fn give_up(&mut self, end: End) {
        let Some(side) = self.side_mut(end) else { return };
        let (host, known) = (side.host, matches!(side.state, State::Open | State::Shut));
        side.vanish();
        if known {
            self.tell(host, end, Noticed::Closed(Some(NetError::TimedOut)));
        }
        self.sweep(end);
    }
}

/// Streams that break for no reason.
impl Network {
    /// Permille of its streams that a host loses each second, for the worse of the two.
    fn breaking(&self, end: End) -> u32 {
        let of = |end| self.side(end).map_or(0, |side| self.ports[side.host.index()].link.reset_permille);
        of(end).max(of(end.other()))
    }

    /// Begins to count the seconds of a stream if it may break in any of them.
    pub(super) fn begin_seconds(&mut self, now: Instant, end: End) {
        let end = End { side: 0, ..end };
        if self.breaking(end) > 0
            && let Some(side) = self.side_mut(end).filter(|side| !side.counted)
        {
            side.counted = true;
            self.plan(now + SECOND, NetEvent::Second(end));
        }
    }

    /// A host's link may have become one that breaks streams.
    pub(super) fn begin_all_seconds(&mut self, now: Instant, host: HostId) {
        for end in self.ends_of(host) {
            self.begin_seconds(now, end);
        }
    }

    pub(super) fn second(&mut self, now: Instant, end: End) {
        let permille = self.breaking(end);
        let Some(side) = self.side_mut(end) else { return };
        side.counted = false;
        if self.dice.chance(permille) {
            self.snap(end);
        } else {
            self.begin_seconds(now, end);
        }
    }

    /// Something on the way breaks a stream: both hosts see a reset.
    fn snap(&mut self, end: End) {
        self.struck.add("streams_broken", 1);
        for end in [end, end.other()] {
            let Some(side) = self.side_mut(end) else { continue };
            let (host, known) = (side.host, matches!(side.state, State::Open | State::Shut));
            side.vanish();
            if known {
                self.tell(host, end, Noticed::Closed(Some(NetError::Reset)));
            }
        }
        self.sweep(end);
    }
}
