//! Where tasks leave what they have to report, and the buffer that they read into.

use peerless_core::Input;
use peerless_runtime::ReceiveBuffer;
use std::net::{SocketAddr, TcpStream};

/// What a task has to say.
#[derive(Debug)]
pub(crate) enum Report {
    /// Something for the engine.
    Input(Input),
    /// Somebody connected.
    Accepted(TcpStream, SocketAddr),
}

/// Shared by the session and its tasks. They run in turn, so nobody ever waits for the lock.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) reports: Vec<Report>,
    pub(crate) buffer: ReceiveBuffer,
}

impl Desk {
    pub(crate) fn report(&mut self, input: Input) {
        self.reports.push(Report::Input(input));
    }
}
