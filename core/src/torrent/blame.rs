//! Who sent the corrupt block? Ban by proof only.
//!
//! A piece from several peers that fails proves nothing against any of them. Its blocks are hashed as they
//! lie on the disk; the picker has the piece fetched again whole from one peer that was not involved; when
//! that version passes, the two are compared block by block, and whoever sent a block that differs lied.

use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskOutcome, DiskResult, DiskTask};
use crate::error::{BanReason, DisconnectReason};
use crate::event::{Event, Phase};
use crate::geometry::BLOCK_LEN;
use crate::hash::sha1;
use crate::ids::{ConnId, PieceIndex, Sha1Hash};
use crate::time::Duration;
use crate::timers::TorrentTimer;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;

/// The picker keeps a piece that failed from those that were involved for 10 s.
pub(super) const SOLO_RETRY: Duration = Duration::from_millis(10_100);
/// A larger piece is fetched again without evidence: it would be read into memory whole.
const MAX_EVIDENCE: u32 = 16 << 20;
/// Pieces whose evidence is kept at once; older evidence goes first.
const MAX_CASES: usize = 64;

/// What is known of pieces that failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Blame {
    /// Who sent each block, while the bad version is being read.
    collecting: BTreeMap<PieceIndex, Vec<Option<IpAddr>>>,
    /// Who sent what.
    cases: BTreeMap<PieceIndex, Vec<Testimony>>,
}

/// A block of a version that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Testimony {
    block: usize,
    sender: IpAddr,
    digest: Sha1Hash,
}

impl Torrent {
    /// A piece of several senders failed: reads what is there before anything is written over it.
    pub(super) fn collect_evidence(
        &mut self,
        cx: &mut Context,
        piece: PieceIndex,
        senders: Vec<Option<IpAddr>>,
    ) {
        if self.geometry.piece_len(piece) > MAX_EVIDENCE || !self.blame.collecting.is_empty() {
            return;
        }
        self.blame.collecting.insert(piece, senders);
        self.gather.freeze(cx.now, piece, true);
        self.read_piece(cx, piece, Job::BlameBad(piece));
    }

    /// Who was involved in a piece that failed may take it once nobody else did for a while, and so may others
    /// when its owner is lost: nothing else would wake them.
    pub(super) fn offer_solo(&mut self, cx: &mut Context) {
        self.fill_hungry(cx);
        if self.phase == Phase::Downloading && self.picker.has_solo() {
            self.set_timer(cx, TorrentTimer::Solo, cx.now + SOLO_RETRY);
        }
    }

    /// A piece that had failed has passed now: reads it to compare.
    pub(super) fn settle_blame(&mut self, cx: &mut Context, piece: PieceIndex) {
        if self.blame.cases.contains_key(&piece) {
            self.read_piece(cx, piece, Job::BlameGood(piece));
        }
    }

    fn read_piece(&mut self, cx: &mut Context, piece: PieceIndex, job: Job) {
        let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
        self.data_jobs += 1;
        cx.disk(self.id, DiskTask::Read { place: self.place, extents }, job);
    }

    /// A [`Job::BlameBad`] has come to its end.
    pub(super) fn evidence_read(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        self.data_jobs -= 1;
        self.gather.freeze(cx.now, piece, false);
        if let (Some(senders), Ok(DiskOutcome::Read(data))) = (self.blame.collecting.remove(&piece), result) {
            let case = self.blame.cases.entry(piece).or_default();
            for (block, (sender, bytes)) in senders.iter().zip(data.chunks(BLOCK_LEN as usize)).enumerate() {
                if let Some(sender) = *sender {
                    case.push(Testimony { block, sender, digest: sha1(bytes) });
                }
            }
            if self.blame.cases.len() > MAX_CASES {
                self.blame.cases.pop_first();
            }
        }
        self.write_runs(cx, piece, super::gather::Flush::Ready);
        self.after_disk(cx);
    }

    /// A [`Job::BlameGood`] has come to its end.
    pub(super) fn verdict_read(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        self.data_jobs -= 1;
        if let (Some(case), Ok(DiskOutcome::Read(good))) = (self.blame.cases.remove(&piece), result) {
            let truth: Vec<Sha1Hash> = good.chunks(BLOCK_LEN as usize).map(sha1).collect();
            let liars: BTreeSet<IpAddr> = case
                .iter()
                .filter(|said| truth.get(said.block).is_some_and(|t| *t != said.digest))
                .map(|said| said.sender)
                .collect();
            for liar in liars {
                self.ban(cx, liar, BanReason::CorruptBlock);
            }
        }
        self.after_disk(cx);
    }

    /// Neither dials nor accepts an address again, and ends what is open to it.
    pub(super) fn ban(&mut self, cx: &mut Context, addr: IpAddr, reason: BanReason) {
        if !self.list.ban(addr) {
            return;
        }
        cx.out.tell(Event::PeerBanned { torrent: self.id, addr, reason });
        let open: Vec<ConnId> = self
            .peers
            .values()
            .filter(|p| p.addr() == addr)
            .map(|p| p.conn)
            .chain(self.opening_to(addr))
            .collect();
        for conn in open {
            self.drop_peer(cx, conn, DisconnectReason::Banned);
        }
    }
}
