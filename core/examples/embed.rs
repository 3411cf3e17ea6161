//! A complete download in an event loop of its own: plain sockets, plain files, `poll(2)`, no driver of ours.
//!
//! ```text
//! cargo run -p peerless-core --example embed -- FILE.torrent TARGET PEER:PORT...
//! ```
//!
//! This is all that an embedder has to do. A program with more to do hands disk operations to a thread.
#![allow(clippy::disallowed_types, dead_code)] // I/O is what this adds; its test has a `main` of its own

use bytes::{Buf, Bytes};
use peerless_core::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::{path::PathBuf, sync::Arc};

/// Downloads a torrent to `target` from these peers and from those that its trackers know.
pub(crate) fn download(metainfo: Metainfo, target: PathBuf, peers: Vec<SocketAddr>) -> io::Result<()> {
    let disk = Disk { target, length: metainfo.geometry().total() };
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let mut engine = Engine::new(Config::default(), seed, Instant::ZERO);
    let peers = peers.into_iter().map(PeerAddr::Addr).collect();
    let options = TorrentOptions { peers, ..TorrentOptions::default() };
    engine.add_torrent(Instant::ZERO, Arc::new(metainfo), options).map_err(io::Error::other)?;
    Loop { engine, started: std::time::Instant::now(), sockets: BTreeMap::new(), disk }.run()
}

struct Loop {
    engine: Engine,
    started: std::time::Instant,
    sockets: BTreeMap<ConnId, Socket>,
    disk: Disk,
}

struct Socket {
    stream: TcpStream,
    connecting: bool,
    reading: bool,
    unsent: VecDeque<Bytes>,
}

