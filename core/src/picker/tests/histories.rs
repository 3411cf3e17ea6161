//! Random histories, told to the picker and to the naive model alike.

use super::model::{Cell, Model};
use super::*;
use core::ops::Range;
use proptest::prelude::*;

const PEERS: usize = 5;

/// Something that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    /// A peer, gone before if it was there, joins with these pieces, or all.
    Join(usize, Option<u64>),
    Leave(usize),
    Got(usize, u32),
    Pick(usize, PickStep),
    /// The peer sends this block, asked or not.
    Send(usize, u32, u32),
    /// The peer sends up to so many of the blocks that are requested of it.
    SendRequested(usize, usize),
    GiveUp(usize, u32, u32),
    /// The peer gives up everything.
    Choke(usize),
    Disk(u32, Range<u32>, bool),
    /// Everything received is written.
    Flush,
    /// The verdict on every piece that is written, by the bits.
    Judge(u16),
    Have(u32, bool),
    Wait(u64),
}

#[derive(Clone, Debug)]
struct PickStep {
    count: usize,
    fast: bool,
    allowed: Option<BTreeSet<u32>>,
    refused: BTreeSet<u32>,
    suggested: Vec<u32>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let peer = 0..PEERS;
    let allowed =
        prop_oneof![5 => Just(None), 1 => proptest::collection::btree_set(0u32..12, 0..3).prop_map(Some)];
    let refused =
        prop_oneof![5 => Just(BTreeSet::new()), 1 => proptest::collection::btree_set(0u32..12, 0..3)];
    let suggested = prop_oneof![5 => Just(vec![]), 1 => proptest::collection::vec(0u32..12, 0..3)];
    let pick = (0usize..9, any::<bool>(), allowed, refused, suggested).prop_map(
        |(count, fast, allowed, refused, suggested)| PickStep { count, fast, allowed, refused, suggested },
    );
    let step = prop_oneof![
        3 => (peer.clone(), prop_oneof![Just(None), any::<u64>().prop_map(Some)]).prop_map(|(p, h)| Step::Join(p, h)),
        1 => peer.clone().prop_map(Step::Leave),
        2 => (peer.clone(), 0u32..12).prop_map(|(p, n)| Step::Got(p, n)),
        8 => (peer.clone(), pick).prop_map(|(p, s)| Step::Pick(p, s)),
        1 => (peer.clone(), 0u32..12, 0u32..5).prop_map(|(p, n, b)| Step::Send(p, n, b)),
        8 => (peer.clone(), 0usize..9).prop_map(|(p, n)| Step::SendRequested(p, n)),
        2 => (peer.clone(), 0u32..12, 0u32..5).prop_map(|(p, n, b)| Step::GiveUp(p, n, b)),
        1 => peer.prop_map(Step::Choke),
        2 => (0u32..12, 0u32..5, 0u32..6, any::<bool>()).prop_map(|(n, a, b, ok)| Step::Disk(n, a..b, ok)),
        3 => Just(Step::Flush),
        3 => any::<u16>().prop_map(Step::Judge),
        1 => (0u32..12, any::<bool>()).prop_map(|(n, have)| Step::Have(n, have)),
        2 => (0u64..12).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..120)
}

/// The picker and the model, with what they are told.
struct Pair {
    real: Picker,
    model: Model,
    /// The connection of each peer: a new one each time it joins.
    conns: [u64; PEERS],
    now: Instant,
}

impl Pair {
    fn new(geometry: Geometry, max_open: usize, seed: u8) -> Self {
        let real = Picker::new(geometry, max_open, ChaCha8Rng::from_seed([seed; 32]));
        let now = Instant::ZERO;
        Self { real, model: Model::new(geometry, max_open, PEERS), conns: [0, 1, 2, 3, 4], now }
    }

    fn conn(&self, peer: usize) -> ConnId {
        ConnId::outgoing(self.conns[peer])
    }

    /// Two of the peers share an address.
    fn addr(&self, peer: usize) -> IpAddr {
        addr(peer.min(PEERS - 2) as u8)
    }

