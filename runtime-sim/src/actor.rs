//! What runs on a host that has no engine: trackers, scripted peers, anything that speaks over streams.

use crate::dice::Dice;
use crate::net::{End, HostId, Network, from_port};
use bytes::Bytes;
use peerless_core::{Instant, NetError};
use std::any::Any;
use std::net::{IpAddr, SocketAddr};

/// A program on a host. It is told what happens and acts through [`Cx`]; everything it does not care for it
/// leaves out.
pub trait Actor: Any {
    /// The host has started.
    fn start(&mut self, _cx: &mut Cx<'_>) {}
    /// A stream that it opened is open.
    fn connected(&mut self, _cx: &mut Cx<'_>, _end: End) {}
    /// A stream that it opened could not be.
    fn connect_failed(&mut self, _cx: &mut Cx<'_>, _end: End, _error: NetError) {}
    /// Somebody opened a stream to it, to this port.
    fn accepted(&mut self, _cx: &mut Cx<'_>, _end: End, _remote: SocketAddr, _port: u16) {}
    /// Bytes came.
    fn received(&mut self, _cx: &mut Cx<'_>, _end: End, _data: Bytes) {}
    /// So many bytes that it sent have left the host.
    fn sent(&mut self, _cx: &mut Cx<'_>, _end: End, _bytes: usize) {}
    /// The other side sends nothing more on a stream; it may still take what comes. Unless the actor says something
    /// else, it closes the stream too.
    fn ended(&mut self, cx: &mut Cx<'_>, end: End) {
        cx.close(end);
        self.closed(cx, end, None);
    }
    /// A stream is gone: both sides have ended it, or it broke.
    fn closed(&mut self, _cx: &mut Cx<'_>, _end: End, _error: Option<NetError>) {}
    /// A datagram came from there, to this port.
    fn datagram(&mut self, _cx: &mut Cx<'_>, _from: SocketAddr, _port: u16, _data: Bytes) {}
    /// The time that it asked for with [`Cx::wake_at`] has come.
    fn woken(&mut self, _cx: &mut Cx<'_>) {}
}

/// What an actor can do.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The virtual time.
    pub now: Instant,
    /// The host that the actor runs on.
    pub host: HostId,
    /// Randomness of this host.
    pub dice: &'a mut Dice,
    pub(crate) addrs: &'a [IpAddr],
    pub(crate) port: u16,
    pub(crate) net: &'a mut Network,
    pub(crate) wakes: &'a mut Vec<Instant>,
}

impl Cx<'_> {
    /// Where others look for this host: it listens there only if it is told to.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.addrs[0], self.port)
    }

    /// Takes streams to this port from now on.
    pub fn listen(&mut self, port: u16) {
        self.net.listen(self.host, port);
    }

    /// Opens a stream. Nothing may be sent before [`Actor::connected`].
    pub fn connect(&mut self, remote: SocketAddr) -> End {
        let local = local_for(self.addrs, remote);
        self.net.connect(self.now, self.host, local, remote)
    }

    /// Sends bytes.
    pub fn send(&mut self, end: End, data: impl Into<Bytes>) {
        self.net.send(self.now, end, data.into());
    }

    /// Stops or goes on taking what comes.
    pub fn set_readable(&mut self, end: End, readable: bool) {
        self.net.set_readable(self.now, end, readable);
    }

    /// Says that nothing more will be sent; what comes is still taken. The other side hears of it
    /// ([`Actor::ended`]) when it has all that was sent before. May be said of a stream that is being opened.
    pub fn shut(&mut self, end: End) {
        self.net.shut(self.now, end);
    }

    /// Ends a stream in order. What has not left is dropped.
    pub fn close(&mut self, end: End) {
        self.net.close(self.now, end, None);
    }

    /// Breaks a stream: the other side sees a reset.
    pub fn reset(&mut self, end: End) {
        self.net.close(self.now, end, Some(NetError::Reset));
    }

    /// Sends a datagram from this port. Whether it could leave: not if it is longer than the link takes
    /// ([`Link::mtu`](crate::Link)), or the host has no address of that family.
    pub fn send_datagram(&mut self, port: u16, to: SocketAddr, data: impl Into<Bytes>) -> bool {
        let from = from_port(local_for(self.addrs, to), port);
        self.net.send_datagram(self.now, self.host, from, to, data.into())
    }

    /// Listens to a multicast group on the local network.
    pub fn join(&mut self, group: SocketAddr) {
        self.net.join(self.host, group);
    }

    /// Asks for [`Actor::woken`] at this time.
    pub fn wake_at(&mut self, at: Instant) {
        self.wakes.push(at);
    }
}

/// The address of a host from which it reaches `remote`; `None` where it has none of that family.
pub(crate) fn local_for(addrs: &[IpAddr], remote: SocketAddr) -> Option<IpAddr> {
    addrs.iter().find(|addr| addr.is_ipv4() == remote.is_ipv4()).copied()
}
