//! Each rule of announces, kept and broken.

mod numbers;
mod order;
mod requests;
mod times;
mod ways;

use super::AnnounceBreach as Broken;
use crate::check::Moment;
use crate::check::breach::Breach;
use crate::check::proof::Known;
use crate::check::reader::{INTERESTED, PIECE};
use crate::check::watched::Watched;
use crate::disk::{Disk, DiskSpeed};
use crate::payload::Torrent;
use peerless_core::wire::{BlockRange, Features, Handshake, Message, piece_header};
use peerless_core::{ConnId, Duration, Event as Told, Instant, PeerId, PieceIndex, Sha1Hash, TorrentId};

const TRACKER: &str = "10.0.0.9:80";
const TOTAL: u64 = 5 * 32_768;
const ID: &str = "-XX0000-aaaaaaaaaaaa";
const TAKEN: &str = "d8:intervali1800e5:peers0:e";

/// A host that listens at 6881 and has the first two of five pieces. Its trackers are named at the beginning.
struct Client {
    watched: Watched,
    disk: Disk,
    hash: Sha1Hash,
    now: Instant,
    conns: u64,
}

/// The parameters of an announce, to be changed.
#[derive(Clone)]
struct Query(Vec<(&'static str, String)>);

impl Query {
    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = value.to_string();
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self
    }

    fn text(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

impl Client {
    fn of(urls: &[&str]) -> Self {
        let urls: Vec<String> = urls.iter().map(ToString::to_string).collect();
        let torrent = Torrent::new(1, "t", TOTAL, 32_768, &urls).unwrap();
        let mut disk = Disk::new(DiskSpeed::default(), crate::Dice::new(1, "disk"));
        disk.register(TorrentId(0), &torrent);
        disk.fill_part(TorrentId(0), [0, 1].map(PieceIndex::new), Instant::ZERO);
        let hash = torrent.metainfo.info_hash().wire();
        let watched = Watched::new("host", 6_881, vec![Known::new(TorrentId(0), &torrent)]);
        Self { watched, disk, hash, now: Instant::from_secs(1_000), conns: 0 }
    }

    fn new() -> Self {
        Self::of(&["http://10.0.0.9/announce"])
    }

    /// What it may say first.
    fn query(&self) -> Query {
        let hash = self.hash.0.iter().map(|byte| format!("%{byte:02X}")).collect();
        let pairs = [("info_hash", hash), ("peer_id", ID.into()), ("port", "6881".into())];
        let numbers = [("uploaded", 0), ("downloaded", 0), ("left", TOTAL), ("compact", 1), ("numwant", 50)];
        let numbers = numbers.map(|(name, value)| (name, value.to_string()));
        let rest = [("key", "00c0ffee".to_owned()), ("event", "started".to_owned())];
        Query(pairs.into_iter().chain(numbers).chain(rest).collect())
    }

    fn regular(&self) -> Query {
        self.query().without("event")
    }

    fn after(&mut self, secs: u64) {
        self.now = self.now + Duration::from_secs(secs);
    }

    const fn at(&self) -> Moment {
        Moment { now: self.now, clock: self.now }
    }

    /// Begins to open a connection, as an input has it do.
    fn opens(&mut self, remote: &str) -> ConnId {
        self.conns += 1;
        let conn = ConnId::accepted(self.conns);
        self.watched.opens(self.now, conn, remote.parse().unwrap());
        conn
    }

    fn sends(&mut self, conn: ConnId, data: &[u8]) -> Result<(), Breach> {
        let at = self.at();
        self.watched.sends(at, conn, &self.disk, data)
    }

    /// Sends these bytes on a new connection to this address.
    fn says_to(&mut self, remote: &str, bytes: &str) -> (ConnId, Result<(), Breach>) {
        let conn = self.opens(remote);
        self.watched.serial += 1;
        self.watched.connected(self.now, conn);
        let result = self.sends(conn, bytes.as_bytes());
        self.watched.serial += 1;
        (conn, result)
    }

    fn says(&mut self, bytes: &str) -> Result<(), Broken> {
        broken(self.says_to(TRACKER, bytes).1)
    }

    /// Announces this, and is not answered yet.
    fn tells(&mut self, query: &Query) -> (ConnId, Result<(), Broken>) {
        let (conn, result) = self.says_to(TRACKER, &get("/announce", &query.text()));
        (conn, broken(result))
    }

    /// This is answered, and the tracker closes the connection.
    fn answered(&mut self, conn: ConnId, body: &str) {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.hears(conn, &answer);
        self.watched.closed(self.now, conn);
        self.watched.serial += 1;
    }

    fn hears(&mut self, conn: ConnId, bytes: &str) {
        let at = self.at();
        self.watched.received(at, conn, &self.disk, bytes.as_bytes()).unwrap();
    }

    /// Announces this and is answered so.
    fn asks(&mut self, query: &Query, body: &str) -> Result<(), Broken> {
        let (conn, result) = self.tells(query);
        self.answered(conn, body);
        result
    }

    /// It has started and the tracker knows, a long time ago.
    fn started() -> Self {
        let mut client = Self::new();
        client.asks(&client.query(), TAKEN).unwrap();
        client.after(10_000);
        client
    }

    /// The other three pieces are there.
    fn completes(&mut self) -> Query {
        self.disk.fill(TorrentId(0), self.now);
        self.watched.tells(&Told::Completed { torrent: TorrentId(0) });
        self.query().with("left", 0).with("event", "completed")
    }
}

/// An announce to a path.
fn get(path: &str, query: &str) -> String {
    format!("GET {path}?{query} HTTP/1.1\r\nHost: 10.0.0.9\r\nConnection: close\r\n\r\n")
}

fn broken(result: Result<(), Breach>) -> Result<(), Broken> {
    result.map_err(|breach| match breach {
        Breach::Announce(broken) => broken,
        other => panic!("{other:?}"),
    })
}

/// Lets `peers` exchange handshakes with the client.
fn meet(client: &mut Client, peers: u8) -> Vec<ConnId> {
    let handshake = |id: &[u8; 20]| {
        Handshake { info_hash: client.hash, peer_id: PeerId(*id), features: Features::OURS }.encode()
    };
    let (ours, theirs) = (handshake(b"-XX0000-aaaaaaaaaaaa"), handshake(b"-XX0000-bbbbbbbbbbbb"));
    let meet_one = |n| {
        let conn = client.opens(&format!("10.0.1.{n}:6881"));
        client.watched.connected(client.now, conn);
        client.sends(conn, &ours).unwrap();
        let at = client.at();
        client.watched.received(at, conn, &client.disk, &theirs).unwrap();
        conn
    };
    (0..peers).map(meet_one).collect()
}

#[test]
fn an_ordinary_life_breaks_no_rule() {
    let mut client = Client::new();
    client.asks(&client.query(), TAKEN).unwrap();
    client.after(120);
    // It lacks peers.
    client.asks(&client.regular(), TAKEN).unwrap();
    client.after(1_800);
    client.asks(&client.regular(), TAKEN).unwrap();
    client.after(1);
    let completed = client.completes();
    client.asks(&completed, TAKEN).unwrap();
    client.after(1);
    client.asks(&completed.with("event", "stopped").with("numwant", 0), TAKEN).unwrap();
}
