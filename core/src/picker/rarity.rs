//! How many peers have each piece, and the missing pieces in the order of that number.
//!
//! The pieces that may be begun stand in one array, grouped by how many peers have them. One peer more or less
//! moves a piece over one border between groups, which is one swap. Peers with everything are only counted.

use super::invariants::Touched;
use crate::bitfield::Bitfield;
use crate::ids::PieceIndex;
use alloc::vec;
use alloc::vec::Vec;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Pieces looked at in the order of rarity before a peer's own pieces are looked through instead.
const MAX_PROBES: usize = 512;
/// Of a peer's own pieces, so many are compared for the rarest.
const MAX_COMPARED: usize = 4_096;

/// The place of a piece that is open.
const OPEN: u32 = u32::MAX - 1;
/// The place of a piece that we have.
const HAVE: u32 = u32::MAX;

/// The availability of every piece, and the order in which missing ones are begun.
#[derive(Debug)]
pub(super) struct Rarity {
    /// For each piece the peers that have it, apart from those counted in `seeds`.
    count: Vec<u32>,
    /// Peers that had everything when they joined.
    seeds: u32,
    /// The missing pieces that are not open, grouped by count.
    order: Vec<PieceIndex>,
    /// For each piece its position in `order`, or `OPEN` or `HAVE`.
    place: Vec<u32>,
    /// Where the group of each count begins in `order`; one entry more for the end of the last.
    starts: Vec<u32>,
    /// For each count the missing pieces that have it, open ones included.
    missing: Vec<u32>,
    pub(super) touched: Touched,
}

impl Rarity {
    /// All pieces missing, no peer there.
    pub(super) fn new(pieces: u32) -> Self {
        Self {
            count: vec![0; pieces as usize],
            seeds: 0,
            order: (0..pieces).map(PieceIndex).collect(),
            place: (0..pieces).collect(),
            starts: vec![0, pieces],
            missing: vec![pieces],
            touched: Touched::default(),
        }
    }

    /// A peer with these pieces is there. Constant time for one that has all.
    pub(super) fn add_peer(&mut self, has: &Bitfield) {
        if has.is_full() {
            self.seeds += 1;
        } else {
            has.iter().for_each(|piece| self.add(piece));
        }
    }

    /// A peer with these pieces is gone.
    ///
    /// It may have joined with fewer and been counted piece by piece, and have all now. Then a seed less is
    /// counted while there are others, which comes to the same sum; otherwise each piece is.
    pub(super) fn remove_peer(&mut self, has: &Bitfield) {
        if has.is_full() && self.seeds > 0 {
            self.seeds -= 1;
        } else {
            has.iter().for_each(|piece| self.subtract(piece));
        }
    }

    /// One peer more has the piece.
    pub(super) fn add(&mut self, piece: PieceIndex) {
        let Some(count) = self.count.get_mut(piece.as_usize()) else { return };
        let old = *count as usize;
        *count += 1;
        self.touched.note(piece);
        let place = self.place[piece.as_usize()];
        if place == HAVE {
            return;
        }
        self.ensure_group(old + 1);
        self.missing[old] -= 1;
        self.missing[old + 1] += 1;
        if place != OPEN {
            self.starts[old + 1] -= 1;
            self.swap(place, self.starts[old + 1]);
        }
    }

    fn subtract(&mut self, piece: PieceIndex) {
        let Some(count) = self.count.get_mut(piece.as_usize()) else { return };
        let old = *count as usize;
        debug_assert!(old > 0, "a peer left with a piece that it never had");
        if old == 0 {
            return;
        }
        *count -= 1;
        self.touched.note(piece);
        let place = self.place[piece.as_usize()];
        if place == HAVE {
            return;
        }
        self.missing[old] -= 1;
        self.missing[old - 1] += 1;
        if place != OPEN {
            let first = self.starts[old];
            self.starts[old] += 1;
            self.swap(place, first);
        }
        self.drop_empty_groups();
    }

