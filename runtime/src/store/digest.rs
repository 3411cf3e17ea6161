//! Hashes what stands on the disk: several pieces in turn, each read a chunk at a time.

use super::fault::{Fault, What};
use super::site::Site;
use super::transfer::{Scratch, at_most, pread, read_exact};
use crate::hash::hash_together;
use peerless_core::{Extent, PieceDigest, Place, Sha1State};

/// Bytes that are read at once, those of all pieces together: they are still in the processor's cache when they are
/// hashed.
const CHUNK: usize = 512 << 10;

/// A piece that is read and hashed, or what is left of one.
pub(super) struct Piece<'a> {
    site: Site<'a>,
    place: Place,
    /// What is still to be read, and how much of its first has been.
    extents: &'a [Extent],
    at: u64,
    /// As it was, unless it wants blocks: then it is advanced instead of `whole`.
    digest: PieceDigest,
    whole: Sha1State,
    fault: Option<Fault>,
}

/// Advances the digest of each piece over what stands on the disk. One that cannot be read does not hinder the others.
pub(super) fn digest_together(
    mut pieces: Vec<Piece<'_>>,
    scratch: &mut Scratch,
) -> Vec<Result<PieceDigest, Fault>> {
    let share = (CHUNK / pieces.len().max(1)).next_multiple_of(64);
    let buffer = scratch.room(share * pieces.len());
    loop {
        let chunks = buffer.chunks_exact_mut(share).zip(&mut pieces);
        let mut read: Vec<_> = chunks.map(|(chunk, piece)| (piece.read(chunk), piece)).collect();
        if read.iter().all(|(chunk, _)| chunk.is_empty()) {
            return pieces.into_iter().map(Piece::end).collect();
        }
        for (chunk, piece) in read.iter_mut().filter(|(_, piece)| piece.digest.wants_blocks()) {
            piece.digest.update(chunk);
        }
        let alike = read.iter_mut().filter(|(_, piece)| !piece.digest.wants_blocks());
        hash_together(alike.map(|(chunk, piece)| (&mut piece.whole, [&**chunk])));
    }
}

impl<'a> Piece<'a> {
    pub(super) fn new(site: Site<'a>, place: Place, extents: &'a [Extent], digest: PieceDigest) -> Self {
        let whole = digest.whole();
        Self { site, place, extents, at: 0, digest, whole, fault: None }
    }

    /// What comes next, as much as there is room for: nothing at the end, and after a fault.
    fn read<'b>(&mut self, room: &'b mut [u8]) -> &'b [u8] {
        let mut filled = 0;
        while let Some(extent) = self.extents.first()
            && filled < room.len()
        {
            let left = extent.len - self.at;
            let now = at_most(left, room.len() - filled);
            if let Err(fault) = self.read_from(extent, &mut room[filled..filled + now]) {
                self.fault = Some(fault);
                self.extents = &[];
                return &[];
            }
            filled += now;
            self.at += now as u64;
            if self.at == extent.len {
                self.extents = &self.extents[1..];
                self.at = 0;
            }
        }
        &room[..filled]
    }

    /// Asks the pool for the file each time: else every piece would keep a descriptor from others.
    fn read_from(&self, extent: &Extent, into: &mut [u8]) -> Result<(), Fault> {
        if extent.padding {
            into.fill(0);
            return Ok(());
        }
        let file = self.site.open_to_read(self.place, extent)?;
        let what = What::File(self.place, extent.file);
        read_exact(&file, into, extent.offset.saturating_add(self.at), what, pread)
    }

    fn end(self) -> Result<PieceDigest, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.digest.wants_blocks() => Ok(self.digest),
            None => Ok(self.whole.into()),
        }
    }
}
