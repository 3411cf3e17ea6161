//! Real clients that this project did not write, as seeds and as leechers: libtorrent, Transmission, aria2.
//!
//! All speak plain TCP, find peers through the tracker of the torrent only, and listen on an address of their
//! own.

use crate::deadline::Deadline;
use crate::lab::Lab;
use crate::process::Process;
use crate::torrent::Torrent;
use rustix::process::Signal;
use serde_json::json;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;

/// Makes a client of libtorrent.
pub(crate) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/lt.py");

/// How long a client may take to start and check its data, in seconds.
const START: u64 = 120;

/// A client of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// The library of qBittorrent, Deluge and others, through a small script.
    Libtorrent,
    /// `transmission-cli`.
    Transmission,
    /// `aria2c`.
    Aria2,
}

impl Client {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Libtorrent, Self::Transmission, Self::Aria2];
}

/// What libtorrent is to do beyond seeding or downloading everything at full speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Libtorrent {
    /// Only every third piece is there and wanted, counted from this one (0, 1 or 2).
    pub third: Option<u8>,
    /// Bytes a second.
    pub upload_limit: Option<u32>,
}

/// What a client is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Seed {
        /// The most that it sends in a second.
        kib: Option<u32>,
    },
    Leech,
}

impl Role {
    const fn limit(self) -> Option<u32> {
        match self {
            Self::Seed { kib } => kib,
            Self::Leech => None,
        }
    }
}

/// A running client.
#[derive(Debug)]
pub struct Peer {
    /// Which.
    pub client: Client,
    /// Where it listens, and from where it connects.
    pub addr: SocketAddrV4,
    /// The process.
    pub process: Process,
}

impl Peer {
    /// Starts a client that has `torrent` complete below the directory `parent`, and waits until it has
    /// checked that.
    ///
    /// # Panics
    /// When it finds the data wanting, or takes too long.
    pub fn seed(lab: &Lab, client: Client, torrent: &Torrent, parent: &Path) -> Self {
        Self::start(lab, client, torrent, parent, Role::Seed { kib: None }).checked()
    }

    /// The same, but it sends no more than so many KiB a second.
    ///
    /// # Panics
    /// As [`seed`](Self::seed).
    pub fn slow_seed(lab: &Lab, client: Client, torrent: &Torrent, parent: &Path, kib: u32) -> Self {
        Self::start(lab, client, torrent, parent, Role::Seed { kib: Some(kib) }).checked()
    }

    /// Waits until a seed has checked its data.
    fn checked(self) -> Self {
        match self.client {
            Client::Libtorrent => self.wait_complete(START),
            Client::Transmission => {
                self.process.wait_for_text("Seeding", Deadline::seconds(START));
            }
            Client::Aria2 => {
                self.process.wait_for_text("Verification finished successfully", Deadline::seconds(START));
            }
        }
        self
    }

    /// Starts a client that downloads `torrent` below the directory `parent`, and stays to seed it.
    pub fn leech(lab: &Lab, client: Client, torrent: &Torrent, parent: &Path) -> Self {
        Self::start(lab, client, torrent, parent, Role::Leech)
    }

    /// Starts libtorrent as `how` says, and waits until it has checked what is below the directory `parent`.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn libtorrent(lab: &Lab, how: Libtorrent, torrent: &Torrent, parent: &Path) -> Self {
        let addr = lab.next_addr();
        let command = libtorrent(how, torrent, parent, addr);
        let process = Process::spawn(&format!("libtorrent at {addr}"), command);
        process.wait_for_text("checked ", Deadline::seconds(START));
        Self { client: Client::Libtorrent, addr, process }
    }

    fn start(lab: &Lab, client: Client, torrent: &Torrent, parent: &Path, role: Role) -> Self {
        let addr = lab.next_addr();
        let command = match client {
            Client::Libtorrent => {
                let upload_limit = role.limit().map(|kib| kib << 10);
                libtorrent(Libtorrent { upload_limit, ..Libtorrent::default() }, torrent, parent, addr)
            }
            Client::Transmission => transmission(lab, &torrent.path, parent, addr, role.limit()),
            Client::Aria2 => aria2(&torrent.path, parent, addr, role != Role::Leech, role.limit()),
        };
        Self { client, addr, process: Process::spawn(&format!("{client:?} at {addr}"), command) }
    }

    /// Waits until it says that it has everything.
    ///
    /// # Panics
    /// When it does not within so many seconds.
    pub fn wait_complete(&self, seconds: u64) {
        let is_it = |line: &str| match self.client {
            Client::Libtorrent => line == "complete",
            Client::Transmission => line.contains("Seeding"),
            // What its hook prints: the number of the download (16 digits), of its files, and the first path.
            Client::Aria2 => line
                .split_once(' ')
                .is_some_and(|(id, _)| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit())),
        };
        let deadline = Deadline::seconds(seconds);
        self.process.wait_for("word that it is complete", deadline, |line| is_it(line).then_some(()));
    }

    /// Ends it in an orderly way, so that all is on the disk, and waits for that.
    pub fn stop(&mut self) {
        // aria2 tells the tracker when it gets SIGINT, and nobody when it gets SIGTERM.
        self.process.stop(if self.client == Client::Aria2 { Signal::INT } else { Signal::TERM });
    }

    /// Ends a libtorrent, and says how many bytes of payload it had uploaded.
    ///
    /// # Panics
    /// When it is not libtorrent.
    pub fn stop_and_count_uploaded(&mut self) -> u64 {
        assert_eq!(self.client, Client::Libtorrent, "the others do not say");
        self.process.stop(Signal::TERM);
        self.process.wait_for("count of bytes", Deadline::seconds(1), |line| {
            line.strip_prefix("uploaded ")?.split(' ').next()?.parse().ok()
        })
    }
}

