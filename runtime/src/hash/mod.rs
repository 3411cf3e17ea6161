//! SHA-1 of several streams at once, on one core.
//!
//! The processor's instructions for SHA-1 take several cycles each and every one needs the outcome of the one
//! before: with a single stream some processors leave most of the unit idle. Up to four streams in turn within one
//! loop fill it. Where the unit itself is slow, sixteen streams side by side in the columns of AVX-512 are faster.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod detect;
mod plan;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use detect::{Instructions, Wide};
use peerless_core::Sha1State;
use plan::Plan;
use std::iter::Fuse;

/// Streams in turn within one loop. More gain nothing: the unit is busy, and registers are short.
const TURNS: usize = 4;
/// Streams side by side.
const COLUMNS: usize = 16;

/// What every SHA-1 takes in at once.
type Block = [u8; 64];

/// How many streams [`hash_together`] takes at once on this processor: 1, 4 or 16. More come in as others end.
pub fn hash_lanes() -> usize {
    Plan::of_this_processor().lanes()
}

/// Advances each state over the slices that stand beside it, [several](hash_lanes) at once. As fast as it gets with at
/// least so many streams of long slices.
pub fn hash_together<'a, S>(streams: impl IntoIterator<Item = (&'a mut Sha1State, S)>)
where
    S: IntoIterator<Item = &'a [u8]>,
{
    hash_by(Plan::of_this_processor(), streams);
}

fn hash_by<'a, S>(plan: Plan, streams: impl IntoIterator<Item = (&'a mut Sha1State, S)>)
where
    S: IntoIterator<Item = &'a [u8]>,
{
    let mut waiting =
        streams.into_iter().filter_map(|(state, slices)| Stream::begin(state, slices.into_iter()));
    let mut lanes: Vec<_> = waiting.by_ref().take(plan.lanes()).collect();
    while !lanes.is_empty() {
        match plan.columns(lanes.len()) {
            Some(wide) => step_in_columns(wide, &mut lanes),
            None => lanes.chunks_mut(TURNS).for_each(|lanes| step_in_turn(plan.turns, lanes)),
        }
        lanes.retain_mut(Stream::has_blocks);
        let room = plan.lanes() - lanes.len();
        lanes.extend(waiting.by_ref().take(room));
    }
}

/// Takes as many blocks from every lane as the one with the fewest has.
fn step_in_columns<'a, I: Iterator<Item = &'a [u8]>>(wide: Wide, lanes: &mut [Stream<'a, I>]) {
    let blocks = fewest(lanes);
    let mut words = [[0; 5]; COLUMNS];
    // What no stream needs does the work of the first again.
    let mut lists = [lanes.first().map_or(&[][..], |lane| lane.blocks); COLUMNS];
    for ((words, list), lane) in words.iter_mut().zip(&mut lists).zip(lanes.iter_mut()) {
        *words = lane.words;
        *list = lane.split_off(blocks);
    }
    wide.compress(&mut words, lists.map(|list| &list[..blocks]));
    for (lane, words) in lanes.iter_mut().zip(words) {
        lane.advance(words, blocks);
    }
}

/// The same for at most [`TURNS`] lanes. A single one gains nothing and takes all that it has.
fn step_in_turn<'a, I: Iterator<Item = &'a [u8]>>(turns: Option<Instructions>, lanes: &mut [Stream<'a, I>]) {
    let blocks = fewest(lanes);
    match (turns, lanes) {
        (Some(turns), [a, b]) => take_turns(turns, [a, b], blocks),
        (Some(turns), [a, b, c]) => take_turns(turns, [a, b, c], blocks),
        (Some(turns), [a, b, c, d]) => take_turns(turns, [a, b, c, d], blocks),
        (_, lanes) => lanes.iter_mut().for_each(Stream::take_alone),
    }
}

fn fewest<'a, I>(lanes: &[Stream<'a, I>]) -> usize {
    lanes.iter().map(|lane| lane.blocks.len()).min().unwrap_or_default()
}

fn take_turns<'a, I: Iterator<Item = &'a [u8]>, const N: usize>(
    turns: Instructions,
    mut lanes: [&mut Stream<'a, I>; N],
    blocks: usize,
) {
    let mut words = lanes.each_ref().map(|lane| lane.words);
    turns.compress(&mut words, lanes.each_mut().map(|lane| lane.split_off(blocks)));
    for (lane, words) in lanes.into_iter().zip(words) {
        lane.advance(words, blocks);
    }
}

/// A state, and what is still to be taken in: it stands between two blocks and has more of them.
struct Stream<'a, I> {
    state: &'a mut Sha1State,
    /// Those of `state`.
    words: [u32; 5],
    blocks: &'a [Block],
    /// What follows `blocks` in the same slice: less than a block.
    tail: &'a [u8],
    slices: Fuse<I>,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Stream<'a, I> {
    /// `None` where there is no whole block; all is taken in then.
    fn begin(state: &'a mut Sha1State, slices: I) -> Option<Self> {
        let mut stream = Self { state, words: [0; 5], blocks: &[], tail: &[], slices: slices.fuse() };
        stream.has_blocks().then_some(stream)
    }

    /// Goes on to the next slice if need be. At the end all is taken in.
    fn has_blocks(&mut self) -> bool {
        while self.blocks.is_empty() {
            self.state.update(std::mem::take(&mut self.tail));
            let Some(slice) = self.slices.next() else { return false };
            // Up to the end of a block by the slow way.
            let missing = (64 - self.state.len() % 64) as usize % 64;
            let (head, rest) = slice.split_at(missing.min(slice.len()));
            self.state.update(head);
            match self.state.words() {
                Some(words) => {
                    self.words = words;
                    (self.blocks, self.tail) = rest.as_chunks();
                }
                None => self.state.update(rest),
            }
        }
        true
    }

    fn split_off(&mut self, blocks: usize) -> &'a [Block] {
        let (now, later) = self.blocks.split_at(blocks);
        self.blocks = later;
        now
    }

    fn advance(&mut self, words: [u32; 5], blocks: usize) {
        self.words = words;
        self.state.advance(words, blocks as u64);
    }

    fn take_alone(&mut self) {
        self.state.update(std::mem::take(&mut self.blocks).as_flattened());
    }
}
