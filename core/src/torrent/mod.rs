//! One torrent: its pieces, its peers, its trackers, its place on the disk, and the decisions about them.
//!
//! Each file here is one mechanism; this one holds what they share. The way of a block in:
//! `messages` -> `download` (was it asked for?) -> `gather` (runs) -> `writes` -> `verdict` (the right bytes?)
//! -> `records` (synced, journaled) -> `finish` (renamed). The way out: `upload` -> the disk -> `upload`.

mod announce;
mod blame;
mod check;
mod choking;
mod connections;
mod deadlines;
mod demand;
mod download;
mod evict;
mod finish;
mod gather;
mod handshakes;
mod haves;
mod interest;
mod invariants;
mod job;
mod ledger;
mod lifecycle;
mod loss;
mod messages;
mod named;
mod records;
mod resume;
mod spread;
mod stats;
mod trouble;
mod uplink;
mod upload;
mod verdict;
mod why;
mod writes;

pub(crate) use job::Job;
pub use ledger::Overfetched;

use crate::announcer::{Announcer, TrackerKey};
use crate::bitfield::Bitfield;
use crate::choker::Choker;
use crate::config::{Goal, TorrentOptions};
use crate::context::Context;
use crate::disk::{FileStamp, Place};
use crate::error::TorrentError;
use crate::event::Phase;
use crate::geometry::Geometry;
use crate::ids::{ConnId, TorrentId};
use crate::limits::OPEN_BYTES;
use crate::metainfo::Metainfo;
use crate::peer::Peer;
use crate::peer_list::PeerList;
use crate::picker::Picker;
use crate::time::Instant;
use crate::timers::{TimerKey, TorrentTimer};
use crate::window::Intake;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use announce::Announcing;
use blame::Blame;
use connections::Opening;
use core::net::IpAddr;
use demand::Demand;
use finish::Finish;
use gather::Gather;
use haves::Haves;
use ledger::Ledger;
use lifecycle::Closing;
use loss::Loss;
use named::NamedPeer;
use rand_chacha::rand_core::Rng as _;
use records::Records;
use resume::Resume;
use spread::Spread;
use stats::Stats;
use trouble::Trouble;
use uplink::Uplink;

/// A torrent of an engine.
#[derive(Debug)]
pub(crate) struct Torrent {
    id: TorrentId,
    metainfo: Arc<Metainfo>,
    geometry: Geometry,
    options: TorrentOptions,
    phase: Phase,
    started: Instant,
    completed: Option<Instant>,
    /// Why it failed, once it did: it is stopping then.
    failure: Option<TorrentError>,

    // The pieces.
    picker: Picker,
    gather: Gather,
    blame: Blame,

    // The peers.
    list: PeerList,
    opening: BTreeMap<ConnId, Opening>,
    /// In boxes: it is searched at every input, and so its keys stand close together.
    peers: BTreeMap<ConnId, Box<Peer>>,
    /// Peers that could take more requests than the picker had for them.
    hungry: BTreeSet<ConnId>,
    /// What not every peer has been told of.
    haves: Haves,
    choker: Choker,
    demand: Demand,
    uplink: Uplink,
    intake: Intake,
    /// Once it seeds and somebody wants something.
    spread: Option<Spread>,
    /// Those that the user named by the name of a host.
    named: Vec<NamedPeer>,
    /// How often each address named a piece that does not exist.
    impossible: BTreeMap<IpAddr, u32>,

    // The trackers.
    announcer: Announcer,
    announcing: BTreeMap<TrackerKey, Announcing>,
    /// By this trackers know us again when our address changes (BEP 3 `key`).
    announce_key: u32,

    // The disk.
    /// Where the data stands now.
    place: Place,
    resume: Option<Resume>,
    /// What the files looked like when they were last synced, or hashed at their final place.
    stamps: Vec<Option<FileStamp>>,
    loss: Loss,
    records: Records,
    finish: Finish,
    /// How far a clean stop is with the records.
    closing: Closing,
    /// Disk jobs under way that a stop or the end of the download waits for: writes, digests, looks at evidence, the
    /// deletion of a journal. Not the reads for peers.
    data_jobs: u32,
    /// Reads for peers under way, and pieces that are hashed before they are given.
    upload_reads: u32,
    /// Payload of this torrent that counts against the engine's budget, in bytes.
    in_flight: usize,
    trouble: Option<Trouble>,

