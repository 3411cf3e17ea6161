//! The clock of a host: it may be ahead of the world's time, run faster or slower, and jump forward.
//!
//! Engines see nothing but the clock of their host. It never runs backwards.

use peerless_core::{Duration, Instant};

const MILLION: u64 = 1_000_000;
/// No clock is further off than this, in millionths.
const MOST_DRIFT: i32 = 900_000;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// At this time of the world the clock said the other one.
    world: Instant,
    host: Instant,
    /// It runs so many millionths faster than time does; slower, if negative.
    drift: i32,
}

impl Clock {
    /// A clock that is right, but for what it is ahead, and for how much faster it runs, in millionths.
    pub(crate) fn new(now: Instant, ahead: Duration, drift: i32) -> Self {
        Self { world: now, host: now + ahead, drift: drift.clamp(-MOST_DRIFT, MOST_DRIFT) }
    }

    /// Millionths of a second of the clock in a second.
    const fn speed(&self) -> u64 {
        (MILLION as i64 + self.drift as i64) as u64
    }

    /// What it says at a time of the world.
    pub(crate) fn at(&self, world: Instant) -> Instant {
        let passed = world.as_micros().saturating_sub(self.world.as_micros());
        if self.drift == 0 {
            return self.host + Duration::from_micros(passed);
        }
        let passed = u128::from(passed) * u128::from(self.speed()) / u128::from(MILLION);
        self.host + Duration::from_micros(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// The first time of the world at which it says `host`, or more.
    pub(crate) fn when(&self, host: Instant) -> Instant {
        let to_pass = host.as_micros().saturating_sub(self.host.as_micros());
        if self.drift == 0 {
            return self.world + Duration::from_micros(to_pass);
        }
        let to_pass = (u128::from(to_pass) * u128::from(MILLION)).div_ceil(u128::from(self.speed()));
        self.world + Duration::from_micros(u64::try_from(to_pass).unwrap_or(u64::MAX))
    }

    /// From now on it runs so many millionths faster.
    pub(crate) fn set_drift(&mut self, now: Instant, drift: i32) {
        *self = Self { world: now, host: self.at(now), drift: drift.clamp(-MOST_DRIFT, MOST_DRIFT) };
    }

    /// It jumps forward.
    pub(crate) fn jump(&mut self, by: Duration) {
        self.host = self.host + by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::units::{hours, millis, secs};

    #[test]
    fn a_right_clock_says_the_time() {
        let clock = Clock::new(Instant::ZERO, Duration::ZERO, 0);
        let at = Instant::from_micros(12_345_678);
        assert_eq!((clock.at(at), clock.when(at)), (at, at));
        assert_eq!(clock.when(Instant::FAR_FUTURE), Instant::FAR_FUTURE);
    }

    #[test]
    fn a_fast_clock_gains_and_a_slow_one_loses() {
        let day = Instant::ZERO + hours(24);
        let fast = Clock::new(Instant::ZERO, secs(5), 100);
        assert_eq!(fast.at(day), day + secs(5) + millis(8_640));
        let slow = Clock::new(Instant::ZERO, Duration::ZERO, -100);
        assert_eq!(slow.at(day) + millis(8_640), day);
        let hopeless = Clock::new(Instant::ZERO, Duration::ZERO, i32::MIN);
        assert_eq!(hopeless.at(Instant::from_secs(10)), Instant::from_secs(1), "it goes all the same");
    }

    #[test]
    fn no_clock_ever_runs_backwards_and_none_is_called_too_early() {
        let mut dice = Dice::new(1, "clocks");
        let mut clock = Clock::new(Instant::ZERO, Duration::ZERO, 0);
        let (mut now, mut said) = (Instant::ZERO, Instant::ZERO);
        for _ in 0..10_000 {
            now = now + dice.time(secs(3));
            match dice.below(4) {
                0 => clock.set_drift(now, dice.number() as i32 % 1_000_000),
                1 => clock.jump(dice.time(hours(1))),
                _ => {}
            }
            assert!(clock.at(now) >= said);
            said = clock.at(now);
            let alarm = said + dice.time(secs(100));
            let rings = clock.when(alarm);
            assert!(rings >= now && clock.at(rings) >= alarm);
            let before = Instant::from_micros(rings.as_micros().saturating_sub(1));
            assert!(before < now || clock.at(before) < alarm, "and not later than it has to be");
        }
    }
}