    fn piece(&self, n: u32) -> PieceIndex {
        PieceIndex(n % self.model.pieces.len() as u32)
    }

    fn block(&self, piece: u32, block: u32) -> BlockId {
        let piece = self.piece(piece);
        BlockId { piece, block: block % self.real.geometry.blocks_in(piece) }
    }

    fn requested_of(&self, conn: ConnId) -> Vec<BlockId> {
        let blocks = self.model.pieces.iter().enumerate().flat_map(|(piece, p)| {
            let mine = move |c: &Cell| matches!(c, Cell::Requested(by) if by.contains(&conn));
            let piece = PieceIndex(piece as u32);
            (0..).zip(&p.cells).filter(move |(_, c)| mine(c)).map(move |(block, _)| BlockId { piece, block })
        });
        blocks.collect()
    }

    fn leave(&mut self, peer: usize) {
        self.choke(peer);
        if let Some(has) = self.model.swarm[peer].take() {
            self.real.peer_left(&has);
            self.conns[peer] += PEERS as u64;
        }
    }

    fn choke(&mut self, peer: usize) {
        let conn = self.conn(peer);
        self.requested_of(conn).into_iter().for_each(|block| self.give_up(conn, block));
    }

    fn give_up(&mut self, conn: ConnId, block: BlockId) {
        self.real.give_up(conn, block);
        // The picker knows the time of the last pick or failure only.
        self.model.give_up(conn, block, self.real.clock);
    }

    fn join(&mut self, peer: usize, has: Bitfield) {
        self.leave(peer);
        self.real.peer_joined(&has);
        self.model.swarm[peer] = Some(has);
    }

    fn got(&mut self, peer: usize, piece: PieceIndex) {
        if self.model.swarm[peer].as_mut().is_some_and(|has| has.insert(piece)) {
            self.real.peer_got(piece);
        }
    }

    fn pick(&mut self, peer: usize, step: PickStep) -> Vec<BlockId> {
        let Some(has) = self.model.swarm[peer].clone() else { return vec![] };
        let allowed = step.allowed.map(|a| a.into_iter().map(PieceIndex).collect());
        let refused = step.refused.into_iter().map(PieceIndex).collect();
        let suggested: Vec<_> = step.suggested.into_iter().map(PieceIndex).collect();
        let ask = PickFor {
            conn: self.conn(peer),
            addr: self.addr(peer),
            has: &has,
            now: self.now,
            fast: step.fast,
            allowed: allowed.as_ref(),
            refused: &refused,
            suggested: &suggested,
        };
        let mut out = Vec::new();
        self.real.pick(&ask, step.count, &mut out);
        self.real.pick_again(&ask, &BTreeSet::new(), step.count - out.len(), &mut out);
        self.model.picked(&ask, step.count, &out);
        out
    }

    fn send(&mut self, peer: usize, block: BlockId) {
        let (conn, from) = (self.conn(peer), self.addr(peer));
        let mut duplicates = vec![];
        let wanted = self.real.received(conn, from, block, &mut duplicates);
        let mut answer = wanted.then_some(duplicates);
        answer.iter_mut().for_each(|others| others.sort_unstable());
        let mut expected = self.model.received(conn, from, block);
        expected.iter_mut().for_each(|others| others.sort_unstable());
        assert_eq!(answer, expected);
    }

    fn disk(&mut self, piece: PieceIndex, blocks: Range<u32>, good: bool) {
        if good {
            self.real.written(piece, blocks.clone());
        } else {
            self.real.unwritten(piece, blocks.clone());
        }
        self.model.written(piece, blocks, good);
    }

    fn flush(&mut self) {
        self.real.geometry.pieces().for_each(|piece| self.disk(piece, 0..u32::MAX, true));
    }

    fn judge(&mut self, good: u16) {
        for piece in self.real.geometry.pieces() {
            if !self.real.is_written(piece) {
                continue;
            }
            if good >> (piece.get() % 16) & 1 == 1 {
                self.real.verified(piece);
                self.model.set_have(piece, true);
            } else {
                assert_eq!(self.real.failed(self.now, piece), self.model.failed(self.now, piece));
            }
        }
    }

