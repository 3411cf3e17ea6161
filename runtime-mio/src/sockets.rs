//! The sockets of a session: which connection stands behind which token, and which can be read or written.

use crate::wake::Wake;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use peerless_core::ConnId;
use peerless_runtime::Stream;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// Tokens before those of connections: the wake-up, and a listener for each family.
const FIXED: usize = 3;

/// A connection with what the last events said of it. Events are edges, so this is the only memory of them.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnId,
    pub(crate) stream: Stream,
    pub(crate) can_read: bool,
    pub(crate) can_write: bool,
    /// The engine wants to hear from it.
    pub(crate) reading: bool,
    /// It stands in the queue of ready ones.
    queued: bool,
}

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) can_accept: bool,
}

/// All sockets of a session.
#[derive(Debug)]
pub(crate) struct Sockets {
    registry: Registry,
    first: usize,
    wake: Arc<Wake>,
    pub(crate) listeners: Vec<Listener>,
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    by_id: BTreeMap<ConnId, usize>,
    ready: VecDeque<usize>,
}

impl Sockets {
    /// `wake` has the token `first`, the others follow.
    pub(crate) fn new(
        registry: Registry,
        first: Token,
        wake: Arc<Wake>,
        listeners: Vec<TcpListener>,
    ) -> io::Result<Self> {
        let listeners: Vec<Listener> =
            listeners.into_iter().map(|socket| Listener { socket, can_accept: true }).collect();
        for (n, listener) in listeners.iter().enumerate() {
            let fd = listener.socket.as_raw_fd();
            registry.register(&mut SourceFd(&fd), Token(first.0 + 1 + n), Interest::READABLE)?;
        }
        Ok(Self {
            registry,
            first: first.0,
            wake,
            listeners,
            slots: Vec::new(),
            free: Vec::new(),
            by_id: BTreeMap::new(),
            ready: VecDeque::new(),
        })
    }

    /// Notes what an event says. Events of others, and late ones of connections that are gone, are ignored.
    pub(crate) fn note(&mut self, event: &mio::event::Event) {
        let Some(n) = event.token().0.checked_sub(self.first) else { return };
        if n == 0 {
            self.wake.drain();
            return;
        }
        if let Some(listener) = n.checked_sub(1).and_then(|n| self.listeners.get_mut(n)) {
            listener.can_accept = true;
            return;
        }
        let Some(slot) = n.checked_sub(FIXED) else { return };
        if let Some(Some(connection)) = self.slots.get_mut(slot) {
            connection.can_read |= event.is_readable() || event.is_read_closed() || event.is_error();
            connection.can_write |= event.is_writable() || event.is_write_closed() || event.is_error();
            self.queue(slot);
        }
    }

    /// Takes on a connection and begins to watch it.
    pub(crate) fn insert(&mut self, id: ConnId, stream: Stream) -> io::Result<()> {
        let slot = self.free.pop().unwrap_or(self.slots.len());
        let token = Token(self.first + FIXED + slot);
        let fd = stream.socket().as_raw_fd();
        if let Err(e) =
            self.registry.register(&mut SourceFd(&fd), token, Interest::READABLE | Interest::WRITABLE)
        {
            if slot < self.slots.len() {
                self.free.push(slot);
            }
            return Err(e);
        }
        let connection =
            Connection { id, stream, can_read: false, can_write: false, reading: true, queued: false };
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(connection);
        self.by_id.insert(id, slot);
        Ok(())
    }

    /// Closes a connection.
    pub(crate) fn remove(&mut self, id: ConnId) {
        let Some(slot) = self.by_id.remove(&id) else { return };
        if let Some(connection) = self.slots[slot].take() {
            // Closing the descriptor ends the watching as well; this only keeps late events away.
            let _ = self.registry.deregister(&mut SourceFd(&connection.stream.socket().as_raw_fd()));
            self.free.push(slot);
        }
    }

    pub(crate) fn by_id(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.slots[*self.by_id.get(&id)?].as_mut()
    }

    /// Makes sure that a connection gets its turn.
    pub(crate) fn queue_id(&mut self, id: ConnId) {
        if let Some(slot) = self.by_id.get(&id).copied() {
            self.queue(slot);
        }
    }

    fn queue(&mut self, slot: usize) {
        if let Some(Some(connection)) = self.slots.get_mut(slot)
            && !connection.queued
        {
            connection.queued = true;
            self.ready.push_back(slot);
        }
    }

    /// How many connections wait for their turn.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The next connection whose turn it is.
    pub(crate) fn next_ready(&mut self) -> Option<ConnId> {
        while let Some(slot) = self.ready.pop_front() {
            if let Some(Some(connection)) = self.slots.get_mut(slot) {
                connection.queued = false;
                return Some(connection.id);
            }
        }
        None
    }

    /// Whether somebody waits to be accepted.
    pub(crate) fn can_accept(&self) -> bool {
        self.listeners.iter().any(|listener| listener.can_accept)
    }
}
