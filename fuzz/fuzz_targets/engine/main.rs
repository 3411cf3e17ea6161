//! A whole engine with one torrent, and everything around it at its worst: peers that say anything at any time,
//! disks that fail and forget, trackers, commands, crashes and restarts. It goes through all phases of a torrent's
//! life, with all its invariants checked after every input; and in the end, with a disk that works and honest
//! seeds, the download is complete and right.
#![no_main]

mod disk;
mod remote;
mod story;
mod torrents;
mod world;

use bytes::Bytes;
use disk::Disk;
use libfuzzer_sys::fuzz_target;
use peerless_core::wire::{BlockRange, ExtensionHandshake, Features, Message};
use peerless_core::{
    BLOCK_LEN, Config, ConnId, Duration, Goal, NetError, PieceIndex, SeedPolicy, TorrentOptions, UploadSlots,
};
use remote::{Remote, honest, scripted};
use story::{Hello, How, Op, Say, Story, Tracker, Trouble};
use torrents::{Torrent, torrent};
use world::World;

/// Seconds of the longest wait: much more than any timer of a swarm at work.
const MAX_WAIT: u64 = 3 * 3_600;

fuzz_target!(|story: Story| {
    let torrent = torrent(story.torrent);
    let seeding = match story.seed_for {
        Some(0) => SeedPolicy::Stop,
        Some(secs) => {
            SeedPolicy::Until { ratio_permille: Some(500), time: Some(Duration::from_secs(secs.into())) }
        }
        None => SeedPolicy::Forever,
    };
    let options = TorrentOptions {
        goal: match story.goal {
            0..16 => Goal::Seed,
            16..32 => Goal::Verify,
            _ => Goal::Download,
        },
        seeding,
        wait_disk: story.wait_disk,
        recheck: story.recheck,
        ..TorrentOptions::default()
    };
    let config = Config {
        max_peers: 1 + usize::from(story.max_peers % 16),
        max_half_open: 1 + usize::from(story.max_peers / 16),
        max_open_pieces: 1 + usize::from(story.max_open_pieces % 8),
        upload_slots: match story.upload_slots % 5 {
            4 => UploadSlots::FollowLine,
            count => UploadSlots::Fixed(count.into()),
        },
        memory_budget: 0,
        ..Config::default()
    };
    let mut world = World::new(torrent, Disk::new(torrent, story.before), config, options);
    for op in story.ops {
        if world.is_over() {
            break;
        }
        run(&mut world, op);
    }
    world.come_to_an_end();
});

fn run(world: &mut World, op: Op) {
    let torrent = world.torrent;
    match op {
        Op::Wait { millis } => world.wait(Duration::from_millis(millis.into())),
        Op::WaitLong { secs } => world.wait(Duration::from_secs(u64::from(secs) % MAX_WAIT)),
        Op::AddPeer { n } => world.add_peer(scripted(n)),
        Op::AddHonest { n } => world.add_peer(honest(n)),
        Op::AcceptHonest { n } => drop(world.accept(honest(n))),
        Op::AcceptFailed => {
            world.handle(peerless_core::Input::AcceptFailed { error: NetError::TooManyFiles });
        }
        Op::Accept { n, hello } => {
            let conn = world.accept(scripted(n));
            greet(world, Some(conn), hello);
        }
        Op::Connected { conn, hello } => {
            let conn = world.scripted_conn(conn);
            conn.into_iter().for_each(|conn| connect(world, conn));
            greet(world, conn, hello);
        }
        Op::Hello { conn, hello } => {
            let conn = world.scripted_conn(conn);
            greet(world, conn, Some(hello));
        }
        Op::HalfAHello { conn, len } => {
            let Some(conn) = world.scripted_conn(conn) else { return };
            let remote = world.conns.get_mut(&conn).filter(|remote| !remote.is_introduced());
            let Some(data) = remote.map(|remote| remote.half_a_hello(torrent, len)) else { return };
            world.receive(conn, data, true);
            world.close(conn, None);
        }
        Op::Say { conn, what } => say(world, world.scripted_conn(conn), what),
        Op::AcceptSeed { n, hello } => accept_seed(world, n, hello),
        Op::Answer { conn, n, how } => answer(world, world.scripted_conn(conn), n, how),
        Op::AnswerAll { conn, wrong } => answer_all(world, conn, wrong),
        Op::Raw { conn, data } => raw(world, conn, data),
        Op::TooLate { data } => world.say_too_late(data.into()),
        Op::Close { conn, error } => {
            let error = error.map(|error| match error {
                Trouble::Reset => NetError::Reset,
                Trouble::NoPort => NetError::NoPort,
                Trouble::TooManyFiles => NetError::TooManyFiles,
            });
            world.scripted_conn(conn).into_iter().for_each(|conn| world.close(conn, error.clone()));
        }
        Op::Flush { conn } => world.scripted_conn(conn).into_iter().for_each(|conn| world.flush(conn)),
        Op::Disk { n, fault } => world.finish_job(n, fault),
        Op::DiskAll { fault } => (0..40).for_each(|_| world.finish_job(0, fault)),
        Op::Tracker { does } => tracker(world, does),
        Op::Resolved { ips } => {
            let ips = (0..ips % 3).map(|_| torrents::TRACKER.into()).collect();
            world.resolve(ips);
        }
        Op::Stop { sure: true } => world.stop(),
        Op::Again => world.again(),
        Op::Shutdown { sure: true } => world.shut_down(),
        Op::Crash { sure: true, losses, journal } => world.crash(&losses, journal),
        Op::Stop { .. } | Op::Shutdown { .. } | Op::Crash { .. } => {}
    }
}

