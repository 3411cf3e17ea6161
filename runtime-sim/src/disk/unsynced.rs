//! What a disk has been told and need not keep: everything since the last sync, with what stood there before.
//!
//! A power cut takes some of it back, and a kill what had not begun. The log is as long as what is unsynced.

use super::files::Replaced;
use super::{Disk, Files};
use crate::dice::Dice;
use peerless_core::{BlockId, FileIndex, Instant, Place, TorrentId};
use std::collections::BTreeSet;
use std::ops::Range;

/// A disk takes writes in units of this; a torn one ends between two of them.
const PAGE: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    log: Vec<Entry>,
    /// When the first barrier in the log is done.
    barrier: Option<Instant>,
}

/// An operation that changed something, or made changes last.
#[derive(Debug)]
struct Entry {
    torrent: TorrentId,
    start: Instant,
    end: Instant,
    change: Change,
}

/// See [`Entry`].
#[derive(Debug)]
pub(super) enum Change {
    /// Blocks and lengths of files.
    Files(Replaced),
    /// The journal grew, from this length to that.
    Grown { from: usize, to: usize, synced: bool },
    /// There is another journal now, or none; this is what there was.
    Journal { before: Option<Vec<u8>>, synced: bool },
    /// The part got its final name; that lasts when it is done.
    Published { synced: bool },
    /// What was written to these files lasts.
    Synced(Vec<FileIndex>),
}

impl Change {
    /// The same, if it was never synced by itself.
    fn unsynced(self) -> Self {
        match self {
            Self::Files(replaced) => Self::Files(replaced),
            Self::Grown { from, to, .. } => Self::Grown { from, to, synced: false },
            Self::Journal { before, .. } => Self::Journal { before, synced: false },
            Self::Published { .. } => Self::Published { synced: false },
            Self::Synced(files) => Self::Synced(files),
        }
    }

    /// Whether something lasts once this is done.
    const fn is_barrier(&self) -> bool {
        match self {
            Self::Files(_) => false,
            Self::Grown { synced, .. } | Self::Journal { synced, .. } | Self::Published { synced } => *synced,
            Self::Synced(_) => true,
        }
    }
}

/// What becomes of an entry when it is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    /// So much of the data stays, of 1,000.
    share: u32,
    /// Whether lengths, times and names stay.
    names: bool,
}

impl Fate {
    const KEPT: Self = Self { share: 1_000, names: true };
    const LOST: Self = Self { share: 0, names: false };

    fn any(dice: &mut Dice) -> Self {
        match dice.below(4) {
            0 => Self::KEPT,
            1 => Self::LOST,
            _ => Self { share: (dice.below(1_001)) as u32, names: dice.chance(500) },
        }
    }

    /// So much of a length.
    const fn of(self, len: usize) -> usize {
        len * self.share as usize / 1_000
    }
}

impl Unsynced {
    /// Notes a change.
    pub(super) fn push(&mut self, torrent: TorrentId, start: Instant, end: Instant, change: Change) {
        if matches!(&change, Change::Files(replaced) if replaced.stamps.is_empty()) {
            return;
        }
        if change.is_barrier() && self.barrier.is_none() {
            self.barrier = Some(end);
        }
        self.log.push(Entry { torrent, start, end, change });
    }

    /// Forgets what lasts by `now`.
    pub(super) fn settle(&mut self, now: Instant) {
        while self.barrier.is_some_and(|at| at <= now) {
            let Some(at) = self.log.iter().position(|entry| entry.change.is_barrier()) else { break };
            let later = self.log.split_off(at);
            let mut later = later.into_iter();
            let Some(barrier) = later.next() else { break };
            self.log.retain_mut(|entry| !entry.lasts(&barrier));
            self.log.extend(later);
            self.barrier = self.log.iter().find(|entry| entry.change.is_barrier()).map(|entry| entry.end);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.log.len()
    }
}

impl Entry {
    /// Whether nothing of this can be lost any more, now that a later barrier is done.
    fn lasts(&mut self, barrier: &Self) -> bool {
        if self.torrent != barrier.torrent {
            return false;
        }
        match (&mut self.change, &barrier.change) {
            (Change::Files(replaced), Change::Synced(files)) => {
                replaced.stamps.retain(|(file, _)| !files.contains(file));
                replaced.stamps.is_empty()
            }
            (
                Change::Grown { .. } | Change::Journal { .. },
                Change::Grown { .. } | Change::Journal { .. },
            ) => true,
            _ => false,
        }
    }
}

/// Going back.
impl Disk {
    /// The power fails: of what was not synced some is lost, and everything after a random point of it.
    pub(crate) fn cut(&mut self, now: Instant) {
        self.unsynced.settle(now);
        let begun = self.unsynced.log.iter().filter(|entry| entry.start <= now).count();
        let end = self.dice.below(begun as u64 + 1) as usize;
        // Half of the disks keep the order of what they write.
        let in_order = self.dice.chance(500);
        self.go_back(now, |n, dice| match () {
            () if n > end => Fate::LOST,
            () if n == end => Fate::any(dice),
            () if in_order => Fate::KEPT,
            () => Fate::any(dice),
        });
        self.unsynced = Unsynced::default();
    }

