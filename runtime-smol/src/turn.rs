//! One turn of the session: let tasks run, take in what they report, and do what the engine asks for.

use crate::acceptor;
use crate::connection::Connection;
use crate::desk::Report;
use crate::session::SmolSession;
use peerless_core::{Action, ConnId, Input, NetError};
use peerless_runtime::{MAX_SERVED, Stream, lock};
use std::net::{SocketAddr, TcpStream};

/// Tasks that have their turn in one turn of the session; then the reactor, the workers and the clock have
/// theirs.
const MAX_TICKS: usize = 64;

impl SmolSession {
    /// Does what is to be done now. Takes a bounded time, and says whether there is more.
    pub(crate) fn turn(&mut self) -> bool {
        if self.bell.was_rung() {
            self.shared.collect();
        }
        if self.shared.timeout().is_some_and(|left| left.is_zero()) {
            self.shared.handle(Input::Timeout);
        }
        self.perform();
        let mut served = 0;
        for _ in 0..MAX_TICKS {
            let ticked = self.executor.try_tick();
            if ticked {
                self.take_in();
            }
            // The next when the task that sends this one has had its turn.
            let read = served < MAX_SERVED && self.shared.read();
            if read {
                served += 1;
                self.perform();
            }
            if !ticked && !read {
                return self.shared.has_reads();
            }
        }
        true
    }

    /// Takes in what tasks reported.
    pub(crate) fn take_in(&mut self) {
        let mut reports = std::mem::take(&mut self.reports);
        std::mem::swap(&mut reports, &mut lock(&self.desk).reports);
        if !reports.is_empty() {
            for report in reports.drain(..) {
                match report {
                    Report::Input(input) => self.input(input),
                    Report::Accepted(socket, remote) => self.accepted(socket, remote),
                }
            }
            self.perform();
        }
        self.reports = reports;
    }

    fn input(&mut self, input: Input) {
        if let Input::Closed { conn, .. } | Input::ConnectFailed { conn, .. } = &input {
            self.connections.remove(conn);
        }
        self.shared.handle(input);
    }

    fn accepted(&mut self, socket: TcpStream, remote: SocketAddr) {
        let conn = ConnId::accepted(self.accepted);
        self.accepted += 1;
        let opened = Stream::accepted(socket).and_then(|stream| self.start(conn, stream));
        if opened.is_ok() {
            self.shared.handle(Input::Accepted { conn, remote });
        }
    }

    fn start(&mut self, conn: ConnId, stream: Stream) -> Result<(), NetError> {
        let connection = Connection::start(&self.executor, self.desk.clone(), conn, stream)?;
        self.connections.insert(conn, connection);
        Ok(())
    }

    /// Does what the engine asks for, until it asks for nothing more.
    fn perform(&mut self) {
        while let Some(action) = self.shared.next_action() {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect { conn, remote, tls } => self.connect(conn, remote, tls.as_deref()),
            Action::Send { conn, data } => {
                if let Some(connection) = self.connections.get(&conn) {
                    connection.send(data);
                }
            }
            Action::SetReadable { conn, readable } => {
                if let Some(connection) = self.connections.get(&conn) {
                    connection.set_readable(readable);
                }
            }
            Action::Close { conn } => drop(self.connections.remove(&conn)),
            Action::SetAccepting { accepting: true } => self.accept(),
            Action::SetAccepting { accepting: false } => self.acceptors.clear(),
            // `Shared` keeps these to itself.
            Action::Resolve { .. } | Action::Disk { .. } | Action::Cancel { .. } => {}
        }
    }

    fn connect(&mut self, conn: ConnId, remote: SocketAddr, tls: Option<&str>) {
        let opened = self.shared.connect(remote, tls).and_then(|stream| self.start(conn, stream));
        if let Err(error) = opened {
            self.shared.handle(Input::ConnectFailed { conn, error });
        }
    }

    /// Starts a task for each listener, if there is none yet.
    pub(crate) fn accept(&mut self) {
        if self.acceptors.is_empty() {
            let start = |listener: &_| {
                self.executor.spawn(acceptor::accept(std::sync::Arc::clone(listener), self.desk.clone()))
            };
            self.acceptors = self.listeners.iter().map(start).collect();
        }
    }

    /// Closes every socket. What tasks may still report of them is of no interest to anybody.
    pub(crate) fn close_all(&mut self) {
        self.connections.clear();
        self.acceptors.clear();
        self.listeners.clear();
        // A dropped task gives its socket back when the executor comes upon it.
        while self.executor.try_tick() {}
        lock(&self.desk).reports.clear();
    }
}
