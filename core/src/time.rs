//! Time as the core sees it: a count that the driver passes in, never a clock that the core reads.

use core::fmt;
use core::ops::Add;
pub use core::time::Duration;

/// A point in time: microseconds since an origin that the driver chose.
///
/// It is monotonic by contract. An instant earlier than the one before it is treated as equal to it, and a
/// jump of hours (a laptop that slept) is one long tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The driver's origin.
    pub const ZERO: Self = Self(0);
    /// Later than any instant that occurs.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The instant `secs` seconds after the origin.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Rounds up: once the sum is reached, the whole of the time has passed. Otherwise a timer that comes to look at
/// a deadline would find it not quite reached, and be set for the same instant again.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        let micros = rhs.as_nanos().div_ceil(1_000);
        Self(self.0.saturating_add(u64::try_from(micros).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_reached_has_passed() {
        for nanos in [0, 1, 999, 1_000, 1_001] {
            let (asked, patience) = (Instant::from_secs(1), Duration::from_nanos(nanos));
            assert!((asked + patience).since(asked) >= patience);
        }
    }

    #[test]
    fn time_never_runs_backwards_or_over() {
        assert_eq!(Instant::from_secs(1).since(Instant::from_secs(2)), Duration::ZERO);
        assert_eq!(Instant::FAR_FUTURE + Duration::from_secs(1), Instant::FAR_FUTURE);
        assert_eq!(alloc::format!("{}", Instant::from_millis(1_500)), "1.500000s");
    }
}