fn connect(world: &mut World, conn: ConnId) {
    world.connected(conn);
    world.wait(Duration::ZERO);
}

fn greet(world: &mut World, conn: Option<ConnId>, hello: Option<Hello>) {
    let (Some(conn), Some(hello)) = (conn, hello) else { return };
    let torrent = world.torrent;
    let remote = world.conns.get_mut(&conn).filter(|remote| remote.open && !remote.is_introduced());
    let features = Features { fast: hello.fast, extended: hello.extended };
    if let Some(data) = remote.map(|remote| remote.hello(torrent, features, hello.id % 4)) {
        world.receive(conn, data, false);
    }
}

fn accept_seed(world: &mut World, n: u8, hello: Hello) {
    let conn = world.accept(scripted(n));
    greet(world, Some(conn), Some(hello));
    let all = u32::MAX << (u32::BITS - world.torrent.meta.geometry().num_pieces());
    let has = if hello.fast { Say::HaveAll } else { Say::Bitfield { bits: all } };
    say(world, Some(conn), has);
    say(world, Some(conn), Say::Unchoke);
}

/// A message of a scripted peer that has shaken hands.
fn say(world: &mut World, conn: Option<ConnId>, what: Say) {
    let torrent = world.torrent;
    let Some(conn) = conn else { return };
    let Some(remote) = world.conns.get_mut(&conn).filter(|remote| remote.is_introduced()) else { return };
    let (message, lie) = message(torrent, what);
    let data = remote.say(torrent, &message);
    world.receive(conn, data, lie);
}

