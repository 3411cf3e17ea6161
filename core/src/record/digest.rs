//! The digest of a run: one number over all that an engine asked for and told, blind to the bytes of blocks.
//!
//! Two runs with equal inputs have equal digests, on any machine and in any build. Of a block only the length
//! counts, so that a run can be compared with one from which the blocks were left out.

use super::mix::Mix;
use super::scanner::{Kind, Scanner};
use crate::action::Action;
use crate::disk::{DiskOp, DiskTask, Extent};
use crate::event::{Event, TrackerNews};
use crate::ids::ConnId;
use crate::input::Input;
use alloc::collections::BTreeMap;
use core::net::{IpAddr, SocketAddr};

/// The running digest of one engine's actions and events.
#[derive(Clone, Debug)]
pub struct Digest {
    actions: Mix,
    events: Mix,
    /// Blind, too, to what masking changes: addresses, names, texts from outside, what trackers are asked.
    masked: bool,
    /// Where in what is sent we are.
    sent: BTreeMap<ConnId, Scanner>,
}

impl Digest {
    /// Of an engine that has done nothing yet.
    pub const fn new() -> Self {
        Self { actions: Mix::new(), events: Mix::new(), masked: false, sent: BTreeMap::new() }
    }

    /// Likewise, blind to all that masking changes.
    pub(super) const fn masked() -> Self {
        let mut digest = Self::new();
        digest.masked = true;
        digest
    }

    /// The digest so far. Actions and events are digested apart: how a driver takes turns in asking for them makes
    /// no difference.
    pub fn value(&self) -> u64 {
        let mut both = self.actions;
        both.number(self.events.value());
        both.value()
    }

    /// Whether something was sent on a connection that no peer is sent: it leads to a tracker.
    pub(super) fn asks_tracker(&self, conn: ConnId) -> bool {
        self.sent.get(&conn).is_some_and(Scanner::is_other)
    }

    /// Takes in an action.
    pub fn action(&mut self, action: &Action) {
        let mix = &mut self.actions;
        match action {
            Action::Connect { conn, remote, tls } => {
                mix.number(1);
                mix.number(conn.get());
                address(mix, self.masked, *remote);
                mix.number(u64::from(tls.is_some()));
                if let Some(name) = tls.as_deref().filter(|_| !self.masked) {
                    mix.bytes(name.as_bytes());
                }
            }
            Action::Send { conn, data } => {
                mix.number(2);
                mix.number(conn.get());
                let scanner = self.sent.entry(*conn).or_insert_with(Scanner::new);
                send(mix, self.masked, scanner, data);
            }
            Action::SetReadable { conn, readable } => {
                mix.number(if *readable { 4 } else { 3 });
                mix.number(conn.get());
            }
            Action::Close { conn } => {
                mix.number(5);
                mix.number(conn.get());
                self.sent.remove(conn);
            }
            Action::SetAccepting { accepting } => mix.number(if *accepting { 7 } else { 6 }),
            Action::Resolve { job, host } => {
                mix.number(8);
                mix.number(job.get());
                if !self.masked {
                    mix.bytes(host.as_bytes());
                }
            }
            Action::Disk { job, op } => {
                let DiskOp { torrent, task } = &**op;
                mix.number(9);
                mix.number(job.get());
                mix.number(u64::from(torrent.0));
                disk(mix, task);
            }
            Action::Cancel { job } => {
                mix.number(10);
                mix.number(job.get());
            }
        }
    }

    /// Takes in an event.
    pub fn event(&mut self, event: &Event) {
        let mix = &mut self.events;
        match event {
            Event::PieceVerified { torrent, piece } => {
                mix.number(1);
                mix.number(u64::from(torrent.0));
                mix.number(u64::from(piece.get()));
            }
            _ if !self.masked => {
                mix.number(2);
                mix.debug(event);
            }
            _ => {
                mix.number(3);
                mix.kind(event);
                self.masked_event(event);
            }
        }
    }

