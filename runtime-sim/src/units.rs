//! Words for rates, sizes and times, so that a scenario reads as it is spoken.

use peerless_core::Duration;

/// Bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u64);

impl Rate {
    /// Bytes a second.
    pub const fn bytes_per_second(self) -> u64 {
        self.0
    }

    /// How long `bytes` take, in whole microseconds; what is left over is carried in `remainder`.
    pub(crate) fn time(self, bytes: u64, remainder: &mut u64) -> Duration {
        let rate = self.0.max(1);
        let wide = u128::from(bytes) * 1_000_000 + u128::from(*remainder);
        *remainder = u64::try_from(wide % u128::from(rate)).unwrap_or(0);
        Duration::from_micros(u64::try_from(wide / u128::from(rate)).unwrap_or(u64::MAX))
    }
}

/// `n` thousand bits a second.
pub const fn kbit(n: u64) -> Rate {
    Rate(n * 1_000 / 8)
}

/// `n` million bits a second.
pub const fn mbit(n: u64) -> Rate {
    Rate(n * 1_000_000 / 8)
}

/// `n` thousand million bits a second.
pub const fn gbit(n: u64) -> Rate {
    mbit(n * 1_000)
}

/// `n` kibibytes, in bytes.
pub const fn kib(n: u64) -> u64 {
    n << 10
}

/// `n` mebibytes, in bytes.
pub const fn mib(n: u64) -> u64 {
    n << 20
}

/// `n` gibibytes, in bytes.
pub const fn gib(n: u64) -> u64 {
    n << 30
}

/// `n` milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `n` seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// `n` minutes.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// `n` hours.
pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3_600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fraction_of_a_byte_is_lost_on_the_way() {
        let rate = Rate(3_000_001);
        let mut remainder = 0;
        let total: Duration = (0..3_000_001).map(|_| rate.time(7, &mut remainder)).sum();
        assert_eq!(total, secs(7));
    }
}
