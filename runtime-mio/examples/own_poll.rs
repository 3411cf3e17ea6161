//! Downloads a torrent in a loop that the caller owns, next to other sockets of the caller's.
//!
//! ```text
//! cargo run -p peerless-mio --example own_poll -- TORRENT TARGET [PEER:PORT]...
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)]

use mio::{Events, Poll, Token};
use peerless_core::{Event, Metainfo, PeerAddr, TorrentOptions};
use peerless_mio::MioSession;
use peerless_runtime::{Session, Settings};
use std::error::Error;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The session's tokens begin here; those below are the caller's.
const SESSION: Token = Token(1_000);

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(torrent), Some(target)) = (args.next(), args.next()) else {
        eprintln!("usage: own_poll TORRENT TARGET [PEER:PORT]...");
        return ExitCode::from(2);
    };
    let peers = args.map(|peer| peer.parse().map_err(Into::into)).collect::<Result<Vec<SocketAddr>, _>>();
    match peers.and_then(|peers| download(torrent.into(), target.into(), peers)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Downloads, and tells what happens.
pub(crate) fn download(
    torrent: PathBuf,
    target: PathBuf,
    peers: Vec<SocketAddr>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(256);
    let mut session = MioSession::in_poll(Settings::default(), poll.registry(), SESSION)?;

    let metainfo = Arc::new(Metainfo::parse(&std::fs::read(torrent)?)?);
    let peers = peers.into_iter().map(PeerAddr::Addr).collect();
    session.add(metainfo, target, TorrentOptions { peers, ..Default::default() })?;
    let mut outcome = Ok(());
    loop {
        session.turn();
        while let Some(event) = session.next_event() {
            println!("{event:?}");
            match event {
                Event::Failed { error, .. } => outcome = Err(error.into()),
                Event::Stopped { .. } => session.shutdown(),
                Event::ShutDown => return outcome,
                _ => {}
            }
        }
        // What a program waits for besides shortens this time, and has tokens of its own.
        match poll.poll(&mut events, session.timeout()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in events.iter().filter(|event| event.token() >= SESSION) {
            session.ready(event);
        }
    }
}
