//! What every measurement needs: a place, a tracker, addresses, content, and memory that is warm.

use super::content::Content;
use super::peers::Crowd;
use super::subjects::{Job, Role, Subject};
use crate::deadline::Deadline;
use crate::lab::Lab;
use crate::payload::Payload;
use crate::script_tracker::{Announce, Answer, ScriptTracker, compact, http, with_peers};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where many small files go if it is there: in memory, for file systems have costs of their own.
const IN_MEMORY: &str = "/dev/shm";

/// The first port that clients get; below those of outgoing connections.
const FIRST_PORT: u16 = 20_000;

/// Place, tracker and addresses of all measurements.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) lab: &'a Lab,
    tracker: ScriptTracker,
    client_ip: Ipv4Addr,
    ports: Cell<u16>,
    in_memory: Option<TempDir>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(lab: &'a Lab) -> Self {
        // Two thousand connections on either side, and each is a file.
        let mut files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        files.current = files.maximum;
        // Where it is not allowed, the connections that fail will tell.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, files);
        let in_memory = tempfile::Builder::new().prefix("peerless-bench-").tempdir_in(IN_MEMORY).ok();
        Self {
            lab,
            tracker: ScriptTracker::start(lab.next_addr(), vec![answer(&[])]),
            client_ip: *lab.next_addr().ip(),
            ports: Cell::new(FIRST_PORT),
            in_memory,
        }
    }

    /// The directories that are removed in the end.
    pub(super) fn dirs(&self) -> Vec<PathBuf> {
        let in_memory = self.in_memory.iter().map(|dir| dir.path().to_owned());
        in_memory.chain([self.lab.path("")]).collect()
    }

    /// The torrent of `payload`.
    pub(super) fn content(&self, payload: &Payload) -> Content {
        Content::new(&self.lab.dir("torrents"), payload, &self.tracker.url())
    }

    /// A torrent in which all pieces are the same.
    pub(super) fn repeating(&self, pieces: u32, piece_length: u32) -> Content {
        Content::repeating(&self.lab.dir("torrents"), pieces, piece_length, &self.tracker.url())
    }

    /// Addresses for so many peers.
    pub(super) fn ips(&self, count: usize) -> Vec<Ipv4Addr> {
        (0..count as u16).map(|n| self.lab.crowd_ip(n)).collect()
    }

    /// A directory that is empty. In memory, if there is such a place and it is asked for.
    pub(super) fn empty(&self, in_memory: bool) -> PathBuf {
        let parent = match &self.in_memory {
            Some(dir) if in_memory => dir.path().to_owned(),
            _ => self.lab.path(""),
        };
        let path = parent.join("out");
        if path.exists() {
            std::fs::remove_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// What a client is told to do, with an address of its own; the tracker will name these peers.
    pub(super) fn job<'b>(
        &self,
        content: &'b Content,
        role: Role,
        out: &'b Path,
        peers: &[SocketAddr],
        max_peers: usize,
    ) -> Job<'b> {
        self.tracker.begin_again(vec![answer(peers)]);
        let port = self.ports.get();
        self.ports.set(port + 1);
        Job { content, role, out, addr: SocketAddrV4::new(self.client_ip, port), max_peers }
    }

    /// Where a client that does this can be reached.
    pub(super) fn reach(&self, subject: Subject, job: &Job<'_>) -> SocketAddr {
        let ip = if subject.is_ours() { self.lab.own_ip() } else { *job.addr.ip() };
        (ip, job.addr.port()).into()
    }

    /// Waits until the tracker hears something from the client.
    ///
    /// # Panics
    /// When it does not hear it in time.
    pub(super) fn hear(&self, what: &str, deadline: Deadline, is_it: impl Fn(&Announce) -> bool) {
        self.tracker.wait_for(what, deadline, is_it);
    }

    /// Waits until a client that was given everything tells the tracker that it lacks nothing.
    pub(super) fn hear_that_it_is_complete(&self, deadline: Deadline) {
        self.hear("word that nothing is left", deadline, |announce| {
            announce.text("left") == "0" && announce.text("event") != "stopped"
        });
    }
}

/// Touches so much memory and gives it back. Where a host takes back what its guest leaves free, whoever touches
/// it first pays for that; this way it is not the client.
pub(super) fn warm(bytes: u64) {
    let memory = vec![1_u8; bytes as usize];
    std::hint::black_box(&memory);
}

/// Ends peers; what they took of the processor, in seconds for a GiB.
pub(super) fn dismiss(crowd: Crowd, gib: f64) -> f64 {
    crowd.end() / gib
}

fn answer(peers: &[SocketAddr]) -> Answer {
    Answer::Raw(http("200 OK", "", &with_peers(&compact(peers))))
}
