//! When to announce to which tracker, and what (BEP 3, 12, 31): a schedule that knows no sockets.
//!
//! Tiers are asked in order, as BEP 12 says, but nobody is waited for long: a tracker that is silent for
//! [`PATIENCE`] keeps its chance, and the next in its tier, and the next tier, are asked beside it. A tier is
//! also opened when those before it gave no peers. A tracker that works moves to the front of its tier and is
//! asked again at its interval; the others of its tier rest until it fails.

mod status;
#[cfg(test)]
mod tests;
mod tracker;

use crate::limits::{MAX_ASKING, MAX_TRACKERS, TRACKER_TIMEOUT};
use crate::time::{Duration, Instant};
use crate::tracker::{AnnounceEvent, AnnounceResponse, TrackerError, check_url};
use alloc::boxed::Box;
use alloc::vec::Vec;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
pub use status::{TrackerCounts, TrackerState, TrackerStatus};
use tracker::{State, Tracker};

/// How long a tracker, or a tier, has the field to itself.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Time for one announce when the torrent stops: nobody waits at a closing door.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// A tracker of one [`Announcer`], by number. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerKey(u32);

#[cfg(test)]
impl TrackerKey {
    /// The `n`-th, from 0.
    pub(crate) const fn nth(n: u32) -> Self {
        Self(n)
    }
}

/// An announce to be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// To which tracker.
    pub tracker: TrackerKey,
    /// Its announce URL.
    pub url: Box<str>,
    /// What to tell it.
    pub event: AnnounceEvent,
    /// What it called itself.
    pub tracker_id: Option<Box<[u8]>>,
    /// How long the announce may take.
    pub timeout: Duration,
}

/// The announce schedule of one torrent.
///
/// After any call, [`poll`](Self::poll) until it gives `None`, and again at
/// [`next_deadline`](Self::next_deadline). Every [`Due`] is answered by [`answered`](Self::answered) or
/// [`failed`](Self::failed), each once; answers that nobody waits for any more are ignored.
#[derive(Clone, Debug)]
pub struct Announcer {
    /// By number.
    trackers: Vec<Tracker>,
    tiers: Vec<Tier>,
    /// So many of the tiers are being asked.
    open: usize,
    phase: Phase,
    /// Whether the data is complete.
    complete: bool,
    /// Whether a tracker gave peers since they last ran out.
    fed: bool,
    rng: ChaCha8Rng,
    /// When the next announce is due or the next tier is to be opened.
    wake: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Tier {
    /// In the order of asking.
    order: Vec<TrackerKey>,
    opened: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    Stopping,
}

impl Announcer {
    /// The schedule of a torrent with these tiers of announce URLs. The order within each tier is shuffled.
    ///
    /// A URL that occurs twice counts where it stands first; those beyond [`MAX_TRACKERS`] are left out.
    pub fn new(tiers: &[Vec<Box<str>>], rng: ChaCha8Rng) -> Self {
        let mut announcer = Self {
            trackers: Vec::new(),
            tiers: Vec::new(),
            open: 0,
            phase: Phase::New,
            complete: false,
            fed: false,
            rng,
            wake: None,
        };
        for urls in tiers {
            let mut order: Vec<_> = urls.iter().filter_map(|url| announcer.insert(url)).collect();
            shuffle(&mut order, &mut announcer.rng);
            announcer.push_tier(order);
        }
        announcer
    }

    /// The torrent starts: trackers are asked for peers from now on.
    pub fn start(&mut self, now: Instant) {
        self.phase = Phase::Running;
        self.open = 0;
        self.fed = false;
        self.trackers.iter_mut().for_each(Tracker::reset);
        self.open_tiers(now);
        self.plan();
    }

    /// The data is complete. Trackers that know us as one that downloads are told so, once.
    ///
    /// Called before [`start`](Self::start), it says that the data was complete from the beginning: then no
    /// tracker is told (BEP 3).
    pub fn completed(&mut self) {
        if self.complete {
            return;
        }
        self.complete = true;
        if self.phase == Phase::Running {
            self.trackers.iter_mut().for_each(Tracker::owe_completed);
        }
        // A seed needs no peers: a tracker that works is enough.
        self.fed |= self.trackers.iter().any(Tracker::works);
        self.plan();
    }

