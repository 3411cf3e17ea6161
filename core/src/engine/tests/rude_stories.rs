//! Peers that break a rule of the protocol, byte by byte, and what becomes of them.

use super::stage::Stage;
use super::*;
use crate::limits::{HANDSHAKE_TIMEOUT, KEEP_ALIVE, MAX_INVALID_REQUESTS, PEER_SILENCE};
use crate::wire::{BlockRange, Features, HANDSHAKE_LEN, Message};

const fn request(index: u32, begin: u32, len: u32) -> Message {
    Message::Request(BlockRange { index, begin, len })
}

#[test]
fn a_piece_that_does_not_exist_ends_the_connection_and_twice_is_a_ban() {
    let mut stage = Stage::new();
    for _ in 0..2 {
        let conn = stage.connect();
        stage.say(conn, &[Message::HaveNone, Message::Have(10)]);
        assert_eq!(stage.fault(conn), Some(PeerFault::PieceOutOfRange { index: 10, total: 10 }));
    }
    let (addr, reason) = ("10.7.7.7".parse().unwrap(), BanReason::ImpossiblePieces);
    assert!(stage.world.hosts[0].events.contains(&Event::PeerBanned { torrent: TORRENT, addr, reason }));
    let again = stage.connect();
    assert_eq!(stage.reason(again), Some(DisconnectReason::Banned));
}

#[test]
fn all_or_nothing_is_said_at_the_beginning_only() {
    let mut stage = Stage::new();
    let conn = stage.connect();
    stage.say(conn, &[Message::HaveNone, Message::Have(1), Message::HaveAll]);
    assert_eq!(stage.fault(conn), Some(PeerFault::OutOfPlace("have all")));
}

#[test]
fn extended_messages_that_we_never_offered_change_nothing() {
    let mut stage = Stage::new();
    let conn = stage.connect();
    let unasked = Message::Extended { id: 7, payload: alloc::vec![0; 500_000].into() };
    stage.say(conn, &[unasked.clone(), Message::HaveAll, unasked]);
    // It is a seed, like us: the `have all` counted.
    assert_eq!(stage.reason(conn), Some(DisconnectReason::NothingToExchange));
}

#[test]
fn a_later_bitfield_counts_as_many_haves() {
    let mut stage = Stage::new();
    let conn = stage.connect();
    let mut has = Bitfield::new(10);
    stage.say(conn, &[Message::HaveNone, Message::Have(1)]);
    has.insert(PieceIndex::new(1));
    has.insert(PieceIndex::new(2));
    stage.say(conn, &[Message::Bitfield(has.to_wire())]);
    assert_eq!(stage.reason(conn), None);
    let now = stage.world.now;
    assert_eq!(stage.world.hosts[0].engine.peers(now, TORRENT)[0].have, 2);
}

#[test]
fn requests_that_cannot_be_served_are_counted_and_end_it() {
    for bad in
        [request(10, 0, 16_384), request(0, u32::MAX, 16_384), request(0, 0, 0), request(0, 0, 1 << 20)]
    {
        let mut stage = Stage::new();
        let conn = stage.connect();
        stage.say(conn, &[Message::HaveNone, Message::Interested]);
        stage.say(conn, &alloc::vec![bad.clone(); MAX_INVALID_REQUESTS as usize]);
        assert_eq!(stage.reason(conn), None, "{bad:?}");
        stage.say(conn, core::slice::from_ref(&bad));
        assert_eq!(stage.fault(conn), Some(PeerFault::InvalidRequests(MAX_INVALID_REQUESTS + 1)), "{bad:?}");
    }
}

