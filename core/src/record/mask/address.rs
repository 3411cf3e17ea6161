//! Addresses for addresses: numbered as they come, in a network that is good for the same.
//!
//! ```text
//! internet             11.0.0.1, 11.0.0.2 …       2600:0:0:1::1 …
//! own networks         10.0.0.1, 10.0.0.2 …       fd00:0:0:1::1 …
//! the own link                                    fe80::1 …
//! any other            10.0.0.1, 10.0.0.2 …       2001:db8:0:1::1 …
//! ```
//!
//! Two IPv6 addresses of one network (/64) stay of one network. What is no machine's address, and this machine's
//! own, stays as it is.

use crate::tracker::reach;
use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands for what.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    v4: Numbers<Ipv4Addr>,
    /// By the first half of the address, and what it becomes the first half of.
    networks: Numbers<(u64, u32)>,
    v6: Numbers<Ipv6Addr>,
}

/// Each thing has a number, from 1.
#[derive(Debug)]
struct Numbers<T>(BTreeMap<T, u32>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Numbers<T> {
    fn of(&mut self, thing: T) -> u32 {
        let next = u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX);
        *self.0.entry(thing).or_insert(next)
    }
}

impl Addresses {
    pub(super) fn len(&self) -> usize {
        self.v4.0.len() + self.networks.0.len() + self.v6.0.len()
    }

    pub(super) fn ip(&mut self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(v4) => self.v4(v4).into(),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => self.v4(v4).to_ipv6_mapped().into(),
                None => self.v6(v6).into(),
            },
        }
    }

    fn v4(&mut self, ip: Ipv4Addr) -> Ipv4Addr {
        let [first, ..] = ip.octets();
        if first == 0 || first >= 224 || ip.is_loopback() {
            return ip;
        }
        let network = if reach::is_global(ip.into()) { 11 } else { 10 };
        let [_, b, c, d] = self.v4.of(ip).to_be_bytes();
        Ipv4Addr::new(network, b, c, d)
    }

    fn v6(&mut self, ip: Ipv6Addr) -> Ipv6Addr {
        if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() {
            return ip;
        }
        let host = self.v6.of(ip);
        if ip.is_unicast_link_local() {
            return Ipv6Addr::from_bits(0xfe80 << 112 | u128::from(host));
        }
        let prefix = match ip {
            _ if reach::is_global(ip.into()) => 0x2600_0000,
            _ if ip.is_unique_local() => 0xfd00_0000,
            _ => 0x2001_0db8,
        };
        let half = u64::try_from(ip.to_bits() >> 64).unwrap_or_default();
        let network = self.networks.of((half, prefix));
        Ipv6Addr::from_bits(u128::from(prefix) << 96 | u128::from(network) << 64 | u128::from(host))
    }
}