    /// What of an event can be told without telling who and where.
    fn masked_event(&mut self, event: &Event) {
        let mix = &mut self.events;
        match event {
            Event::Phase { phase, .. } => mix.kind(phase),
            Event::Resumed { summary, .. } => mix.debug(summary),
            Event::PieceFailed { piece, .. } => mix.number(u64::from(piece.get())),
            Event::Checked { good, .. } => mix.number(u64::from(*good)),
            Event::Failed { error, .. } => mix.kind(error),
            Event::PeerConnected { conn, .. } => mix.number(conn.get()),
            Event::PeerDisconnected { conn, reason, .. } => {
                mix.number(conn.get());
                mix.kind(reason);
            }
            Event::PeerBanned { reason, .. } => mix.kind(reason),
            Event::Tracker { news, .. } => {
                mix.kind(news);
                if let TrackerNews::Failed { error, .. } = news {
                    mix.kind(error);
                }
            }
            Event::PieceLost { piece, .. } => mix.number(u64::from(piece.get())),
            Event::DiskTrouble { error, .. } => mix.kind(&error.kind),
            _ => {}
        }
    }

    /// Learns what has gone in: connections that ended need not be remembered.
    pub fn input(&mut self, input: &Input) {
        if let Input::Closed { conn, .. } | Input::ConnectFailed { conn, .. } = input {
            self.sent.remove(conn);
        }
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

fn send(mix: &mut Mix, masked: bool, scanner: &mut Scanner, data: &[u8]) {
    if !masked {
        mix.number(data.len() as u64);
    }
    let mut runs = |kind, run: &[u8]| match kind {
        Kind::Block => mix.number(run.len() as u64),
        // The extension handshake tells the peer its address.
        Kind::Extended if masked => mix.number(run.len() as u64),
        Kind::Plain | Kind::Extended => mix.bytes(run),
    };
    if !masked {
        scanner.scan(data, runs);
        return;
    }
    // A tracker is told secrets, and the lengths of masked ones differ.
    let mut probe = scanner.clone();
    probe.scan(data, |_, _| {});
    if !probe.is_other() {
        scanner.scan(data, &mut runs);
    }
    *scanner = probe;
}

fn disk(mix: &mut Mix, task: &DiskTask) {
    mix.bytes(task.verb().as_bytes());
    match task {
        DiskTask::Write { extents: at, data, hash, .. } | DiskTask::Mend { extents: at, data, hash } => {
            extents(mix, at);
            mix.number(data.iter().map(|slice| slice.len() as u64).sum());
            mix.number(hash.map_or(u64::MAX, |hash| hash.len()));
        }
        DiskTask::Digest { place, extents: at, hash } => {
            mix.number(*place as u64);
            extents(mix, at);
            mix.number(hash.len() << 1 | u64::from(hash.wants_blocks()));
        }
        DiskTask::Read { place, extents: at } => {
            mix.number(*place as u64);
            extents(mix, at);
        }
        DiskTask::Survey { place } => mix.number(*place as u64),
        DiskTask::Sync { files } => files.iter().for_each(|file| mix.number(u64::from(file.0))),
        DiskTask::LoadJournal { limit } => mix.number(*limit),
        DiskTask::StoreJournal { data } => mix.bytes(data),
        DiskTask::AppendJournal { data, sync } => {
            mix.bytes(data);
            mix.number(u64::from(*sync));
        }
        DiskTask::FillUp | DiskTask::Publish | DiskTask::DeleteJournal => {}
    }
}

fn extents(mix: &mut Mix, extents: &[Extent]) {
    for Extent { file, offset, len, padding } in extents {
        mix.number(u64::from(file.0) << 1 | u64::from(*padding));
        mix.number(*offset);
        mix.number(*len);
    }
}

fn address(mix: &mut Mix, masked: bool, addr: SocketAddr) {
    mix.number(u64::from(addr.port()));
    match addr.ip() {
        ip if masked => mix.number(u64::from(ip.is_ipv6())),
        IpAddr::V4(ip) => mix.number(u64::from(ip.to_bits())),
        IpAddr::V6(ip) => mix.bytes(&ip.octets()),
    }
}
