//! Maps whose keys are small numbers of ours, looked up at every event: hashed by one multiplication. Nobody may rely on
//! the order in which they are gone through.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from connections, or from ends of streams.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

/// Hashes a few numbers. Keys are not chosen by anybody, so that nothing has to be secret.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mixer(u64);

impl Mixer {
    const fn mix(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(26) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        // The map takes its buckets from the low bits; the high ones are mixed best.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.mix(u64::from(*byte)));
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.mix(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }
}

/// The hash of a key.
#[cfg(test)]
fn hash(key: impl std::hash::Hash) -> u64 {
    use std::hash::BuildHasher;
    BuildHasherDefault::<Mixer>::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_core::ConnId;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_fall_into_buckets_of_their_own() {
        let low = |n: u64| hash(ConnId::accepted(n)) & 0xfff;
        let buckets: BTreeSet<u64> = (0..256).map(low).collect();
        assert!(buckets.len() > 220, "{} of 256", buckets.len());
        let pairs = (0..64_u32).flat_map(|slot| [0_u8, 1].map(|side| hash((slot, 0_u32, side)) & 0xfff));
        let buckets: BTreeSet<u64> = pairs.collect();
        assert!(buckets.len() > 115, "{} of 128", buckets.len());
    }
}