#[test]
fn a_peer_that_asks_and_never_reads_is_dropped() {
    let mut stage = Stage::new();
    let conn = stage.connect();
    stage.say(conn, &[Message::HaveNone, Message::Interested]);
    // Nothing is ever said to be sent, and every request is taken back, which is answered.
    let range = BlockRange { index: 0, begin: 0, len: 16_384 };
    let pair = [Message::Request(range), Message::Cancel(range)];
    for _ in 0..100 {
        if stage.reason(conn).is_none() {
            stage.say(conn, &pair.iter().cycle().take(2_000).cloned().collect::<Vec<_>>());
        }
    }
    assert!(matches!(stage.fault(conn), Some(PeerFault::DoesNotRead(_))), "{:?}", stage.reason(conn));
}

#[test]
fn a_silent_peer_is_dropped_and_until_then_kept_alive() {
    let mut stage = Stage::new();
    let conn = stage.connect();
    stage.say(conn, &[Message::HaveNone]);
    stage.world.run_for(KEEP_ALIVE + Duration::from_secs(1));
    let alive = |a: &&Action| matches!(a, Action::Send { conn: c, data } if *c == conn && data[..] == [0; 4]);
    assert_eq!(stage.world.hosts[0].actions.iter().filter(alive).count(), 1);
    assert_eq!(stage.reason(conn), None);
    stage.world.run_for(PEER_SILENCE);
    assert_eq!(stage.reason(conn), Some(DisconnectReason::Silent));
}

const SECOND: Duration = Duration::from_secs(1);

/// Connects a peer that sends this much of its handshake, a byte at a time with a second between, and then nothing.
fn shakes_hands_slowly(bytes: usize) -> (Stage, ConnId) {
    let mut stage = Stage::new();
    let conn = stage.knock_from("10.7.7.7");
    let handshake = stage.handshake(Features::OURS).encode();
    let (all_but_8, last) = handshake[..bytes].split_at(bytes.saturating_sub(8));
    stage.input(Input::Received { conn, data: all_but_8.to_vec().into() });
    for byte in last {
        stage.world.run_for(SECOND);
        stage.input(Input::Received { conn, data: vec![*byte].into() });
    }
    (stage, conn)
}

#[test]
fn who_connects_and_does_not_shake_hands_is_dropped_after_10_seconds() {
    // Nothing at all; less than the torrent's hash; all but the last byte.
    for bytes in [0, 20, HANDSHAKE_LEN - 1] {
        let (mut stage, conn) = shakes_hands_slowly(bytes);
        let begun = Duration::from_secs(bytes.min(8) as u64);
        stage.world.run_for(HANDSHAKE_TIMEOUT - begun - SECOND);
        assert!(!stage.is_closed(conn), "too early after {bytes} bytes");
        stage.world.run_for(SECOND + Duration::from_millis(1));
        assert!(stage.is_closed(conn), "still open after {bytes} bytes");
    }
    let (mut stage, conn) = shakes_hands_slowly(HANDSHAKE_LEN);
    stage.world.run_for(HANDSHAKE_TIMEOUT * 2);
    assert_eq!((stage.reason(conn), stage.peers()), (None, vec![conn]));
}

#[test]
fn who_is_dialled_and_does_not_shake_hands_is_dropped_after_10_seconds() {
    let data = payload(PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let mute = world.seed(&meta, &data);
    world.hang(mute);
    let leecher = world.leecher(&meta, &[mute]);
    let dropped = |w: &World| {
        let late = |e: &Event| {
            matches!(e, Event::PeerDisconnected { reason: DisconnectReason::HandshakeTimeout, .. })
        };
        w.hosts[leecher].events.iter().any(late)
    };
    world.run_until(SECOND, |w| !w.hosts[leecher].actions.is_empty());
    world.run_for(HANDSHAKE_TIMEOUT - SECOND);
    assert!(!dropped(&world), "too early");
    world.run_for(SECOND * 2);
    assert!(dropped(&world));
}

#[test]
fn a_laptop_that_slept_goes_on_where_it_was() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 8);
    // Everything that was on its way is hours late.
    world.now = world.now + Duration::from_secs(8 * 3_600);
    world.run_until(MINUTE * 10, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}