fn libtorrent(how: Libtorrent, torrent: &Torrent, parent: &Path, addr: SocketAddrV4) -> Command {
    let mut job = json!({
        "torrent": torrent.path, "dir": parent, "ip": addr.ip().to_string(), "port": addr.port(),
    });
    if let Some(third) = how.third {
        job["third"] = third.into();
    }
    if let Some(limit) = how.upload_limit {
        job["upload_limit"] = limit.into();
    }
    // The system's own Python: the one for which the distribution builds libtorrent.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(SCRIPT).arg(job.to_string());
    command
}

/// `transmission-cli`; `kib` is the most that it sends in a second.
pub(crate) fn transmission(
    lab: &Lab,
    torrent: &Path,
    parent: &Path,
    addr: SocketAddrV4,
    kib: Option<u32>,
) -> Command {
    let config = lab.dir(&format!("transmission-{}", addr.port()));
    let mut settings = json!({
        "bind-address-ipv4": addr.ip().to_string(), "peer-port": addr.port(),
        "port-forwarding-enabled": false, "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false,
        "utp-enabled": false, "encryption": 0, "incomplete-dir-enabled": false,
        // More than any test has.
        "peer-limit-global": 5_000, "peer-limit-per-torrent": 5_000, "upload-slots-per-torrent": 50,
        "ratio-limit-enabled": false, "idle-seeding-limit-enabled": false, "rpc-enabled": false,
    });
    if let Some(kib) = kib {
        settings["speed-limit-up-enabled"] = true.into();
        settings["speed-limit-up"] = kib.into();
    }
    std::fs::write(config.join("settings.json"), settings.to_string()).expect("write into the lab");
    // Its words would come by the page, and a page takes ten seconds.
    let mut command = Command::new("stdbuf");
    command.args(["-o0", "transmission-cli"]);
    command.args(["--no-portmap", "--encryption-tolerated", "--port", &addr.port().to_string()]);
    command.arg("--config-dir").arg(&config).arg("--download-dir").arg(parent);
    // It checks what is there of a torrent that it does not know. `--verify` would do that a second time, and
    // now and then that is the end of it.
    command.arg(torrent).env("HOME", &config).env("LC_ALL", "C.UTF-8");
    command
}

/// `aria2c`, which has everything if it `seeds`; `kib` is the most that it sends in a second.
pub(crate) fn aria2(
    torrent: &Path,
    parent: &Path,
    addr: SocketAddrV4,
    seeds: bool,
    kib: Option<u32>,
) -> Command {
    let mut command = Command::new("aria2c");
    command.args(["--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false"]);
    command.args(["--enable-peer-exchange=false", "--disable-ipv6", "--file-allocation=none"]);
    command.args(["--allow-overwrite=true", "--summary-interval=0", "--show-console-readout=false"]);
    // It says nothing of its own when it begins to seed: the hook does, with the number of the download.
    command.args(["--console-log-level=notice", "--seed-ratio=0.0", "--on-bt-download-complete=/bin/echo"]);
    command.arg(format!("--interface={}", addr.ip()));
    command.arg(format!("--listen-port={}", addr.port()));
    command.arg(format!("--dir={}", parent.display()));
    if seeds {
        command.arg("--check-integrity=true");
    }
    if let Some(kib) = kib {
        command.arg(format!("--max-upload-limit={kib}K"));
    }
    command.arg(torrent);
    command
}
