//! Places whose hosts share a local network, and what stands between it and the world: nothing, a firewall, a NAT.

use super::HostId;
use peerless_core::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// What a datagram that was sent has opened stays open for so long.
const LIFE: Duration = Duration::from_secs(120);

/// What stands between a place and the world. A stream from outside gets through an open one only, or to a port
/// that is forwarded; what differs is which datagrams get in.
///
/// A NAT is one for addresses of the fourth version: its hosts have addresses of their own that nobody outside can
/// reach, and all share the one of the NAT. In the sixth version each has its own, behind a firewall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// Everything gets in.
    #[default]
    Open,
    /// Only what answers something that was sent from inside.
    Firewall,
    /// A NAT: whatever comes for a port from which anything was sent.
    FullCone,
    /// A NAT: what comes from an address to which that port has sent something.
    AddressRestricted,
    /// A NAT: what comes from the very address and port to which something was sent. Each of them sees another port.
    Symmetric,
}

impl Gate {
    /// Whether it translates addresses.
    pub const fn is_nat(self) -> bool {
        matches!(self, Self::FullCone | Self::AddressRestricted | Self::Symmetric)
    }
}

/// A place with a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub(super) u32);

impl SiteId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A port of a host inside, and for a symmetric NAT whom it speaks to.
type Inside = (HostId, u16, Option<SocketAddr>);

/// See the module.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) gate: Gate,
    /// What the world sees of all its hosts, if it is a NAT.
    pub(super) public: IpAddr,
    /// Ports that lead to a host, whatever comes.
    forwards: BTreeMap<u16, HostId>,
    /// To whom each port of a host has sent datagrams, and when last.
    sent: BTreeMap<(HostId, u16), BTreeMap<SocketAddr, Instant>>,
    /// The ports that the world sees.
    outside: BTreeMap<Inside, u16>,
    inside: BTreeMap<u16, Inside>,
    next_port: u16,
}

impl Site {
    pub(super) const fn new(gate: Gate, public: IpAddr) -> Self {
        Self {
            gate,
            public,
            forwards: BTreeMap::new(),
            sent: BTreeMap::new(),
            outside: BTreeMap::new(),
            inside: BTreeMap::new(),
            next_port: 1_024,
        }
    }

    /// From now on this port leads to a host.
    pub(super) fn forward(&mut self, port: u16, host: HostId) {
        self.forwards.insert(port, host);
    }

    /// Whose a port is that is forwarded.
    pub(super) fn forwarded(&self, port: u16) -> Option<HostId> {
        self.forwards.get(&port).copied()
    }

    /// A datagram leaves from a port of a host: the port that the world sees.
    pub(super) fn leaves(&mut self, now: Instant, host: HostId, port: u16, to: SocketAddr) -> u16 {
        let sent = self.sent.entry((host, port)).or_default();
        sent.retain(|_, at| now.since(*at) < LIFE);
        let was_open = if self.gate == Gate::Symmetric { sent.contains_key(&to) } else { !sent.is_empty() };
        sent.insert(to, now);
        if self.forwarded(port) == Some(host) {
            return port;
        }
        let inside = (host, port, (self.gate == Gate::Symmetric).then_some(to));
        if let Some(number) = self.outside.get(&inside).copied() {
            if was_open {
                return number;
            }
            // It was closed meanwhile: this is another one.
            self.outside.remove(&inside);
            self.inside.remove(&number);
        }
        let number = self.free_port(port);
        self.outside.insert(inside, number);
        self.inside.insert(number, inside);
        number
    }

    /// A port that the world has not seen in use: the same as inside where that is possible.
    fn free_port(&mut self, wanted: u16) -> u16 {
        let is_free = |site: &Self, port| !site.inside.contains_key(&port) && site.forwarded(port).is_none();
        if self.gate != Gate::Symmetric && is_free(self, wanted) {
            return wanted;
        }
        for _ in 0..u16::MAX {
            self.next_port = self.next_port.checked_add(1).unwrap_or(1_024);
            if is_free(self, self.next_port) {
                break;
            }
        }
        self.next_port
    }

    /// A datagram from outside comes for a port that the world sees: to which host and port it gets, if it does.
    pub(super) fn comes_to_public(&self, now: Instant, from: SocketAddr, port: u16) -> Option<(HostId, u16)> {
        if let Some(host) = self.forwarded(port) {
            return Some((host, port));
        }
        let (host, port, _) = *self.inside.get(&port)?;
        self.lets_in(now, from, host, port).then_some((host, port))
    }

    /// Whether a datagram from outside gets to a port of a host that has an address of its own.
    pub(super) fn lets_in(&self, now: Instant, from: SocketAddr, host: HostId, port: u16) -> bool {
        if self.gate == Gate::Open || self.forwarded(port) == Some(host) {
            return true;
        }
        let Some(sent) = self.sent.get(&(host, port)) else { return false };
        let mut open = sent.iter().filter(|(_, at)| now.since(**at) < LIFE).map(|(to, _)| to);
        match self.gate {
            Gate::FullCone if from.is_ipv4() => open.next().is_some(),
            Gate::AddressRestricted if from.is_ipv4() => open.any(|to| to.ip() == from.ip()),
            _ => open.any(|to| *to == from),
        }
    }
}

/// Who listens to which group, on which network.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeSet<(SiteId, SocketAddr, HostId)>);

impl Groups {
    pub(super) fn join(&mut self, site: SiteId, group: SocketAddr, host: HostId) {
        self.0.insert((site, group, host));
    }

    pub(super) fn leave_all(&mut self, host: HostId) {
        if !self.0.is_empty() {
            self.0.retain(|(_, _, member)| *member != host);
        }
    }

    pub(super) fn members(&self, site: SiteId, group: SocketAddr) -> impl Iterator<Item = HostId> + '_ {
        let range = (site, group, HostId(0))..=(site, group, HostId(u32::MAX));
        self.0.range(range).map(|(_, _, host)| *host)
    }
}
