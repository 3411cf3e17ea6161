//! What a block costs the whole engine, from its first byte to the answer of the disk: with more peers, pieces and torrents.
//!
//! `cargo bench -p peerless-core --bench engine`. Half of the peers are seeds, the others have a random half of the
//! pieces. The disk answers at once, and knows the digests: nothing is hashed or written here. Where the windows of
//! all peers together hold more than the torrent has left, this is the cost of endgame. And what a second costs in which
//! nothing comes, with a choking peer for each torrent.
#![allow(clippy::disallowed_types, reason = "a benchmark has a clock")]

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use peerless_core::wire::{BlockRange, Decoder, Features, HANDSHAKE_LEN, Handshake, Message, piece_header};
use peerless_core::*;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{self, Duration as StdDuration};

const PIECE: u32 = 256 << 10;
const FEATURES: Features = Features { fast: true, extended: false };

fn main_bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("block");
    group.throughput(Throughput::Bytes(BLOCK_LEN.into()));
    group.sample_size(10).measurement_time(StdDuration::from_secs(2));
    for pieces in [1_000, 10_000, 100_000] {
        let torrent = [zeros("zeros", pieces)];
        for peers in [1, 10, 100, 1_000] {
            let id = BenchmarkId::new(format!("{peers} peers"), format!("{pieces} pieces"));
            group.bench_function(id, |b| b.iter_custom(|blocks| fetch(&torrent, peers, blocks)));
        }
    }
    group.finish();

    let mut group = c.benchmark_group("torrents");
    group.sample_size(10).measurement_time(StdDuration::from_secs(2));
    for count in [1, 10, 100, 1_000_u64] {
        let torrents: Vec<_> = (0..count).map(|n| zeros(&format!("zeros {n}"), 10_000)).collect();
        let id = |what| BenchmarkId::new(what, count);
        group.bench_function(id("block"), |b| b.iter_custom(|blocks| fetch(&torrents, 1, blocks)));
        let mut swarm = Swarm::new(&torrents, 0);
        torrents.iter().zip(0..).for_each(|(torrent, n)| swarm.join(n, torrent, &[Message::Choke]));
        group.bench_function(id("idle second"), |b| b.iter(|| swarm.rest(count)));
    }
}

criterion_group!(benches, main_bench);
criterion_main!(benches);

/// A torrent of so many pieces of zeros.
fn zeros(name: &str, pieces: u32) -> Arc<Metainfo> {
    let hash = sha1(&vec![0; PIECE as usize]).0;
    let length = u64::from(pieces) * u64::from(PIECE);
    let file = metainfo::Builder::file(name, length, PIECE).pieces(hash.repeat(pieces as usize));
    Arc::new(Metainfo::parse(&file.build().expect("it is a torrent")).expect("it is ours"))
}

/// The time for so many blocks of the first torrent, in as many downloads as they take. The others have no peers.
fn fetch(torrents: &[Arc<Metainfo>], peers: u32, blocks: u64) -> StdDuration {
    let mut spent = StdDuration::ZERO;
    let mut left = blocks;
    while left > 0 {
        let mut swarm = Swarm::new(torrents, peers);
        let start = time::Instant::now();
        while left > 0 && swarm.deliver() {
            left -= 1;
        }
        spent += start.elapsed();
    }
    spent
}

/// An engine that downloads, and what the world around it knows.
struct Swarm {
    engine: Engine,
    now: Instant,
    torrent: Arc<Metainfo>,
    /// What was said to each peer, by the number of its connection.
    heard: BTreeMap<ConnId, Decoder>,
    requests: VecDeque<(ConnId, BlockRange)>,
    inputs: VecDeque<Input>,
    /// The digest of so many zeros.
    digests: BTreeMap<u64, Sha1State>,
    block: Bytes,
}

impl Swarm {
    fn new(torrents: &[Arc<Metainfo>], peers: u32) -> Self {
        let max_peers = peers as usize + torrents.len();
        let config = Config { max_peers, ..Config::default() };
        let mut engine = Engine::new(config, [7; 32], Instant::ZERO);
        for torrent in torrents {
            let options = TorrentOptions::default();
            engine.add_torrent(Instant::ZERO, torrent.clone(), options).expect("a new torrent");
        }
        let mut digests = BTreeMap::new();
        let mut digest = Sha1State::new();
        let zeros = vec![0; BLOCK_LEN as usize];
        for blocks in 0..=u64::from(PIECE / BLOCK_LEN) {
            digests.insert(blocks * u64::from(BLOCK_LEN), digest);
            digest.update(&zeros);
        }
        let mut swarm = Self {
            engine,
            now: Instant::ZERO,
            torrent: torrents[0].clone(),
            heard: BTreeMap::new(),
            requests: VecDeque::new(),
            inputs: VecDeque::from([Input::Listening {
                local: "192.0.2.9:6881".parse().expect("an address"),
            }]),
            digests,
            block: zeros.into(),
        };
        swarm.settle();
        for n in 0..peers {
            let has = if n.is_multiple_of(2) {
                Message::HaveAll
            } else {
                Message::Bitfield(swarm.half(n).to_wire())
            };
            swarm.join(n, &torrents[0], &[has, Message::Unchoke]);
        }
        swarm
    }

