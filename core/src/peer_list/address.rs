//! Which addresses are worth dialling at all, and the one form in which each is known.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The one form of an address: IPv4 where it is IPv4 in IPv6's clothes, and without a flow label.
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(_) => addr,
        SocketAddr::V6(mut v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => {
                v6.set_flowinfo(0);
                SocketAddr::V6(v6)
            }
        },
    }
}

/// Whether a connection to a canonical address can lead to a peer. Loopback and private addresses can: swarms
/// on one machine and in one house are real.
pub(super) fn is_dialable(addr: SocketAddr) -> bool {
    if addr.port() == 0 || addr.ip().is_unspecified() || addr.ip().is_multicast() {
        return false;
    }
    match addr {
        // 0.0.0.0/8 is "this network"; 240.0.0.0/4 was never given out, and ends in the broadcast address.
        SocketAddr::V4(v4) => (1..240).contains(&v4.ip().octets()[0]),
        // A link-local address without its interface leads nowhere.
        SocketAddr::V6(v6) => !is_link_local(v6.ip()) || v6.scope_id() != 0,
    }
}

/// Under which address a peer's connections are counted: a network of IPv6 (/64) belongs to one holder, who has
/// every address in it, but for local networks, where each is a neighbour's. `None` is this machine: all of its
/// peers have the same address.
pub(crate) fn holder(ip: IpAddr) -> Option<IpAddr> {
    let ip = ip.to_canonical();
    match ip {
        _ if ip.is_loopback() => None,
        IpAddr::V6(v6) if !is_link_local(&v6) && !v6.is_unique_local() => {
            let [a, b, c, d, ..] = v6.segments();
            Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
        }
        _ => Some(ip),
    }
}

/// fe80::/10.
const fn is_link_local(ip: &Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ipv4_in_ipv6_is_ipv4() {
        assert_eq!(canonical(addr("[::ffff:10.0.0.1]:6881")), addr("10.0.0.1:6881"));
        assert_eq!(canonical(addr("[2001:db8::1]:6881")), addr("[2001:db8::1]:6881"));
    }

    #[test]
    fn a_network_of_ipv6_is_one_holder_and_a_neighbour_is_another() {
        let of = |text: &str| holder(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("fd00::1"), of("fd00::2"));
        assert_ne!(of("fe80::1"), of("fe80::2"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
        for this_machine in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(this_machine), None, "{this_machine}");
        }
    }

    #[test]
    fn addresses_that_lead_to_no_peer_are_refused() {
        for text in [
            "10.0.0.1:0",
            "0.0.0.0:1",
            "0.1.2.3:1",
            "224.0.0.1:1",
            "239.192.152.143:6771",
            "240.0.0.1:1",
            "255.255.255.255:1",
            "[::]:1",
            "[ff02::1]:1",
            "[fe80::1]:1",
        ] {
            assert!(!is_dialable(addr(text)), "{text}");
        }
        for text in ["127.0.0.1:1", "10.1.2.3:6881", "223.255.255.1:1", "[::1]:1", "[fe80::1%2]:1"] {
            assert!(is_dialable(addr(text)), "{text}");
        }
    }
}
