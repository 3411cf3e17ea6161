//! Had pieces that are not there any more: a file was cut, changed, or cannot be read. Nobody is to blame but the disk.
//!
//! What is read for a peer comes with the stamps of its files. Where a finished file cannot be read, or its stamp has
//! changed, its pieces are in doubt: each is hashed before more of it is given away. A piece that is bad or cannot be
//! read is lost: it is no longer offered, and a download fetches it again. A finished file that cannot be read is mended
//! in its place; one that can, but holds something else, is somebody's work, and we keep our hands off all of it.

use super::{Job, Torrent};
use crate::bitfield::Bitfield;
use crate::config::Goal;
use crate::context::Context;
use crate::disk::{DiskError, DiskErrorKind, DiskOutcome, DiskResult, DiskTask, Extent, FileStamp, Place};
use crate::event::{Event, Phase};
use crate::hash::Sha1State;
use crate::ids::{ConnId, FileIndex, PieceIndex};
use crate::peer::Batch;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// A piece that was lost so often is not fetched once more: the disk does not hold it.
const MAX_LOSSES: u32 = 3;

/// A piece that could not be read so often, though its hash was right each time, is given up.
const MAX_HICCUPS: u32 = 16;

/// What is known of pieces that were had.
#[derive(Debug, Default)]
pub(super) struct Loss {
    /// Pieces of files that have changed; `None` while none has.
    doubtful: Option<Bitfield>,
    /// Pieces that are being hashed, and the reads that wait for it.
    waiting: BTreeMap<PieceIndex, Vec<(ConnId, Batch)>>,
    /// How often each piece was lost.
    losses: BTreeMap<PieceIndex, u32>,
    /// How often each piece could not be read and was right all the same when it was hashed.
    hiccups: BTreeMap<PieceIndex, u32>,
    /// Finished files of which something cannot be read.
    broken: BTreeSet<FileIndex>,
    /// Writes to finished files that are under way: their stamps say nothing.
    mends: u32,
    /// Mending failed, or was of no use.
    hopeless: bool,
}

impl Loss {
    fn is_doubtful(&self, piece: PieceIndex) -> bool {
        self.doubtful.as_ref().is_some_and(|doubtful| doubtful.has(piece))
    }

    fn trust(&mut self, piece: PieceIndex) {
        if let Some(doubtful) = &mut self.doubtful {
            doubtful.remove(piece);
            if doubtful.is_empty() {
                self.doubtful = None;
            }
        }
    }

    /// Whether a piece that peers may take for ours was lost: it is no fault of theirs to ask for it.
    pub(super) fn was_lost(&self, piece: PieceIndex) -> bool {
        self.losses.contains_key(&piece)
    }

    /// A write to a finished file has begun.
    pub(super) const fn mend_began(&mut self) {
        self.mends += 1;
    }
}

impl Torrent {
    /// Whether a finished download fetches pieces again that it has lost.
    pub(super) fn is_mending(&self) -> bool {
        self.phase == Phase::Seeding
            && self.options.goal == Goal::Download
            && !self.loss.hopeless
            && !self.picker.is_complete()
    }

    /// What a file looks like now that it was synced, or written to by us.
    pub(super) fn set_stamp(&mut self, file: FileIndex, stamp: FileStamp) {
        if let Some(slot) = self.stamps.get_mut(file.as_usize()) {
            *slot = Some(stamp);
        }
    }

    /// A write to finished files has ended, well or not.
    pub(super) fn mended(&mut self, extents: &[Extent], stamps: &[FileStamp]) {
        self.loss.mends -= 1;
        for (extent, stamp) in extents.iter().zip(stamps).filter(|(extent, _)| !extent.padding) {
            // Two writes may answer in another order than they were done.
            let known = self.stamps.get(extent.file.as_usize()).copied().flatten();
            if known.is_none_or(|known| known.modified <= stamp.modified) {
                self.set_stamp(extent.file, *stamp);
            }
        }
    }

