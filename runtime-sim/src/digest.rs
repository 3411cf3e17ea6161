//! The digest of a run: one number over everything that every host did, in order.
//!
//! Two runs of one seed have the same digest, on any machine and in any build. It holds the lengths of blocks,
//! not their bytes, which are a function of the torrent.

use crate::net::HostId;
use peerless_core::{Action, DiskTask, Event, Extent, Instant};
use std::fmt::{self, Write as _};

/// Bytes of a `Send` that are looked at: all of every message but `piece`, whose head stands in front.
const LOOKED_AT: usize = 64;

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunDigest(u64);

impl RunDigest {
    pub(crate) const fn new() -> Self {
        Self(0x5be0_cd19_137e_2179)
    }

    /// Takes in a number.
    pub(crate) const fn number(&mut self, n: u64) {
        let mixed = (self.0.rotate_left(23) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for chunk in bytes[..bytes.len().min(LOOKED_AT)].chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// Takes in what a host does, and when.
    pub(crate) fn action(&mut self, now: Instant, host: HostId, action: &Action) {
        self.number(now.as_micros());
        self.number(u64::from(host.get()));
        match action {
            Action::Send { conn, data } => {
                self.number(conn.get());
                self.bytes(data);
            }
            Action::Disk { job, op } => {
                self.number(job.get());
                self.number(u64::from(op.torrent.0));
                self.task(&op.task);
            }
            other => self.text(format_args!("{other:?}")),
        }
    }

    fn task(&mut self, task: &DiskTask) {
        self.bytes(task.verb().as_bytes());
        match task {
            DiskTask::Write { extents, data, .. } => {
                self.extents(extents);
                self.number(data.len() as u64);
            }
            DiskTask::Digest { extents, .. } | DiskTask::Read { extents, .. } => self.extents(extents),
            DiskTask::StoreJournal { data } | DiskTask::AppendJournal { data, .. } => self.bytes(data),
            other => self.text(format_args!("{other:?}")),
        }
    }

    fn extents(&mut self, extents: &[Extent]) {
        for extent in extents {
            self.number(u64::from(extent.file.0));
            self.number(extent.offset);
            self.number(extent.len);
        }
    }

    /// Takes in what a host tells, and when.
    pub(crate) fn event(&mut self, now: Instant, host: HostId, event: &Event) {
        self.number(now.as_micros());
        self.number(u64::from(host.get()));
        self.text(format_args!("{event:?}"));
    }

    fn text(&mut self, text: fmt::Arguments<'_>) {
        // Cannot fail: taking in a text never does.
        let _ = self.write_fmt(text);
    }
}

impl fmt::Write for RunDigest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for chunk in text.as_bytes().chunks(LOOKED_AT) {
            self.bytes(chunk);
        }
        Ok(())
    }
}

impl fmt::Display for RunDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RunDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
