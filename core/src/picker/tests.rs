//! The picker in stories; `histories` compares it with a naive `model`.

mod histories;
mod model;
mod trials;

use super::*;
use crate::geometry::BLOCK_LEN;
use crate::time::Duration;
use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use rand_chacha::rand_core::SeedableRng;

const SECOND: Duration = Duration::from_secs(1);
static NONE: BTreeSet<PieceIndex> = BTreeSet::new();

/// A torrent of `pieces` pieces of `blocks` blocks each.
fn picker(pieces: u32, blocks: u32, max_open: usize) -> Picker {
    let piece_length = blocks * BLOCK_LEN;
    let geometry = Geometry::new(u64::from(pieces) * u64::from(piece_length), piece_length).unwrap();
    Picker::new(geometry, max_open, ChaCha8Rng::from_seed([7; 32]))
}

fn set(len: u32, pieces: impl IntoIterator<Item = u32>) -> Bitfield {
    let mut field = Bitfield::new(len);
    for piece in pieces {
        field.insert(PieceIndex(piece));
    }
    field
}

fn block(piece: u32, block: u32) -> BlockId {
    BlockId { piece: PieceIndex(piece), block }
}

fn addr(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, n))
}

/// A peer whose connection number and address are `n`.
struct Peer {
    n: u8,
    has: Bitfield,
    fast: bool,
    now: Instant,
}

impl Peer {
    /// Joins the swarm of `picker`.
    fn join(picker: &mut Picker, n: u8, has: Bitfield) -> Self {
        picker.peer_joined(&has);
        Self { n, has, fast: false, now: Instant::ZERO }
    }

    fn seed(picker: &mut Picker, n: u8) -> Self {
        let has = Bitfield::full(picker.geometry.num_pieces());
        Self::join(picker, n, has)
    }

    fn conn(&self) -> ConnId {
        ConnId::outgoing(u64::from(self.n))
    }

    fn ask(&self) -> PickFor<'_> {
        PickFor {
            conn: self.conn(),
            addr: addr(self.n),
            has: &self.has,
            now: self.now,
            fast: self.fast,
            allowed: None,
            refused: &NONE,
            suggested: &[],
        }
    }

    fn pick(&self, picker: &mut Picker, count: usize) -> Vec<BlockId> {
        let mut out = Vec::new();
        picker.pick(&self.ask(), count, &mut out);
        // Nobody is known to be prompt.
        picker.pick_again(&self.ask(), &BTreeSet::new(), count - out.len(), &mut out);
        picker.check();
        out
    }

    /// Sends a block. Returns the connections to cancel at, or `None` where it was not wanted.
    fn send(&self, picker: &mut Picker, block: BlockId) -> Option<Vec<ConnId>> {
        let mut duplicates = Vec::new();
        let wanted = picker.received(self.conn(), addr(self.n), block, &mut duplicates);
        picker.check();
        wanted.then_some(duplicates)
    }

    /// Picks and sends all that it can of one piece, which is then written.
    fn deliver(&self, picker: &mut Picker, piece: u32, blocks: u32) {
        for block in self.pick(picker, blocks as usize) {
            assert_eq!(block.piece.get(), piece);
            assert!(self.send(picker, block).is_some());
        }
        picker.written(PieceIndex(piece), 0..blocks);
    }
}

fn pieces(blocks: &[BlockId]) -> Vec<u32> {
    let mut pieces: Vec<u32> = blocks.iter().map(|b| b.piece.get()).collect();
    pieces.dedup();
    pieces
}

/// Lets the picker have four pieces from the end, so that it does not begin at random.
fn have_four(picker: &mut Picker) {
    let n = picker.geometry.num_pieces();
    (n - 4..n).for_each(|piece| picker.set_have(PieceIndex(piece)));
}

#[test]
fn a_lone_seed_is_asked_for_every_block_once() {
    let mut p = picker(5, 3, 10);
    let seed = Peer::seed(&mut p, 1);
    let mut all = seed.pick(&mut p, 100);
    assert_eq!(all.len(), 15);
    assert!(all.chunks(3).all(|c| c[0].block == 0 && c[1].block == 1 && c[2].block == 2), "{all:?}");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 15);
    assert!(seed.pick(&mut p, 100).is_empty());
}

#[test]
fn the_rarest_piece_comes_first() {
    let mut p = picker(10, 2, 10);
    have_four(&mut p);
    let _many =
        [Peer::join(&mut p, 1, set(10, [0, 1, 2, 3, 4])), Peer::join(&mut p, 2, set(10, [0, 1, 2, 4]))];
    let _seed = Peer::seed(&mut p, 4);
    let peer = Peer::join(&mut p, 3, set(10, 0..5));
    assert_eq!(pieces(&peer.pick(&mut p, 2)), [3]);
}

