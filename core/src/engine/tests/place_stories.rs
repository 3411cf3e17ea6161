//! All places are taken (`max_peers`), or one address wants too many: who gets in, and who goes.

use super::stage::Stage;
use super::*;
use crate::limits::EVICTION_PAUSE;
use crate::wire::{BlockRange, Features, Message};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::ToString;

/// Time after which a peer that wants nothing and has nothing may go.
const LONG: Duration = Duration::from_secs(61);
const IDLE: DisconnectReason = DisconnectReason::MadeRoom(EvictReason::Idle);

fn with_max_peers(max_peers: usize) -> Config {
    Config { max_peers, ..Config::default() }
}

/// Peers at addresses of their own, which have nothing and want nothing.
fn crowd(stage: &mut Stage, peers: usize) -> Vec<ConnId> {
    let conns: Vec<ConnId> = (0..peers).map(|n| stage.connect_from(&format!("10.7.0.{n}"))).collect();
    conns.iter().for_each(|conn| stage.say(*conn, &[Message::HaveNone]));
    conns
}

#[test]
fn at_max_peers_one_that_is_idle_for_long_makes_room_for_one_that_connects() {
    let mut stage = Stage::with(with_max_peers(3));
    let crowd = crowd(&mut stage, 3);
    let early = stage.connect_from("10.8.0.1");
    assert_eq!(stage.reason(early), Some(DisconnectReason::NoRoom), "nobody has been here for long");
    stage.world.run_for(LONG);

    let newcomer = stage.connect_from("10.8.0.2");
    assert_eq!(stage.reason(newcomer), None);
    let gone: Vec<_> = crowd.iter().filter(|conn| stage.reason(**conn) == Some(IDLE)).collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(stage.peers().len(), 3);

    let next = stage.connect_from("10.8.0.3");
    assert_eq!(stage.reason(next), Some(DisconnectReason::NoRoom), "one at a time");
    stage.world.run_for(EVICTION_PAUSE);
    let later = stage.connect_from("10.8.0.4");
    assert_eq!((stage.reason(later), stage.peers().len()), (None, 3));
}

#[test]
fn at_max_peers_an_idle_one_makes_room_for_an_address_to_dial() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let leecher = world.host(with_max_peers(2));
    let options = world.download_from(&[]);
    world.add(leecher, &meta, options);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Downloading);
    let mut stage = Stage { world, meta, peers: 0 };
    crowd(&mut stage, 2);
    let Stage { mut world, meta, .. } = stage;
    let seed = world.seed(&meta, &data);
    let (now, addr) = (world.now, world.hosts[seed].addr);
    world.hosts[leecher].engine.add_peer(now, TORRENT, addr);
    world.run_for(Duration::from_secs(50));
    assert_eq!(world.status(leecher).downloaded, 0);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    let evicted = |e: &&Event| matches!(e, Event::PeerDisconnected { reason, .. } if *reason == IDLE);
    assert_eq!(world.hosts[leecher].events.iter().filter(evicted).count(), 1);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn at_max_peers_nobody_who_is_of_use_is_given_up() {
    let mut stage = Stage::with(with_max_peers(3));
    let crowd = crowd(&mut stage, 3);
    for conn in &crowd {
        stage.say(*conn, &[Message::Interested]);
    }
    for n in 0..30 {
        let request = Message::Request(BlockRange { index: n % 10, begin: 0, len: 16_384 });
        for conn in &crowd {
            stage.say(*conn, core::slice::from_ref(&request));
            stage.input(Input::Sent { conn: *conn, bytes: 16_397 });
        }
        stage.world.run_for(Duration::from_secs(30));
        let newcomer = stage.connect_from(&format!("10.8.0.{n}"));
        assert_eq!(stage.reason(newcomer), Some(DisconnectReason::NoRoom));
    }
    assert_eq!(stage.peers(), crowd);
}