    /// How many peers have the piece.
    pub(super) fn availability(&self, piece: PieceIndex) -> u32 {
        self.count.get(piece.as_usize()).map_or(0, |count| count + self.seeds)
    }

    /// Missing pieces that no peer has.
    pub(super) fn unavailable(&self) -> u32 {
        if self.seeds > 0 { 0 } else { self.missing[0] }
    }

    /// Missing pieces that are not open and that some peer has.
    pub(super) fn obtainable(&self) -> usize {
        let nobody_has = if self.seeds > 0 { 0 } else { self.starts[1] };
        self.order.len() - nobody_has as usize
    }

    /// Whether the piece is missing and not open.
    pub(super) fn is_closed(&self, piece: PieceIndex) -> bool {
        self.place.get(piece.as_usize()).is_some_and(|place| *place < OPEN)
    }

    /// The piece is begun. It must have been closed.
    pub(super) fn set_open(&mut self, piece: PieceIndex) {
        self.take_out(piece, OPEN);
    }

    /// We have the piece.
    pub(super) fn set_have(&mut self, piece: PieceIndex) {
        let place = self.place[piece.as_usize()];
        if place == HAVE {
            return;
        }
        self.touched.note(piece);
        if place == OPEN {
            self.place[piece.as_usize()] = HAVE;
        } else {
            self.take_out(piece, HAVE);
        }
        self.missing[self.count[piece.as_usize()] as usize] -= 1;
        self.drop_empty_groups();
    }

    /// The piece is missing and not open: it was open, or we had it.
    pub(super) fn set_closed(&mut self, piece: PieceIndex) {
        let count = self.count[piece.as_usize()] as usize;
        let place = self.place[piece.as_usize()];
        debug_assert!(place >= OPEN);
        self.ensure_group(count);
        if place == HAVE {
            self.missing[count] += 1;
        }
        let mut hole = self.order.len() as u32;
        self.order.push(piece);
        self.touched.note(piece);
        self.place[piece.as_usize()] = hole;
        *self.starts.last_mut().expect("there is always a last group") += 1;
        for group in (count + 1..self.starts.len() - 1).rev() {
            let first = self.starts[group];
            self.swap(hole, first);
            self.starts[group] += 1;
            hole = first;
        }
    }

    /// Takes a closed piece out of the order: the hole travels through the groups behind it to the end.
    fn take_out(&mut self, piece: PieceIndex, mark: u32) {
        let mut hole = self.place[piece.as_usize()];
        debug_assert!(hole < OPEN);
        for group in self.count[piece.as_usize()] as usize..self.starts.len() - 1 {
            self.starts[group + 1] -= 1;
            let last = self.starts[group + 1];
            self.swap(hole, last);
            hole = last;
        }
        self.order.pop();
        self.place[piece.as_usize()] = mark;
        self.touched.note(piece);
    }

    fn swap(&mut self, a: u32, b: u32) {
        self.order.swap(a as usize, b as usize);
        for at in [a, b] {
            let piece = self.order[at as usize];
            self.place[piece.as_usize()] = at;
            self.touched.note(piece);
        }
    }

    fn ensure_group(&mut self, count: usize) {
        while self.missing.len() <= count {
            self.missing.push(0);
            self.starts.push(self.order.len() as u32);
        }
    }

    fn drop_empty_groups(&mut self) {
        while self.missing.len() > 1 && self.missing.last() == Some(&0) {
            self.missing.pop();
            self.starts.pop();
        }
    }

    /// The rarest closed piece among `has`, a random one of those that are equally rare.
    ///
    /// The work is bounded: of a peer with many thousand pieces, none of which is among the rarest, it is the
    /// rarest of a sample.
    pub(super) fn rarest(&self, has: &Bitfield, have: &Bitfield, rng: &mut ChaCha8Rng) -> Option<PieceIndex> {
        if has.is_full() || has.count() as usize > MAX_PROBES {
            // Pieces that nobody but seeds has are of no use to look at for one that is not a seed.
            let first_group = usize::from(!has.is_full());
            let mut probes = MAX_PROBES;
            for borders in self.starts[first_group..].windows(2) {
                let group = &self.order[borders[0] as usize..borders[1] as usize];
                if let Some(piece) = probe(group, has, rng, &mut probes) {
                    return Some(piece);
                }
            }
            if probes > 0 {
                return None;
            }
        }
        self.rarest_of(has.minus(have), rng)
    }

