//! What struck: how often each fault of a simulation came to be felt, so that a scenario can show that it had them.

use std::collections::BTreeMap;
use std::fmt;

/// How often each kind of fault struck, by a word. A fault that was planned and never felt is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Struck(BTreeMap<&'static str, u64>);

impl Struck {
    /// It struck so many times more. None is as if it had not been told.
    pub fn add(&mut self, what: &'static str, times: u64) {
        if times > 0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// How often it struck.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// All that struck, by the words' order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, times)| (*what, *times))
    }

    /// Adds what struck elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(what, times)| self.add(what, times));
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (what, times)) in self.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{} {times}", what.replace('_', " "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_struck_is_told() {
        let mut struck = Struck::default();
        struck.add("power_cuts", 2);
        struck.add("sleeps", 0);
        struck.add("bans", 1);
        let mut twice = struck.clone();
        twice.merge(&struck);
        assert_eq!(twice.to_string(), "bans 2, power cuts 4");
        assert_eq!((twice.count("power_cuts"), twice.count("sleeps")), (4, 0));
    }
}