    /// The torrent stops: each tracker that knows us is told, once.
    ///
    /// Announces in progress are given up, and their exchanges are to be dropped: a tracker that has yet to
    /// hear of `completed` or `stopped` becomes due again. A second call does nothing.
    pub fn stop(&mut self) {
        if self.phase != Phase::Stopping {
            self.phase = Phase::Stopping;
            self.trackers.iter_mut().for_each(Tracker::stop);
            self.plan();
        }
    }

    /// Peers ran out. Further tiers are opened; and trackers are asked again as soon as their minimum interval
    /// allows, unless the data is complete. Harmless to call again and again.
    pub fn need_peers(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        self.fed = false;
        if !self.complete {
            self.trackers.iter_mut().for_each(Tracker::hurry);
        }
        self.plan();
    }

    /// The next announce that is due; it counts as in progress from now on.
    pub fn poll(&mut self, now: Instant) -> Option<Due> {
        if self.wake.is_none_or(|wake| wake > now) {
            return None;
        }
        self.open_tiers(now);
        let due = self.next_due().filter(|(at, _)| *at <= now).and_then(|(_, key)| self.ask(now, key));
        self.plan();
        due
    }

    /// A tracker answered.
    pub fn answered(&mut self, now: Instant, key: TrackerKey, response: &AnnounceResponse) {
        let stopping = self.phase == Phase::Stopping;
        let Some(tracker) = self.tracker_mut(key) else { return };
        if !tracker.answered(now, response, stopping) {
            return;
        }
        self.fed |= !response.peers.is_empty() || self.complete;
        self.promote(key);
        self.plan();
    }

    /// An announce failed.
    pub fn failed(&mut self, now: Instant, key: TrackerKey, error: &TrackerError) {
        let random = self.rng.next_u64();
        let Some(tracker) = self.tracker_mut(key) else { return };
        tracker.failed(now, error, random);
        self.plan();
    }

    /// When to [`poll`](Self::poll) if nothing else happens. May be in the past, never again after a poll.
    pub const fn next_deadline(&self) -> Option<Instant> {
        self.wake
    }

    /// Whether everything is over after [`stop`](Self::stop): whoever had to be told has answered or failed.
    pub fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopping && !self.trackers.iter().any(|t| t.owes_stopped || t.is_asking())
    }

    fn insert(&mut self, url: &str) -> Option<TrackerKey> {
        let url = url.trim();
        if self.trackers.len() >= MAX_TRACKERS || self.trackers.iter().any(|t| &*t.url == url) {
            return None;
        }
        let key = TrackerKey(u32::try_from(self.trackers.len()).ok()?);
        self.trackers.push(Tracker::new(url, check_url(url)));
        Some(key)
    }

    fn push_tier(&mut self, order: Vec<TrackerKey>) {
        if !order.is_empty() {
            self.tiers.push(Tier { order, opened: Instant::ZERO });
        }
    }

    fn tracker(&self, key: TrackerKey) -> Option<&Tracker> {
        self.trackers.get(key.0 as usize)
    }

    fn tracker_mut(&mut self, key: TrackerKey) -> Option<&mut Tracker> {
        self.trackers.get_mut(key.0 as usize)
    }

