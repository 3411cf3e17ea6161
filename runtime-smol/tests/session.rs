//! What a session does at its edges: waking, waiting, ending.

mod common;

use common::{DEADLINE, Payload, in_time, settings, until};
use peerless_core::{DisconnectReason, Event, PeerAddr, TorrentOptions};
use peerless_runtime::Session;
use peerless_smol::SmolSession;
use smol::future;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_wait_ends_at_its_time_or_when_it_is_woken() {
    let mut session = SmolSession::open(settings()).unwrap();
    let start = Instant::now();
    assert_eq!(session.wait(Some(Duration::from_millis(30))), Ok(None));
    assert!(start.elapsed() >= Duration::from_millis(30));

    session.waker().wake();
    assert_eq!(session.wait(Some(DEADLINE)), Ok(None), "a wake-up between two waits ends the next");
    let waker = session.waker();
    let other = thread::spawn(move || waker.wake());
    assert_eq!(session.wait(None), Ok(None));
    other.join().unwrap();
    assert!(start.elapsed() < DEADLINE);
    assert_eq!(session.wait(Some(Duration::ZERO)), Ok(None), "each wake-up ends one wait");
}

#[test]
fn after_the_shutdown_nothing_is_left_open() {
    let payload = Payload::new(100_000);
    let mut session = payload.seed();
    let at = session.listening()[0];
    let mut peer = TcpStream::connect(at).unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    smol::block_on(in_time(async {
        session.shutdown();
        until(&mut session, |e| *e == Event::ShutDown).await;
        assert_eq!(session.next_event().await, None);
    }));
    assert!(matches!(peer.read(&mut [0; 1]), Ok(0) | Err(_)), "the connection is still open");
    assert!(TcpStream::connect(at).is_err(), "the listener is still open");
}

#[test]
fn dropping_a_session_closes_everything() {
    let session = SmolSession::open(settings()).unwrap();
    let at = session.listening().to_vec();
    drop(session);
    assert!(at.iter().all(|at| TcpStream::connect(at).is_err()), "a listener is still open");

    // One connection is open and known, with its task waiting for bytes.
    let payload = Payload::new(100_000);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peers = vec![PeerAddr::Addr(listener.local_addr().unwrap())];
    let mut session = payload.leecher("copy", TorrentOptions { peers, ..Default::default() });
    let accepted = smol::unblock(move || listener.accept().unwrap().0);
    let greeted = async {
        let mut peer = accepted.await;
        smol::unblock(move || peer.read_exact(&mut [0; 68]).map(|()| peer)).await.unwrap()
    };
    let run = async {
        loop {
            session.next_event().await.expect("the session ended");
        }
    };
    let mut peer = smol::block_on(in_time(future::or(greeted, run)));
    drop(session);
    assert_eq!(peer.read_to_end(&mut Vec::new()).map_err(|e| e.kind()), Ok(0));
}

#[test]
fn a_peer_that_is_not_there_is_reported_with_the_reason() {
    let payload = Payload::new(100_000);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let peers = vec![PeerAddr::Addr(nobody)];
    let mut session = payload.leecher("copy", TorrentOptions { peers, ..Default::default() });
    let refused = |event: &Event| match event {
        Event::PeerDisconnected { remote, reason: DisconnectReason::ConnectFailed(error), .. } => {
            assert_eq!((*remote, error.to_string().as_str()), (nobody, "connection refused"));
            true
        }
        _ => false,
    };
    smol::block_on(in_time(until(&mut session, refused)));
}
