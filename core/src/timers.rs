//! The one timer structure of an engine: who wants to be called when.

use crate::ids::{ConnId, TorrentId};
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};

/// Who is called. Each key has at most one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimerKey {
    /// A connection: its handshake, silence, keep-alive or oldest request.
    Conn(ConnId),
    /// Something of a torrent.
    Torrent(TorrentId, TorrentTimer),
    /// Accept connections again.
    Accept,
    /// All places are taken and somebody waits: somebody useless may have to go.
    Room,
}

/// What of a torrent is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TorrentTimer {
    /// An address may be dialled again.
    Dial,
    /// A tracker is to be asked, or has had its time.
    Announce,
    /// A peer's host is to be looked up again.
    Lookup,
    /// A look at the unchoke slots, perhaps a round of the choker.
    Slots,
    /// Peers are told what pieces we have.
    Haves,
    /// Verified pieces are to be synced and recorded.
    Sync,
    /// Blocks have waited long enough for their run to grow.
    Gather,
    /// The disk failed and is to be tried again.
    DiskRetry,
    /// A piece that failed may go to peers that were involved.
    Solo,
    /// In endgame, somebody may have become slow.
    Endgame,
    /// The user's limit on the whole download.
    Timeout,
    /// The user's limit on the time without progress.
    Stall,
    /// The seed policy may be fulfilled.
    SeedGoal,
    /// The torrent is to be stopped, clean or not.
    Stop,
}

impl TorrentTimer {
    const FIRST: Self = Self::Dial;
    const LAST: Self = Self::Stop;
}

/// Deadlines by key and by time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Instant, TimerKey)>,
    by_key: BTreeMap<TimerKey, Instant>,
}

impl Timers {
    /// Sets the deadline of `key`, in place of the one it had.
    pub(crate) fn set(&mut self, key: TimerKey, at: Instant) {
        if let Some(old) = self.by_key.insert(key, at) {
            if old == at {
                return;
            }
            self.by_time.remove(&(old, key));
        }
        self.by_time.insert((at, key));
    }

    /// Makes sure that `key` is called at `at` or earlier. Cheap when it is already, so that a deadline that
    /// keeps moving away need not be moved each time: the owner sets it anew when called too early.
    pub(crate) fn no_later_than(&mut self, key: TimerKey, at: Instant) {
        if self.by_key.get(&key).is_none_or(|old| *old > at) {
            self.set(key, at);
        }
    }

    /// Whether `key` has a deadline.
    pub(crate) fn has(&self, key: TimerKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Forgets the deadline of `key`.
    pub(crate) fn clear(&mut self, key: TimerKey) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
    }

    /// Forgets every deadline of a torrent.
    pub(crate) fn clear_torrent(&mut self, torrent: TorrentId) {
        let all =
            TimerKey::Torrent(torrent, TorrentTimer::FIRST)..=TimerKey::Torrent(torrent, TorrentTimer::LAST);
        let keys: alloc::vec::Vec<TimerKey> = self.by_key.range(all).map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.clear(key));
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// A key whose deadline has come; it has none afterwards.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<TimerKey> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.by_time.pop_first();
        self.by_key.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_once() {
        let (a, b) = (TimerKey::Accept, TimerKey::Conn(ConnId::accepted(1)));
        let mut timers = Timers::default();
        timers.set(a, Instant::from_secs(2));
        timers.set(b, Instant::from_secs(1));
        timers.set(a, Instant::from_secs(3));
        assert_eq!(timers.next(), Some(Instant::from_secs(1)));
        assert_eq!(timers.pop(Instant::from_secs(2)), Some(b));
        assert_eq!(timers.pop(Instant::from_secs(2)), None);
        assert_eq!(timers.pop(Instant::from_secs(3)), Some(a));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_deadline_is_only_brought_forward() {
        let key = TimerKey::Accept;
        let mut timers = Timers::default();
        timers.no_later_than(key, Instant::from_secs(5));
        timers.no_later_than(key, Instant::from_secs(9));
        assert_eq!(timers.next(), Some(Instant::from_secs(5)));
        timers.no_later_than(key, Instant::from_secs(1));
        assert_eq!(timers.next(), Some(Instant::from_secs(1)));
        timers.clear(key);
        assert_eq!(timers.next(), None);
    }
}
