//! What a recording tells without telling who and where: addresses, secrets and paths are replaced, the same one by
//! the same each time, so that the engine does the same with them.
//!
//! What an address is good for stays: this machine, its own network or the internet, IPv4 or IPv6, the network that
//! it shares with others, the port. What stays, too: the torrent but for its trackers' secrets, its data's size and
//! names, peer ids, names of trackers' hosts.

mod address;
mod answer;
mod stream;
#[cfg(test)]
mod tests;
mod url;

pub(super) use stream::Masked;

use crate::command::Command;
use crate::config::PeerAddr;
use crate::disk::{DiskError, DiskErrorKind};
use crate::ids::ConnId;
use crate::input::{Input, NetError, ResolveError};
use address::Addresses;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use stream::Stream;

/// What stands for a text that nothing depends on.
const TEXT: &str = "masked";

/// What stands for what, in one recording.
#[derive(Debug, Default)]
pub(in crate::record) struct Mask {
    addresses: Addresses,
    words: BTreeMap<Box<str>, usize>,
    /// What comes on each connection.
    streams: BTreeMap<ConnId, Stream>,
}

impl Mask {
    /// How many different things it has replaced.
    pub(super) fn len(&self) -> usize {
        self.addresses.len() + self.words.len()
    }

    fn ip(&mut self, ip: IpAddr) -> IpAddr {
        self.addresses.ip(ip)
    }

    fn socket(&mut self, mut addr: SocketAddr) -> SocketAddr {
        addr.set_ip(self.ip(addr.ip()));
        addr
    }

    /// A name or a secret.
    fn word(&mut self, word: &str) -> String {
        let next = self.words.len() + 1;
        format!("{TEXT}-{}", self.words.entry(word.into()).or_insert(next))
    }

    /// A connection is open.
    pub(super) fn opened(&mut self, conn: ConnId) {
        self.streams.insert(conn, Stream::new());
    }

    /// Nothing more is to come on a connection.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.streams.remove(&conn);
    }

    /// What is recorded in place of what came on a connection. `tracker`: no peer is asked what was asked there.
    pub(super) fn received(&mut self, conn: ConnId, data: &[u8], tracker: bool) -> Masked {
        let Some(mut stream) = self.streams.remove(&conn) else {
            // The engine has given it up, and does not look at this.
            return Masked { data: vec![0; data.len()], blocks: core::iter::once(0..data.len()).collect() };
        };
        let masked = stream.received(self, data, tracker);
        self.streams.insert(conn, stream);
        masked
    }

    /// A connection was closed: what has to be recorded as received before that, if anything.
    pub(super) fn closed(&mut self, conn: ConnId) -> Option<Vec<u8>> {
        self.streams.remove(&conn)?.closed(self)
    }

    /// An input, but for what came on a connection.
    pub(super) fn input(&mut self, input: &Input) -> Input {
        match input.clone() {
            Input::Listening { local } => Input::Listening { local: self.socket(local) },
            Input::Connected { conn, local } => Input::Connected { conn, local: self.socket(local) },
            Input::ConnectFailed { conn, error } => Input::ConnectFailed { conn, error: net_error(error) },
            Input::Accepted { conn, remote } => Input::Accepted { conn, remote: self.socket(remote) },
            Input::AcceptFailed { error } => Input::AcceptFailed { error: net_error(error) },
            Input::Closed { conn, error } => Input::Closed { conn, error: error.map(net_error) },
            Input::Resolved { job, result } => {
                let found = result.map(|found| found.into_iter().map(|ip| self.ip(ip)).collect());
                Input::Resolved { job, result: found.map_err(resolve_error) }
            }
            Input::DiskDone { job, result } => Input::DiskDone { job, result: result.map_err(disk_error) },
            same @ (Input::Received { .. } | Input::Sent { .. } | Input::Timeout) => same,
        }
    }

    pub(super) fn command(&mut self, command: &Command) -> Command {
        match command.clone() {
            Command::AddTorrent { metainfo, mut options } => {
                let metainfo = Arc::new(metainfo.with_urls(|url| self.url(url)));
                for peer in &mut options.peers {
                    *peer = match peer {
                        PeerAddr::Addr(addr) => PeerAddr::Addr(self.socket(*addr)),
                        PeerAddr::Host(host, port) => PeerAddr::Host(self.word(host).into(), *port),
                    };
                }
                Command::AddTorrent { metainfo, options }
            }
            Command::AddPeer { torrent, peer } => Command::AddPeer { torrent, peer: self.socket(peer) },
            same @ (Command::StopTorrent { .. } | Command::RemoveTorrent { .. } | Command::Shutdown) => same,
        }
    }
}

fn net_error(error: NetError) -> NetError {
    match error {
        NetError::Tls(_) => NetError::Tls(TEXT.into()),
        NetError::Other { code, .. } => NetError::Other { code, text: TEXT.into() },
        same => same,
    }
}

fn resolve_error(error: ResolveError) -> ResolveError {
    match error {
        ResolveError::Failed(_) => ResolveError::Failed(TEXT.into()),
        ResolveError::NotFound => ResolveError::NotFound,
    }
}

fn disk_error(error: DiskError) -> DiskError {
    let kind = match error.kind {
        DiskErrorKind::Other { code, .. } => DiskErrorKind::Other { code, text: TEXT.into() },
        same => same,
    };
    DiskError { action: error.action, path: TEXT.into(), kind }
}
