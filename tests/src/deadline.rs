//! The only waiting in the suite: until something is so, or until a deadline has passed.

use std::time::{Duration, Instant};

/// How often a condition that announces itself by no event is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// The moment at which a test stops hoping.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So many seconds from now.
    pub fn seconds(seconds: u64) -> Self {
        Self::after(Duration::from_secs(seconds))
    }

    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What is left, zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }
}

/// Waits for what announces itself by no event (a file, an answer of another process): looks again and again
/// until `look` finds it. `None` when the deadline passes first; it is looked at least once.
pub fn wait_until<T>(deadline: Deadline, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if deadline.passed() {
            return None;
        }
        std::thread::sleep(INTERVAL.min(deadline.left()));
    }
}