    /// Compares the stamps that came with a read to what is known. Where one has changed, all pieces of its file are in
    /// doubt from now on.
    pub(super) fn note_stamps(&mut self, batch: &Batch, stamps: &[FileStamp]) {
        // Until it is finished we write to the files ourselves.
        if self.place != Place::Final || self.loss.mends > 0 {
            return;
        }
        let extents = self.metainfo.layout().extents(self.batch_range(batch));
        for (extent, stamp) in extents.iter().zip(stamps).filter(|(extent, _)| !extent.padding) {
            let known = self.stamps.get(extent.file.as_usize()).copied().flatten();
            self.set_stamp(extent.file, *stamp);
            if known.is_some_and(|known| known != *stamp) {
                self.doubt(extent.file);
            }
        }
    }

    /// All pieces of a file have to be hashed before more of them is given away.
    fn doubt(&mut self, file: FileIndex) {
        let Some(entry) = self.metainfo.layout().files().get(file.as_usize()) else { return };
        let (length, end) = (u64::from(self.geometry.piece_length()), entry.offset + entry.length);
        let pieces = entry.offset / length..end.div_ceil(length);
        let doubtful = self.loss.doubtful.get_or_insert_with(|| Bitfield::new(self.geometry.num_pieces()));
        for piece in pieces.filter_map(|n| self.geometry.piece(u32::try_from(n).ok()?)) {
            doubtful.insert(piece);
        }
    }

    /// Whether a read has to wait until its piece is hashed; if so, it does from now on.
    pub(super) fn waits_for_hash(&mut self, cx: &mut Context, conn: ConnId, batch: &Batch) -> bool {
        let piece = batch.piece();
        let in_doubt = self.loss.is_doubtful(piece) || self.loss.waiting.contains_key(&piece);
        if !in_doubt || !self.peers.contains_key(&conn) {
            return false;
        }
        self.hash_again(cx, piece).push((conn, batch.clone()));
        true
    }

    /// Hashes a piece, unless that is under way. Gives the reads that wait for it.
    ///
    /// That settles the doubt there is now, not what comes up while it is hashed.
    fn hash_again(&mut self, cx: &mut Context, piece: PieceIndex) -> &mut Vec<(ConnId, Batch)> {
        if !self.loss.waiting.contains_key(&piece) {
            self.loss.trust(piece);
        }
        self.loss.waiting.entry(piece).or_insert_with(|| {
            let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
            let task = DiskTask::Digest { place: self.place, extents, hash: Sha1State::new().into() };
            self.upload_reads += 1;
            cx.disk(self.id, task, Job::Recheck(piece));
            Vec::new()
        })
    }

    /// A [`Job::Recheck`] has come to its end.
    pub(super) fn rechecked(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        self.upload_reads -= 1;
        let good = matches!(&result, Ok(DiskOutcome::Digest(digest)) if self.is_good(piece, digest));
        let waiting = self.loss.waiting.remove(&piece).unwrap_or_default();
        match result {
            _ if good => {}
            Err(error) => self.lose_unreadable(cx, piece, error),
            Ok(_) => self.lose_changed(cx, piece),
        }
        for (conn, batch) in waiting {
            if good && self.peers.contains_key(&conn) {
                self.read_batch(cx, conn, batch);
            } else {
                self.refuse_batch(cx, conn, &batch);
            }
            // What waits behind what was refused: nothing else may come that would bring it on.
            self.serve(cx, conn);
        }
        self.after_disk(cx);
    }

