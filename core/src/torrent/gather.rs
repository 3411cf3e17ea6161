//! Blocks that have arrived and wait to be written: gathered into runs, so that one write carries many.
//!
//! A run goes out when its piece is complete, when it is long, when it is old, or when memory is short. A run
//! that continues the piece's digest carries it along, so that the bytes are hashed while they are warm. Only
//! one run of a piece carries the digest at a time: the next waits for it to come back, unless memory is short.

use crate::geometry::BLOCK_LEN;
use crate::hash::Sha1State;
use crate::ids::PieceIndex;
use crate::time::{Duration, Instant};
use crate::wire::Payload;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

/// Blocks of a run that is written before its piece is complete: 1 MiB.
const LONG_RUN: u32 = (1 << 20) / BLOCK_LEN;
/// How long a block waits for its run to grow.
pub(super) const MAX_AGE: Duration = Duration::from_secs(5);

/// What is gathered, by piece. Bounded by the engine's budget.
#[derive(Clone, Debug, Default)]
pub(super) struct Gather {
    pieces: BTreeMap<PieceIndex, PieceBuffer>,
}

/// The blocks of one open piece that are not yet on their way, and where its digest is.
#[derive(Clone, Debug)]
struct PieceBuffer {
    blocks: BTreeMap<u32, Payload>,
    /// When the oldest of `blocks` came.
    since: Instant,
    digest: Digest,
    /// Nothing may be written yet: the journal still says that we have the piece.
    held: bool,
}

/// Where the running digest of a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digest {
    /// Here.
    Idle(Sha1State),
    /// With a job, and will come back.
    Away,
}

/// Blocks to be written by one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) piece: PieceIndex,
    pub(super) blocks: Range<u32>,
    pub(super) data: Vec<Bytes>,
    pub(super) bytes: usize,
    pub(super) hash: Option<Sha1State>,
}

/// Why runs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// Only those that are ready.
    Ready,
    /// Everything: it is old, or memory is short.
    All,
}

impl Gather {
    /// A wanted block of `piece` has arrived.
    pub(super) fn add(&mut self, now: Instant, piece: PieceIndex, block: u32, data: Payload) {
        let buffer = self.pieces.entry(piece).or_insert_with(|| PieceBuffer::new(now));
        if buffer.blocks.is_empty() {
            buffer.since = now;
        }
        buffer.blocks.insert(block, data);
    }

    /// The next run of `piece` that is to be written now. `complete`: every block has been received.
    pub(super) fn next_run(&mut self, piece: PieceIndex, complete: bool, flush: Flush) -> Option<Run> {
        let buffer = self.pieces.get_mut(&piece).filter(|buffer| !buffer.held)?;
        let range = buffer.choose(complete, flush)?;
        Some(buffer.take(piece, range))
    }

    /// Pieces with blocks that have waited for too long, and when the next will have.
    pub(super) fn aged(&self, now: Instant) -> (Vec<PieceIndex>, Option<Instant>) {
        let mut due = Vec::new();
        let mut next = None;
        for (piece, buffer) in self.pieces.iter().filter(|(_, b)| !b.blocks.is_empty()) {
            let at = buffer.since + MAX_AGE;
            if at <= now {
                due.push(*piece);
            } else {
                next = Some(next.map_or(at, |n: Instant| n.min(at)));
            }
        }
        (due, next)
    }

    /// Bytes in runs that grow. Others wait for the disk: behind a write or a read of their piece.
    pub(super) fn bytes_growing(&self) -> u64 {
        let grows = |buffer: &&PieceBuffer| buffer.digest != Digest::Away && !buffer.held;
        let blocks = self.pieces.values().filter(grows).flat_map(|buffer| buffer.blocks.values());
        blocks.map(|block| block.len() as u64).sum()
    }

