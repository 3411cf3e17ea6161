//! What most of the tests begin with: a torrent, its tracker, seeds, and our client as the leecher.

use peerless_tests::{
    Client, Deadline, Driver, Lab, Libtorrent, Opentracker, Payload, Peer, Process, Torrent, same_bytes,
};
use std::path::{Path, PathBuf};

/// The memory that a download may use at its peak, in bytes.
const MAX_MEMORY: u64 = 150 << 20;

/// A file whose download takes a second or so.
pub(crate) fn a_file() -> Payload {
    Payload::file("file.bin", 64 << 20, 256 << 10)
}

/// Some files of every kind.
pub(crate) fn a_tree() -> Payload {
    Payload::tree("tree", 300, 64 << 10)
}

/// The size of a file that people download.
pub(crate) fn a_large_file() -> Payload {
    Payload::file("large.bin", 1 << 30, 1 << 20)
}

/// More files than a process may open.
pub(crate) fn a_large_tree() -> Payload {
    Payload::tree("large tree", 2_000, 256 << 10)
}

/// A torrent with opentracker and its seeds.
#[derive(Debug)]
pub(crate) struct Swarm {
    pub(crate) torrent: Torrent,
    pub(crate) tracker: Opentracker,
    pub(crate) seeds: Vec<Peer>,
    /// Where the complete data is.
    pub(crate) source: PathBuf,
    /// Where our client puts its own.
    pub(crate) out: PathBuf,
}

impl Swarm {
    /// A torrent and its tracker, nobody else. The complete data is in the directory `seed`.
    pub(crate) fn new(lab: &Lab, payload: &Payload) -> Self {
        Self::with(lab, payload, Torrent::new)
    }

    /// The same with a hybrid torrent.
    pub(crate) fn hybrid(lab: &Lab, payload: &Payload) -> Self {
        Self::with(lab, payload, Torrent::hybrid)
    }

    fn with(lab: &Lab, payload: &Payload, make: impl Fn(&Path, &Payload, &[&[&str]]) -> Torrent) -> Self {
        let addr = lab.next_addr();
        let torrent = make(&lab.dir("torrents"), payload, &[&[&Opentracker::url(addr)]]);
        let tracker = Opentracker::start(lab, addr, &[&torrent]);
        let source = payload.write(&lab.dir("seed"));
        let out = lab.dir("out").join(payload.name());
        Self { torrent, tracker, seeds: Vec::new(), source, out }
    }

    /// With a seed of each of these clients; `None` where one cannot work in this lab.
    pub(crate) fn seeded_by(lab: &Lab, payload: &Payload, clients: &[Client]) -> Option<Self> {
        if clients.iter().any(|client| lab.must_skip(*client)) {
            return None;
        }
        let mut swarm = Self::new(lab, payload);
        for client in clients {
            swarm.seeds.push(Peer::seed(lab, *client, &swarm.torrent, &lab.dir("seed")));
        }
        swarm.tracker.wait_for_peers(&swarm.torrent, clients.len() as u64);
        Some(swarm)
    }

    /// With one libtorrent that sends so many bytes a second.
    pub(crate) fn seeded_slowly(lab: &Lab, payload: &Payload, upload_limit: u32) -> Self {
        let mut swarm = Self::new(lab, payload);
        let how = Libtorrent { upload_limit: Some(upload_limit), ..Libtorrent::default() };
        swarm.seeds.push(Peer::libtorrent(lab, how, &swarm.torrent, &lab.dir("seed")));
        swarm.tracker.wait_for_peers(&swarm.torrent, 1);
        swarm
    }

    /// With three libtorrents that have every third piece each, and want no others.
    pub(crate) fn seeded_in_thirds(lab: &Lab, payload: &Payload) -> Self {
        let mut swarm = Self::new(lab, payload);
        for third in 0..3 {
            let dir = lab.dir(&format!("third-{third}"));
            payload.write_some(&dir, |piece| piece % 3 == u32::from(third));
            let how = Libtorrent { third: Some(third), ..Libtorrent::default() };
            swarm.seeds.push(Peer::libtorrent(lab, how, &swarm.torrent, &dir));
        }
        swarm.tracker.wait_for_peers(&swarm.torrent, 3);
        swarm
    }

    /// Starts our client as a leecher.
    pub(crate) fn get(&self, lab: &Lab, driver: Driver) -> Process {
        let (torrent, out) = (self.torrent.path.as_os_str(), self.out.as_os_str());
        lab.peerless(driver, "get", ["--json".as_ref(), torrent, "-o".as_ref(), out])
    }

    /// Downloads with our client, and judges the result.
    pub(crate) fn download(&self, lab: &Lab, driver: Driver, seconds: u64) -> Process {
        let mut process = self.get(lab, driver);
        self.assert_complete(&mut process, seconds);
        process
    }

    /// Waits until our leecher ends, and judges the result: its exit code, its last word, its memory, the data.
    pub(crate) fn assert_complete(&self, process: &mut Process, seconds: u64) {
        let status = process.wait_exit(Deadline::seconds(seconds));
        assert_eq!(status.code(), Some(0), "peerless get: {status}");
        assert_eq!(same_bytes(&self.source, &self.out), Ok(()));
        let last = result(process);
        assert_eq!(last["exit_code"], 0, "{last}");
        let peak = process.peak_memory();
        assert!(peak > 0 && peak < MAX_MEMORY, "peak memory: {} MiB", peak >> 20);
        let left: Vec<_> = std::fs::read_dir(self.out.parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "more is left than the download: {left:?}");
    }
}

/// The last of our client's JSON lines, which tells the result. Every line has to be JSON.
pub(crate) fn result(process: &Process) -> serde_json::Value {
    let lines = json_lines(process);
    let last = lines.last().expect("--json ends in a result").clone();
    assert_eq!(last["type"], "result", "{last}");
    last
}

/// The first of our client's JSON lines of a type.
pub(crate) fn line_of_type(process: &Process, kind: &str) -> serde_json::Value {
    let found = json_lines(process).into_iter().find(|line| line["type"] == kind);
    found.unwrap_or_else(|| panic!("no line of type {kind}"))
}

/// All of our client's JSON lines so far.
pub(crate) fn json_lines(process: &Process) -> Vec<serde_json::Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    process.stdout().iter().map(parse).collect()
}
