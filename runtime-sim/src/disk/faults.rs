//! What can be wrong with a disk: it refuses, it is full, it is worn out, it lies.

use super::run::WRONG;
use super::{Disk, Files};
use bytes::{Bytes, BytesMut};
use peerless_core::{
    BlockId, DiskErrorKind, DiskOp, DiskOutcome, DiskTask, Extent, FileIndex, FileStamp, PieceDigest,
    Sha1State, TorrentId,
};
use std::collections::BTreeMap;

/// See the module. `None`, 0 and `false` everywhere: nothing is wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Every operation with this verb fails so.
    verbs: BTreeMap<&'static str, DiskErrorKind>,
    /// The operation of this number fails so, once.
    once: Option<(u64, DiskErrorKind)>,
    capacity: Option<u64>,
    read_only: bool,
    short_reads: u32,
    corrupt_reads: u32,
    corrupt_writes: u32,
    pub(super) sync_lies: bool,
    /// Whether any of the above is so.
    pub(super) any: bool,
}

/// Breaking it and mending it.
impl Disk {
    /// From now on every operation with this verb ([`DiskTask::verb`]) fails so; `None`: works again.
    pub fn set_fault(&mut self, verb: &'static str, fault: Option<DiskErrorKind>) {
        match fault {
            Some(kind) => self.faults.verbs.insert(verb, kind),
            None => self.faults.verbs.remove(verb),
        };
        self.faults.any = true;
    }

    /// The `n`th operation, counted as [`Disk::operations`] does, fails so; those after it do not.
    pub fn fail_operation(&mut self, n: u64, kind: DiskErrorKind) {
        self.faults.once = Some((n, kind));
        self.faults.any = true;
    }

    /// It has room for so many bytes, for everything that is on it; `None`: as many as are asked for. What is
    /// there stays. What does not fit is [`DiskErrorKind::NoSpace`], after as much of it as fits was written.
    pub fn set_capacity(&mut self, bytes: Option<u64>) {
        self.faults.capacity = bytes;
        self.faults.any = true;
    }

    /// Bytes that are taken up on it.
    pub fn used(&self) -> u64 {
        let journals: usize = self.journals.values().map(Vec::len).sum();
        self.files.values().map(Files::used).sum::<u64>() + journals as u64
    }

    /// Everything that would change something is [`DiskErrorKind::ReadOnly`].
    pub fn set_read_only(&mut self, read_only: bool) {
        self.faults.read_only = read_only;
        self.faults.any = true;
    }

    /// So many reads in 1,000 give fewer bytes than were asked for: [`DiskErrorKind::Short`].
    pub fn set_short_reads(&mut self, permille: u32) {
        self.faults.short_reads = permille;
        self.faults.any = true;
    }

    /// So many reads in 1,000 give one wrong byte. What is there is not touched.
    pub fn set_corrupt_reads(&mut self, permille: u32) {
        self.faults.corrupt_reads = permille;
        self.faults.any = true;
    }

    /// So many writes in 1,000 put one wrong byte on the disk, and say that all went well.
    pub fn set_corrupt_writes(&mut self, permille: u32) {
        self.faults.corrupt_writes = permille;
        self.faults.any = true;
    }

    /// It says that files are synced, and they are not: a power cut may lose all of them. Only its word on the
    /// journal can be relied on, so that the journal says what is not so.
    pub fn set_sync_lies(&mut self, lies: bool) {
        self.faults.sync_lies = lies;
        self.damaged |= lies;
        self.faults.any = true;
    }

    /// Damages a block, finished or not: nobody notices before it is read.
    pub fn corrupt(&mut self, id: TorrentId, block: BlockId) {
        self.damaged = true;
        if let Some(files) = self.writable(id) {
            files.corrupt(block);
        }
    }

    /// Somebody cuts a file short, finished or not, or deletes it (`None`).
    pub fn truncate(&mut self, id: TorrentId, file: FileIndex, len: Option<u64>) {
        self.damaged = true;
        let modified = self.modified(self.busy_until);
        if let Some(files) = self.writable(id) {
            let there = files.stamps().get(file.as_usize()).copied().flatten();
            let cut = |(there, len): (FileStamp, u64)| FileStamp { len: len.min(there.len), modified };
            files.end_file(file, there.zip(len).map(cut));
        }
    }
}

