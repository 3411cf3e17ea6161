//! What the other side of a connection said, as the engine has read it: the context in which its own words are
//! judged. It may be anything; where it breaks the protocol the engine stops reading, and so does this.

use super::reader::*;
use peerless_core::wire::{BlockRange, ExtensionHandshake, Features};
use peerless_core::{Bitfield, Geometry, Instant, PieceIndex};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) reader: Reader,
    /// It has said something after which nothing can be read.
    pub(super) broken: bool,
    pub(super) features: Option<Features>,
    pub(super) has: Bitfield,
    pub(super) choking: bool,
    /// The input with which its last choke came: what crosses with it is no fault.
    pub(super) choked_in: u64,
    /// Pieces that may be requested while it chokes.
    pub(super) allowed: BTreeSet<u32>,
    /// What it requested and was not answered, the same range possibly more than once.
    pub(super) claims: BTreeMap<BlockRange, Claim>,
    /// The kinds of extended messages that it takes.
    pub(super) kinds: BTreeSet<u8>,
    /// How many requests it takes, and the input with which it said so.
    pub(super) reqq: Option<(u32, u64)>,
}

/// See [`Heard::claims`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) count: u32,
    pub(super) at: Instant,
    pub(super) cancelled: Option<Instant>,
}

/// What it means for the engine's own requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bearing {
    None,
    /// This one is answered with its block.
    Answered(BlockRange),
    /// This one is rejected.
    Rejected(BlockRange),
    /// None of them will be.
    AllDropped,
}

impl Heard {
    pub(super) fn new() -> Self {
        Self {
            reader: Reader::new(),
            broken: false,
            features: None,
            has: Bitfield::new(0),
            choking: true,
            choked_in: 0,
            allowed: BTreeSet::new(),
            claims: BTreeMap::new(),
            kinds: BTreeSet::new(),
            reqq: None,
        }
    }

    /// A message of a connection on which both sides have shaken hands.
    pub(super) fn message(
        &mut self,
        now: Instant,
        serial: u64,
        head: &Head,
        geometry: Geometry,
        agreed: Features,
    ) -> Bearing {
        let [first, ..] = head.numbers;
        let known = head.id <= PORT || matches!(head.id, SUGGEST..=ALLOWED_FAST | EXTENDED);
        let unspoken = matches!(head.id, SUGGEST..=ALLOWED_FAST) && !agreed.fast;
        let about_piece = matches!(head.id, HAVE | SUGGEST | ALLOWED_FAST);
        if known && !fits(head, geometry.num_pieces())
            || unspoken
            || about_piece && geometry.piece(first).is_none()
        {
            self.broken = true;
            return Bearing::None;
        }
        let range = BlockRange { index: first, begin: head.numbers[1], len: head.numbers[2] };
        match head.id {
            CHOKE => {
                self.choking = true;
                self.choked_in = serial;
                if !agreed.fast {
                    return Bearing::AllDropped;
                }
            }
            UNCHOKE => self.choking = false,
            HAVE => {
                self.has.insert(PieceIndex::new(first));
            }
            HAVE_ALL => self.has = Bitfield::full(geometry.num_pieces()),
            BITFIELD => self.bitfield(geometry),
            REQUEST => {
                let claim = self.claims.entry(range).or_insert(Claim { count: 0, at: now, cancelled: None });
                *claim = Claim { count: claim.count + 1, at: now, cancelled: None };
            }
            CANCEL => {
                if let Some(claim) = self.claims.get_mut(&range) {
                    claim.cancelled = Some(now);
                }
            }
            PIECE => return Bearing::Answered(BlockRange { len: head.block_len(), ..range }),
            REJECT => return Bearing::Rejected(range),
            ALLOWED_FAST => {
                self.allowed.insert(first);
            }
            EXTENDED if agreed.extended && first == 0 => self.extensions(serial),
            _ => {}
        }
        Bearing::None
    }

    fn bitfield(&mut self, geometry: Geometry) {
        let body = self.reader.take_body();
        if let Some(has) = Bitfield::from_wire(geometry.num_pieces(), &body) {
            has.iter().for_each(|piece| {
                self.has.insert(piece);
            });
        }
    }

    fn extensions(&mut self, serial: u64) {
        let body = self.reader.take_body();
        let Ok(theirs) = ExtensionHandshake::parse(&body) else {
            self.broken = true;
            return;
        };
        for kind in theirs.m.into_values() {
            self.kinds.insert(kind);
        }
        if let Some(reqq) = theirs.reqq {
            self.reqq = Some((reqq, serial));
        }
    }

    /// The engine answers a claim. `None`: there is none.
    pub(super) fn answer(&mut self, range: &BlockRange) -> Option<Claim> {
        let claim = self.claims.get_mut(range)?;
        claim.count -= 1;
        let answered = *claim;
        if claim.count == 0 {
            self.claims.remove(range);
        }
        Some(answered)
    }
}
