//! A complete download in an event loop of its own: plain sockets, plain files, `poll(2)`, no driver of ours.
//!
//! ```text
//! cargo run -p peerless-core --example embed -- FILE.torrent TARGET PEER:PORT...
//! ```
//!
//! It shows all that an embedder has to do. Disk operations are carried out in the loop; a program with more
//! to do would hand them to a thread: they are owned values, and so are their answers.

use bytes::{Buf, Bytes};
use peerless_core::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Downloads a torrent to `target` from these peers and the torrent's own trackers.
pub fn download(metainfo: Metainfo, target: PathBuf, peers: Vec<SocketAddr>) -> io::Result<()> {
    let peers = peers.into_iter().map(PeerAddr::Addr).collect();
    let options = TorrentOptions { peers, ..TorrentOptions::default() };
    let metainfo = Arc::new(metainfo);
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let mut engine = Engine::new(Config::default(), seed, Instant::ZERO);
    engine.add_torrent(Instant::ZERO, metainfo.clone(), options).map_err(io::Error::other)?;
    let disk = Disk { metainfo, target };
    let mut sockets = Sockets { engine, started: std::time::Instant::now(), open: BTreeMap::new(), disk };
    sockets.run()
}

struct Sockets {
    engine: Engine,
    started: std::time::Instant,
    open: BTreeMap<ConnId, Socket>,
    disk: Disk,
}

struct Socket {
    stream: TcpStream,
    connecting: bool,
    reading: bool,
    unsent: VecDeque<Bytes>,
}

impl Sockets {
    fn now(&self) -> Instant {
        Instant::ZERO + self.started.elapsed()
    }

    fn tell(&mut self, input: Input) {
        self.engine.handle(self.now(), input);
    }

    /// Does what the engine asks for, waits for what happens, tells the engine: until the torrent has ended.
    fn run(&mut self) -> io::Result<()> {
        let mut failed = None;
        loop {
            while let Some(action) = self.engine.poll_action() {
                self.perform(action);
            }
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::Failed { error, .. } => failed = Some(error),
                    Event::Stopped { .. } => return failed.map_or(Ok(()), |e| Err(io::Error::other(e))),
                    _ => {}
                }
            }
            self.wait()?;
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Connect { conn, tls: Some(_), .. } => {
                self.tell(Input::ConnectFailed { conn, error: NetError::Tls("not in this example".into()) });
            }
            Action::Connect { conn, remote, tls: None } => {
                if let Err(e) = self.connect(conn, remote) {
                    self.tell(Input::ConnectFailed { conn, error: net_error(&e) });
                }
            }
            Action::Send { conn, data } => {
                if let Some(socket) = self.open.get_mut(&conn) {
                    socket.unsent.push_back(data);
                }
            }
            Action::SetReadable { conn, readable } => {
                if let Some(socket) = self.open.get_mut(&conn) {
                    socket.reading = readable;
                }
            }
            Action::Close { conn } => drop(self.open.remove(&conn)),
            Action::Resolve { job, host } => {
                let found =
                    (&*host, 0).to_socket_addrs().map(|all| all.map(|a| a.ip()).collect::<Vec<IpAddr>>());
                let result = found.map_err(|e| ResolveError::Failed(e.to_string().into()));
                self.tell(Input::Resolved { job, result });
            }
            Action::Disk { job, op } => {
                let result = self.disk.run(op.task);
                self.tell(Input::DiskDone { job, result });
            }
            Action::SetAccepting { .. } | Action::Cancel { .. } => {}
        }
    }

    fn connect(&mut self, conn: ConnId, remote: SocketAddr) -> io::Result<()> {
        let socket = socket2::Socket::new(socket2::Domain::for_address(remote), socket2::Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&remote.into()) {
            Err(e) if e.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                return Err(e);
            }
            _ => {}
        }
        let unsent = VecDeque::new();
        self.open.insert(conn, Socket { stream: socket.into(), connecting: true, reading: true, unsent });
        Ok(())
    }

    /// Sleeps until a socket is ready or the engine wants to be called.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = self.engine.poll_timeout().map(|at| {
            let time = at.since(self.now());
            Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) }
        });
        let ids: Vec<ConnId> = self.open.keys().copied().collect();
        let wanted = |s: &Socket| {
            let out = if s.connecting || !s.unsent.is_empty() { PollFlags::OUT } else { PollFlags::empty() };
            if s.reading && !s.connecting { out | PollFlags::IN } else { out }
        };
        let mut fds: Vec<PollFd<'_>> =
            self.open.values().map(|s| PollFd::new(&s.stream, wanted(s))).collect();
        poll(&mut fds, timeout.as_ref())?;
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        for (conn, ready) in ids.into_iter().zip(ready) {
            if ready.intersects(PollFlags::OUT | PollFlags::ERR) {
                self.writable(conn);
            }
            if ready.intersects(PollFlags::IN | PollFlags::HUP) {
                self.readable(conn);
            }
        }
        self.tell(Input::Timeout);
        Ok(())
    }

    /// Ends connecting, or sends what waits. A socket that is broken says so when it is read.
    fn writable(&mut self, conn: ConnId) {
        let now = self.now();
        let Some(socket) = self.open.get_mut(&conn) else { return };
        if socket.connecting {
            socket.connecting = false;
            let input = match socket.stream.peer_addr().and_then(|_| socket.stream.local_addr()) {
                Ok(local) => Input::Connected { conn, local },
                Err(e) => Input::ConnectFailed { conn, error: net_error(&e) },
            };
            return self.tell(input);
        }
        while let Some(data) = socket.unsent.front_mut()
            && let Ok(bytes) = socket.stream.write(data)
        {
            data.advance(bytes);
            if data.is_empty() {
                socket.unsent.pop_front();
            }
            self.engine.handle(now, Input::Sent { conn, bytes });
        }
    }

    fn readable(&mut self, conn: ConnId) {
        let Some(socket) = self.open.get_mut(&conn) else { return };
        let mut buffer = vec![0; 256 << 10];
        let input = match socket.stream.read(&mut buffer) {
            Ok(0) => Input::Closed { conn, error: None },
            Ok(n) => Input::Received { conn, data: Bytes::from(buffer).slice(..n) },
            Err(e) if e.kind() == ErrorKind::WouldBlock => return,
            Err(e) => Input::Closed { conn, error: Some(net_error(&e)) },
        };
        self.tell(input);
    }
}

