//! How a seed spreads what nobody else has: what it suggests, to whom, and when it stops; and who is told what we
//! have.

use super::stage::Stage;
use super::*;
use crate::wire::{BlockRange, Features, Message};
use alloc::format;

/// The pieces that it suggested, in order.
fn suggested(stage: &Stage, conn: ConnId) -> Vec<u32> {
    let suggestion = |message| match message {
        Message::Suggest(piece) => Some(piece),
        _ => None,
    };
    stage.said(conn).into_iter().filter_map(suggestion).collect()
}

fn request(piece: u32) -> Message {
    Message::Request(BlockRange { index: piece, begin: 0, len: 16_384 })
}

#[test]
fn a_seed_suggests_to_everybody_something_else() {
    let mut stage = Stage::new();
    let peers: Vec<ConnId> = (0..4).map(|n| stage.connect_from(&format!("10.7.7.{n}"))).collect();
    for peer in &peers {
        stage.say(*peer, &[Message::HaveNone, Message::Interested]);
    }
    let mut all: Vec<u32> = peers.iter().flat_map(|peer| suggested(&stage, *peer)).collect();
    assert_eq!(all.len(), 8);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 8, "no piece twice");
    let first = stage.said(peers[0]);
    let place = |wanted: fn(&Message) -> bool| first.iter().position(wanted).unwrap();
    assert!(place(|m| matches!(m, Message::Suggest(_))) < place(|m| matches!(m, Message::Unchoke)));
}

#[test]
fn a_suggestion_that_is_taken_up_is_followed_by_another() {
    let mut stage = Stage::new();
    let peer = stage.connect();
    stage.say(peer, &[Message::HaveNone, Message::Interested]);
    let mut taken = 0;
    while let Some(piece) = suggested(&stage, peer).get(taken).copied() {
        taken += 1;
        assert!(suggested(&stage, peer).len() <= taken + 1, "two are enough");
        stage.say(peer, &[request(piece), Message::Have(piece)]);
    }
    assert_eq!(taken, 10, "all pieces, each once");
}

#[test]
fn what_others_have_or_asked_for_is_not_suggested() {
    let mut stage = Stage::new();
    let [first, second, third] = [1, 2, 3].map(|n| stage.connect_from(&format!("10.7.7.{n}")));
    stage.say(first, &(0..6).map(Message::Have).collect::<Vec<_>>());
    stage.say(second, &[Message::HaveNone, Message::Interested]);
    let mut free: Vec<u32> = (6..10).filter(|piece| !suggested(&stage, second).contains(piece)).collect();
    assert_eq!(free.len(), 2);
    stage.say(second, &[request(free.remove(0))]);
    stage.say(third, &[Message::HaveNone, Message::Interested]);
    assert_eq!(suggested(&stage, third), free);
}

#[test]
fn a_peer_without_the_fast_extension_is_spared() {
    let mut stage = Stage::new();
    let plain = stage.connect_with("10.7.7.7", Features { fast: false, extended: true });
    stage.say(plain, &[Message::Interested]);
    assert!(stage.said(plain).contains(&Message::Unchoke));
    assert!(suggested(&stage, plain).is_empty());
}

/// The pieces of which it said that it has them, sorted.
fn told(stage: &Stage, conn: ConnId) -> Vec<u32> {
    let have = |message| match message {
        Message::Have(piece) => Some(piece),
        _ => None,
    };
    let mut told: Vec<u32> = stage.said(conn).into_iter().filter_map(have).collect();
    told.sort_unstable();
    told
}

#[test]
fn who_has_a_piece_is_not_told_that_we_have_it_too() {
    let data = payload(10 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let leecher = world.host(Config::default());
    world.add(leecher, &meta, TorrentOptions { seeding: SeedPolicy::Forever, ..Default::default() });
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Downloading);
    let mut stage = Stage { world, meta, peers: 0 };
    let [rich, poor] = [1, 2].map(|n| stage.connect_from(&format!("10.7.7.{n}")));
    stage.say(rich, &(0..6).map(Message::Have).collect::<Vec<_>>());
    stage.say(poor, &[Message::HaveNone]);
    let seed = stage.world.seed(&stage.meta, &data);
    let (now, addr) = (stage.world.now, stage.world.hosts[seed].addr);
    stage.world.hosts[leecher].engine.add_peer(now, TORRENT, addr);
    stage.world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Seeding);
    let to_seed = stage.world.hosts[leecher].events.iter().find_map(|event| match event {
        Event::PeerConnected { conn, remote, .. } if *remote == addr => Some(*conn),
        _ => None,
    });
    assert_eq!(told(&stage, poor), (0..10).collect::<Vec<_>>());
    assert_eq!(told(&stage, rich), (6..10).collect::<Vec<_>>());
    assert!(told(&stage, to_seed.unwrap()).is_empty());
}