    stats: Stats,
    ledger: Ledger,
}

impl Torrent {
    pub(crate) fn new(
        cx: &mut Context,
        id: TorrentId,
        metainfo: Arc<Metainfo>,
        options: TorrentOptions,
    ) -> Self {
        let geometry = metainfo.geometry();
        let max_open = cx.config.max_open_pieces.max((OPEN_BYTES / geometry.piece_length().max(1)) as usize);
        let place = if options.goal == Goal::Download { Place::Part } else { Place::Final };
        Self {
            id,
            geometry,
            phase: Phase::Checking,
            started: cx.now,
            completed: None,
            failure: None,
            picker: Picker::new(geometry, max_open, cx.fork_rng()),
            gather: Gather::default(),
            blame: Blame::default(),
            list: PeerList::new(cx.fork_rng(), cx.config.max_per_address),
            opening: BTreeMap::new(),
            peers: BTreeMap::new(),
            hungry: BTreeSet::new(),
            haves: Haves::default(),
            choker: Choker::new(cx.config.upload_slots, cx.fork_rng()),
            demand: Demand::default(),
            uplink: Uplink::default(),
            intake: Intake::default(),
            spread: None,
            named: Vec::new(),
            impossible: BTreeMap::new(),
            announcer: Announcer::new(metainfo.trackers(), cx.fork_rng()),
            announcing: BTreeMap::new(),
            announce_key: cx.fork_rng().next_u32(),
            place,
            resume: None,
            stamps: alloc::vec![None; metainfo.layout().files().len()],
            loss: Loss::default(),
            records: Records::new(metainfo.info_hash(), geometry),
            finish: Finish::default(),
            closing: Closing::default(),
            data_jobs: 0,
            upload_reads: 0,
            in_flight: 0,
            trouble: None,
            stats: Stats::new(cx.now),
            ledger: Ledger::default(),
            metainfo,
            options,
        }
    }

    /// What peers and trackers call it.
    pub(crate) fn wire_hash(&self) -> crate::ids::Sha1Hash {
        self.metainfo.info_hash().wire()
    }

    /// The verified pieces.
    pub(crate) fn have(&self) -> &Bitfield {
        self.picker.have()
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Something of this torrent is due.
    pub(crate) fn timer(&mut self, cx: &mut Context, timer: TorrentTimer) {
        match timer {
            TorrentTimer::Dial => self.dial(cx),
            TorrentTimer::Announce => self.run_announces(cx),
            TorrentTimer::Lookup => self.look_up_again(cx),
            TorrentTimer::Slots => self.look_at_slots(cx),
            TorrentTimer::Haves => self.tell_haves(cx),
            TorrentTimer::Sync => self.sync_due(cx),
            TorrentTimer::Gather => self.write_aged(cx),
            TorrentTimer::DiskRetry => self.retry_disk(cx),
            TorrentTimer::Solo => self.offer_solo(cx),
            TorrentTimer::Endgame => self.fill_hungry(cx),
            TorrentTimer::Timeout | TorrentTimer::Stall => self.check_patience(cx),
            TorrentTimer::SeedGoal => self.check_seed_goal(cx),
            TorrentTimer::Stop => self.stop_now(cx),
        }
    }

    /// Payload came in on `conn` and stays in memory until it is written.
    fn take_memory(&mut self, cx: &mut Context, conn: ConnId, bytes: usize) {
        self.in_flight += bytes;
        cx.budget.take(&mut cx.out, conn, bytes);
    }

    /// Payload has left memory.
    fn give_memory(&mut self, cx: &mut Context, bytes: usize) {
        self.in_flight -= bytes;
        cx.budget.give(&mut cx.out, bytes);
    }

    /// Payload that counts against the engine's budget, in bytes.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    const fn key(&self, timer: TorrentTimer) -> TimerKey {
        TimerKey::Torrent(self.id, timer)
    }

    fn set_timer(&self, cx: &mut Context, timer: TorrentTimer, at: Instant) {
        cx.timers.set(self.key(timer), at);
    }

    /// Whether blocks may be asked for now.
    fn is_requesting(&self) -> bool {
        (self.phase == Phase::Downloading || self.is_mending()) && self.trouble.is_none()
    }

    /// Whether peers are welcome.
    const fn is_networking(&self) -> bool {
        matches!(self.phase, Phase::Downloading | Phase::Finishing | Phase::Seeding)
    }
}
