//! How many connections each address holds: one is not to take the places of many.

use super::address::holder;
use alloc::collections::BTreeMap;
use core::net::IpAddr;

/// The connections of one torrent, counted by address.
#[derive(Debug)]
pub(super) struct Held {
    most: usize,
    /// None is 0.
    counts: BTreeMap<IpAddr, usize>,
}

impl Held {
    /// At most `most` for each, but at least one.
    pub(super) const fn new(most: usize) -> Self {
        Self { most: if most == 0 { 1 } else { most }, counts: BTreeMap::new() }
    }

    /// Whether an address has as many as it may have. This machine's own never has.
    pub(super) fn is_full(&self, ip: IpAddr) -> bool {
        holder(ip).is_some_and(|holder| self.count(holder) >= self.most)
    }

    /// A connection with an address was begun.
    pub(super) fn take(&mut self, ip: IpAddr) {
        if let Some(holder) = holder(ip) {
            *self.counts.entry(holder).or_insert(0) += 1;
        }
    }

    /// A connection with an address has ended.
    pub(super) fn give(&mut self, ip: IpAddr) {
        let Some(holder) = holder(ip) else { return };
        match self.count(holder) {
            0 => debug_assert!(false, "{ip} holds no connection"),
            1 => drop(self.counts.remove(&holder)),
            more => drop(self.counts.insert(holder, more - 1)),
        }
    }

    /// Whether the connections with these addresses are those that were counted.
    pub(super) fn agrees(&self, all: impl Iterator<Item = IpAddr>) -> bool {
        all.filter(|ip| holder(*ip).is_some()).count() == self.counts.values().sum::<usize>()
    }

    fn count(&self, holder: IpAddr) -> usize {
        self.counts.get(&holder).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_no_more() {
        let (ip, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let mut held = Held::new(2);
        held.take(ip);
        assert!(!held.is_full(ip));
        held.take("::ffff:10.0.0.1".parse().unwrap());
        assert!(held.is_full(ip) && !held.is_full(other));
        held.give(ip);
        assert!(!held.is_full(ip));
        held.give(ip);
        assert!(held.counts.is_empty(), "nothing is remembered of who has gone");
    }

    #[test]
    fn everybody_may_have_one() {
        let ip = "10.0.0.1".parse().unwrap();
        let mut held = Held::new(0);
        assert!(!held.is_full(ip));
        held.take(ip);
        assert!(held.is_full(ip));
    }
}
