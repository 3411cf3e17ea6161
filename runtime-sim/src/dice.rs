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
    fn chances_are_about_right() {
        let mut dice = Dice::new(7, "chance");
        let hits = (0..10_000).filter(|_| dice.chance(50)).count();
        assert!((400..600).contains(&hits), "{hits} of 10000 at 5 %");
        assert_eq!(dice.below(0), 0);
        assert!((0..1_000).all(|_| dice.below(3) < 3));
    }
}
