//! The tracker's sockets: a few threads that each take one connection after the other.

use super::answer;
use super::http::{self, Request, Response};
use super::query::{self, Announce};
use super::registry::{Change, Found, Registry};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Requests that are answered at once; the system keeps the others waiting.
const WORKERS: usize = 8;

/// Told of every change: the torrent, the peer, what it did.
pub(crate) type Watch = dyn Fn(&[u8; 20], SocketAddr, Change) + Send + Sync;

/// A running tracker. Dropping it stops it.
pub(crate) struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    listener: TcpListener,
    registry: Mutex<Registry>,
    started: Instant,
    stopping: AtomicBool,
    watch: Box<Watch>,
}

impl Server {
    /// Listens at `addr` and begins to answer.
    pub(crate) fn start(addr: SocketAddr, watch: Box<Watch>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let registry = Mutex::new(Registry::new(RandomState::new().hash_one(addr)));
        let stopping = AtomicBool::new(false);
        let shared = Arc::new(Shared { listener, registry, started: Instant::now(), stopping, watch });
        let mut server = Self { addr, shared, workers: Vec::new() };
        for n in 0..WORKERS {
            let shared = Arc::clone(&server.shared);
            let worker = std::thread::Builder::new().name(format!("tracker-{n}"));
            server.workers.push(worker.spawn(move || shared.work())?);
        }
        Ok(server)
    }

    /// The URL that goes into a torrent, so that other machines find this tracker where it listens on all
    /// addresses.
    pub(crate) fn announce_url(&self) -> String {
        let ip = if self.addr.ip().is_unspecified() { outward_address() } else { self.addr.ip() };
        format!("http://{}/announce", SocketAddr::new(ip, self.addr.port()))
    }

    /// Waits until the tracker ends, which it does not by itself.
    pub(crate) fn join(mut self) {
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let ip = match self.addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        // Each connection lets one worker see that it is over.
        let wake = SocketAddr::new(ip, self.addr.port());
        let woken: Vec<_> = self.workers.iter().map(|_| TcpStream::connect(wake)).collect();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
        drop(woken);
    }
}

impl Shared {
    fn work(&self) {
        while !self.stopping.load(Ordering::SeqCst) {
            match self.listener.accept() {
                Ok((stream, _)) if !self.stopping.load(Ordering::SeqCst) => self.serve(stream),
                Ok(_) => {}
                // Out of descriptors, as a rule: wait until some are free instead of spinning.
                Err(_) => std::thread::sleep(Duration::from_secs(1)),
            }
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let (Ok(remote), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let response = match http::read(&mut stream) {
            Ok(request) => self.answer(remote.ip().to_canonical(), local.ip().to_canonical(), &request),
            Err(Some(response)) => response,
            Err(None) => return,
        };
        // A client that is gone needs no answer.
        let _ = response.write(&mut stream);
    }

    fn answer(&self, remote: IpAddr, local: IpAddr, request: &Request) -> Response {
        let body = match request.path.as_str() {
            "/announce" => self.announce(remote, local, &request.query),
            "/scrape" => self.scrape(&request.query),
            "/" => return Response::ok("This is a BitTorrent tracker. Announce to /announce.\n"),
            _ => return Response::refuse(404, "nothing here: announce to /announce"),
        };
        Response::ok(body.unwrap_or_else(|reason| answer::failure(&reason)))
    }

    fn announce(&self, remote: IpAddr, local: IpAddr, query: &str) -> Result<Vec<u8>, String> {
        let asked = Announce::parse(query)?;
        let now = self.started.elapsed();
        let found = self.registry().announce(now, remote, &asked);
        let mut found = found?;
        reachable(&mut found, remote, local);
        (self.watch)(&asked.info_hash, SocketAddr::new(remote, asked.port), found.change);
        Ok(answer::announce(&asked, &found))
    }

    fn scrape(&self, query: &str) -> Result<Vec<u8>, String> {
        let mut hashes = query::scrape(query)?;
        let registry = self.registry();
        if hashes.is_empty() {
            hashes.extend(registry.torrents());
        }
        hashes.sort_unstable();
        hashes.dedup();
        let swarms = hashes.into_iter().filter_map(|h| Some((h, registry.counts(&h)?)));
        Ok(answer::scrape(&swarms.collect::<Vec<_>>()))
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A peer that announced over loopback stands on this machine: another machine reaches it where it reached
/// the tracker.
pub(super) fn reachable(found: &mut Found, remote: IpAddr, local: IpAddr) {
    if remote.is_loopback() {
        return;
    }
    for (addr, _) in &mut found.peers {
        if addr.ip().is_loopback() && addr.is_ipv4() == local.is_ipv4() {
            addr.set_ip(local);
        }
    }
}

/// The address by which others reach this machine. No packet is sent: the system only looks up the way.
fn outward_address() -> IpAddr {
    let ask = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    ask().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}
