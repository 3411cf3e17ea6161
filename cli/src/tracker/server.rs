//! The tracker's sockets: a few threads that each take one connection after the other.

use peerless_core::Instant;
use peerless_core::tracker::server::{Asker, Request, RequestReader, Response, Settings, SwarmNews, Tracker};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{self, Duration};

/// Requests that are answered at once; the system keeps the others waiting.
const WORKERS: usize = 8;

/// Time for a whole request, and for a whole answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Told of every announce.
pub(crate) type Watch = dyn Fn(&SwarmNews) + Send + Sync;

/// A running tracker. Dropping it stops it.
pub(crate) struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    listener: TcpListener,
    /// Whose turn it is to wait for a connection.
    turn: Mutex<()>,
    tracker: Mutex<Tracker>,
    started: time::Instant,
    stopping: AtomicBool,
    watch: Box<Watch>,
}

impl Server {
    /// Listens at `addr` and begins to answer.
    pub(crate) fn start(addr: SocketAddr, watch: Box<Watch>) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let tracker = Mutex::new(Tracker::new(RandomState::new().hash_one(addr), Settings::default()));
        let stopping = AtomicBool::new(false);
        let (turn, started) = (Mutex::default(), time::Instant::now());
        let shared = Arc::new(Shared { listener, turn, tracker, started, stopping, watch });
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
        // Wakes the worker that waits, and fails all others: that needs no descriptor, of which none may be left.
        let _ = rustix::net::shutdown(&self.shared.listener, rustix::net::Shutdown::Both);
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn work(&self) {
        loop {
            match self.accept() {
                _ if self.stopping.load(Ordering::SeqCst) => return,
                Ok((stream, _)) => self.serve(stream),
                // Out of descriptors, as a rule: wait until some are free instead of spinning.
                Err(_) => std::thread::sleep(Duration::from_secs(1)),
            }
        }
    }

    /// One worker at a time: the system sets a descriptor aside for each that waits.
    fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.listener.accept()
    }

    fn serve(&self, mut stream: TcpStream) {
        let (Ok(remote), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let asker = Asker { remote: remote.ip().to_canonical(), local: local.ip().to_canonical() };
        let response = match read(&mut stream) {
            Ok(request) => self.answer(asker, &request),
            Err(Some(response)) => response,
            Err(None) => return,
        };
        // A client that is gone needs no answer.
        let _ = write(&mut stream, &response);
    }

    fn answer(&self, asker: Asker, request: &Request) -> Response {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (response, news) = {
            let mut tracker = self.tracker.lock().unwrap_or_else(PoisonError::into_inner);
            tracker.answer(Instant::from_micros(micros), asker, request)
        };
        if let Some(news) = news {
            (self.watch)(&news);
        }
        response
    }
}

/// Reads one request. `Err(Some(response))`: answer with that; `Err(None)`: there is nobody to answer.
fn read(stream: &mut TcpStream) -> Result<Request, Option<Response>> {
    let end = time::Instant::now() + DEADLINE;
    let mut reader = RequestReader::new();
    let mut chunk = [0; 1024];
    loop {
        let left = end.saturating_duration_since(time::Instant::now());
        if left.is_zero() {
            return Err(Some(Response::refuse(408, "the request took too long")));
        }
        stream.set_read_timeout(Some(left)).map_err(|_| None)?;
        match stream.read(&mut chunk) {
            Ok(0) => return Err(None),
            Ok(n) => {
                if let Some(request) = reader.push(&chunk[..n]).map_err(Some)? {
                    return Ok(request);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => return Err(None),
        }
    }
}

/// Writes the answer and ends the connection's sending side.
fn write(stream: &mut TcpStream, response: &Response) -> io::Result<()> {
    stream.set_write_timeout(Some(DEADLINE))?;
    stream.write_all(&response.encode())?;
    stream.shutdown(Shutdown::Write)
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
