//! Who is where, and which way leads there: addresses, ways that differ from what the links say, partitions.

use super::HostId;
use super::site::{Gate, Groups, Site, SiteId};
use peerless_core::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first address of a host that the world can reach, of a NAT, and of a host behind one.
const PUBLIC: u32 = 0x1400_0001;
const PUBLIC_OF_SITES: u32 = 0x1500_0001;
const PRIVATE: u32 = 0x0a00_0001;
const PUBLIC_6: u128 = 0x2001_4860_0000_0000_0000_0000_0000_0001;

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
#[derive(Debug, Default)]
pub(crate) struct Routes {
    homes: BTreeMap<IpAddr, Home>,
    /// Of each host, in order.
    places: Vec<Option<SiteId>>,
    sites: Vec<Site>,
    pub(super) groups: Groups,
    paths: BTreeMap<(HostId, HostId), Path>,
    partitions: BTreeMap<PartitionId, [BTreeSet<HostId>; 2]>,
    next_partition: u32,
}

/// Whose an address is.
#[derive(Clone, Copy, Debug)]
enum Home {
    Host(HostId),
    /// The public one of a NAT.
    Site(SiteId),
}

/// Addresses and places.
impl Routes {
    pub(super) fn add_site(&mut self, gate: Gate) -> SiteId {
        let id = SiteId(self.sites.len() as u32);
        let public = IpAddr::V4(Ipv4Addr::from_bits(PUBLIC_OF_SITES + id.0));
        if gate.is_nat() {
            self.homes.insert(public, Home::Site(id));
        }
        self.sites.push(Site::new(gate, public));
        id
    }

    /// Adds the next host.
    pub(super) fn add(&mut self, site: Option<SiteId>) {
        let host = HostId(self.places.len() as u32);
        self.places.push(site);
        self.homes.extend(self.both_addrs(host).map(|addr| (addr, Home::Host(host))));
    }

    /// The addresses that a host has by its number and its place.
    pub(crate) fn both_addrs(&self, host: HostId) -> [IpAddr; 2] {
        let base = if self.gate(host).is_nat() { PRIVATE } else { PUBLIC };
        let v6 = Ipv6Addr::from_bits(PUBLIC_6 + u128::from(host.0));
        [IpAddr::V4(Ipv4Addr::from_bits(base + host.0)), IpAddr::V6(v6)]
    }

    /// Nobody is at this address any more.
    pub(crate) fn remove(&mut self, addr: IpAddr) {
        self.homes.remove(&addr);
    }

    pub(super) fn site_of(&self, host: HostId) -> Option<SiteId> {
        self.places.get(host.index()).copied().flatten()
    }

    fn site(&self, host: HostId) -> Option<&Site> {
        self.sites.get(self.site_of(host)?.index())
    }

    fn gate(&self, host: HostId) -> Gate {
        self.site(host).map_or(Gate::Open, |site| site.gate)
    }

    /// Whether two hosts are on one local network.
    pub(crate) fn together(&self, a: HostId, b: HostId) -> bool {
        !self.sites.is_empty() && self.site_of(a).is_some_and(|site| self.site_of(b) == Some(site))
    }

    /// The gate of a host's place lets everything through that comes for this port.
    pub(crate) fn forward(&mut self, host: HostId, port: u16) {
        if let Some(id) = self.site_of(host)
            && let Some(site) = self.sites.get_mut(id.index())
        {
            site.forward(port, host);
        }
    }

    /// How an address and port of a host look to somebody at `by`; `None`: to the world.
    pub(crate) fn seen(&self, host: HostId, addr: SocketAddr, by: Option<IpAddr>) -> SocketAddr {
        match self.site(host) {
            Some(site)
                if site.gate.is_nat() && addr.is_ipv4() && !by.is_some_and(|by| self.is_inside(host, by)) =>
            {
                SocketAddr::new(site.public, addr.port())
            }
            _ => addr,
        }
    }

    /// Whether an address is one of a host on the same local network.
    fn is_inside(&self, host: HostId, addr: IpAddr) -> bool {
        matches!(self.homes.get(&addr), Some(Home::Host(other)) if self.together(host, *other))
    }

    /// The host to which a stream is opened that is asked for so; `None`: nobody answers.
    pub(super) fn leads_to(&self, from: HostId, to: SocketAddr) -> Option<HostId> {
        match *self.homes.get(&to.ip())? {
            Home::Host(host) if host == from || self.together(from, host) => Some(host),
            Home::Host(host) => {
                let gate = self.gate(host);
                let forwarded = || self.site(host).is_some_and(|s| s.forwarded(to.port()) == Some(host));
                let hidden = gate.is_nat() && to.is_ipv4();
                (gate == Gate::Open || (!hidden && forwarded())).then_some(host)
            }
            // Its own hosts do not get in from outside.
            Home::Site(site) if self.site_of(from) == Some(site) => None,
            Home::Site(site) => self.sites.get(site.index())?.forwarded(to.port()),
        }
    }

    /// A datagram leaves a host: where it comes from, as the receiver sees it.
    pub(super) fn leaves(
        &mut self,
        now: Instant,
        host: HostId,
        from: SocketAddr,
        to: SocketAddr,
    ) -> SocketAddr {
        if self.is_inside(host, to.ip()) {
            return from;
        }
        let Some(site) = self.site_of(host).and_then(|id| self.sites.get_mut(id.index())) else {
            return from;
        };
        let number = site.leaves(now, host, from.port(), to);
        if site.gate.is_nat() && from.is_ipv4() { SocketAddr::new(site.public, number) } else { from }
    }

    /// A host that is where an address leads, to know how far that is.
    pub(super) fn near(&self, to: SocketAddr) -> Option<HostId> {
        match *self.homes.get(&to.ip())? {
            Home::Host(host) => Some(host),
            Home::Site(site) => {
                (0..).map(HostId).zip(&self.places).find(|(_, p)| **p == Some(site)).map(|(h, _)| h)
            }
        }
    }

    /// The host and the port that a datagram gets to, if it does.
    pub(super) fn lets_in(
        &self,
        now: Instant,
        sender: HostId,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<(HostId, u16)> {
        match *self.homes.get(&to.ip())? {
            Home::Host(host) if host == sender || self.together(sender, host) => Some((host, to.port())),
            Home::Host(host) => match self.site(host) {
                Some(site) if site.gate.is_nat() && to.is_ipv4() => None,
                Some(site) => site.lets_in(now, from, host, to.port()).then_some((host, to.port())),
                None => Some((host, to.port())),
            },
            Home::Site(site) if self.site_of(sender) == Some(site) => None,
            Home::Site(site) => self.sites.get(site.index())?.comes_to_public(now, from, to.port()),
        }
    }
}

/// Ways that are special.
impl Routes {
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
