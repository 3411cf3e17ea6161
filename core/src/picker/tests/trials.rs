//! Pieces that failed their hash, in stories.

use super::*;

#[test]
fn a_piece_that_one_peer_spoiled_is_blamed_on_it() {
    let mut p = picker(1, 3, 10);
    let (liar, honest) = (Peer::seed(&mut p, 1), Peer::seed(&mut p, 2));
    liar.deliver(&mut p, 0, 3);
    assert!(p.senders(PieceIndex(0)).eq([addr(1)]));
    assert_eq!(p.failed(Instant::ZERO, PieceIndex(0)), [Some(addr(1)); 3]);
    p.check();
    assert_eq!(honest.pick(&mut p, 9).len(), 3, "at once");
}

/// Piece 0, of 3 blocks, fails with blocks of peers 1 and 2.
fn spoiled_by_two(p: &mut Picker) -> [Peer; 4] {
    let peers = [1, 2, 3, 4].map(|n| Peer::seed(p, n));
    peers[0].pick(p, 2).iter().for_each(|b| assert!(peers[0].send(p, *b).is_some()));
    peers[1].deliver(p, 0, 1);
    p.written(PieceIndex(0), 0..3);
    assert!(p.is_written(PieceIndex(0)));
    assert_eq!(p.failed(Instant::ZERO, PieceIndex(0)), [Some(addr(1)), Some(addr(1)), Some(addr(2))]);
    p.check();
    peers
}

#[test]
fn a_piece_that_two_peers_spoiled_is_fetched_from_one_that_was_not_involved() {
    let mut p = picker(1, 3, 10);
    let [a, b, c, d] = spoiled_by_two(&mut p);
    assert!(a.pick(&mut p, 9).is_empty() && b.pick(&mut p, 9).is_empty(), "suspects");
    assert_eq!(c.pick(&mut p, 2), [block(0, 0), block(0, 1)]);
    assert!(d.pick(&mut p, 9).is_empty(), "one sender only");
    assert_eq!(a.send(&mut p, block(0, 0)), None, "a late block of a suspect");
    c.send(&mut p, block(0, 0)).unwrap();
    c.deliver(&mut p, 0, 1);
    c.send(&mut p, block(0, 1)).unwrap();
    assert!(d.pick(&mut p, 9).is_empty(), "no endgame either");
    assert!(p.senders(PieceIndex(0)).eq([addr(3)]));
    p.verified(PieceIndex(0));
    p.check();
}

#[test]
fn when_only_suspects_are_there_one_of_them_proves_itself() {
    let mut p = picker(1, 3, 10);
    let [mut a, mut b, ..] = spoiled_by_two(&mut p);
    a.now = Instant::ZERO + SECOND * 10;
    b.now = a.now;
    assert_eq!(a.pick(&mut p, 3).len(), 3);
    assert!(b.pick(&mut p, 3).is_empty());
    (0..3).for_each(|n| assert!(a.send(&mut p, block(0, n)).is_some()));
    p.written(PieceIndex(0), 0..3);
    assert_eq!(p.failed(a.now, PieceIndex(0)), [Some(addr(1)); 3], "proof");
    p.check();
    assert!(b.pick(&mut p, 3).is_empty(), "first those who were not involved, again");
    b.now = b.now + SECOND * 10;
    assert_eq!(b.pick(&mut p, 3).len(), 3);
}

#[test]
fn what_an_owner_sent_who_gave_up_does_not_count() {
    let mut p = picker(1, 3, 10);
    let [.., c, d] = spoiled_by_two(&mut p);
    assert_eq!(c.pick(&mut p, 3).len(), 3);
    c.send(&mut p, block(0, 0)).unwrap();
    c.send(&mut p, block(0, 1)).unwrap();
    p.written(PieceIndex(0), 0..1);
    p.give_up(c.conn(), block(0, 2));
    p.check();
    // Block 1 is on its way to the disk, and free only when it is there.
    assert_eq!(p.block_state(block(0, 1)), BlockState::Received);
    assert_eq!(p.bytes_received_in_open(), 0);
    assert!(c.pick(&mut p, 3).is_empty(), "others come first now");
    assert_eq!(d.pick(&mut p, 3), [block(0, 0), block(0, 2)]);
    p.written(PieceIndex(0), 0..2);
    assert_eq!(p.block_state(block(0, 0)), BlockState::Requested(1), "that was the old one");
    assert_eq!(d.pick(&mut p, 3), [block(0, 1)]);
    (0..3).for_each(|n| assert!(d.send(&mut p, block(0, n)).is_some()));
    assert!(p.senders(PieceIndex(0)).eq([addr(4)]));
}

#[test]
fn an_owner_that_falls_silent_with_nothing_asked_loses_the_piece() {
    let mut p = picker(1, 3, 10);
    let [.., c, mut d] = spoiled_by_two(&mut p);
    c.pick(&mut p, 1).iter().for_each(|b| assert!(c.send(&mut p, *b).is_some()));
    p.written(PieceIndex(0), 0..1);
    assert!(d.pick(&mut p, 3).is_empty());
    d.now = d.now + SECOND * 10;
    assert_eq!(d.pick(&mut p, 3).len(), 3);
}

#[test]
fn after_three_owners_that_gave_up_a_piece_is_everybodys_again() {
    let mut p = picker(1, 3, 10);
    let [a, b, c, d] = spoiled_by_two(&mut p);
    let mut owners = [c, d];
    for n in [0, 1, 0] {
        let owner = &mut owners[n];
        owner.now = owner.now + SECOND * 20;
        assert_eq!(owner.pick(&mut p, 2), [block(0, 0), block(0, 1)]);
        owner.send(&mut p, block(0, 0)).unwrap();
        p.written(PieceIndex(0), 0..1);
        p.give_up(owner.conn(), block(0, 1));
        p.check();
    }
    // What the last of them sent is kept.
    assert_eq!(a.pick(&mut p, 1), [block(0, 1)]);
    assert_eq!(b.pick(&mut p, 1), [block(0, 2)]);
    a.send(&mut p, block(0, 1)).unwrap();
    b.send(&mut p, block(0, 2)).unwrap();
    assert!(p.is_received(PieceIndex(0)));
    p.check();
}