#[test]
fn a_piece_that_spreads_is_no_longer_rare() {
    let mut p = picker(10, 1, 10);
    have_four(&mut p);
    let others: Vec<Peer> = (1..4).map(|n| Peer::join(&mut p, n, set(10, [1]))).collect();
    let peer = Peer::join(&mut p, 9, set(10, [0, 1]));
    (0..4).for_each(|_| p.peer_got(PieceIndex(0)));
    assert_eq!(pieces(&peer.pick(&mut p, 1)), [1]);
    p.give_up(peer.conn(), block(1, 0));
    for _ in 0..4 {
        p.peer_left(&set(10, [0]));
    }
    assert_eq!(pieces(&peer.pick(&mut p, 1)), [0]);
    assert_eq!(others.len(), 3);
}

#[test]
fn the_first_pieces_are_random_not_rare() {
    let mut p = picker(64, 1, 100);
    let _rare = Peer::join(&mut p, 1, set(64, 1..64));
    let seed = Peer::seed(&mut p, 2);
    let first = pieces(&seed.pick(&mut p, 4));
    assert!(!first.contains(&0), "the rarest came first: {first:?}");
    assert!(first[0] != 1 || first[1] != 2, "in order: {first:?}");
    (1..5).for_each(|piece| p.set_have(PieceIndex(piece)));
    assert_eq!(pieces(&seed.pick(&mut p, 1)), [0]);
}

#[test]
fn two_peers_begin_different_pieces_only_if_they_are_fast() {
    let mut p = picker(10, 8, 10);
    have_four(&mut p);
    let slow = Peer::seed(&mut p, 1);
    let other = Peer::seed(&mut p, 2);
    let mut fast = Peer::seed(&mut p, 3);
    fast.fast = true;
    let first = pieces(&slow.pick(&mut p, 2));
    assert_eq!(pieces(&other.pick(&mut p, 2)), first);
    assert_ne!(pieces(&fast.pick(&mut p, 2)), first);
}

#[test]
fn a_seed_is_asked_for_what_only_it_has_rather_than_to_help_others() {
    let mut p = picker(10, 4, 10);
    have_four(&mut p);
    let leecher = Peer::join(&mut p, 1, set(10, [4]));
    let seed = Peer::seed(&mut p, 2);
    assert_eq!(leecher.pick(&mut p, 2), [block(4, 0), block(4, 1)]);
    let asked = pieces(&seed.pick(&mut p, 4));
    assert_eq!(asked.len(), 1);
    assert_ne!(asked[0], 4, "piece 4 is what the leecher gives");
    // What is as rare as the shared piece is not begun for that.
    let mut p = picker(10, 4, 10);
    have_four(&mut p);
    let (one, two) = (Peer::seed(&mut p, 1), Peer::seed(&mut p, 2));
    let shared = pieces(&one.pick(&mut p, 2));
    assert_eq!(pieces(&two.pick(&mut p, 2)), shared);
}

#[test]
fn a_peer_goes_on_with_its_piece_before_others() {
    let mut p = picker(10, 8, 10);
    have_four(&mut p);
    let (a, b) = (Peer { fast: true, ..Peer::seed(&mut p, 1) }, Peer { fast: true, ..Peer::seed(&mut p, 2) });
    let (of_a, of_b) = (a.pick(&mut p, 3), b.pick(&mut p, 3));
    assert_eq!(pieces(&a.pick(&mut p, 5)), pieces(&of_a));
    assert_eq!(pieces(&b.pick(&mut p, 5)), pieces(&of_b));
}

#[test]
fn a_peer_resumes_its_own_piece_before_one_that_is_nearer_to_its_end() {
    let mut p = picker(10, 3, 10);
    have_four(&mut p);
    let (gone, a) = (Peer::seed(&mut p, 1), Peer::seed(&mut p, 2));
    let near = gone.pick(&mut p, 3);
    let own = a.pick(&mut p, 4);
    assert!(gone.send(&mut p, near[0]).is_some() && gone.send(&mut p, near[1]).is_some());
    p.give_up(gone.conn(), near[2]);
    p.give_up(a.conn(), own[0]);
    let next = a.pick(&mut p, 4);
    assert_eq!(pieces(&next), [own[3].piece.get(), own[0].piece.get(), near[0].piece.get()]);
}

