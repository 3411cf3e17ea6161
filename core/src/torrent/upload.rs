//! What peers ask of us: checked, queued, read in batches, sent, or refused.

use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskOutcome, DiskResult, DiskTask};
use crate::error::PeerFault;
use crate::ids::{ConnId, PieceIndex};
use crate::limits::MAX_REQUEST_LEN;
use crate::peer::{Batch, Peer};
use crate::wire::{BlockRange, Message, piece_header};
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

impl Torrent {
    /// A peer asks for a block (BEP 3 `request`).
    pub(super) fn request_came(
        &mut self,
        cx: &mut Context,
        conn: ConnId,
        request: BlockRange,
    ) -> Result<(), PeerFault> {
        let sound = request.len > 0
            && request.len <= MAX_REQUEST_LEN
            && self.geometry.contains(request.index, request.begin, request.len);
        let piece = self.geometry.piece(request.index);
        let had = piece.is_some_and(|piece| self.picker.have().has(piece));
        let lost = !had && piece.is_some_and(|piece| self.loss.was_lost(piece));
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if !sound || !had || peer.choked || !peer.serve.push(request) {
            if !lost || peer.choked {
                peer.serve.refused(peer.choked && sound)?;
            }
            refuse(cx, peer, request);
            return Ok(());
        }
        self.note_request(cx, conn, PieceIndex::new(request.index));
        self.serve(cx, conn);
        Ok(())
    }

    /// A peer no longer wants a block (BEP 3 `cancel`). With the fast extension that is answered (BEP 6).
    pub(super) fn cancelled(&mut self, cx: &mut Context, conn: ConnId, request: BlockRange) {
        if let Some(peer) = self.peers.get_mut(&conn)
            && peer.serve.cancel(&request)
        {
            refuse(cx, peer, request);
        }
    }

    /// Reads what a peer asked for, as much as its socket has room for.
    pub(super) fn serve(&mut self, cx: &mut Context, conn: ConnId) {
        if self.finish.holds_reads() {
            return;
        }
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.serve.has_queued() {
            let rate = peer.up.per_second(cx.now);
            while let Some(batch) = self.peers.get_mut(&conn).and_then(|peer| peer.serve.next_batch(rate)) {
                self.read_batch(cx, conn, batch);
            }
        }
        if let Some(peer) = self.peers.get(&conn) {
            self.uplink.note(cx.now, conn, peer.waits_for_data());
        }
    }

    /// Reads what a peer asked for, unless it was lost meanwhile, or has to be hashed first.
    pub(super) fn read_batch(&mut self, cx: &mut Context, conn: ConnId, batch: Batch) {
        if !self.picker.have().has(batch.piece()) {
            self.refuse_batch(cx, conn, &batch);
        } else if !self.waits_for_hash(cx, conn, &batch) {
            let extents = self.metainfo.layout().extents(self.batch_range(&batch));
            self.upload_reads += 1;
            cx.disk(self.id, DiskTask::Read { place: self.place, extents }, Job::Upload { conn, batch });
        }
    }

    /// The bytes of the torrent that a batch asks for.
    pub(super) fn batch_range(&self, batch: &Batch) -> Range<u64> {
        let begin = batch.requests.first().map_or(0, |first| first.begin);
        let start = self.geometry.piece_start(batch.piece()) + u64::from(begin);
        start..start + batch.len as u64
    }

    /// Goes on with what was held back.
    pub(super) fn serve_everyone(&mut self, cx: &mut Context) {
        let all: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in all {
            self.serve(cx, conn);
        }
    }

    /// A [`Job::Upload`] has come to its end.
    pub(super) fn upload_read(&mut self, cx: &mut Context, conn: ConnId, batch: Batch, result: DiskResult) {
        self.upload_reads -= 1;
        match result {
            Ok(DiskOutcome::Read { data, stamps }) => {
                self.note_stamps(&batch, &stamps);
                if !self.picker.have().has(batch.piece()) {
                    // It was lost while this was read, and perhaps written over.
                    self.refuse_batch(cx, conn, &batch);
                } else if !self.waits_for_hash(cx, conn, &batch) {
                    self.upload(cx, conn, &batch, &data);
                }
            }
            Ok(_) => debug_assert!(false, "a read was asked for"),
            Err(error) => self.unreadable(cx, conn, batch, error),
        }
        self.serve(cx, conn);
        self.after_disk(cx);
    }

    fn upload(&mut self, cx: &mut Context, conn: ConnId, batch: &Batch, data: &Bytes) {
        self.tell_on_the_way(cx, conn);
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.serve.read_done(batch);
        let mut at = 0;
        for request in &batch.requests {
            let end = at + request.len as usize;
            debug_assert!(end <= data.len(), "a driver reads all of what was asked for");
            if peer.choked || end > data.len() {
                refuse(cx, peer, *request);
            } else {
                let head = piece_header(request.index, request.begin, request.len);
                peer.send_block(cx.now, &mut cx.out, &head, data.slice(at..end));
                peer.up.add(cx.now, u64::from(request.len));
                peer.sent_in_slot += u64::from(request.len);
                self.stats.up.add(cx.now, u64::from(request.len));
            }
            at = end;
        }
    }

    /// Says no to what was to be read.
    pub(super) fn refuse_batch(&mut self, cx: &mut Context, conn: ConnId, batch: &Batch) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.serve.read_done(batch);
        for request in &batch.requests {
            refuse(cx, peer, *request);
        }
    }

    /// The driver has sent bytes to a peer.
    pub(crate) fn sent(&mut self, cx: &mut Context, conn: ConnId, bytes: usize) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.serve.sent(bytes);
            self.serve(cx, conn);
        }
    }
}

/// Says no, where the peer understands that (BEP 6); otherwise silence says it (BEP 3).
pub(super) fn refuse(cx: &mut Context, peer: &mut Peer, request: BlockRange) {
    if peer.features.fast {
        peer.send(cx.now, &mut cx.out, &Message::Reject(request));
    }
}