    fn set_have(&mut self, piece: PieceIndex, have: bool) {
        if have {
            self.real.set_have(piece);
        } else {
            self.real.unset_have(piece);
        }
        self.model.set_have(piece, have);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(peer, pieces) => {
                let n = self.real.geometry.num_pieces();
                let some = |bits| set(n, (0..n).filter(|piece| bits >> piece & 1 == 1));
                self.join(peer, pieces.map_or_else(|| Bitfield::full(n), some));
            }
            Step::Leave(peer) => self.leave(peer),
            Step::Got(peer, piece) => self.got(peer, self.piece(piece)),
            Step::Pick(peer, how) => drop(self.pick(peer, how)),
            Step::Send(peer, piece, block) => self.send(peer, self.block(piece, block)),
            Step::SendRequested(peer, count) => {
                let blocks = self.requested_of(self.conn(peer));
                blocks.into_iter().take(count).for_each(|block| self.send(peer, block));
            }
            Step::GiveUp(peer, piece, block) => self.give_up(self.conn(peer), self.block(piece, block)),
            Step::Choke(peer) => self.choke(peer),
            Step::Disk(piece, blocks, good) => self.disk(self.piece(piece), blocks, good),
            Step::Flush => self.flush(),
            Step::Judge(good) => self.judge(good),
            Step::Have(piece, have) => self.set_have(self.piece(piece), have),
            Step::Wait(seconds) => self.now = self.now + Duration::from_secs(seconds),
        }
        self.compare();
    }

    fn compare(&self) {
        self.model.compare(&self.real);
        for peer in 0..PEERS {
            let conn = self.conn(peer);
            assert_eq!(self.real.requested_of(conn) as usize, self.model.requested_of(conn));
        }
    }
}

fn geometry() -> impl Strategy<Value = Geometry> {
    (1u32..12, 1u32..6, 1u32..5 * BLOCK_LEN).prop_map(|(pieces, blocks, last)| {
        let length = blocks * BLOCK_LEN;
        let total = u64::from(pieces - 1) * u64::from(length) + u64::from(last.min(length));
        Geometry::new(total, length).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_agrees_with_the_naive_model(
        geometry in geometry(), max_open in 1usize..5, seed in any::<u8>(), steps in steps(),
    ) {
        let mut pair = Pair::new(geometry, max_open, seed);
        steps.into_iter().for_each(|step| pair.step(step));
    }

    #[test]
    fn whatever_happened_one_seed_completes_it(
        geometry in geometry(), max_open in 1usize..5, seed in any::<u8>(), steps in steps(),
    ) {
        let mut pair = Pair::new(geometry, max_open, seed);
        steps.into_iter().for_each(|step| pair.step(step));
        (0..PEERS).for_each(|peer| pair.leave(peer));
        pair.flush();
        pair.judge(u16::MAX);
        pair.join(0, Bitfield::full(geometry.num_pieces()));
        for _ in 0..geometry.num_pieces() * geometry.blocks_in(PieceIndex(0)) {
            pair.now = pair.now + SECOND * 11;
            let (refused, suggested) = (BTreeSet::new(), vec![]);
            let how = PickStep { count: 1, fast: false, allowed: None, refused, suggested };
            pair.pick(0, how).into_iter().for_each(|block| pair.send(0, block));
            pair.flush();
            pair.judge(u16::MAX);
        }
        pair.compare();
        prop_assert!(pair.real.is_complete());
    }

    #[test]
    fn the_same_history_gives_the_same_choices(geometry in geometry(), seed in any::<u8>(), steps in steps()) {
        let run = || {
            let mut pair = Pair::new(geometry, 3, seed);
            let mut chosen = vec![];
            for step in steps.clone() {
                match step {
                    Step::Pick(peer, how) => chosen.extend(pair.pick(peer, how)),
                    other => pair.step(other),
                }
            }
            chosen
        };
        prop_assert_eq!(run(), run());
    }
}
