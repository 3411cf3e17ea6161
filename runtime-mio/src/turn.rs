//! One turn of the loop: sockets that are ready, then what the engine asks for. Bounded, so that no connection
//! and no flood of them keeps the others waiting.

use crate::session::MioSession;
use peerless_core::{Action, ConnId, Input, NetError};
use peerless_runtime::{MAX_SERVED, Read, Stream, net};
use std::io::ErrorKind;

/// Reads from one connection in one turn.
const MAX_READS: usize = 8;
/// Connections accepted in one turn.
const MAX_ACCEPTS: usize = 64;

impl MioSession {
    /// Lets every socket that is ready have its turn, and performs what the engine asks for. To be called after a batch
    /// of [`ready`](Self::ready), when [`timeout`](Self::timeout) has come, and after a command. It takes a bounded
    /// time.
    pub fn turn(&mut self) {
        self.shared.collect();
        for _ in 0..self.sockets.ready() {
            let Some(id) = self.sockets.next_ready() else { break };
            self.take_turn(id);
        }
        if self.accepting {
            self.accept();
        }
        if self.shared.timeout().is_some_and(|left| left.is_zero()) {
            self.shared.handle(Input::Timeout);
        }
        self.perform();
        for _ in 0..MAX_SERVED {
            if !self.shared.read() {
                break;
            }
            self.perform();
        }
    }

    fn take_turn(&mut self, id: ConnId) {
        let Some(connection) = self.sockets.by_id(id) else { return };
        if connection.stream.is_connecting() {
            if !connection.can_write {
                return;
            }
            connection.can_write = false;
            match connection.stream.finish_connecting() {
                None => return,
                Some(Ok(local)) => {
                    connection.can_write = true;
                    self.shared.handle(Input::Connected { conn: id, local });
                }
                Some(Err(error)) => {
                    self.sockets.remove(id);
                    self.shared.handle(Input::ConnectFailed { conn: id, error });
                    return;
                }
            }
        }
        self.flush(id);
        self.read(id);
    }

    fn read(&mut self, id: ConnId) {
        for _ in 0..MAX_READS {
            let Some(connection) = self.sockets.by_id(id) else { return };
            if !connection.can_read || !connection.reading {
                return;
            }
            match connection.stream.read(&mut self.buffer) {
                Read::Data(data) => {
                    // In this order: what has arrived counts even if nothing can be sent any more.
                    if !data.is_empty() {
                        self.shared.handle(Input::Received { conn: id, data });
                    }
                    self.flush(id);
                }
                Read::Nothing => {
                    connection.can_read = false;
                    return;
                }
                Read::End => return self.gone(id, None),
                Read::Broken(error) => return self.gone(id, Some(error)),
            }
            // What the engine decides on these bytes (to stop reading, to close) comes before the next.
            self.perform();
        }
        self.sockets.queue_id(id);
    }

    /// Sends what waits on a connection.
    fn flush(&mut self, id: ConnId) {
        let Some(connection) = self.sockets.by_id(id) else { return };
        if !connection.can_write || !connection.stream.has_unsent() {
            return;
        }
        match connection.stream.flush() {
            Ok(bytes) => {
                connection.can_write = !connection.stream.has_unsent();
                if bytes > 0 {
                    self.shared.handle(Input::Sent { conn: id, bytes });
                }
            }
            Err(error) => self.gone(id, Some(error)),
        }
    }

    fn gone(&mut self, id: ConnId, error: Option<NetError>) {
        self.sockets.remove(id);
        self.shared.handle(Input::Closed { conn: id, error });
    }

