//! The digest of a piece as it is read from the disk, and where blame asks for them, of each of its blocks.

use crate::geometry::BLOCK_LEN;
use crate::hash::Sha1State;
use crate::ids::Sha1Hash;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What a [`DiskTask::Digest`](crate::DiskTask::Digest) advances: the SHA-1 of a piece, and where they are asked
/// for, those of its blocks. They cost 20 bytes for each [`BLOCK_LEN`] and as much hashing again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceDigest {
    whole: Sha1State,
    blocks: Option<Box<Blocks>>,
}

/// The digests of the blocks that are whole, and the state of the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Blocks {
    done: Vec<Sha1Hash>,
    next: Sha1State,
}

impl PieceDigest {
    /// Before the first byte of a piece whose blocks are hashed each by itself, too.
    pub fn with_blocks() -> Self {
        Self { whole: Sha1State::new(), blocks: Some(Box::default()) }
    }

    /// What is known without the bytes: for a replay, and for a simulated disk that knows what it holds.
    pub fn known(whole: Sha1State, blocks: Vec<Sha1Hash>) -> Self {
        Self { whole, blocks: Some(Box::new(Blocks { done: blocks, next: Sha1State::new() })) }
    }

    /// Whether the digests of blocks are asked for.
    pub const fn wants_blocks(&self) -> bool {
        self.blocks.is_some()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, mut data: &[u8]) {
        let Some(blocks) = &mut self.blocks else {
            self.whole.update(data);
            return;
        };
        while !data.is_empty() {
            let missing = (u64::from(BLOCK_LEN) - blocks.next.len()) as usize;
            let (now, rest) = data.split_at(data.len().min(missing));
            self.whole.update(now);
            blocks.next.update(now);
            if now.len() == missing {
                blocks.done.push(core::mem::take(&mut blocks.next).finish());
            }
            data = rest;
        }
    }

    /// How many bytes have been taken in.
    pub const fn len(&self) -> u64 {
        self.whole.len()
    }

    /// Whether nothing has been taken in.
    pub const fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }

    /// The state of the piece.
    pub const fn whole(&self) -> Sha1State {
        self.whole
    }

    /// The digests of the blocks in their order, the last of which may be short; none where none were asked for.
    pub fn into_blocks(self) -> Vec<Sha1Hash> {
        let Blocks { mut done, next } = self.blocks.map_or_else(Blocks::default, |blocks| *blocks);
        if !next.is_empty() {
            done.push(next.finish());
        }
        done
    }
}

/// Goes on from a state, and keeps no blocks apart.
impl From<Sha1State> for PieceDigest {
    fn from(whole: Sha1State) -> Self {
        Self { whole, blocks: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha1;
    use proptest::prelude::*;

    #[test]
    fn a_piece_without_bytes_has_no_blocks() {
        assert_eq!(PieceDigest::with_blocks().into_blocks(), []);
        let mut digest = PieceDigest::from(Sha1State::new());
        digest.update(b"abc");
        assert_eq!((digest.len(), digest.whole().finish()), (3, sha1(b"abc")));
        assert_eq!(digest.into_blocks(), []);
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_digest_of_each_block(
            len in 0usize..70_000,
            cuts in proptest::collection::vec(0usize..70_000, 0..6),
        ) {
            let data: Vec<u8> = (0..len).map(|n| ((n * n) >> 9) as u8).collect();
            let mut cuts: Vec<_> = cuts.into_iter().map(|c| c.min(len)).collect();
            cuts.sort_unstable();
            let mut digest = PieceDigest::with_blocks();
            let mut from = 0;
            for cut in cuts.into_iter().chain([len]) {
                digest.update(&data[from..cut]);
                from = cut;
            }
            prop_assert_eq!(digest.len(), len as u64);
            prop_assert_eq!(digest.whole().finish(), sha1(&data));
            let blocks: Vec<_> = data.chunks(BLOCK_LEN as usize).map(sha1).collect();
            prop_assert_eq!(digest.into_blocks(), blocks);
        }
    }
}