    /// The program dies: what it had asked for and had not begun never happens. The rest stays where it is, in
    /// memory or on the disk.
    pub(crate) fn abandon(&mut self, now: Instant) {
        self.unsynced.settle(now);
        let in_time: BTreeSet<usize> =
            (0..).zip(&self.unsynced.log).filter(|(_, e)| e.end <= now).map(|(n, _)| n).collect();
        self.go_back(now, |n, dice| if in_time.contains(&n) { Fate::KEPT } else { Fate::any(dice) });
        // Whether a sync was done is not known: it is as if it was not.
        let log = std::mem::take(&mut self.unsynced.log).into_iter();
        let begun = log.filter(|entry| entry.start <= now && !matches!(entry.change, Change::Synced(_)));
        self.unsynced.log = begun.map(|e| Entry { change: e.change.unsynced(), ..e }).collect();
        self.unsynced.barrier = None;
    }

    /// Takes back what had not begun, and of the rest what `fate` says, the last first.
    fn go_back(&mut self, now: Instant, mut fate: impl FnMut(usize, &mut Dice) -> Fate) {
        self.busy_until = self.busy_until.min(now);
        let log = std::mem::take(&mut self.unsynced.log);
        let mut decided = Decided::default();
        let mut touched = BTreeSet::new();
        for (n, entry) in log.iter().enumerate().rev() {
            let fate = if entry.start > now { Fate::LOST } else { fate(n, &mut self.dice) };
            touched.insert(entry.torrent);
            self.take_back(entry, fate, &mut decided);
        }
        // Nothing stands behind the end of a file.
        for torrent in touched {
            let Some(files) = self.writable(torrent) else { continue };
            let stamps: Vec<_> = (0..).map(FileIndex).zip(files.stamps().to_vec()).collect();
            stamps.into_iter().for_each(|(file, stamp)| files.end_file(file, stamp));
            if files.is_nothing() {
                self.files.remove(&(torrent, Place::Part));
            }
        }
        self.unsynced.log = log;
    }

    fn take_back(&mut self, entry: &Entry, fate: Fate, decided: &mut Decided) {
        let id = entry.torrent;
        match &entry.change {
            Change::Files(replaced) => {
                if let Some(files) = self.writable(id) {
                    decided.files(id, files, replaced, fate);
                }
            }
            Change::Grown { from, to, .. } => {
                if !decided.journals.contains(&id)
                    && let Some(journal) = self.journals.get_mut(&id)
                {
                    decided.grown(id, journal, *from..*to, fate);
                }
            }
            Change::Journal { before, .. } => {
                if !fate.names && !decided.journals.contains(&id) {
                    match before {
                        Some(before) => self.journals.insert(id, before.clone()),
                        None => self.journals.remove(&id),
                    };
                }
                decided.lengths.remove(&id);
                if fate.names {
                    decided.journals.insert(id);
                }
            }
            Change::Published { .. } => {
                if !fate.names
                    && let Some(files) = self.files.remove(&(id, Place::Final))
                {
                    self.files.insert((id, Place::Part), files);
                }
            }
            Change::Synced(_) => {}
        }
    }

    /// The files that a torrent writes, or wrote, to.
    pub(super) fn writable(&mut self, id: TorrentId) -> Option<&mut Files> {
        let place = if self.files.contains_key(&(id, Place::Part)) { Place::Part } else { Place::Final };
        self.files.get_mut(&(id, place))
    }
}

/// What a later change has made certain: what becomes of an earlier one is of no account there.
#[derive(Debug, Default)]
struct Decided {
    blocks: BTreeSet<(TorrentId, BlockId)>,
    stamps: BTreeSet<(TorrentId, FileIndex)>,
    journals: BTreeSet<TorrentId>,
    /// Journals whose length stays, with zeros in it where data is lost.
    lengths: BTreeSet<TorrentId>,
}

impl Decided {
    fn files(&mut self, id: TorrentId, files: &mut Files, replaced: &Replaced, fate: Fate) {
        let unsynced: Vec<FileIndex> = replaced.stamps.iter().map(|(file, _)| *file).collect();
        let written = replaced.written.clone();
        let total: usize = files.blocks_in(written.clone()).map(|block| files.block_len(block)).sum();
        let kept = fate.of(total) / PAGE * PAGE;
        let mut at = 0;
        for block in files.blocks_in(written) {
            let len = files.block_len(block);
            let kept = kept.saturating_sub(at).min(len);
            at += len;
            if fate != Fate::KEPT && kept < len && !self.blocks.contains(&(id, block)) {
                files.restore(block, replaced.before.get(&block), kept, &unsynced);
            }
            if kept > 0 || fate == Fate::KEPT {
                self.blocks.insert((id, block));
            }
        }
        for (file, before) in &replaced.stamps {
            if fate.names {
                self.stamps.insert((id, *file));
            } else if !self.stamps.contains(&(id, *file)) {
                files.set_stamp(*file, *before);
            }
        }
    }

    /// What the journal grew by is there, or cut off, or zeros.
    fn grown(&mut self, id: TorrentId, journal: &mut Vec<u8>, grown: Range<usize>, fate: Fate) {
        let kept = grown.start + fate.of(grown.len());
        if fate.names || self.lengths.contains(&id) {
            self.lengths.insert(id);
            if let Some(lost) = journal.get_mut(kept..grown.end) {
                lost.fill(0);
            }
        } else {
            journal.truncate(kept);
        }
    }
}
