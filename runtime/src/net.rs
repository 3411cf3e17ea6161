//! Sockets: how they are opened, and what their errors are called.

use crate::settings::Listen;
use peerless_core::NetError;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;
/// Ports tried in a row before any is taken.
const PORTS_TRIED: u16 = 10;
/// How often one port is looked for that is free for both IPv4 and IPv6.
const PAIRS_TRIED: usize = 8;

/// Opens nonblocking listening sockets, at most one for each of IPv4 and IPv6, with their addresses.
///
/// The same port in both where that is possible: the one asked for, one of the next nine, or any. A family
/// that the machine does not have is left out; where nothing can be had the answer is empty.
pub fn listen(settings: &Listen) -> (Vec<TcpListener>, Vec<SocketAddr>) {
    let sockets = listen_on_one_port(settings);
    let addresses = sockets.iter().filter_map(|s| s.local_addr().ok()).collect();
    (sockets, addresses)
}

fn listen_on_one_port(settings: &Listen) -> Vec<TcpListener> {
    let mut best = Vec::new();
    let named = if settings.port == 0 { 0 } else { PORTS_TRIED };
    let ports =
        (0..named).filter_map(|n| settings.port.checked_add(n)).chain(std::iter::repeat_n(0, PAIRS_TRIED));
    for port in ports {
        match listen_on(settings, port) {
            Ok(sockets) => return sockets,
            Err(Partial(sockets)) if sockets.len() > best.len() => best = sockets,
            Err(_) => {}
        }
    }
    best
}

/// What could be had where one family's port was taken.
struct Partial(Vec<TcpListener>);

fn listen_on(settings: &Listen, mut port: u16) -> Result<Vec<TcpListener>, Partial> {
    let v4 = settings.v4.map(|ip| SocketAddr::from((ip, 0)));
    let v6 = settings.v6.map(|ip| SocketAddr::from((ip, 0)));
    let mut sockets = Vec::new();
    let mut taken = false;
    for mut address in v4.into_iter().chain(v6) {
        address.set_port(port);
        match listener(address) {
            Ok(socket) => {
                port = socket.local_addr().map_or(port, |a| a.port());
                sockets.push(socket);
            }
            Err(e) => taken |= matches!(e.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied),
        }
    }
    if taken { Err(Partial(sockets)) } else { Ok(sockets) }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Begins to connect, without waiting: the socket becomes writable when it is decided, and
/// [`connected`] says how. An error here is final.
pub fn connect(remote: SocketAddr) -> Result<TcpStream, NetError> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))
        .and_then(|s| s.set_nonblocking(true).and_then(|()| s.set_tcp_nodelay(true)).map(|()| s))
        .map_err(|e| net_error(&e))?;
    match socket.connect(&remote.into()) {
        Ok(()) => Ok(socket.into()),
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => Ok(socket.into()),
        Err(e) => Err(net_error(&e)),
    }
}

/// How a connection that [`connect`] began stands: `None` while it is being opened, then our own address or
/// why it failed.
pub fn connected(socket: &impl AsFd) -> Option<Result<SocketAddr, NetError>> {
    let socket = SockRef::from(socket);
    match socket.take_error() {
        Ok(None) => {}
        Ok(Some(e)) | Err(e) => return Some(Err(net_error(&e))),
    }
    match socket.peer_addr() {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotConnected => return None,
        Err(e) => return Some(Err(net_error(&e))),
    }
    let local = socket.local_addr().map(|a| a.as_socket());
    Some(match local {
        Ok(Some(local)) => Ok(local),
        Ok(None) => Err(NetError::Reset),
        Err(e) => Err(net_error(&e)),
    })
}

/// Prepares a connection that was accepted: nonblocking, small packets sent at once.
pub fn accepted(socket: &impl AsFd) -> Result<(), NetError> {
    let socket = SockRef::from(socket);
    socket.set_nonblocking(true).and_then(|()| socket.set_tcp_nodelay(true)).map_err(|e| net_error(&e))
}

/// What the core calls an error of a socket.
pub fn net_error(error: &io::Error) -> NetError {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNREFUSED) => NetError::Refused,
        Some(Errno::TIMEDOUT) => NetError::TimedOut,
        Some(
            Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN | Errno::HOSTDOWN | Errno::AFNOSUPPORT,
        ) => NetError::Unreachable,
        Some(Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE | Errno::NOTCONN) => NetError::Reset,
        Some(Errno::ADDRNOTAVAIL) => NetError::NoPort,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => NetError::TooManyFiles,
        Some(Errno::ACCESS | Errno::PERM) => NetError::Denied,
        Some(_) => NetError::Other { code: error.raw_os_error().unwrap_or(0), text: system_text(error) },
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => NetError::Reset,
            io::ErrorKind::TimedOut => NetError::TimedOut,
            _ => NetError::Other { code: 0, text: system_text(error) },
        },
    }
}

/// The system's words, without the number that `std` adds.
pub(crate) fn system_text(error: &io::Error) -> Box<str> {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::{Duration, Instant};

    fn outcome(socket: &TcpStream) -> Result<SocketAddr, NetError> {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if let Some(outcome) = connected(socket) {
                return outcome;
            }
            let mut fds = [rustix::event::PollFd::new(socket, rustix::event::PollFlags::OUT)];
            rustix::event::poll(&mut fds, None).unwrap();
        }
        panic!("neither connected nor failed");
    }

    #[test]
    fn both_families_listen_on_one_port() {
        let (sockets, addresses) = listen(&Listen::loopback(0));
        assert!(!sockets.is_empty());
        assert!(addresses.iter().all(|a| a.port() == addresses[0].port() && a.port() != 0));
    }

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let only_v4 = |port| Listen { port, v4: Some(Ipv4Addr::LOCALHOST), v6: None };
        let (_first, at) = listen(&only_v4(0));
        let (_second, other) = listen(&only_v4(at[0].port()));
        assert_eq!(other.len(), 1);
        assert_ne!(at[0].port(), other[0].port());
    }

    #[test]
    fn an_address_that_is_not_ours_leaves_us_without_a_listener() {
        let foreign = Listen { port: 0, v4: Some(Ipv4Addr::new(203, 0, 113, 1)), v6: None };
        assert!(listen(&foreign).0.is_empty());
        let none = Listen { port: 0, v4: None, v6: None::<Ipv6Addr> };
        assert!(listen(&none).0.is_empty());
    }

    #[test]
    fn a_connection_opens_and_carries_bytes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, from) = listener.accept().unwrap();
        assert_eq!(outcome(&ours).unwrap(), from);
        accepted(&theirs).unwrap();
        theirs.set_nonblocking(false).unwrap();
        ours.write_all(b"hello").unwrap();
        let mut got = [0; 5];
        theirs.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
    }

    #[test]
    fn a_closed_port_refuses() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = connect(free).and_then(|s| outcome(&s));
        assert_eq!(refused, Err(NetError::Refused));
    }

    #[test]
    fn errors_have_names() {
        let of = |e: rustix::io::Errno| net_error(&e.into());
        assert_eq!(of(rustix::io::Errno::MFILE), NetError::TooManyFiles);
        assert_eq!(of(rustix::io::Errno::ADDRNOTAVAIL), NetError::NoPort);
        let NetError::Other { code, text } = of(rustix::io::Errno::PROTO) else { panic!("no name for it") };
        assert_eq!(code, rustix::io::Errno::PROTO.raw_os_error());
        assert!(!text.contains("os error"), "{text}");
    }
}
