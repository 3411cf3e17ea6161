//! What a host can prove of a torrent: a piece counts as had when its write has returned and its bytes stand on
//! the disk.

use super::announce::{Announced, Tally};
use crate::disk::Disk;
use crate::payload::Torrent;
use peerless_core::{Bitfield, Event, Extent, Geometry, Instant, Metainfo, PieceIndex, TorrentId};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A torrent of a host.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: TorrentId,
    /// By which peers know it.
    pub(super) hash: [u8; 20],
    pub(super) geometry: Geometry,
    pub(super) metainfo: Arc<Metainfo>,
    /// Pieces that were looked at and are there. Since the host started.
    pub(super) proved: Bitfield,
    /// When the last write to a piece returns.
    writing: BTreeMap<u32, Instant>,
    /// Pieces that the engine has told the application it has.
    verified: Bitfield,
    pub(super) tally: Tally,
    pub(super) announced: Announced,
}

impl Known {
    pub(super) fn new(id: TorrentId, torrent: &Torrent) -> Self {
        let metainfo = Arc::clone(&torrent.metainfo);
        let (hash, geometry) = (metainfo.info_hash().wire().0, metainfo.geometry());
        let none = Bitfield::new(geometry.num_pieces());
        Self {
            id,
            hash,
            geometry,
            metainfo,
            proved: none.clone(),
            writing: BTreeMap::new(),
            verified: none,
            tally: Tally::default(),
            announced: Announced::default(),
        }
    }

    /// The engine tells the application something of this torrent.
    pub(super) fn tells(&mut self, event: &Event) {
        match event {
            Event::PieceVerified { piece, .. } => self.has(*piece),
            Event::PieceLost { piece, .. } => {
                let told = self.verified.remove(*piece);
                self.tally.lost(if told { u64::from(self.geometry.piece_len(*piece)) } else { 0 });
            }
            Event::Completed { .. } => self.geometry.pieces().for_each(|piece| self.has(piece)),
            // Whoever takes it on again begins anew.
            Event::Stopped { .. } => {
                self.verified = Bitfield::new(self.geometry.num_pieces());
                (self.tally, self.announced) = Default::default();
            }
            _ => {}
        }
    }

    fn has(&mut self, piece: PieceIndex) {
        if self.verified.insert(piece) {
            self.tally.verified(u64::from(self.geometry.piece_len(piece)));
        }
    }

    /// Bytes of the pieces that are had.
    pub(super) fn proved_bytes(&mut self, disk: &Disk, now: Instant) -> u64 {
        let geometry = self.geometry;
        let had = geometry.pieces().filter(|piece| self.prove(disk, now, piece.get()).is_some());
        had.map(|piece| u64::from(geometry.piece_len(piece))).sum()
    }

    /// The pieces of which these extents are a part.
    pub(super) fn touched(&self, extents: &[Extent]) -> Option<RangeInclusive<u32>> {
        let first = extents.first()?;
        let start = self.metainfo.layout().files().get(first.file.as_usize())?.offset + first.offset;
        let end = start + extents.iter().map(|e| e.len).sum::<u64>();
        let piece = |byte: u64| u32::try_from(byte / u64::from(self.geometry.piece_length())).ok();
        Some(piece(start)?..=piece(end.saturating_sub(1))?)
    }

    /// A write to these pieces returns at `at`.
    pub(super) fn writes(&mut self, pieces: RangeInclusive<u32>, at: Instant) {
        for index in pieces {
            self.writing.insert(index, at);
        }
    }

    /// Something, if the piece is had.
    pub(super) fn prove(&mut self, disk: &Disk, now: Instant, index: u32) -> Option<()> {
        let piece = PieceIndex::new(index);
        if self.proved.has(piece) {
            return Some(());
        }
        let written = self.writing.get(&index).is_none_or(|at| *at <= now);
        if !written || !disk.vouches(self.id, piece) {
            return None;
        }
        self.writing.remove(&index);
        self.proved.insert(piece);
        Some(())
    }
}
