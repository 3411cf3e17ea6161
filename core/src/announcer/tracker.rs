//! One tracker of the schedule: what it knows of us, and when it may be asked again.

use super::TrackerState;
use crate::time::{Duration, Instant};
use crate::tracker::{AnnounceEvent, AnnounceResponse, RetryIn, TrackerError, UrlError};
use alloc::boxed::Box;

/// Between regular announces, where the tracker does not say, or says nothing sensible.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// The shortest regular interval, whatever the tracker says.
const MIN_INTERVAL: Duration = Duration::from_secs(60);
/// The longest, so that no answer silences a tracker for the rest of the session.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// Before an early announce, when peers ran out and the tracker gives no minimum interval.
const EARLY_INTERVAL: Duration = Duration::from_secs(2 * 60);
/// Between any two announces, apart from completed and stopped; and the first wait after a failure.
const MIN_WAIT: Duration = Duration::from_secs(15);
/// The longest wait after failures.
const MAX_BACK_OFF: Duration = Duration::from_secs(30 * 60);
/// The longest that a tracker can tell us to stay away, other than for ever (BEP 31).
const MAX_RETRY_IN: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug)]
pub(super) struct Tracker {
    pub(super) url: Box<str>,
    pub(super) state: State,
    pub(super) tracker_id: Option<Box<[u8]>>,
    /// It has answered `started`, so that it has us on its list.
    knows_us: bool,
    /// It has us on its list as one that downloads, and must be told that we are complete.
    owes_completed: bool,
    /// It must be told that we stop.
    pub(super) owes_stopped: bool,
    /// Announces in a row that failed.
    failures: u32,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    Unusable(UrlError),
    Idle,
    Asking {
        since: Instant,
        event: AnnounceEvent,
    },
    Working {
        next: Instant,
        /// When it may be asked if peers run out.
        earliest: Instant,
    },
    Failed {
        error: TrackerError,
        retry: Option<Instant>,
    },
}

impl Tracker {
    pub(super) fn new(url: &str, usable: Result<(), UrlError>) -> Self {
        Self {
            url: url.into(),
            state: usable.map_or_else(State::Unusable, |()| State::Idle),
            tracker_id: None,
            knows_us: false,
            owes_completed: false,
            owes_stopped: false,
            failures: 0,
        }
    }

