//! Whoever waits takes no processor time. Measured for a whole process, so each session has one of its own.

use crate::actor::{Actor, download_from, perform, seeding, settings};
use crate::child;
use crate::raw::RawLeecher;
use crate::stage::Stage;
use peerless_core::{Metainfo, TorrentOptions};
use peerless_runtime::Session;
use peerless_tests::{Deadline, Manner, Process, ScriptPeer};
use rustix::time::{ClockId, clock_gettime};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

stories![
    a_session_without_torrents_rests,
    a_seed_with_idle_connections_rests,
    a_seed_rests_while_a_reader_does_not_read,
    a_leecher_rests_while_it_is_choked,
];

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(1);
/// Processor time that it may take meanwhile: a loop that spins takes ten times that.
const ALLOWED: Duration = Duration::from_millis(100);

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}

/// In the second process: waits, and fails if that was work. What it tells meanwhile is of no interest.
pub(crate) fn rest<S: Session>(actor: &mut Actor<S>) {
    let (watched, begun) = (Deadline::after(WATCHED), processor_time());
    while !watched.passed() {
        actor.session.wait(Some(watched.left())).unwrap();
    }
    let took = processor_time() - begun;
    assert!(took < ALLOWED, "{took:?} of processor time in {WATCHED:?} of waiting");
    println!("rested");
}

/// In the first process: waits until the second has been watched.
fn assert_rested(mut process: Process) {
    process.wait_for_text("rested", Deadline::seconds(60));
    assert!(process.wait_exit(Deadline::seconds(60)).success());
}

/// In the second process.
fn actor<S: Session>(orders: &[String], options: TorrentOptions) -> Actor<S> {
    let metainfo = Arc::new(Metainfo::parse(&std::fs::read(&orders[0]).unwrap()).unwrap());
    Actor::with(settings(), metainfo, PathBuf::from(&orders[1]), options)
}

fn a_session_without_torrents_rests<S: Session>() {
    if child::orders().is_some() {
        return rest(&mut Actor::<S>::new(settings()));
    }
    let process = child::begin::<S>("idle", "a_session_without_torrents_rests", &[]);
    assert_rested(process);
}

/// A seed in the second process, to which `connect` connects before it is watched; `connections` are there then.
fn a_seed_rests<S: Session, C>(
    story: &str,
    connections: usize,
    connect: impl FnOnce(SocketAddr, &Stage) -> C,
) {
    if let Some(orders) = child::orders() {
        let mut actors = [actor::<S>(&orders, seeding())];
        perform(&mut actors, "the check of the data", |all| all[0].is_seeding());
        println!("listening at {}", actors[0].addr());
        perform(&mut actors, "the connections", |all| {
            let status = all[0].status().unwrap();
            status.peers as usize == connections && (status.uploaded > 0) == story.contains("reader")
        });
        // What was begun meanwhile (a choker's round, what fits into the socket) comes to its end.
        (0..200).for_each(|_| actors[0].turn());
        return rest(&mut actors[0]);
    }
    let stage = Stage::file(200);
    let orders = [stage.torrent.path.to_str().unwrap(), stage.source.to_str().unwrap()];
    let process = child::begin::<S>("idle", story, &orders);
    let line = process.wait_for_text("listening at ", Deadline::seconds(60));
    let _connected = connect(line.rsplit(' ').next().unwrap().parse().unwrap(), &stage);
    assert_rested(process);
}

fn a_seed_with_idle_connections_rests<S: Session>() {
    a_seed_rests::<S, _>("a_seed_with_idle_connections_rests", 30, |addr, stage| {
        // The torrent outlives the connections only in this process's story, not in the types.
        let torrent = Box::leak(Box::new(stage.torrent.clone()));
        (0..30).map(|n| RawLeecher::connect(addr, torrent, n).unwrap()).collect::<Vec<_>>()
    });
}

fn a_seed_rests_while_a_reader_does_not_read<S: Session>() {
    a_seed_rests::<S, _>("a_seed_rests_while_a_reader_does_not_read", 1, |addr, stage| {
        let torrent = Box::leak(Box::new(stage.torrent.clone()));
        let mut reader = RawLeecher::connect(addr, torrent, 0).unwrap();
        reader.get_unchoked().unwrap();
        reader.ask_for_everything().unwrap();
        reader
    });
}

fn a_leecher_rests_while_it_is_choked<S: Session>() {
    if let Some(orders) = child::orders() {
        let peer = orders[2].parse().unwrap();
        let mut actors = [actor::<S>(&orders, download_from(&[peer]))];
        perform(&mut actors, "the connection", |all| all[0].status().is_some_and(|s| s.seeds == 1));
        (0..200).for_each(|_| actors[0].turn());
        return rest(&mut actors[0]);
    }
    let stage = Stage::file(200);
    let peer = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::ChokesForEver);
    let (torrent, target, peer) = (stage.torrent.path.clone(), stage.target(), peer.addr.to_string());
    let orders = [torrent.to_str().unwrap(), target.to_str().unwrap(), &peer];
    let process = child::begin::<S>("idle", "a_leecher_rests_while_it_is_choked", &orders);
    assert_rested(process);
}
