//! `peerless tracker`: a small HTTP tracker for a local network, a demo and tests.

mod server;
#[cfg(test)]
mod tests;

pub(crate) use server::Server;

use crate::args;
use crate::console;
use crate::exit::{Exit, Failure, reason};
use crate::report::Report;
use peerless_core::tracker::server::{Change, SwarmNews};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The usual port of a tracker.
const PORT: u16 = 6969;

/// Runs a tracker until the process is stopped.
pub(crate) fn run(args: &args::Tracker) -> Result<Report, Failure> {
    let server = start(args.listen)?;
    console::person("peerless: a tracker for this network; put its URL into a torrent:");
    console::person("  peerless create PATH --announce URL");
    console::data(&server.announce_url())?;
    server.join();
    Ok(Report::complete())
}

fn start(listen: Option<SocketAddr>) -> Result<Server, Failure> {
    let Some(addr) = listen else {
        let all_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
        let all_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
        return Server::start(all_v6, Box::new(tell)).or_else(|_| listen_at(all_v4));
    };
    listen_at(addr)
}

fn listen_at(addr: SocketAddr) -> Result<Server, Failure> {
    Server::start(addr, Box::new(tell)).map_err(|error| {
        let text = format!("tracker: cannot listen on {addr}: {}; try --listen", reason(&error));
        Failure::new(Exit::Network, text)
    })
}

fn tell(news: &SwarmNews) {
    let what = match news.change {
        Change::Joined => "joined",
        Change::Completed => "completed",
        Change::Left => "left",
        Change::Nothing => return,
    };
    console::person(&format!("{} {what} {}", news.peer, news.info_hash));
}