/// What comes of it.
impl Disk {
    /// Why an operation fails, if it does. Of a write that does not fit what fits is done.
    pub(super) fn refuses(&mut self, op: &DiskOp) -> Option<DiskErrorKind> {
        if !self.faults.any {
            return None;
        }
        if let Some((n, _)) = self.faults.once
            && n <= self.operations
        {
            return self.faults.once.take().map(|(_, kind)| kind);
        }
        if let Some(kind) = self.faults.verbs.get(op.task.verb()) {
            return Some(kind.clone());
        }
        let reads = matches!(op.task, DiskTask::Read { .. } | DiskTask::Digest { .. });
        if reads && self.dice.chance(self.faults.short_reads) {
            return Some(DiskErrorKind::Short);
        }
        let looks = matches!(op.task, DiskTask::Survey { .. } | DiskTask::LoadJournal { .. });
        if self.faults.read_only && !reads && !looks {
            return Some(DiskErrorKind::ReadOnly);
        }
        self.faults.capacity.and_then(|capacity| self.lacks_space(op, capacity))
    }

    fn lacks_space(&mut self, op: &DiskOp, capacity: u64) -> Option<DiskErrorKind> {
        let free = capacity.saturating_sub(self.used());
        match &op.task {
            DiskTask::Write { extents, data, allocation, .. } => {
                let fits = self.part(op.torrent).ok()?.fits(extents, *allocation, free);
                if fits == extents.iter().map(|e| e.len).sum::<u64>() {
                    return None;
                }
                if fits > 0 {
                    let (extents, data) = beginning(extents, data, fits);
                    let task = DiskTask::Write { extents, data, hash: None, allocation: *allocation };
                    let _ = self.run(self.started..self.busy_until, op.torrent, task);
                }
                Some(DiskErrorKind::NoSpace)
            }
            DiskTask::StoreJournal { data } | DiskTask::AppendJournal { data, .. } => {
                (data.len() as u64 > free).then_some(DiskErrorKind::NoSpace)
            }
            _ => None,
        }
    }

    /// What a worn-out disk makes of what was read.
    pub(super) fn spoil_read(&mut self, outcome: DiskOutcome) -> DiskOutcome {
        match outcome {
            DiskOutcome::Read { data, stamps } if self.dice.chance(self.faults.corrupt_reads) => {
                let mut data = BytesMut::from(&data[..]);
                let at = self.dice.below(data.len() as u64) as usize;
                if let Some(byte) = data.get_mut(at) {
                    *byte ^= 0x55;
                }
                DiskOutcome::Read { data: data.freeze(), stamps }
            }
            DiskOutcome::Digest(digest) if self.dice.chance(self.faults.corrupt_reads) => {
                let whole = Sha1State::known(WRONG, digest.len());
                let wants = digest.wants_blocks();
                let blocks = || PieceDigest::known(whole, digest.into_blocks());
                DiskOutcome::Digest(if wants { blocks() } else { whole.into() })
            }
            other => other,
        }
    }

    /// What a worn-out disk does to what it writes.
    pub(super) fn spoil_write(&mut self, id: TorrentId, extents: &[Extent]) {
        if !self.dice.chance(self.faults.corrupt_writes) {
            return;
        }
        self.damaged = true;
        let roll = self.dice.number();
        if let Some(files) = self.writable(id) {
            let blocks = files.blocks_of(extents);
            if let Some(block) = blocks.get((roll % blocks.len().max(1) as u64) as usize) {
                files.corrupt(*block);
            }
        }
    }
}

/// The first bytes of a write.
fn beginning(extents: &[Extent], data: &[Bytes], bytes: u64) -> (Vec<Extent>, Vec<Bytes>) {
    let mut left = bytes;
    let extents = extents.iter().map_while(|extent| {
        let len = extent.len.min(left);
        left -= len;
        (len > 0).then_some(Extent { len, ..*extent })
    });
    let extents = extents.collect();
    let mut left = bytes as usize;
    let data = data.iter().map_while(|slice| {
        let len = slice.len().min(left);
        left -= len;
        (len > 0).then(|| slice.slice(..len))
    });
    (extents, data.collect())
}