    /// The trackers of a tier, in the order of asking.
    fn walk<'a>(&'a self, tier: &'a Tier) -> impl Iterator<Item = (TrackerKey, &'a Tracker)> {
        tier.order.iter().filter_map(|key| self.tracker(*key).map(|t| (*key, t)))
    }

    /// Makes an announce one in progress.
    fn ask(&mut self, now: Instant, key: TrackerKey) -> Option<Due> {
        let stopping = self.phase == Phase::Stopping;
        let tracker = self.tracker_mut(key)?;
        let event = tracker.ask(now, stopping);
        let (url, tracker_id) = (tracker.url.clone(), tracker.tracker_id.clone());
        let timeout = if stopping { STOP_TIMEOUT } else { TRACKER_TIMEOUT };
        Some(Due { tracker: key, url, event, tracker_id, timeout })
    }

    /// Opens the tiers whose time has come.
    fn open_tiers(&mut self, now: Instant) {
        while self.next_opening().is_some_and(|at| at <= now) {
            let Some(tier) = self.tiers.get_mut(self.open) else { return };
            tier.opened = now;
            self.open += 1;
        }
    }

    /// When the next tier is to be opened, unless something happens before.
    fn next_opening(&self) -> Option<Instant> {
        if self.phase != Phase::Running || self.open == self.tiers.len() {
            return None;
        }
        let open = self.tiers.get(..self.open).unwrap_or_default();
        let hopeless = |tier| self.walk(tier).all(|(_, tracker)| tracker.is_hopeless());
        let Some(last) = open.last() else { return Some(Instant::ZERO) };
        if open.iter().all(hopeless) || hopeless(last) && !self.fed {
            return Some(Instant::ZERO);
        }
        (!self.fed).then(|| last.opened + PATIENCE)
    }

    /// The announce that is due first, and when.
    fn next_due(&self) -> Option<(Instant, TrackerKey)> {
        if self.trackers.iter().filter(|t| t.is_asking()).count() >= MAX_ASKING {
            return None;
        }
        let all = || self.tiers.iter().flat_map(|tier| self.walk(tier));
        match self.phase {
            Phase::New => None,
            Phase::Stopping => {
                all().find(|(_, t)| t.owes_stopped && !t.is_asking()).map(|(key, _)| (Instant::ZERO, key))
            }
            Phase::Running => {
                let open = self.tiers.get(..self.open).unwrap_or_default();
                let regular = open.iter().flat_map(|tier| self.due_in(tier));
                let completed = all().filter_map(|(key, t)| Some((t.completed_due()?, key)));
                regular.chain(completed).min_by_key(|(at, _)| *at)
            }
        }
    }

    /// When the trackers of an open tier are due. One that works keeps those behind it waiting, and so does one
    /// that is being asked, for a while.
    fn due_in<'a>(&'a self, tier: &'a Tier) -> impl Iterator<Item = (Instant, TrackerKey)> {
        let mut turn = Some(tier.opened);
        self.walk(tier).filter_map(move |(key, tracker)| {
            let from = turn?;
            match tracker.state {
                State::Unusable(_) => None,
                State::Asking { since, .. } => {
                    turn = Some(from.max(since + PATIENCE));
                    None
                }
                State::Failed { retry, .. } => retry.map(|at| (at.max(from), key)),
                State::Idle => {
                    turn = None;
                    Some((from, key))
                }
                State::Working { next, .. } => {
                    turn = None;
                    Some((next.max(from), key))
                }
            }
        })
    }

    /// Moves a tracker that works to the front of its tier, unless one that works is there (BEP 12).
    fn promote(&mut self, key: TrackerKey) {
        let works = |key: &TrackerKey| self.tracker(*key).is_some_and(Tracker::works);
        let Some(tier) = self.tiers.iter().position(|tier| tier.order.contains(&key)) else { return };
        let Some(order) = self.tiers.get(tier).map(|tier| &tier.order) else { return };
        if !works(&key) || order.first().is_some_and(works) {
            return;
        }
        if let Some(Tier { order, .. }) = self.tiers.get_mut(tier)
            && let Some(at) = order.iter().position(|k| *k == key)
            && let Some(front) = order.get_mut(..=at)
        {
            front.rotate_right(1);
        }
    }

    /// Works out when to wake; to be called after every change.
    fn plan(&mut self) {
        let due = self.next_due().map(|(at, _)| at);
        self.wake = [due, self.next_opening()].into_iter().flatten().min();
    }
}

/// Fisher and Yates' shuffle. The modulo's bias is of no matter for a handful of trackers.
fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let other = rng.next_u64() % (last as u64 + 1);
        items.swap(last, other as usize);
    }
}
