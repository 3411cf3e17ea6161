//! Peers that let us download and reject what they are asked for (BEP 6).

use super::stage::Stage;
use super::*;
use crate::limits::{MAX_REJECTIONS, REFUSAL};
use crate::wire::{BlockRange, Message};

/// What a peer was asked for, in order.
fn asked(stage: &Stage, conn: ConnId) -> Vec<BlockRange> {
    let request = |message| match message {
        Message::Request(range) => Some(range),
        _ => None,
    };
    stage.said(conn).into_iter().filter_map(request).collect()
}

/// A peer with these pieces that lets us download.
fn peer_with(stage: &mut Stage, pieces: &[u32]) -> ConnId {
    let conn = stage.connect();
    let haves = pieces.iter().map(|piece| Message::Have(*piece));
    let messages: Vec<_> = [Message::HaveNone].into_iter().chain(haves).chain([Message::Unchoke]).collect();
    stage.say(conn, &messages);
    conn
}

/// It rejects everything that it was asked for since it was asked for `from` blocks. Says for how many by now.
fn reject(stage: &mut Stage, conn: ConnId, from: usize) -> usize {
    let asked = asked(stage, conn);
    let rejects: Vec<_> = asked[from..].iter().map(|range| Message::Reject(*range)).collect();
    stage.say(conn, &rejects);
    asked.len()
}

#[test]
fn what_a_peer_rejects_is_asked_of_it_again_after_a_while() {
    let mut stage = Stage::leeching();
    let peer = peer_with(&mut stage, &[3]);
    let first = reject(&mut stage, peer, 0);
    assert_eq!(first, 4);
    stage.world.run_for(REFUSAL - Duration::from_millis(1));
    assert_eq!(asked(&stage, peer).len(), first, "at once would be for ever");
    stage.world.run_for(Duration::from_millis(2));
    assert_eq!(asked(&stage, peer).len(), 2 * first);
}

#[test]
fn what_a_peer_rejects_is_asked_of_it_at_once_when_it_says_that_it_has_it() {
    let mut stage = Stage::leeching();
    let peer = peer_with(&mut stage, &[3]);
    let first = reject(&mut stage, peer, 0);
    stage.say(peer, &[Message::Have(3)]);
    assert_eq!(asked(&stage, peer).len(), 2 * first);
}

#[test]
fn what_one_rejects_is_asked_of_another_and_of_the_first_the_rest() {
    let mut stage = Stage::leeching();
    let peer = peer_with(&mut stage, &[3, 4]);
    let (of_it, other) = (asked(&stage, peer), peer_with(&mut stage, &[3]));
    let (before, rejected) = (of_it.len(), of_it[0].index);
    stage.say(peer, &[Message::Reject(of_it[0])]);
    assert!(asked(&stage, peer)[before..].iter().all(|range| range.index != rejected));
    if rejected == 3 {
        assert!(asked(&stage, other).contains(&of_it[0]));
    }
}

#[test]
fn a_peer_that_rejects_everything_is_left_in_the_end() {
    let mut stage = Stage::leeching();
    let peer = peer_with(&mut stage, &[3]);
    let mut from = 0;
    for _ in 0..=MAX_REJECTIONS {
        assert_eq!(stage.reason(peer), None);
        stage.world.run_for(Duration::from_millis(1));
        from = reject(&mut stage, peer, from);
        if stage.reason(peer).is_none() {
            stage.say(peer, &[Message::Have(3)]);
        }
    }
    assert_eq!(stage.fault(peer), Some(PeerFault::KeepsRejecting(MAX_REJECTIONS + 1)));
}

#[test]
fn a_whole_queue_that_is_rejected_counts_once() {
    // As by a client that empties its queue before it chokes us.
    let mut stage = Stage::leeching();
    let pieces: Vec<u32> = (0..10).collect();
    let peer = peer_with(&mut stage, &pieces);
    let mut from = 0;
    let mut longest = 0;
    for _ in 0..MAX_REJECTIONS {
        stage.world.run_for(Duration::from_millis(1));
        let until = reject(&mut stage, peer, from);
        longest = longest.max(until - from);
        from = until;
        stage.world.run_for(REFUSAL);
    }
    assert!(longest > 1);
    assert_eq!(stage.reason(peer), None);
}