#[test]
fn an_abandoned_piece_is_finished_before_a_new_one_is_begun() {
    let mut p = picker(10, 4, 10);
    have_four(&mut p);
    let gone = Peer::seed(&mut p, 1);
    let blocks = gone.pick(&mut p, 4);
    assert!(gone.send(&mut p, blocks[1]).is_some());
    blocks.iter().for_each(|b| p.give_up(gone.conn(), *b));
    p.peer_left(&gone.has);
    let fast = Peer { fast: true, ..Peer::seed(&mut p, 2) };
    assert_eq!(fast.pick(&mut p, 3), [blocks[0], blocks[2], blocks[3]]);
}

#[test]
fn no_more_pieces_than_the_limit_are_open_unless_a_peer_would_starve() {
    let mut p = picker(20, 2, 3);
    have_four(&mut p);
    let seed = Peer { fast: true, ..Peer::seed(&mut p, 1) };
    assert_eq!(seed.pick(&mut p, 100).len(), 6);
    assert_eq!(p.open_pieces(), 3);
    for n in 2..10 {
        let starving = Peer::seed(&mut p, n);
        assert_eq!(starving.pick(&mut p, 100).len(), if n < 5 { 2 } else { 0 }, "peer {n}");
    }
    assert_eq!(p.open_pieces(), 6);
}

/// A peer that has piece `piece` only sends so many of its blocks and is gone.
fn leave_a_torso(p: &mut Picker, piece: u32, sent: usize) {
    let peer = Peer::join(p, 100, set(p.geometry.num_pieces(), [piece]));
    let blocks = peer.pick(p, 99);
    assert!(!blocks.is_empty(), "piece {piece} was not begun");
    blocks[..sent].iter().for_each(|b| assert!(peer.send(p, *b).is_some()));
    blocks[sent..].iter().for_each(|b| p.give_up(peer.conn(), *b));
    p.peer_left(&peer.has);
}

#[test]
fn pieces_that_nobody_has_any_more_make_room() {
    let mut p = picker(20, 3, 2);
    have_four(&mut p);
    for (piece, sent) in [(0, 2), (1, 1), (2, 1), (3, 1)] {
        leave_a_torso(&mut p, piece, sent);
        p.written(PieceIndex(piece), 0..3);
    }
    for piece in 4..7 {
        leave_a_torso(&mut p, piece, 1);
        p.written(PieceIndex(piece), 0..3);
        assert_eq!((p.open_pieces(), p.unavailable()), (4, 16));
    }
    assert_eq!(p.bytes_received_in_open(), 5 * u64::from(BLOCK_LEN));
    assert_eq!(p.block_state(block(0, 1)), BlockState::Written, "most was there of piece 0");
    assert_eq!(p.block_state(block(1, 0)), BlockState::Free);
}

#[test]
fn a_piece_on_its_way_to_the_disk_never_makes_room() {
    let mut p = picker(20, 3, 1);
    have_four(&mut p);
    leave_a_torso(&mut p, 0, 2);
    leave_a_torso(&mut p, 1, 1);
    p.written(PieceIndex(0), 0..3);
    leave_a_torso(&mut p, 2, 1);
    assert_eq!(p.block_state(block(0, 0)), BlockState::Free, "although more was there than of piece 1");
    assert_eq!(p.block_state(block(1, 0)), BlockState::Received);
}

#[test]
fn a_choked_peer_is_asked_for_what_it_allows_only() {
    let mut p = picker(10, 2, 10);
    let seed = Peer::seed(&mut p, 1);
    let allowed = BTreeSet::from([PieceIndex(3)]);
    let mut out = Vec::new();
    p.pick(&PickFor { allowed: Some(&allowed), ..seed.ask() }, 10, &mut out);
    assert_eq!(out, [block(3, 0), block(3, 1)]);
    p.set_have(PieceIndex(3));
    p.pick(&PickFor { allowed: Some(&allowed), ..seed.ask() }, 10, &mut out);
    assert_eq!(out.len(), 2);
    p.check();
}

#[test]
fn what_a_seed_refuses_is_asked_of_others_and_the_rest_of_it() {
    let mut p = picker(6, 2, 10);
    let seed = Peer::seed(&mut p, 1);
    let other = Peer::seed(&mut p, 2);
    let refused: BTreeSet<_> = (0..5).map(PieceIndex).collect();
    let mut out = Vec::new();
    p.pick(&PickFor { refused: &refused, ..seed.ask() }, 20, &mut out);
    assert_eq!(out, [block(5, 0), block(5, 1)]);
    assert_eq!(other.pick(&mut p, 10).len(), 10);
    p.check();
}

