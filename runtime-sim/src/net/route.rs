//! Who is where, and which way leads there: addresses, ways that differ from what the links say, partitions.

use super::HostId;
use peerless_core::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What is special about the way between two hosts, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// How long the way takes, in place of what the links of both say.
    pub latency: Option<Duration>,
    /// So many parcels in 1,000 are lost besides those that the link of the sender loses.
    pub loss_permille: u32,
}

impl Path {
    /// A way that takes this long.
    pub fn latency(latency: Duration) -> Self {
        Self { latency: Some(latency), ..Self::default() }
    }

    /// With this loss besides that of the links.
    #[must_use]
    pub const fn loss_permille(self, loss_permille: u32) -> Self {
        Self { loss_permille, ..self }
    }
}

/// A partition that has not healed. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(u32);

/// See the module.
#[derive(Debug)]
pub(super) struct Routes {
    homes: BTreeMap<IpAddr, HostId>,
    paths: BTreeMap<(HostId, HostId), Path>,
    partitions: BTreeMap<PartitionId, [BTreeSet<HostId>; 2]>,
    next_partition: u32,
}

impl Routes {
    pub(super) const fn new() -> Self {
        Self {
            homes: BTreeMap::new(),
            paths: BTreeMap::new(),
            partitions: BTreeMap::new(),
            next_partition: 0,
        }
    }

    /// A host has these addresses.
    pub(super) fn add(&mut self, host: HostId, addrs: &[IpAddr]) {
        self.homes.extend(addrs.iter().map(|addr| (*addr, host)));
    }

    /// Whose address that is.
    pub(super) fn home(&self, addr: IpAddr) -> Option<HostId> {
        self.homes.get(&addr).copied()
    }

    /// The way between two hosts is special; `None`: no longer.
    pub(super) fn set_path(&mut self, a: HostId, b: HostId, path: Option<Path>) {
        match path {
            Some(path) => self.paths.insert(key(a, b), path),
            None => self.paths.remove(&key(a, b)),
        };
    }

    fn path(&self, from: HostId, to: HostId) -> Option<&Path> {
        if self.paths.is_empty() { None } else { self.paths.get(&key(from, to)) }
    }

    /// How long the way takes, where that is special.
    pub(super) fn latency(&self, from: HostId, to: HostId) -> Option<Duration> {
        self.path(from, to)?.latency
    }

    /// Loss on the way, in 1,000 parcels.
    pub(super) fn loss(&self, from: HostId, to: HostId) -> u32 {
        self.path(from, to).map_or(0, |path| path.loss_permille)
    }

    /// Cuts the hosts of one set off from those of the other.
    pub(super) fn part(&mut self, a: &[HostId], b: &[HostId]) -> PartitionId {
        let id = PartitionId(self.next_partition);
        self.next_partition += 1;
        self.partitions.insert(id, [a, b].map(|hosts| hosts.iter().copied().collect()));
        id
    }

    pub(super) fn heal(&mut self, partition: PartitionId) {
        self.partitions.remove(&partition);
    }

    /// Whether a partition stands between two hosts.
    pub(super) fn parted(&self, from: HostId, to: HostId) -> bool {
        let between = |[a, b]: &[BTreeSet<HostId>; 2]| {
            (a.contains(&from) && b.contains(&to)) || (b.contains(&from) && a.contains(&to))
        };
        !self.partitions.is_empty() && self.partitions.values().any(between)
    }
}

const fn key(a: HostId, b: HostId) -> (HostId, HostId) {
    if a.0 < b.0 { (a, b) } else { (b, a) }
}