    fn accept(&mut self) {
        for n in 0..self.sockets.listeners.len() {
            for _ in 0..MAX_ACCEPTS {
                let listener = &mut self.sockets.listeners[n];
                if !listener.can_accept {
                    break;
                }
                match listener.socket.accept() {
                    Ok((socket, remote)) => self.accepted(socket, remote),
                    Err(e) if e.kind() == ErrorKind::WouldBlock => listener.can_accept = false,
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => {
                        // A connection that was given up while it waited is one less. Anything else would be
                        // said again at once, and is asked for when something has happened there: only for
                        // descriptors the engine sets the time.
                        let error = net::net_error(&e);
                        listener.can_accept = matches!(error, NetError::Reset | NetError::TooManyFiles);
                        self.shared.handle(Input::AcceptFailed { error });
                        break;
                    }
                }
            }
        }
    }

    fn accepted(&mut self, socket: std::net::TcpStream, remote: std::net::SocketAddr) {
        let Ok(stream) = Stream::accepted(socket) else { return };
        let conn = ConnId::accepted(self.accepted);
        self.accepted += 1;
        if self.sockets.insert(conn, stream).is_ok() {
            self.shared.handle(Input::Accepted { conn, remote });
        }
    }

    /// Performs what the engine asks for, and what that brings about, until it asks for nothing more.
    pub(crate) fn perform(&mut self) {
        loop {
            while let Some(action) = self.shared.next_action() {
                self.act(action);
            }
            let Some(id) = self.unflushed.pop() else { return };
            self.flush(id);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect { conn, remote, tls } => self.connect(conn, remote, tls.as_deref()),
            Action::Send { conn, data } => self.send(conn, data),
            Action::SetReadable { conn, readable } => {
                if let Some(connection) = self.sockets.by_id(conn) {
                    connection.reading = readable;
                    self.sockets.queue_id(conn);
                }
            }
            Action::Close { conn } => self.sockets.remove(conn),
            Action::SetAccepting { accepting } => self.accepting = accepting,
            // `Shared` keeps these to itself.
            Action::Resolve { .. } | Action::Disk { .. } | Action::Cancel { .. } => {}
        }
    }

    fn connect(&mut self, conn: ConnId, remote: std::net::SocketAddr, tls: Option<&str>) {
        let opened = self
            .shared
            .connect(remote, tls)
            .and_then(|stream| self.sockets.insert(conn, stream).map_err(|e| net::net_error(&e)));
        if let Err(error) = opened {
            self.shared.handle(Input::ConnectFailed { conn, error });
        }
    }

    /// Queues bytes. They leave when the engine has nothing more to say, so that many go in one call.
    fn send(&mut self, conn: ConnId, data: bytes::Bytes) {
        let Some(connection) = self.sockets.by_id(conn) else { return };
        let was_empty = !connection.stream.has_unsent();
        match connection.stream.queue(data) {
            Ok(()) if was_empty => self.unflushed.push(conn),
            Ok(()) => {}
            Err(error) => self.gone(conn, Some(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_runtime::{Listen, Session, Settings};
    use std::net::{Shutdown, TcpStream};
    use std::time::{Duration, Instant};

    #[test]
    fn a_listener_that_fails_for_good_is_left_alone() {
        let listen = Some(Listen::loopback(0));
        let mut session = MioSession::open(Settings { listen, ..Settings::default() }).unwrap();
        // Nobody listens there any more: each look gives an error, and is always possible.
        let [broken, rest @ ..] = &session.sockets.listeners[..] else { panic!("no port on loopback") };
        socket2::SockRef::from(&broken.socket).shutdown(Shutdown::Both).unwrap();
        let whole = rest.first().map(|listener| listener.socket.local_addr().unwrap());
        for _ in 0..3 {
            assert_eq!(session.wait(Some(Duration::from_millis(1))), Ok(None));
        }
        assert!(!session.sockets.listeners[0].can_accept);
        assert_ne!(session.timeout(), Some(Duration::ZERO), "it would never rest");

        // The other one is not concerned.
        let Some(whole) = whole else { return };
        let _peer = TcpStream::connect(whole).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while session.accepted == 0 {
            assert!(Instant::now() < deadline, "nobody was accepted");
            session.wait(Some(Duration::from_millis(10))).unwrap();
        }
    }
}