#[test]
fn among_the_rarest_a_suggested_piece_is_begun_first() {
    let mut p = picker(10, 2, 10);
    have_four(&mut p);
    let seed = Peer::seed(&mut p, 1);
    let peer = Peer::join(&mut p, 2, set(10, [1, 2, 3, 4]));
    p.peer_got(PieceIndex(3));
    let mut out = Vec::new();
    let suggested = [9, 0, 3, 2].map(PieceIndex);
    p.pick(&PickFor { suggested: &suggested, ..peer.ask() }, 2, &mut out);
    assert_eq!(out, [block(2, 0), block(2, 1)], "9 we have, 0 it has not, 3 is common");
    assert!(p.wants_from(&seed.has));
}

#[test]
fn nobody_makes_us_fetch_a_common_piece_by_suggesting_it() {
    let mut p = picker(10, 2, 10);
    have_four(&mut p);
    let peer = Peer::join(&mut p, 2, set(10, [1, 2]));
    p.peer_got(PieceIndex(2));
    let mut out = Vec::new();
    p.pick(&PickFor { suggested: &[PieceIndex(2)], ..peer.ask() }, 2, &mut out);
    assert_eq!(out, [block(1, 0), block(1, 1)]);
}

#[test]
fn in_endgame_a_block_is_asked_of_three_peers_and_then_cancelled() {
    let mut p = picker(1, 4, 10);
    let peers: Vec<Peer> = (1..6).map(|n| Peer::seed(&mut p, n)).collect();
    assert!(!p.in_endgame());
    assert_eq!(peers[0].pick(&mut p, 3).len(), 3);
    assert_eq!(peers[1].pick(&mut p, 1), [block(0, 3)], "a free block goes before endgame");
    assert!(p.in_endgame());
    let mut again = peers[1].pick(&mut p, 100);
    again.sort_unstable();
    assert_eq!(again, [block(0, 0), block(0, 1), block(0, 2)]);
    assert_eq!(peers[2].pick(&mut p, 1), [block(0, 3)], "the one with the fewest requesters");
    assert_eq!(peers[2].pick(&mut p, 100).len(), 3);
    assert_eq!(p.block_state(block(0, 0)), BlockState::Requested(3));
    assert_eq!(peers[3].pick(&mut p, 100), [block(0, 3)], "the others have three requesters");
    assert!(peers[4].pick(&mut p, 100).is_empty());

    let mut cancel = peers[2].send(&mut p, block(0, 0)).unwrap();
    cancel.sort_unstable();
    assert_eq!(cancel, [peers[0].conn(), peers[1].conn()]);
    assert_eq!(peers[0].send(&mut p, block(0, 0)), None, "the cancel came too late");
    assert_eq!(p.requested_of(peers[0].conn()), 2);
}

#[test]
fn in_endgame_a_block_is_left_to_a_peer_that_is_prompt() {
    let mut p = picker(1, 4, 10);
    let [quick, slow, idle] = [1, 2, 3].map(|n| Peer::seed(&mut p, n));
    quick.pick(&mut p, 2);
    slow.pick(&mut p, 2);
    let mut again = Vec::new();
    p.pick_again(&idle.ask(), &BTreeSet::from([quick.conn()]), 4, &mut again);
    again.sort_unstable();
    assert_eq!(again, [block(0, 2), block(0, 3)]);
}

#[test]
fn endgame_does_not_begin_while_a_block_is_free_for_somebody() {
    let mut p = picker(2, 1, 10);
    let half = Peer::join(&mut p, 1, set(2, [0]));
    let other = Peer::join(&mut p, 2, set(2, [0]));
    let _rest = Peer::join(&mut p, 3, set(2, [1]));
    assert_eq!(half.pick(&mut p, 5).len(), 1);
    assert!(other.pick(&mut p, 5).is_empty());
    assert!(!p.in_endgame());
    // Piece 1 leaves the swarm: waiting for it would only delay piece 0.
    p.peer_left(&set(2, [1]));
    assert!(p.in_endgame());
    assert_eq!(p.unavailable(), 1);
    assert_eq!(other.pick(&mut p, 5).len(), 1);
}

#[test]
fn a_given_up_block_is_free_and_a_late_one_is_welcome() {
    let mut p = picker(6, 2, 10);
    let (slow, quick) = (Peer::seed(&mut p, 1), Peer::seed(&mut p, 2));
    let blocks = slow.pick(&mut p, 2);
    p.give_up(slow.conn(), blocks[0]);
    p.give_up(slow.conn(), blocks[0]);
    assert_eq!(p.block_state(blocks[0]), BlockState::Free);
    assert_eq!(quick.pick(&mut p, 1), [blocks[0]]);
    assert_eq!(slow.send(&mut p, blocks[0]), Some(vec![quick.conn()]));
    assert_eq!(p.block_state(blocks[0]), BlockState::Received);
    p.give_up(slow.conn(), blocks[1]);
    assert_eq!(slow.send(&mut p, blocks[1]), Some(vec![]));
    assert!(p.is_received(blocks[0].piece));
}