    pub(super) const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }

    pub(super) const fn works(&self) -> bool {
        matches!(self.state, State::Working { .. })
    }

    /// Whether there is nothing to hope for from it at present.
    pub(super) const fn is_hopeless(&self) -> bool {
        matches!(self.state, State::Unusable(_) | State::Failed { .. })
    }

    pub(super) const fn status(&self) -> TrackerState<'_> {
        match &self.state {
            State::Unusable(error) => TrackerState::Unusable(error),
            State::Idle => TrackerState::Idle,
            State::Asking { .. } => TrackerState::Asking,
            State::Working { next, .. } => TrackerState::Working { next: *next },
            State::Failed { error, retry } => TrackerState::Failed { error, retry: *retry },
        }
    }

    /// Back to the beginning, for a torrent that starts again.
    pub(super) fn reset(&mut self) {
        let usable = match &self.state {
            State::Unusable(error) => Err(error.clone()),
            _ => Ok(()),
        };
        let tracker_id = self.tracker_id.take();
        *self = Self { tracker_id, ..Self::new(&self.url, usable) };
    }

    /// An announce begins. Gives what it has to tell.
    pub(super) fn ask(&mut self, now: Instant, stopping: bool) -> AnnounceEvent {
        let event = if !self.knows_us {
            AnnounceEvent::Started
        } else if self.owes_completed {
            AnnounceEvent::Completed
        } else if stopping {
            self.owes_stopped = false;
            AnnounceEvent::Stopped
        } else {
            AnnounceEvent::None
        };
        self.state = State::Asking { since: now, event };
        event
    }

    /// It answered. `false` where nothing was asked.
    pub(super) fn answered(&mut self, now: Instant, response: &AnnounceResponse, stopping: bool) -> bool {
        let State::Asking { event, .. } = self.state else { return false };
        match event {
            AnnounceEvent::Started => self.knows_us = true,
            AnnounceEvent::Completed => self.owes_completed = false,
            AnnounceEvent::Stopped => self.knows_us = false,
            AnnounceEvent::None => {}
        }
        self.failures = 0;
        if response.tracker_id.is_some() {
            self.tracker_id.clone_from(&response.tracker_id);
        }
        self.state = if stopping { State::Idle } else { working(now, response) };
        true
    }

    /// Its announce failed; `random` spreads the next try. Ignored where nothing was asked.
    pub(super) fn failed(&mut self, now: Instant, error: &TrackerError, random: u64) {
        let State::Asking { event, .. } = self.state else { return };
        if event == AnnounceEvent::Started {
            // The next `started` will say that nothing is left to download.
            self.owes_completed = false;
        }
        self.owes_stopped = false;
        self.failures = self.failures.saturating_add(1);
        let wait = match error {
            TrackerError::Url(_) | TrackerError::Refused { retry_in: Some(RetryIn::Never), .. } => None,
            TrackerError::Refused { retry_in: Some(RetryIn::After(wait)), .. } => {
                Some((*wait).clamp(MIN_WAIT, MAX_RETRY_IN))
            }
            _ => Some(back_off(self.failures, random)),
        };
        self.state = State::Failed { error: error.clone(), retry: wait.map(|wait| now + wait) };
    }

    /// The download is complete: to be told to a tracker that knows us, or is hearing of us right now.
    pub(super) const fn owe_completed(&mut self) {
        self.owes_completed =
            self.knows_us || matches!(self.state, State::Asking { event: AnnounceEvent::Started, .. });
    }

    /// When it is to be told of the completion, if it has to be and is not being asked.
    pub(super) const fn completed_due(&self) -> Option<Instant> {
        match self.state {
            State::Working { .. } if self.owes_completed => Some(Instant::ZERO),
            State::Failed { retry, .. } if self.owes_completed => retry,
            _ => None,
        }
    }

    /// Peers ran out: it is asked as early as it allows.
    pub(super) fn hurry(&mut self) {
        if let State::Working { next, earliest } = &mut self.state {
            *next = (*next).min(*earliest);
        }
    }

    /// The torrent stops: an announce in progress is given up. A tracker that is not to be asked again (BEP 31) is told
    /// nothing.
    pub(super) fn stop(&mut self) {
        let is_told = self.knows_us && !matches!(self.state, State::Failed { retry: None, .. });
        self.owes_stopped = is_told;
        self.owes_completed &= is_told;
        if self.is_asking() {
            self.state = State::Idle;
        }
    }
}

/// When a tracker that answered is asked again. Its intervals are data from outside: any number is survived.
fn working(now: Instant, response: &AnnounceResponse) -> State {
    let min = response.min_interval.map(|min| min.clamp(MIN_WAIT, MAX_INTERVAL));
    let interval = response.interval.unwrap_or(DEFAULT_INTERVAL).clamp(MIN_INTERVAL, MAX_INTERVAL);
    let interval = interval.max(min.unwrap_or_default());
    let earliest = min.unwrap_or_else(|| interval.min(EARLY_INTERVAL));
    State::Working { next: now + interval, earliest: now + earliest }
}

/// The wait after so many failures in a row: doubled each time, and shortened at random by up to a quarter, so
/// that a tracker that comes back is not met by everybody at once.
fn back_off(failures: u32, random: u64) -> Duration {
    let doubled = MIN_WAIT * 2u32.pow(failures.saturating_sub(1).min(7));
    let base = doubled.min(MAX_BACK_OFF);
    let quarter = u64::try_from(base.as_micros() / 4).unwrap_or(u64::MAX);
    (base - Duration::from_micros(random % quarter.max(1))).max(MIN_WAIT)
}
