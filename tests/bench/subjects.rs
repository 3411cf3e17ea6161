//! The clients that are measured: how each is started, and how it tells that it is done.

use super::content::Content;
use super::machine::said;
use super::running::Running;
use super::stage::Stage;
use crate::clients;
use crate::deadline::Deadline;
use crate::peerless::{self, Driver};
use serde_json::json;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names a Python that has libtorrent, such as one of a virtual environment.
const PYTHON: &str = "LIBTORRENT_PYTHON";

/// A client under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Mio,
    Smol,
    Libtorrent,
    Aria2,
    Transmission,
    Rqbit,
}

/// What a client has to do with the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Get,
    /// Everything is there.
    Seed,
}

/// What a client is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) content: &'a Content,
    pub(super) role: Role,
    /// The directory that holds, or takes, the data under its name.
    pub(super) out: &'a Path,
    /// Where it listens.
    pub(super) addr: SocketAddrV4,
    /// How many connections it has to allow.
    pub(super) max_peers: usize,
}

impl Subject {
    pub(super) const ALL: [Self; 6] =
        [Self::Mio, Self::Smol, Self::Libtorrent, Self::Aria2, Self::Transmission, Self::Rqbit];

    /// What it is called here.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mio => "mio",
            Self::Smol => "smol",
            Self::Libtorrent => "libtorrent",
            Self::Aria2 => "aria2",
            Self::Transmission => "transmission",
            Self::Rqbit => "rqbit",
        }
    }

    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::Mio | Self::Smol)
    }

    /// Its version; `None` where it is not installed.
    pub(super) fn version(self) -> Option<String> {
        let program = |name: &str, option: &str| said(Command::new(name).arg(option));
        let version = match self {
            Self::Mio | Self::Smol => program(&peerless::released().to_string_lossy(), "--version"),
            Self::Libtorrent => python().map(|(_, version)| version.clone()).unwrap_or_default(),
            Self::Aria2 => program("aria2c", "--version"),
            Self::Transmission => program("transmission-cli", "--version"),
            Self::Rqbit => program("rqbit", "--version"),
        };
        (!version.is_empty()).then_some(version)
    }

    /// Starts it.
    pub(super) fn start(self, stage: &Stage<'_>, job: &Job<'_>) -> Running {
        let name = format!("{} at {}", self.name(), job.addr);
        Running::start(&name, self.command(stage, job))
    }

    fn command(self, stage: &Stage<'_>, job: &Job<'_>) -> Command {
        let torrent = &job.content.torrent;
        match self {
            Self::Mio => ours(Driver::Mio, job),
            Self::Smol => ours(Driver::Smol, job),
            Self::Libtorrent => libtorrent(job),
            Self::Transmission => clients::transmission(stage.lab, torrent, job.out, job.addr, None),
            Self::Aria2 => aria2(job),
            Self::Rqbit => rqbit(job),
        }
    }

    /// Waits until a download is complete. Whoever can, ends then.
    pub(super) fn wait_complete(self, running: &mut Running, deadline: Deadline) -> Result<(), String> {
        let said = match self {
            Self::Mio | Self::Smol | Self::Aria2 | Self::Rqbit => {
                let status = running.wait_exit(deadline);
                return if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) };
            }
            Self::Libtorrent => "complete",
            Self::Transmission => "Seeding",
        };
        running.process().wait_for_text(said, deadline);
        Ok(())
    }

    /// Waits until it knows that all is there.
    pub(super) fn wait_checked(self, stage: &Stage<'_>, running: &Running, deadline: Deadline) {
        let said = match self {
            Self::Mio | Self::Smol | Self::Rqbit => return stage.hear_that_it_is_complete(deadline),
            Self::Libtorrent => "complete",
            Self::Transmission => "Seeding",
            Self::Aria2 => "Verification finished successfully",
        };
        running.process().wait_for_text(said, deadline);
    }
}

fn ours(driver: Driver, job: &Job<'_>) -> Command {
    let mut command = Command::new(peerless::released());
    let (max_peers, port) = (job.max_peers.to_string(), job.addr.port().to_string());
    match job.role {
        Role::Get => command.arg("get").arg(&job.content.torrent).arg("--dir").arg(job.out),
        Role::Seed => command.arg("seed").arg(&job.content.torrent).arg(job.out.join(&job.content.name)),
    };
    command.args(["--driver", driver.name(), "--port", &port, "--max-peers", &max_peers, "--quiet"]);
    command
}

fn libtorrent(job: &Job<'_>) -> Command {
    let order = json!({
        "torrent": job.content.torrent, "dir": job.out, "ip": job.addr.ip().to_string(),
        "port": job.addr.port(), "connections": job.max_peers,
    });
    let python = python().as_ref().map_or_else(|| "python3".into(), |(path, _)| path.clone());
    let mut command = Command::new(python);
    command.arg(clients::SCRIPT).arg(order.to_string());
    command
}

fn aria2(job: &Job<'_>) -> Command {
    let seeds = job.role == Role::Seed;
    let mut command = clients::aria2(&job.content.torrent, job.out, job.addr, seeds, None);
    command.arg(format!("--bt-max-peers={}", job.max_peers));
    if !seeds {
        command.arg("--seed-time=0");
    }
    command
}

fn rqbit(job: &Job<'_>) -> Command {
    let mut command = Command::new("rqbit");
    command.args([
        "-v",
        "error",
        "--disable-dht",
        "--disable-lsd",
        "--disable-upnp-port-forward",
        "--ipv4-only",
    ]);
    // It leaves a peer that is silent for ten seconds otherwise.
    command.args(["--peer-read-write-timeout", "200s", "--peer-limit", &job.max_peers.to_string()]);
    command.args(["--listen-ip", &job.addr.ip().to_string(), "--listen-port", &job.addr.port().to_string()]);
    command.args(["download", "--disable-http-api", "--overwrite", "-o"]).arg(job.out);
    if job.role == Role::Get {
        command.arg("--exit-on-finish");
    }
    command.arg(&job.content.torrent);
    command
}

/// The first Python that has libtorrent, and the version of that.
fn python() -> Option<&'static (PathBuf, String)> {
    static FOUND: OnceLock<Option<(PathBuf, String)>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let named = std::env::var_os(PYTHON).map(PathBuf::from);
            let all = named.into_iter().chain(["python3".into(), "/usr/bin/python3".into()]);
            all.filter_map(|python| {
                let version = said(
                    Command::new(&python)
                        .args(["-c", "import libtorrent as l; print('libtorrent', l.__version__)"]),
                );
                version.starts_with("libtorrent ").then_some((python, version))
            })
            .next()
        })
        .as_ref()
}