    /// What a peer asked for could not be read. If it is a finished file, the piece is hashed before it is given up: the
    /// next try may succeed, and what is right is not to be written over. Where the file was cut, the rest of it will
    /// have its length again once one piece is mended, and then be readable and wrong: it is in doubt, too.
    pub(super) fn unreadable(&mut self, cx: &mut Context, conn: ConnId, batch: Batch, error: DiskError) {
        let piece = batch.piece();
        let is_ours = self.picker.have().has(piece);
        if self.place != Place::Final || error.kind == DiskErrorKind::TooManyFiles || !is_ours {
            self.refuse_batch(cx, conn, &batch);
            return self.lose_unreadable(cx, piece, error);
        }
        let extents = self.metainfo.layout().extents(self.batch_range(&batch));
        self.break_files(&extents);
        let hiccups = self.loss.hiccups.entry(piece).or_default();
        *hiccups += u32::from(!self.loss.waiting.contains_key(&piece));
        if *hiccups > MAX_HICCUPS {
            self.refuse_batch(cx, conn, &batch);
            self.lose_unreadable(cx, piece, error);
        } else {
            // Whoever was refused would ask again at once.
            self.hash_again(cx, piece).push((conn, batch));
        }
    }

    /// Something of these files cannot be read: all of them is in doubt.
    fn break_files(&mut self, extents: &[Extent]) {
        for extent in extents.iter().filter(|extent| !extent.padding) {
            self.loss.broken.insert(extent.file);
            self.doubt(extent.file);
        }
    }

    /// A piece that we had is something else. In a file that cannot be read in other places that is the same damage;
    /// in any other somebody wanted it so.
    fn lose_changed(&mut self, cx: &mut Context, piece: PieceIndex) {
        let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
        let is_damage = |extent: &Extent| extent.padding || self.loss.broken.contains(&extent.file);
        if self.place == Place::Final && !extents.iter().any(is_damage) {
            self.stop_mending(cx, None);
        }
        self.lose(cx, piece, None);
    }

    fn lose_unreadable(&mut self, cx: &mut Context, piece: PieceIndex, error: DiskError) {
        // That cures itself.
        if error.kind == DiskErrorKind::TooManyFiles {
            return;
        }
        if self.place == Place::Final {
            self.break_files(&self.metainfo.layout().extents(self.geometry.piece_range(piece)));
        }
        self.lose(cx, piece, Some(error));
    }

    /// A piece that we had is not there. `error` is why it cannot be read, if that is so.
    fn lose(&mut self, cx: &mut Context, piece: PieceIndex, error: Option<DiskError>) {
        if !self.picker.have().has(piece) {
            return;
        }
        let times = self.loss.losses.entry(piece).or_default();
        *times += 1;
        let often = *times >= MAX_LOSSES;
        self.loss.trust(piece);
        cx.out.tell(Event::PieceLost { torrent: self.id, piece, error: error.clone() });
        self.picker.unset_have(piece);
        self.haves.lost(piece);
        for peer in self.peers.values_mut().filter(|peer| peer.has.has(piece)) {
            peer.missing_here += 1;
        }
        if self.place == Place::Final && often {
            self.stop_mending(cx, None);
        } else if self.place != Place::Final {
            self.lost_record(cx, piece);
            if let Some(error) = error.filter(|_| often) {
                return self.fail_disk(cx, error);
            }
        }
        if self.options.goal == Goal::Download && !self.loss.hopeless {
            self.ledger.want(self.geometry.piece_len(piece).into());
            self.look_for_lost(cx);
        }
    }

    /// Pieces are missing again: asks those who have them, and looks for more who do.
    pub(super) fn look_for_lost(&mut self, cx: &mut Context) {
        if self.phase != Phase::Downloading && !self.is_mending() {
            return;
        }
        let all: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in all {
            self.update_interest(cx, conn);
        }
        self.fill_hungry(cx);
        self.list.want_seeds();
        self.dial(cx);
        self.look_for_peers(cx);
    }

    /// The disk does not let us mend what is finished, or it is of no use: the rest is still worth giving away.
    pub(super) fn stop_mending(&mut self, cx: &mut Context, error: Option<DiskError>) {
        if core::mem::replace(&mut self.loss.hopeless, true) {
            return;
        }
        if let Some(error) = error {
            cx.out.tell(Event::DiskTrouble { torrent: self.id, error });
        }
        self.withdraw_requests(cx);
        let all: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in all {
            self.update_interest(cx, conn);
        }
    }
}