    /// A random closed piece among `has`.
    pub(super) fn any(&self, has: &Bitfield, have: &Bitfield, rng: &mut ChaCha8Rng) -> Option<PieceIndex> {
        let mut probes = MAX_PROBES;
        probe(&self.order, has, rng, &mut probes).or_else(|| self.rarest_of(has.minus(have), rng))
    }

    /// The rarest closed piece of a few, a random one of those that are equally rare.
    pub(super) fn rarest_of(
        &self,
        pieces: impl Iterator<Item = PieceIndex>,
        rng: &mut ChaCha8Rng,
    ) -> Option<PieceIndex> {
        let mut best = None;
        let mut equals = 0;
        for piece in pieces.filter(|p| self.is_closed(*p)).take(MAX_COMPARED) {
            let count = self.count[piece.as_usize()];
            match best {
                Some((_, least)) if count > least => continue,
                Some((_, least)) if count == least => equals += 1,
                _ => equals = 1,
            }
            if equals == 1 || below(rng, equals) == 0 {
                best = Some((piece, count));
            }
        }
        best.map(|(piece, _)| piece)
    }

    /// Panics unless the piece is where it belongs.
    pub(super) fn check_piece(&self, piece: PieceIndex, had: bool, open: bool) {
        let (count, place) = (self.count[piece.as_usize()] as usize, self.place[piece.as_usize()]);
        assert_eq!(place == HAVE, had, "piece {piece}: had, or in the order");
        assert_eq!(place == OPEN, open, "piece {piece}: open, or in the order");
        if place < OPEN {
            assert_eq!(self.order[place as usize], piece);
            let group = self.starts[count]..self.starts[count + 1];
            assert!(group.contains(&place), "piece {piece}: group {count}");
        }
    }

    /// Panics where the counts of all pieces disagree with one another, or with how many are had and open.
    pub(super) fn check_sums(&self, had: u32, open: usize) {
        assert_eq!(self.starts.len(), self.missing.len() + 1);
        assert_eq!(self.starts.last().copied(), Some(self.order.len() as u32));
        assert!(self.starts.is_sorted());
        let missing = self.count.len() - had as usize;
        assert_eq!(self.missing.iter().sum::<u32>() as usize, missing, "missing pieces of all groups");
        assert_eq!(self.order.len() + open, missing, "missing pieces are open or in the order");
    }

    /// Panics where the missing pieces of a group are counted wrongly.
    pub(super) fn check_groups(&self) {
        let mut missing = vec![0; self.missing.len()];
        let lacking = self.count.iter().zip(&self.place).filter(|(_, place)| **place != HAVE);
        lacking.for_each(|(count, _)| missing[*count as usize] += 1);
        assert_eq!(missing, self.missing);
    }
}

/// Looks through `pieces` from a random one on for one that is in `has`.
fn probe(
    pieces: &[PieceIndex],
    has: &Bitfield,
    rng: &mut ChaCha8Rng,
    probes: &mut usize,
) -> Option<PieceIndex> {
    if pieces.is_empty() || *probes == 0 {
        return None;
    }
    let (before, after) = pieces.split_at(below(rng, pieces.len() as u32) as usize);
    for piece in after.iter().chain(before).take(*probes) {
        *probes -= 1;
        if has.has(*piece) {
            return Some(*piece);
        }
    }
    None
}

/// A random number below `end`, which is not 0. Its bias is below `end` in 2^32.
pub(super) fn below(rng: &mut ChaCha8Rng, end: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(end)) >> 32) as u32
}