#[test]
fn a_piece_of_which_nothing_came_is_closed_and_opens_for_a_late_block() {
    let mut p = picker(6, 2, 10);
    let slow = Peer::seed(&mut p, 1);
    let blocks = slow.pick(&mut p, 2);
    blocks.iter().for_each(|b| p.give_up(slow.conn(), *b));
    assert_eq!(p.open_pieces(), 0);
    assert_eq!(slow.send(&mut p, blocks[1]), Some(vec![]));
    assert_eq!(p.open_pieces(), 1);
    assert_eq!(slow.send(&mut p, blocks[1]), None);
    assert_eq!(slow.send(&mut p, block(0, 9)), None, "no such block");
}

#[test]
fn a_block_that_could_not_be_written_is_fetched_again() {
    let mut p = picker(1, 4, 10);
    let seed = Peer::seed(&mut p, 1);
    seed.pick(&mut p, 4).iter().for_each(|b| assert!(seed.send(&mut p, *b).is_some()));
    p.written(PieceIndex(0), 0..2);
    p.unwritten(PieceIndex(0), 2..4);
    p.check();
    assert!(!p.is_received(PieceIndex(0)));
    assert_eq!(p.bytes_received_in_open(), 2 * u64::from(BLOCK_LEN));
    assert_eq!(seed.pick(&mut p, 9), [block(0, 2), block(0, 3)]);
}

#[test]
fn a_verified_piece_is_had_and_an_unreadable_one_is_wanted_again() {
    let mut p = picker(1, 1, 10);
    let seed = Peer::seed(&mut p, 1);
    seed.deliver(&mut p, 0, 1);
    assert!(p.is_written(PieceIndex(0)));
    p.verified(PieceIndex(0));
    p.check();
    assert!(p.have().is_full() && p.is_complete() && !p.wants_from(&seed.has) && !p.in_endgame());
    assert_eq!(p.block_state(block(0, 0)), BlockState::Have);
    assert_eq!(seed.send(&mut p, block(0, 0)), None);
    p.unset_have(PieceIndex(0));
    assert!(p.wants_from(&seed.has));
    assert_eq!(seed.pick(&mut p, 1), [block(0, 0)]);
}

#[test]
fn availability_holds_when_a_peer_becomes_a_seed_and_leaves() {
    let mut p = picker(3, 1, 10);
    let seed = Peer::seed(&mut p, 1);
    let mut peer = Peer::join(&mut p, 2, set(3, [0]));
    for piece in [1, 2] {
        peer.has.insert(PieceIndex(piece));
        p.peer_got(PieceIndex(piece));
    }
    p.peer_left(&peer.has);
    p.check();
    assert_eq!(p.unavailable(), 0);
    p.peer_left(&seed.has);
    p.check();
    assert_eq!(p.unavailable(), 3);
}

#[test]
fn a_piece_of_32768_blocks_is_fetched_block_by_block() {
    let mut p = picker(1, 32_768, 10);
    let seed = Peer::seed(&mut p, 1);
    let mut out = Vec::new();
    for n in 0..32_768 {
        out.clear();
        p.pick(&seed.ask(), 1, &mut out);
        assert_eq!(out, [block(0, n)]);
        if n % 2 == 0 {
            assert!(p.received(seed.conn(), addr(1), out[0], &mut Vec::new()));
        }
    }
    assert_eq!(p.requested_of(seed.conn()), 16_384);
    p.give_up(seed.conn(), block(0, 1));
    p.give_up(seed.conn(), block(0, 32_767));
    assert_eq!(seed.pick(&mut p, 9), [block(0, 1), block(0, 32_767)]);
}

#[test]
fn an_empty_torrent_is_complete() {
    let mut p = Picker::new(Geometry::new(0, 1).unwrap(), 1, ChaCha8Rng::from_seed([0; 32]));
    let seed = Peer::seed(&mut p, 1);
    assert!(p.is_complete() && !p.in_endgame());
    assert!(seed.pick(&mut p, 1).is_empty());
    p.peer_left(&seed.has);
    p.check();
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "piece 3: had, or in the order")]
fn what_changes_is_checked() {
    let mut p = picker(1_000, 2, 8);
    let seed = Peer::seed(&mut p, 1);
    seed.pick(&mut p, 4);
    p.check_changes();
    p.have.insert(PieceIndex(3));
    p.peer_got(PieceIndex(3));
    p.check_changes();
}