impl Loop {
    /// Does what the engine asks for, waits for what happens, tells the engine: until the end.
    fn run(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        loop {
            while let Some(action) = self.engine.poll_action() {
                self.perform(action);
            }
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::Failed { error, .. } => outcome = Err(io::Error::other(error)),
                    Event::Stopped { .. } => return outcome,
                    _ => {}
                }
            }
            self.wait()?;
        }
    }

    fn tell(&mut self, input: Input) {
        if let Input::Closed { conn, .. } | Input::ConnectFailed { conn, .. } = &input {
            self.sockets.remove(conn);
        }
        self.engine.handle(Instant::ZERO + self.started.elapsed(), input);
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Connect { conn, remote, tls } => {
                let plain = tls.map_or(Ok(()), |_| Err(io::Error::other("no TLS in this example")));
                if let Err(error) = plain.and_then(|()| self.connect(conn, remote)) {
                    self.tell(Input::ConnectFailed { conn, error: net_error(&error) });
                }
            }
            Action::Send { conn, data } => self.socket(conn, |socket| socket.unsent.push_back(data)),
            Action::SetReadable { conn, readable } => self.socket(conn, |socket| socket.reading = readable),
            Action::Close { conn } => drop(self.sockets.remove(&conn)),
            Action::Resolve { job, host } => {
                let found = (&*host, 0).to_socket_addrs().map(|all| all.map(|a| a.ip()).collect());
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

    fn socket(&mut self, conn: ConnId, act: impl FnOnce(&mut Socket)) {
        self.sockets.get_mut(&conn).map(act);
    }

    fn connect(&mut self, conn: ConnId, remote: SocketAddr) -> io::Result<()> {
        let socket = socket2::Socket::new(socket2::Domain::for_address(remote), socket2::Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        if let Err(e) = socket.connect(&remote.into())
            && e.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error())
        {
            return Err(e);
        }
        let unsent = VecDeque::new();
        self.sockets.insert(conn, Socket { stream: socket.into(), connecting: true, reading: true, unsent });
        Ok(())
    }

    /// Sleeps until a socket is ready or the engine wants to be called.
    fn wait(&mut self) -> io::Result<()> {
        let time = self.engine.poll_timeout().map(|at| at.since(Instant::ZERO + self.started.elapsed()));
        let timeout = time.and_then(|time| Timespec::try_from(time).ok());
        let wanted = |s: &Socket| {
            let out = if s.connecting || !s.unsent.is_empty() { PollFlags::OUT } else { PollFlags::empty() };
            if s.reading && !s.connecting { out | PollFlags::IN } else { out }
        };
        let mut fds: Vec<_> = self.sockets.values().map(|s| PollFd::new(&s.stream, wanted(s))).collect();
        poll(&mut fds, timeout.as_ref())?;
        let ready: Vec<_> = self.sockets.keys().copied().zip(fds.iter().map(PollFd::revents)).collect();
        for (conn, ready) in ready {
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

    /// Ends connecting, or sends what waits. What broke says so when it is read.
    fn writable(&mut self, conn: ConnId) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        if core::mem::take(&mut socket.connecting) {
            let failure = socket.stream.take_error().and_then(|e| e.map_or(Ok(()), Err));
            let outcome = failure.and_then(|()| socket.stream.local_addr());
            return self.tell(match outcome {
                Ok(local) => Input::Connected { conn, local },
                Err(e) => Input::ConnectFailed { conn, error: net_error(&e) },
            });
        }
        let Some(data) = socket.unsent.front_mut() else { return };
        let bytes = socket.stream.write(data).unwrap_or(0);
        data.advance(bytes);
        if data.is_empty() {
            socket.unsent.pop_front();
        }
        self.tell(Input::Sent { conn, bytes });
    }

    fn readable(&mut self, conn: ConnId) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
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

/// The file. A torrent of several has a directory at each place; [`FileLayout::files`] tells the paths in it.
struct Disk {
    target: PathBuf,
    length: u64,
}

impl Disk {
    fn path(&self, place: Place) -> PathBuf {
        let mut path = self.target.clone().into_os_string();
        path.push(place.suffix());
        path.into()
    }

    fn run(&self, task: DiskTask) -> DiskResult {
        let (action, path) = (task.verb(), self.target.to_string_lossy().into());
        self.try_run(task).map_err(|e| {
            let (code, text) = (e.raw_os_error().unwrap_or(0), e.to_string().into());
            DiskError { action, path, kind: DiskErrorKind::Other { code, text } }
        })
    }

    fn try_run(&self, task: DiskTask) -> io::Result<DiskOutcome> {
        let (part, log) = (self.path(Place::Part), self.path(Place::Journal));
        let create = || File::options().create(true).truncate(false).write(true).open(&part);
        Ok(match task {
            DiskTask::Survey { place } => DiskOutcome::Survey(
                self.stamp(place).map_or(Survey::Absent, |stamp| Survey::Present(vec![Some(stamp)])),
            ),
            DiskTask::Write { extents, data, mut hash, .. } => {
                let data = data.concat();
                hash.iter_mut().for_each(|hash| hash.update(&data));
                create()?.write_all_at(&data, extents[0].offset)?;
                DiskOutcome::Write(hash)
            }
            DiskTask::Digest { place, extents, mut hash } => {
                self.read(place, extents[0]).map(|data| hash.update(&data))?;
                DiskOutcome::Digest(hash)
            }
            DiskTask::Read { place, extents } => {
                let data = self.read(place, extents[0])?.into();
                DiskOutcome::Read { data, stamps: vec![self.stamp(place)?] }
            }
            DiskTask::Mend { .. } => return Err(ErrorKind::Unsupported.into()), // only a seed mends
            DiskTask::Sync { files } => {
                create()?.sync_all()?;
                DiskOutcome::Sync(vec![self.stamp(Place::Part)?; files.len()])
            }
            DiskTask::LoadJournal { .. } => DiskOutcome::LoadJournal(fs::read(&log).ok().map(Bytes::from)),
            DiskTask::StoreJournal { data } => fs::write(&log, data).map(|()| DiskOutcome::StoreJournal)?,
            DiskTask::AppendJournal { data, .. } => {
                let mut file = File::options().append(true).open(&log)?;
                file.write_all(&data).and_then(|()| file.sync_data()).map(|()| DiskOutcome::AppendJournal)?
            }
            DiskTask::FillUp => create()?.set_len(self.length).map(|()| DiskOutcome::FillUp)?,
            DiskTask::Publish => fs::rename(&part, &self.target).map(|()| DiskOutcome::Publish)?,
            DiskTask::DeleteJournal => fs::remove_file(&log).map(|()| DiskOutcome::DeleteJournal)?,
        })
    }

    fn stamp(&self, place: Place) -> io::Result<FileStamp> {
        fs::metadata(self.path(place)).map(|meta| FileStamp { len: meta.len(), modified: meta.mtime() })
    }

    fn read(&self, place: Place, at: Extent) -> io::Result<Vec<u8>> {
        let mut data = vec![0; at.len as usize];
        File::open(self.path(place))?.read_exact_at(&mut data, at.offset).map(|()| data)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [torrent, target, peers @ ..] = &args[..] else { return Err("FILE.torrent TARGET PEER...".into()) };
    let peers = peers.iter().map(|peer| peer.parse()).collect::<Result<_, _>>()?;
    Ok(download(Metainfo::parse(&fs::read(torrent)?)?, target.into(), peers)?)
}
