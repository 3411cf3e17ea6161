//! Randomness from the operating system: the one seed from which the engine draws everything.

use crate::error::SessionError;

/// 32 random bytes.
pub fn seed() -> Result<[u8; 32], SessionError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| SessionError::NoEntropy(e.to_string().into()))?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_seeds_differ() {
        assert_ne!(super::seed().unwrap(), super::seed().unwrap());
    }
}
