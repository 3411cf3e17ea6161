//! The engine's time: microseconds since the session was opened, on the system's monotonic clock.

use peerless_core::Instant;
use std::time;

/// Translates between the system's monotonic clock and the engine's count.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: time::Instant,
}

impl Clock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        self.at(time::Instant::now())
    }

    /// A system time as the engine counts it; [`Instant::ZERO`] for one before the origin.
    pub fn at(&self, when: time::Instant) -> Instant {
        let since = when.saturating_duration_since(self.origin).as_micros();
        Instant::from_micros(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// How long until then; zero where it has passed.
    pub fn until(&self, when: Instant) -> time::Duration {
        when.since(self.now())
    }

    /// An engine's instant on the system's clock; `None` where that cannot count so far.
    pub fn system(&self, when: Instant) -> Option<time::Instant> {
        self.origin.checked_add(time::Duration::from_micros(when.as_micros()))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_the_way_to_the_system_and_back() {
        let clock = Clock::new();
        let when = Instant::from_micros(1_234_567);
        assert_eq!(clock.at(clock.system(when).unwrap()), when);
        assert_eq!(clock.until(Instant::ZERO), time::Duration::ZERO);
        assert!(clock.until(Instant::from_secs(3_600)) > time::Duration::from_secs(3_000));
    }
}
