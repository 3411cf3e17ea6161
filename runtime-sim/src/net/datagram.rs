//! Datagrams: they share the links with the streams, and may be lost, come twice, or overtake one another.

use super::{HostId, NetEvent, Network};
use bytes::Bytes;
use peerless_core::Instant;
use std::net::{IpAddr, SocketAddr};

/// Bytes of datagrams that may wait for a link. What comes beyond is dropped.
const WAITING: usize = 256 << 10;

/// One on its way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    sender: HostId,
    from: SocketAddr,
    to: SocketAddr,
    /// The host and the port that it has got to.
    receiver: Option<(HostId, u16)>,
    data: Bytes,
}

impl Datagram {
    pub(super) fn bytes(&self) -> usize {
        self.data.len()
    }
}

/// One that has come for a host.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) host: HostId,
    /// The port that it was sent to.
    pub(crate) port: u16,
    pub(crate) from: SocketAddr,
    pub(crate) data: Bytes,
}

impl Network {
    /// Sends a datagram. Whether it could leave: its size is one that the link takes, and the host has an address
    /// of its family.
    pub(crate) fn send_datagram(
        &mut self,
        now: Instant,
        host: HostId,
        local: Option<SocketAddr>,
        to: SocketAddr,
        data: Bytes,
    ) -> bool {
        let port = &mut self.ports[host.index()];
        let Some(from) = local.filter(|_| data.len() <= port.link.mtu) else { return false };
        if port.mail_waiting + data.len() <= WAITING {
            port.mail_waiting += data.len();
            port.mail.push_back(Box::new(Datagram { sender: host, from, to, receiver: None, data }));
            self.start_uplink(now, host);
        }
        true
    }

    /// A host listens to a group, on the network of its site.
    pub(crate) fn join(&mut self, host: HostId, group: SocketAddr) {
        if let Some(site) = self.routes.site_of(host) {
            self.routes.groups.join(site, group, host);
        }
    }

    /// A datagram has passed the uplink.
    pub(super) fn datagram_left(&mut self, now: Instant, mut datagram: Box<Datagram>) {
        let (sender, to) = (datagram.sender, datagram.to);
        if to.ip().is_multicast() {
            let Some(site) = self.routes.site_of(sender) else { return };
            let members: Vec<HostId> = self.routes.groups.members(site, to).collect();
            for member in members.into_iter().filter(|member| *member != sender) {
                let copy = Datagram { receiver: Some((member, to.port())), ..(*datagram).clone() };
                self.datagram_flies(now, member, copy.into());
            }
            return;
        }
        datagram.from = self.routes.leaves(now, sender, datagram.from, to);
        // Where nobody is, nothing arrives.
        if let Some(receiver) = self.routes.near(to) {
            self.datagram_flies(now, receiver, datagram);
        }
    }

    fn datagram_flies(&mut self, now: Instant, receiver: HostId, datagram: Box<Datagram>) {
        let link = self.ports[datagram.sender.index()].link;
        let way = self.way(datagram.sender, receiver);
        let copies = 1 + u32::from(self.dice.chance(link.duplicate_permille));
        for _ in 0..copies {
            let loss = self.routes.loss(datagram.sender, receiver);
            if self.dice.chance(link.loss_permille) || self.dice.chance(loss) {
                continue;
            }
            let at = now + way + self.dice.time(link.jitter);
            self.plan(at, NetEvent::Datagram(datagram.clone()));
        }
    }

    /// A datagram has come to the gate of the network that it is for.
    pub(super) fn datagram_arrived(&mut self, now: Instant, mut datagram: Box<Datagram>) {
        if datagram.receiver.is_none() {
            datagram.receiver = self.routes.lets_in(now, datagram.sender, datagram.from, datagram.to);
        }
        let Some((host, _)) = datagram.receiver else { return };
        let reaches = self.reaches(datagram.sender, host);
        let port = &mut self.ports[host.index()];
        let bytes = datagram.bytes();
        if reaches && bytes <= port.link.mtu && port.mail_arrived + bytes <= WAITING {
            port.mail_arrived += bytes;
            port.arrived.push_back(super::link::Load::Datagram(datagram));
            self.start_downlink(now, host);
        }
    }

    /// A datagram has passed the downlink.
    pub(super) fn datagram_through(&mut self, datagram: Datagram) {
        if let Some((host, port)) = datagram.receiver {
            self.mail.push_back(Mail { host, port, from: datagram.from, data: datagram.data });
        }
    }
}

/// The address and port from which a host sends to a group or to another host.
pub(crate) fn from_port(local: Option<IpAddr>, port: u16) -> Option<SocketAddr> {
    local.map(|ip| SocketAddr::new(ip, port))
}