#[test]
fn at_max_peers_a_seed_gives_up_who_takes_nothing_and_keeps_who_awaits_its_turn() {
    let mut stage = Stage::with(Config { upload_slots: UploadSlots::Fixed(1), ..with_max_peers(2) });
    let crowd = crowd(&mut stage, 2);
    // The first gets the only slot, and does not use it.
    for conn in &crowd {
        stage.say(*conn, &[Message::Interested]);
    }
    let mut newcomers = 0;
    while stage.peers() == crowd {
        assert!(newcomers < 100, "nobody made room");
        for conn in &crowd {
            stage.say(*conn, &[Message::KeepAlive]);
        }
        stage.world.run_for(Duration::from_secs(10));
        newcomers += 1;
        stage.connect_from(&format!("10.8.0.{newcomers}"));
    }
    assert!(stage.world.now >= Instant::from_secs(300));
    let fruitless = DisconnectReason::MadeRoom(EvictReason::Fruitless);
    let gone: Vec<_> = crowd.iter().filter_map(|conn| stage.reason(*conn)).collect();
    assert_eq!(gone, [fruitless]);
}

#[test]
fn at_max_peers_silent_strangers_keep_nobody_from_the_door() {
    let mut stage = Stage::with(with_max_peers(2));
    crowd(&mut stage, 2);
    stage.world.run_for(LONG);
    let strangers: Vec<ConnId> = (0..50).map(|n| stage.knock_from(&format!("10.9.0.{n}"))).collect();
    let open = strangers.iter().filter(|conn| !stage.is_closed(**conn)).count();
    assert_eq!(open, 1);
    let newcomer = stage.connect_from("10.8.0.1");
    assert_eq!(stage.reason(newcomer), None);
    assert!(stage.peers().contains(&newcomer));
}

#[test]
fn one_address_holds_a_few_connections_and_no_more() {
    let config = Config::default();
    let most = config.max_per_address;
    let mut stage = Stage::with(config);
    let first: Vec<ConnId> = (0..most).map(|_| stage.connect_from("10.7.7.7")).collect();
    assert_eq!(stage.peers(), first);
    let one_more = stage.connect_from("::ffff:10.7.7.7");
    assert_eq!(stage.reason(one_more), Some(DisconnectReason::TooManyFromAddress));
    let other = stage.connect_from("10.7.7.8");
    assert_eq!(stage.reason(other), None);

    stage.input(Input::Closed { conn: first[0], error: None });
    let again = stage.connect_from("10.7.7.7");
    assert_eq!(stage.reason(again), None);
    // Peers on this machine have no other address.
    let local: Vec<ConnId> = (0..30).map(|_| stage.connect_from("127.0.0.1")).collect();
    assert!(local.iter().all(|conn| stage.reason(*conn).is_none()));
}

#[test]
fn a_flood_from_one_address_keeps_nobody_else_out() {
    let config = Config::default();
    let most = config.max_per_address;
    let mut stage = Stage::with(config);
    let honest = stage.knock_from("10.8.0.1");
    let flood: Vec<ConnId> = (0..1_000).map(|_| stage.knock_from("10.7.7.7")).collect();
    assert_eq!(flood.iter().filter(|conn| !stage.is_closed(**conn)).count(), most);
    assert!(!stage.is_closed(honest), "it has ten seconds to shake hands");
}

#[test]
fn of_many_ports_of_one_address_few_are_dialled() {
    let meta = torrent(&payload(PIECE));
    let mut world = World::new();
    let host = world.host(Config::default());
    let peer = |port| PeerAddr::Addr(core::net::SocketAddr::new("10.66.0.1".parse().unwrap(), port));
    let peers = (1..=200).map(peer).chain(["10.66.0.2:1".parse().map(PeerAddr::Addr).unwrap()]).collect();
    world.add(host, &meta, TorrentOptions { peers, ..Default::default() });
    world.run_for(MINUTE * 5);
    let (mut open, mut most, mut dialled) = (BTreeSet::new(), 0, 0);
    for action in &world.hosts[host].actions {
        match action {
            Action::Connect { conn, remote, .. } if remote.ip().to_string() == "10.66.0.1" => {
                open.insert(*conn);
                dialled += 1;
            }
            Action::Close { conn } => drop(open.remove(conn)),
            _ => {}
        }
        most = most.max(open.len());
    }
    assert_eq!(most, Config::default().max_per_address);
    assert!(dialled > 50, "the others have their turn later: {dialled}");
}

