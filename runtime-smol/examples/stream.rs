//! Downloads a torrent inside an executor that the caller owns, next to other work of the caller's.
//!
//! ```text
//! cargo run -p peerless-smol --example stream -- TORRENT TARGET [PEER:PORT]...
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)]

use peerless_core::{Event, Metainfo, PeerAddr, TorrentOptions};
use peerless_runtime::{Session, Settings};
use peerless_smol::SmolSession;
use smol::stream::StreamExt;
use smol::{Timer, future};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(torrent), Some(target)) = (args.next(), args.next()) else {
        eprintln!("usage: stream TORRENT TARGET [PEER:PORT]...");
        return ExitCode::from(2);
    };
    let outcome = args.map(|peer| peer.parse().map_err(Into::into)).collect::<Result<Vec<SocketAddr>, _>>();
    // Any executor will do; the session brings its own for its tasks, and runs it while it is awaited.
    match outcome.and_then(|peers| smol::block_on(download(torrent.into(), target.into(), peers))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Downloads, with a line of progress each second.
pub(crate) async fn download(
    torrent: PathBuf,
    target: PathBuf,
    peers: Vec<SocketAddr>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let metainfo = Arc::new(Metainfo::parse(&std::fs::read(torrent)?)?);
    let options =
        TorrentOptions { peers: peers.into_iter().map(PeerAddr::Addr).collect(), ..Default::default() };
    let mut session = SmolSession::open(Settings::default())?;
    let id = session.add(metainfo, target, options)?;

    let mut every_second = Timer::interval(Duration::from_secs(1));
    let mut outcome = Ok(());
    loop {
        // The two are awaited together. The one that comes second loses nothing by being dropped.
        let tick = async { every_second.next().await.and(None) };
        match future::or(session.next_event(), tick).await {
            Some(Event::Failed { error, .. }) => outcome = Err(error.into()),
            Some(Event::Stopped { .. }) => break,
            Some(event) => println!("{event:?}"),
            None => {
                if let Some(status) = session.engine().torrent(session.now(), id) {
                    println!("{} of {} bytes, {}/s", status.bytes_have, status.bytes_total, status.down_rate);
                }
            }
        }
    }
    // The rest as a stream, which ends when everything is closed.
    session.shutdown();
    session.events().for_each(|event| println!("{event:?}")).await;
    outcome
}
