//! Randomness: every stream of it comes from the seed of the simulation and the name of its use.

use peerless_core::{Duration, sha256};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A stream of random numbers. Two of one seed and one name are equal; streams of different names have
/// nothing to do with each other, so that one more use in one place changes nothing in another.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of this name.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(ChaCha8Rng::from_seed(Self::seed(seed, name)))
    }

    /// 32 bytes for an engine's own randomness.
    pub fn seed(seed: u64, name: &str) -> [u8; 32] {
        let mut text = seed.to_le_bytes().to_vec();
        text.extend_from_slice(name.as_bytes());
        sha256(&text).0
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`; 0 where `end` is 0. The bias is below one in 2^32 for any `end` below 2^32.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(end);
        (wide >> 64) as u64
    }

    /// Whether something happens that happens `permille` times in 1,000.
    pub fn chance(&mut self, permille: u32) -> bool {
        permille > 0 && self.below(1_000) < u64::from(permille)
    }

    /// A time up to `most`.
    pub fn time(&mut self, most: Duration) -> Duration {
        Duration::from_micros(
            self.below(u64::try_from(most.as_micros()).unwrap_or(u64::MAX).saturating_add(1)),
        )
    }

    /// A time drawn from the exponential distribution of this mean: the time to the next of things that happen at any
    /// moment with equal chance. Drawn by comparing (von Neumann 1951), so that it is the same on every machine.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let mut whole = 0;
        loop {
            let part = self.number();
            let (mut last, mut falling) = (part, 1);
            loop {
                let next = self.number();
                if next >= last {
                    break;
                }
                (last, falling) = (next, falling + 1);
            }
            if falling % 2 == 1 {
                let fraction = (mean.as_micros() * u128::from(part)) >> 64;
                return mean * whole + Duration::from_micros(u64::try_from(fraction).unwrap_or(u64::MAX));
            }
            whole += 1;
        }
    }

    /// Fills a buffer.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_named_and_repeat() {
        let draw = |seed, name| {
            let mut dice = Dice::new(seed, name);
            [dice.number(), dice.number()]
        };
        assert_eq!(draw(1, "net"), draw(1, "net"));
        assert_ne!(draw(1, "net"), draw(2, "net"));
        assert_ne!(draw(1, "net"), draw(1, "disk"));
    }

    #[test]
    fn waiting_times_are_about_right() {
        let mut dice = Dice::new(7, "arrivals");
        let mean = Duration::from_secs(10);
        let times: Vec<Duration> = (0..10_000).map(|_| dice.exponential(mean)).collect();
        let sum: Duration = times.iter().sum();
        assert!((98_000..102_000).contains(&sum.as_secs()), "{sum:?}");
        // One in e is longer than the mean, and one in e squared than twice the mean.
        let longer = |n| times.iter().filter(|time| **time > mean * n).count();
        assert!((3_550..3_810).contains(&longer(1)), "{}", longer(1));
        assert!((1_250..1_460).contains(&longer(2)), "{}", longer(2));
    }

    #[test]
    fn chances_are_about_right() {
        let mut dice = Dice::new(7, "chance");
        let hits = (0..10_000).filter(|_| dice.chance(50)).count();
        assert!((400..600).contains(&hits), "{hits} of 10000 at 5 %");
        assert_eq!(dice.below(0), 0);
        assert!((0..1_000).all(|_| dice.below(3) < 3));
    }
}
