//! What ends with a session: everything.

mod common;

use common::{DEADLINE, Payload, in_time, settings, until};
use peerless_core::{Event, PeerAddr, TorrentOptions};
use peerless_runtime::Session;
use peerless_smol::SmolSession;
use smol::future;
use std::io::Read;
use std::net::{TcpListener, TcpStream};

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