    /// Every block that is gathered and not yet on its way.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (PieceIndex, u32, &Payload)> {
        let pieces = self.pieces.iter();
        pieces.flat_map(|(piece, buffer)| buffer.blocks.iter().map(|(block, data)| (*piece, *block, data)))
    }

    /// Pieces with anything gathered.
    pub(super) fn pending(&self) -> Vec<PieceIndex> {
        self.pieces.iter().filter(|(_, b)| !b.blocks.is_empty()).map(|(p, _)| *p).collect()
    }

    /// The digest of a piece has come back from a job.
    pub(super) fn digest_back(&mut self, piece: PieceIndex, state: Sha1State) {
        if let Some(buffer) = self.pieces.get_mut(&piece) {
            buffer.digest = Digest::Idle(state);
        }
    }

    /// Takes the digest of a piece along with a job. `None` while another has it.
    pub(super) fn digest_out(&mut self, piece: PieceIndex) -> Option<Sha1State> {
        let buffer = self.pieces.get_mut(&piece)?;
        let Digest::Idle(state) = buffer.digest else { return None };
        buffer.digest = Digest::Away;
        Some(state)
    }

    /// How far the digest of a piece is, in bytes. `None` while a job has it.
    pub(super) fn digested(&self, piece: PieceIndex) -> Option<u64> {
        match self.pieces.get(&piece)?.digest {
            Digest::Idle(state) => Some(state.len()),
            Digest::Away => None,
        }
    }

    /// Keeps a piece off the disk, or no longer.
    pub(super) fn hold(&mut self, now: Instant, piece: PieceIndex, held: bool) {
        self.pieces.entry(piece).or_insert_with(|| PieceBuffer::new(now)).held = held;
    }

    /// Drops all that is gathered of a piece, its digest included. Returns the bytes dropped.
    pub(super) fn forget(&mut self, piece: PieceIndex) -> usize {
        self.pieces.remove(&piece).map_or(0, |b| b.blocks.values().map(Payload::len).sum())
    }

    /// Drops all blocks and keeps the digests. Returns the bytes dropped.
    pub(super) fn drop_blocks(&mut self) -> usize {
        let blocks = self.pieces.values_mut().map(|b| core::mem::take(&mut b.blocks));
        blocks.map(|b| b.values().map(Payload::len).sum::<usize>()).sum()
    }
}

impl PieceBuffer {
    const fn new(now: Instant) -> Self {
        Self { blocks: BTreeMap::new(), since: now, digest: Digest::Idle(Sha1State::new()), held: false }
    }

    /// The first run that is to go now.
    fn choose(&self, complete: bool, flush: Flush) -> Option<Range<u32>> {
        // Asked after every block: while there are too few for a long run, none is looked at.
        if flush == Flush::Ready && !complete && self.blocks.len() < LONG_RUN as usize {
            return None;
        }
        let next_to_hash = match self.digest {
            Digest::Idle(state) => u32::try_from(state.len() / u64::from(BLOCK_LEN)).ok(),
            Digest::Away => None,
        };
        let mut from = 0;
        while let Some((&start, _)) = self.blocks.range(from..).next() {
            let run = start..self.run_end(start);
            let long = complete || run.end - run.start >= LONG_RUN;
            let continues = next_to_hash == Some(run.start);
            // A run that could be hashed once the digest is back is worth waiting for.
            let waits = self.digest == Digest::Away && run.start != 0;
            if flush == Flush::All || (long && (continues || !waits)) {
                return Some(run);
            }
            from = run.end;
        }
        None
    }

    fn run_end(&self, start: u32) -> u32 {
        let mut end = start;
        for (block, _) in self.blocks.range(start..) {
            if *block != end {
                break;
            }
            end += 1;
        }
        end
    }

    fn take(&mut self, piece: PieceIndex, blocks: Range<u32>) -> Run {
        let mut data = Vec::with_capacity(blocks.len());
        let mut bytes = 0;
        for block in blocks.clone() {
            if let Some(payload) = self.blocks.remove(&block) {
                bytes += payload.len();
                data.extend(payload.into_slices());
            }
        }
        let start = u64::from(blocks.start) * u64::from(BLOCK_LEN);
        let hash = match self.digest {
            Digest::Idle(state) if state.len() == start => {
                self.digest = Digest::Away;
                Some(state)
            }
            _ => None,
        };
        Run { piece, blocks, data, bytes, hash }
    }
}