fn net_error(e: &io::Error) -> NetError {
    NetError::Other { code: e.raw_os_error().unwrap_or(0), text: e.to_string().into() }
}

/// Where the files are. One operation after the other, the simplest way that is right.
struct Disk {
    metainfo: Arc<Metainfo>,
    target: PathBuf,
}

impl Disk {
    fn path(&self, place: Place) -> PathBuf {
        let mut path = self.target.clone().into_os_string();
        path.push(place.suffix());
        path.into()
    }

    fn file(&self, place: Place, file: FileIndex) -> PathBuf {
        let entry = &self.metainfo.layout().files()[file.as_usize()];
        let mut path = self.path(place);
        path.extend(entry.path.iter().map(|element| &**element));
        path
    }

    fn run(&self, task: DiskTask) -> DiskResult {
        let action = task.verb();
        self.try_run(task).map_err(|e| {
            let kind = match e.kind() {
                ErrorKind::StorageFull => DiskErrorKind::NoSpace,
                ErrorKind::UnexpectedEof | ErrorKind::NotFound => DiskErrorKind::Short,
                _ => DiskErrorKind::Other { code: e.raw_os_error().unwrap_or(0), text: e.to_string().into() },
            };
            DiskError { action, path: self.target.to_string_lossy().into(), kind }
        })
    }

    fn try_run(&self, task: DiskTask) -> io::Result<DiskOutcome> {
        let journal = self.path(Place::Journal);
        let files = || (0..self.metainfo.layout().files().len() as u32).map(FileIndex);
        Ok(match task {
            DiskTask::Survey { place } if !self.path(place).exists() => DiskOutcome::Survey(Survey::Absent),
            DiskTask::Survey { place } => DiskOutcome::Survey(Survey::Present(
                files().map(|f| stamp(&self.file(place, f)).ok()).collect(),
            )),
            DiskTask::Write { extents, data, mut hash, .. } => {
                let mut data = Bytes::from(data.concat());
                hash.iter_mut().for_each(|hash| hash.update(&data));
                for e in extents {
                    let part = data.split_to(e.len as usize);
                    if !e.padding {
                        open(&self.file(Place::Part, e.file))?.write_all_at(&part, e.offset)?;
                    }
                }
                DiskOutcome::Write(hash)
            }
            DiskTask::Digest { place, extents, mut hash } => {
                hash.update(&self.read(place, &extents)?);
                DiskOutcome::Digest(hash)
            }
            DiskTask::Read { place, extents } => DiskOutcome::Read(self.read(place, &extents)?.into()),
            DiskTask::Sync { files } => {
                let paths = files.into_iter().map(|f| self.file(Place::Part, f));
                let sync = |path: PathBuf| File::open(&path)?.sync_all().and_then(|()| stamp(&path));
                DiskOutcome::Sync(paths.map(sync).collect::<io::Result<_>>()?)
            }
            DiskTask::LoadJournal { .. } => {
                DiskOutcome::LoadJournal(fs::read(&journal).ok().map(Bytes::from))
            }
            DiskTask::StoreJournal { data } => {
                fs::write(&journal, data).map(|()| DiskOutcome::StoreJournal)?
            }
            DiskTask::AppendJournal { data, .. } => {
                let mut file = File::options().append(true).open(&journal)?;
                file.write_all(&data).and_then(|()| file.sync_data()).map(|()| DiskOutcome::AppendJournal)?
            }
            DiskTask::Complete => {
                for (n, file) in files().zip(self.metainfo.layout().files()).filter(|(_, file)| !file.padding)
                {
                    open(&self.file(Place::Part, n))?.set_len(file.length)?;
                }
                DiskOutcome::Complete
            }
            DiskTask::Publish => {
                fs::rename(self.path(Place::Part), self.path(Place::Final)).map(|()| DiskOutcome::Publish)?
            }
            DiskTask::DeleteJournal => fs::remove_file(&journal).map(|()| DiskOutcome::DeleteJournal)?,
        })
    }

    fn read(&self, place: Place, extents: &[Extent]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        for e in extents {
            let start = all.len();
            all.resize(start + e.len as usize, 0);
            if !e.padding {
                File::open(self.file(place, e.file))?.read_exact_at(&mut all[start..], e.offset)?;
            }
        }
        Ok(all)
    }
}

fn open(path: &Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

fn stamp(path: &Path) -> io::Result<FileStamp> {
    let meta = fs::metadata(path)?;
    Ok(FileStamp { len: meta.len(), modified: std::os::unix::fs::MetadataExt::mtime(&meta) })
}

/// FILE.torrent TARGET PEER:PORT...
#[allow(dead_code)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [torrent, target, peers @ ..] = &args[..] else {
        return Err("FILE.torrent TARGET PEER:PORT...".into());
    };
    let peers = peers.iter().map(|peer| peer.parse()).collect::<Result<_, _>>()?;
    Ok(download(Metainfo::parse(&fs::read(torrent)?)?, target.into(), peers)?)
}