    /// A peer that says this at first.
    fn join(&mut self, n: u32, torrent: &Metainfo, says: &[Message]) {
        let conn = ConnId::accepted(u64::from(n));
        let [_, b, c, d] = n.to_be_bytes();
        let remote = (std::net::Ipv4Addr::new(10, b, c, d), 50_000).into();
        let mut peer_id = PeerId(*b"-XX0000-not-so-nice-");
        peer_id.0[16..].copy_from_slice(&n.to_be_bytes());
        let handshake = Handshake { info_hash: torrent.info_hash().wire(), peer_id, features: FEATURES };
        let mut said = BytesMut::from(&handshake.encode()[..]);
        says.iter().for_each(|message| message.encode(&mut said));
        self.inputs.push_back(Input::Accepted { conn, remote });
        self.inputs.push_back(Input::Received { conn, data: said.freeze() });
        self.settle();
    }

    /// A half of the pieces that looks random.
    fn half(&self, n: u32) -> Bitfield {
        let geometry = self.torrent.geometry();
        let mut has = Bitfield::new(geometry.num_pieces());
        let odd = |piece: &PieceIndex| (piece.get() ^ n).wrapping_mul(0x9e37_79b1) >> 31 == 1;
        geometry.pieces().filter(odd).for_each(|piece| _ = has.insert(piece));
        has
    }

    /// The next block that was asked for arrives. `false` if nothing is asked for any more.
    fn deliver(&mut self) -> bool {
        let Some((conn, range)) = self.requests.pop_front() else { return false };
        self.now = self.now + Duration::from_micros(100);
        let head = Bytes::copy_from_slice(&piece_header(range.index, range.begin, range.len));
        self.inputs.push_back(Input::Received { conn, data: head });
        self.inputs.push_back(Input::Received { conn, data: self.block.clone() });
        self.settle();
        true
    }

    /// A second goes by in which nothing comes but, from each of so many peers once in a hundred, a keep-alive.
    fn rest(&mut self, peers: u64) {
        let second = self.now.since(Instant::ZERO).as_secs();
        for n in (second % 100..peers).step_by(100) {
            self.inputs
                .push_back(Input::Received { conn: ConnId::accepted(n), data: Bytes::from_static(&[0; 4]) });
        }
        self.settle();
        let end = self.now + Duration::from_secs(1);
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = end;
    }

    /// Does what the engine asks for, until it asks for nothing more.
    fn settle(&mut self) {
        loop {
            while let Some(action) = self.engine.poll_action() {
                self.act(action);
            }
            while self.engine.poll_event().is_some() {}
            match self.inputs.pop_front() {
                Some(input) => self.engine.handle(self.now, input),
                None if self.engine.poll_timeout().is_some_and(|at| at <= self.now) => {
                    self.engine.handle(self.now, Input::Timeout);
                }
                None => return,
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send { conn, data } => {
                self.inputs.push_back(Input::Sent { conn, bytes: data.len() });
                self.hear(conn, data);
            }
            Action::Disk { job, op } => {
                let result = Ok(self.answer(op.task));
                self.inputs.push_back(Input::DiskDone { job, result });
            }
            _ => {}
        }
    }

    fn hear(&mut self, conn: ConnId, mut data: Bytes) {
        let pieces = self.torrent.geometry().num_pieces();
        let decoder = self.heard.entry(conn).or_insert_with(|| {
            let _handshake = data.split_to(HANDSHAKE_LEN);
            Decoder::new(pieces, FEATURES)
        });
        decoder.push(data);
        while let Some(message) = decoder.next().expect("the engine says nothing wrong") {
            if let Message::Request(range) = message {
                self.requests.push_back((conn, range));
            }
        }
    }

    fn answer(&self, task: DiskTask) -> DiskOutcome {
        match task {
            DiskTask::Survey { .. } => DiskOutcome::Survey(Survey::Absent),
            DiskTask::Write { extents, hash, .. } => {
                let bytes: u64 = extents.iter().map(|extent| extent.len).sum();
                DiskOutcome::Write(hash.map(|hash| self.digests[&(hash.len() + bytes)]))
            }
            DiskTask::Digest { extents, .. } => {
                let bytes: u64 = extents.iter().map(|extent| extent.len).sum();
                DiskOutcome::Digest(self.digests[&bytes].into())
            }
            DiskTask::Sync { files } => {
                DiskOutcome::Sync(vec![FileStamp { len: 0, modified: 0 }; files.len()])
            }
            DiskTask::LoadJournal { .. } => DiskOutcome::LoadJournal(None),
            DiskTask::StoreJournal { .. } => DiskOutcome::StoreJournal,
            DiskTask::AppendJournal { .. } => DiskOutcome::AppendJournal,
            DiskTask::FillUp => DiskOutcome::FillUp,
            DiskTask::Publish => DiskOutcome::Publish,
            DiskTask::DeleteJournal => DiskOutcome::DeleteJournal,
            DiskTask::Read { .. } | DiskTask::Mend { .. } => unreachable!("nobody downloads from us"),
        }
    }
}
