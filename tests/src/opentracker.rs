//! opentracker, the tracker that much of the world announces to.

use crate::deadline::{Deadline, wait_until};
use crate::lab::{Lab, Network};
use crate::process::Process;
use crate::torrent::Torrent;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::process::Command;

/// A running opentracker, which serves the torrents that it was started for.
#[derive(Debug)]
pub struct Opentracker {
    addr: SocketAddrV4,
    _process: Process,
}

impl Opentracker {
    /// The announce URL of a tracker at `addr`.
    pub fn url(addr: SocketAddrV4) -> String {
        format!("http://{addr}/announce")
    }

    /// Starts it at `addr`, and waits until it answers.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub fn start(lab: &Lab, addr: SocketAddrV4, torrents: &[&Torrent]) -> Self {
        let dir = lab.dir(&format!("opentracker-{}", addr.port()));
        let list: String = torrents.iter().map(|t| format!("{}\n", t.info_hash)).collect();
        std::fs::write(dir.join("whitelist"), list).expect("write into the lab");
        let mut command = match lab.network() {
            // It refuses to run as root, and cannot become another user where only root exists.
            Network::User => {
                let mut command = Command::new("unshare");
                command.args(["--user", "--map-user=1000", "--map-group=1000", "opentracker"]);
                command
            }
            Network::Root | Network::Loopback => Command::new("opentracker"),
        };
        // The list is found from the working directory, and from the root of its chroot: both are `dir`.
        let (ip, port) = (addr.ip().to_string(), addr.port().to_string());
        command.args(["-i", &ip, "-p", &port, "-w", "whitelist", "-d"]).arg(&dir).current_dir(&dir);
        let tracker = Self { addr, _process: Process::spawn("opentracker", command) };
        for torrent in torrents {
            tracker.wait_for_peers(torrent, 0);
        }
        tracker
    }

    /// Waits until the tracker knows so many peers of the torrent, seeds and leechers together.
    ///
    /// # Panics
    /// When that takes longer than a minute.
    pub fn wait_for_peers(&self, torrent: &Torrent, count: u64) {
        let mut last = None;
        let enough = wait_until(Deadline::seconds(60), || {
            last = self.peers(torrent);
            last.is_some_and(|n| n >= count).then_some(())
        });
        assert!(enough.is_some(), "the tracker has heard of {last:?} peers of {count}");
    }

    /// Peers of a torrent by a scrape; `None` without an answer.
    fn peers(&self, torrent: &Torrent) -> Option<u64> {
        let hash: String = torrent.info_hash.0.iter().map(|b| format!("%{b:02x}")).collect();
        let mut stream = TcpStream::connect(self.addr).ok()?;
        write!(stream, "GET /scrape?info_hash={hash} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        if !answer.starts_with(b"HTTP/1.0 200") && !answer.starts_with(b"HTTP/1.1 200") {
            return None;
        }
        Some(number_after(&answer, b"8:completei") + number_after(&answer, b"10:incompletei"))
    }
}

/// The number that follows the first `key`; 0 where there is none.
fn number_after(text: &[u8], key: &[u8]) -> u64 {
    let Some(at) = text.windows(key.len()).position(|w| w == key) else { return 0 };
    let digits = text[at + key.len()..].iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0, |n, digit| n * 10 + u64::from(digit - b'0'))
}
