//! Telling what we have: at once whoever may be waiting for it, others a little later and several pieces together.

use super::stage::Stage;
use super::*;
use crate::wire::Message;

const PIECES: usize = 64;

/// A download that is asked by nobody yet, and peers that have nothing. Its data comes when [`begin`] says.
fn stage() -> Stage {
    let meta = torrent(&payload(PIECES * PIECE));
    let mut world = World::new();
    let leecher = world.host(Config::default());
    world.add(leecher, &meta, TorrentOptions { seeding: SeedPolicy::Forever, ..Default::default() });
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Downloading);
    Stage { world, meta, peers: 0 }
}

/// The download finds a seed, and has so many pieces.
fn begin(stage: &mut Stage, pieces: u32) {
    let seed = stage.world.seed(&stage.meta, &payload(PIECES * PIECE));
    let (now, addr) = (stage.world.now, stage.world.hosts[seed].addr);
    stage.world.hosts[0].engine.add_peer(now, TORRENT, addr);
    stage.world.run_until(MINUTE, |w| w.status(0).have >= pieces);
    assert!(stage.world.status(0).have < PIECES as u32, "it came too fast for this story");
}

/// Whether the download has a piece.
fn has(stage: &Stage, piece: u32) -> bool {
    stage.world.hosts[0].engine.torrent_have(TORRENT).unwrap().has(PieceIndex(piece))
}

/// How many pieces a peer was told of, and in how many sends.
fn told(stage: &Stage, conn: ConnId) -> (u32, usize) {
    let count = stage.said(conn).iter().filter(|m| matches!(m, Message::Have(_))).count();
    let sends = stage.world.hosts[0].actions.iter().filter(|action| match action {
        Action::Send { conn: to, data } => {
            *to == conn && data.len() % 9 == 0 && data.starts_with(&[0, 0, 0, 5, 4])
        }
        _ => false,
    });
    (count as u32, sends.count())
}

#[test]
fn who_wants_nothing_of_us_yet_hears_of_a_piece_at_once() {
    let mut stage = stage();
    let peer = stage.connect();
    stage.say(peer, &[Message::HaveNone]);
    begin(&mut stage, 40);
    let have = stage.world.status(0).have;
    assert_eq!(told(&stage, peer), (have, have as usize));
}

#[test]
fn who_has_plenty_to_ask_for_hears_of_several_pieces_together() {
    let mut stage = stage();
    let peer = stage.connect();
    stage.say(peer, &[Message::HaveNone, Message::Interested]);
    begin(&mut stage, 40);
    let (first, sends) = told(&stage, peer);
    assert_eq!((first, sends), (16, 16), "as many as are plenty, each at once");
    stage.world.run_for(Duration::from_secs(2));
    assert_eq!(stage.world.status(0).have, PIECES as u32);
    let (all, sends) = told(&stage, peer);
    assert_eq!(all, PIECES as u32);
    assert!(sends < 20, "{sends} sends");
}

#[test]
fn what_a_peer_is_sent_anyway_takes_along_what_it_was_not_told() {
    let mut stage = stage();
    let peer = stage.connect();
    stage.say(peer, &[Message::HaveNone, Message::Interested]);
    begin(&mut stage, 40);
    let missing = (0..PIECES as u32).find(|n| !has(&stage, *n)).unwrap();
    stage.say(peer, &[Message::Have(missing)]);
    assert!(stage.said(peer).contains(&Message::Interested), "there is something to send");
    assert_eq!(told(&stage, peer).0, stage.world.status(0).have);
}

#[test]
fn who_got_a_piece_meanwhile_is_not_told_of_it() {
    let mut stage = stage();
    let peer = stage.connect();
    stage.say(peer, &[Message::HaveNone, Message::Interested]);
    begin(&mut stage, 40);
    let before: Vec<Message> = stage.said(peer);
    let untold = |n: &u32| has(&stage, *n) && !before.contains(&Message::Have(*n));
    let piece = (0..PIECES as u32).find(untold).unwrap();
    stage.say(peer, &[Message::Have(piece)]);
    stage.world.run_for(Duration::from_secs(2));
    assert!(!stage.said(peer).contains(&Message::Have(piece)));
    assert_eq!(told(&stage, peer).0, PIECES as u32 - 1);
}