#[test]
fn no_more_than_64_connections_are_half_open_of_our_own_making() {
    let mut world = World::new();
    let host = world.host(Config::default());
    let peers = (0..=255).map(|n| PeerAddr::Addr(([10, 66, 0, n], 1).into())).collect();
    world.add(host, &torrent(&payload(PIECE)), TorrentOptions { peers, ..Default::default() });
    world.run_for(MINUTE);
    let (mut open, mut most, mut dialled) = (BTreeSet::new(), 0, BTreeSet::new());
    for action in &world.hosts[host].actions {
        match action {
            Action::Connect { conn, remote, .. } => {
                open.insert(*conn);
                dialled.insert(*remote);
            }
            Action::Close { conn } => drop(open.remove(conn)),
            _ => {}
        }
        most = most.max(open.len());
    }
    assert_eq!((most, dialled.len()), (64, 256));
}

#[test]
fn no_more_than_64_connections_are_half_open_of_others_making() {
    // Some say nothing, the others name the torrent and say no more.
    for said in [0, 60] {
        let mut stage = Stage::new();
        let handshake = stage.handshake(Features::OURS).encode();
        let crowd: Vec<ConnId> = (0..=255)
            .map(|n| {
                let conn = stage.knock_from(&format!("10.9.0.{n}"));
                stage.input(Input::Received { conn, data: handshake[..said].to_vec().into() });
                conn
            })
            .collect();
        let open: Vec<_> = crowd.iter().filter(|conn| !stage.is_closed(**conn)).collect();
        assert_eq!(open.len(), 64, "{said} bytes were said");
        assert_eq!(open.last(), Some(&&crowd[255]), "the newest has its chance");
    }
}

#[test]
fn a_large_swarm_leaves_places_of_max_peers_to_a_small_one() {
    let metas = [torrent(&payload(PIECE)), torrent(&payload(2 * PIECE))];
    let mut world = World::new();
    let host = world.host(with_max_peers(4));
    let peers = |net: u8, count: u8| -> Vec<PeerAddr> {
        (0..count).map(|n| PeerAddr::Addr(([10, 66, net, n], 1).into())).collect()
    };
    world.add(host, &metas[0], TorrentOptions { peers: peers(0, 100), ..Default::default() });
    world.run_for(Duration::from_secs(5));
    world.add(host, &metas[1], TorrentOptions { peers: peers(1, 2), ..Default::default() });
    // The connections of the large one come to nothing after ten seconds: then two are for the small one.
    world.run_for(Duration::from_secs(10));
    let small = |a: &&Action| matches!(a, Action::Connect { remote, .. } if remote.ip().to_string().starts_with("10.66.1."));
    assert_eq!(world.hosts[host].actions.iter().filter(small).count(), 2);
}

/// Connections that a leecher of one seed, named by the user, tries to open while none can be, in five minutes.
/// Afterwards it downloads.
fn tries_without(error: NetError) -> usize {
    let data = payload(5 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.hosts[leecher].no_connections = Some(error);
    world.run_for(MINUTE * 5);
    let is_try = |a: &&Action| matches!(a, Action::Connect { .. });
    let tries = world.hosts[leecher].actions.iter().filter(is_try).count();
    world.hosts[leecher].no_connections = None;
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    tries
}

#[test]
fn without_a_local_port_we_dial_ever_more_rarely() {
    let tries = tries_without(NetError::NoPort);
    assert!((8..=16).contains(&tries), "{tries}");
}

#[test]
fn without_a_descriptor_we_go_on_dialling_and_blame_no_address() {
    let tries = tries_without(NetError::TooManyFiles);
    assert!((200..=300).contains(&tries), "{tries}");
}
