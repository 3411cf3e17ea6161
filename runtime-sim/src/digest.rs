//! The digest of a run: one number over everything that every host did, in order.
//!
//! Two runs of one seed have the same digest, on any machine and in any build. It holds every byte of every message and
//! journal, but of blocks the lengths only: their bytes are a function of the torrent.

use crate::net::HostId;
use peerless_core::{Action, ConnId, DiskTask, Event, Extent, Instant};
use std::fmt::{self, Write as _};

/// Length of the head of a `piece` message, which is sent by itself before its block (BEP 3).
const PIECE_HEAD: usize = 13;
/// The id of `piece`.
const PIECE: u8 = 7;

/// The number of a run: equal for equal runs, and for no others that anybody will ever see.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunDigest(u64);

/// The digest of a run that goes on.
#[derive(Debug)]
pub(crate) struct Digester {
    digest: RunDigest,
    /// The head of a block was sent last: where, and the length of the block that follows.
    block: Option<(HostId, ConnId, usize)>,
}

impl Digester {
    pub(crate) const fn new() -> Self {
        Self { digest: RunDigest(0x5be0_cd19_137e_2179), block: None }
    }

    /// The digest of all that was taken in so far.
    pub(crate) const fn digest(&self) -> RunDigest {
        self.digest
    }

    /// Takes in a number.
    pub(crate) const fn number(&mut self, n: u64) {
        let mixed = (self.digest.0.rotate_left(23) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.digest.0 = mixed ^ mixed >> 32;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    fn send(&mut self, host: HostId, conn: ConnId, data: &[u8]) {
        self.number(conn.get());
        if self.block.take() == Some((host, conn, data.len())) {
            return self.number(data.len() as u64);
        }
        self.bytes(data);
        if let Ok(head) = <[u8; PIECE_HEAD]>::try_from(data) {
            let [a, b, c, d, id, ..] = head;
            let len = (u32::from_be_bytes([a, b, c, d]) as usize + 4).checked_sub(PIECE_HEAD);
            self.block = len.filter(|_| id == PIECE).map(|len| (host, conn, len));
        }
    }

    /// Takes in what a host does, and when.
    pub(crate) fn action(&mut self, now: Instant, host: HostId, action: &Action) {
        self.number(now.as_micros());
        self.number(u64::from(host.get()));
        match action {
            Action::Send { conn, data } => self.send(host, *conn, data),
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

impl fmt::Write for Digester {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use peerless_core::wire::piece_header;

    fn digest(sends: &[&[u8]]) -> RunDigest {
        let mut digester = Digester::new();
        for data in sends {
            let action = Action::Send { conn: ConnId::accepted(1), data: Bytes::copy_from_slice(data) };
            digester.action(Instant::ZERO, HostId(0), &action);
        }
        digester.digest()
    }

    #[test]
    fn every_byte_of_every_message_counts() {
        let mut message = vec![0; 5_000];
        let before = digest(&[&message]);
        message[4_990] = 1;
        assert_ne!(digest(&[&message]), before);
    }

    #[test]
    fn of_a_block_its_length_counts() {
        let head = piece_header(1, 0, 4_000);
        assert_eq!(digest(&[&head, &[0; 4_000]]), digest(&[&head, &[1; 4_000]]));
        assert_ne!(
            digest(&[&head, &[0; 3_999]]),
            digest(&[&head, &[1; 3_999]]),
            "not the block that was announced"
        );
        assert_ne!(digest(&[&head, &[0; 4_000], &[0; 4_000]]), digest(&[&head, &[0; 4_000], &[1; 4_000]]));
    }
}