/// The message, and whether it says something that is not so.
fn message(torrent: &Torrent, what: Say) -> (Message, bool) {
    let pieces = torrent.meta.geometry().num_pieces();
    // Some do not exist.
    let index = |n: u8| u32::from(n) % (pieces + 2);
    let range = |n: u8, begin: u8, len: u8| {
        let len =
            [BLOCK_LEN, BLOCK_LEN, 2 * BLOCK_LEN, 1, 0, 700, 8 * BLOCK_LEN, u32::MAX][usize::from(len) % 8];
        BlockRange { index: index(n), begin: u32::from(begin % 16) * (BLOCK_LEN / 2), len }
    };
    let impossible = |n: u8| index(n) >= pieces;
    match what {
        Say::KeepAlive => (Message::KeepAlive, false),
        Say::Choke => (Message::Choke, false),
        Say::Unchoke => (Message::Unchoke, false),
        Say::Interested => (Message::Interested, false),
        Say::NotInterested => (Message::NotInterested, false),
        Say::Have { n } => (Message::Have(index(n)), impossible(n)),
        Say::Bitfield { bits } => {
            let bytes = bits.to_be_bytes().repeat(2);
            (Message::Bitfield(Bytes::copy_from_slice(&bytes[..pieces.div_ceil(8) as usize])), false)
        }
        Say::HaveAll => (Message::HaveAll, false),
        Say::HaveNone => (Message::HaveNone, false),
        Say::Request { n, begin, len } => (Message::Request(range(n, begin, len)), impossible(n)),
        Say::Cancel { n, begin, len } => (Message::Cancel(range(n, begin, len)), impossible(n)),
        Say::Reject { n, begin, len } => (Message::Reject(range(n, begin, len)), impossible(n)),
        Say::Piece { n, block, right } => block_of(torrent, n, block, right),
        Say::Suggest { n } => (Message::Suggest(index(n)), impossible(n)),
        Say::AllowedFast { n } => (Message::AllowedFast(index(n)), impossible(n)),
        Say::Port => (Message::Port(6881), false),
        Say::Extended { id, payload } => (Message::Extended { id, payload: payload.into() }, false),
        Say::ExtensionHandshake { reqq, port, upload_only } => {
            let (reqq, p) = (reqq.map(Into::into), port);
            let handshake = ExtensionHandshake { reqq, p, upload_only, ..ExtensionHandshake::default() };
            (Message::Extended { id: 0, payload: handshake.encode() }, false)
        }
    }
}

/// A block that perhaps nobody asked for.
fn block_of(torrent: &Torrent, n: u8, block: u8, right: bool) -> (Message, bool) {
    let geometry = torrent.meta.geometry();
    let piece = PieceIndex::new(u32::from(n) % geometry.num_pieces());
    let block = u32::from(block) % geometry.blocks_in(piece);
    let begin = block * BLOCK_LEN;
    let len = (geometry.piece_len(piece) - begin).min(BLOCK_LEN);
    let data = Remote::block(torrent, BlockRange { index: piece.get(), begin, len }, right).slice(13..);
    (Message::Piece { index: piece.get(), begin, data: data.into() }, !right)
}

/// A scripted peer answers one of the requests that it was sent.
fn answer(world: &mut World, conn: Option<ConnId>, n: u8, how: How) {
    let torrent = world.torrent;
    let Some(conn) = conn else { return };
    let Some(remote) = world.conns.get_mut(&conn).filter(|remote| !remote.asked.is_empty()) else { return };
    let range = remote.asked.remove(usize::from(n) % remote.asked.len());
    let data = match how {
        How::Right | How::Wrong => Remote::block(torrent, range, how == How::Right),
        How::Reject => remote.say(torrent, &Message::Reject(range)),
    };
    world.receive(conn, data, how == How::Wrong);
}

fn answer_all(world: &mut World, conn: u8, wrong: bool) {
    let conn = world.scripted_conn(conn);
    let asked = conn.and_then(|conn| world.conns.get(&conn)).map_or(0, |remote| remote.asked.len());
    for n in 0..asked {
        answer(world, conn, 0, if wrong && n == asked / 2 { How::Wrong } else { How::Right });
    }
}

/// Any bytes: what they mean nobody knows, so it is the last that this peer says.
fn raw(world: &mut World, conn: u8, data: Vec<u8>) {
    let Some(conn) = world.scripted_conn(conn) else { return };
    world.conns.get_mut(&conn).into_iter().for_each(Remote::muddle);
    world.receive(conn, data.into(), true);
    world.close(conn, None);
}

fn tracker(world: &mut World, does: Tracker) {
    let Some(conn) = world.tracker_conn() else { return };
    let head = |len: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").into_bytes();
    let body = match does {
        Tracker::Connected => return connect(world, conn),
        Tracker::Fails => return world.close(conn, Some(NetError::Reset)),
        Tracker::Says { data } => return world.receive(conn, data.into(), false),
        Tracker::Refuses => b"d14:failure reason3:noe".to_vec(),
        Tracker::Answers { peers, interval } => {
            let peers = world.peers_of_tracker(peers);
            let begin = format!("d8:intervali{interval}e5:peers{}:", peers.len());
            [begin.as_bytes(), &peers, b"e"].concat()
        }
    };
    world.receive(conn, [head(body.len()), body].concat().into(), false);
}
