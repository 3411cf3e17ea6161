//! Two sessions and a socket of the caller's, all in one `Poll` that the caller owns.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use peerless_core::{Event, Goal, Metainfo, PeerAddr, SeedPolicy, TorrentOptions, metainfo::Builder, sha1};
use peerless_mio::MioSession;
use peerless_runtime::{Listen, Session, SessionError, Settings};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const OURS: Token = Token(7);
const FIRST: Token = Token(1_000);
const SECOND: Token = Token(1 << 32);

/// A loop as a program has it that waits for other things besides.
struct Program {
    poll: Poll,
    events: Events,
    sessions: Vec<MioSession>,
    /// A `Poll` can have only one of these: it is the program's.
    _waker: mio::Waker,
    socket: UnixStream,
    heard: Vec<u8>,
    rounds: u32,
}

impl Program {
    fn new() -> (Self, UnixStream) {
        let (socket, other) = UnixStream::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        let poll = Poll::new().unwrap();
        let fd = socket.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), OURS, Interest::READABLE).unwrap();
        let _waker = mio::Waker::new(poll.registry(), Token(8)).unwrap();
        let settings = || Settings { listen: Some(Listen::loopback(0)), ..Settings::default() };
        let open = |first| MioSession::in_poll(settings(), poll.registry(), first).unwrap();
        let sessions = vec![open(FIRST), open(SECOND)];
        let events = Events::with_capacity(16);
        (Self { poll, events, sessions, _waker, socket, heard: Vec::new(), rounds: 0 }, other)
    }

    /// Runs until `done`, which is asked about each session's events, or until the time is over.
    fn run(&mut self, time: Duration, done: impl Fn(usize, &Event) -> bool) -> bool {
        let deadline = Instant::now() + time;
        loop {
            let mut over = false;
            for (n, session) in self.sessions.iter_mut().enumerate() {
                session.turn();
                while let Some(event) = session.next_event() {
                    over |= done(n, &event);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if over || left.is_zero() {
                return over;
            }
            let timeouts = self.sessions.iter().filter_map(MioSession::timeout);
            self.poll.poll(&mut self.events, Some(timeouts.fold(left, Duration::min))).unwrap();
            self.rounds += 1;
            for event in &self.events {
                self.sessions.iter_mut().for_each(|session| session.ready(event));
            }
            if self.events.iter().any(|event| event.token() == OURS) {
                let read = self.socket.read_to_end(&mut self.heard);
                assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
            }
        }
    }
}

fn torrent(data: &[u8]) -> Arc<Metainfo> {
    let pieces: Vec<u8> = data.chunks(1 << 16).flat_map(|piece| sha1(piece).0).collect();
    let file = Builder::file("data", data.len() as u64, 1 << 16).pieces(pieces).build().unwrap();
    Arc::new(Metainfo::parse(&file).unwrap())
}

/// The first session seeds, the second downloads.
fn add(program: &mut Program, dir: &Path, data: &[u8]) {
    std::fs::write(dir.join("seed"), data).unwrap();
    let meta = torrent(data);
    let seeding = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
    let peers = vec![PeerAddr::Addr(program.sessions[0].listening()[0])];
    program.sessions[0].add(meta.clone(), dir.join("seed"), seeding).unwrap();
    let options = TorrentOptions { peers, ..Default::default() };
    program.sessions[1].add(meta, dir.join("copy"), options).unwrap();
}

#[test]
fn sessions_share_a_poll_with_sockets_of_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..400_000u32).flat_map(u32::to_le_bytes).collect();
    let (mut program, mut other) = Program::new();
    add(&mut program, dir.path(), &data);
    other.write_all(b"hello").unwrap();
    let stopped = |n: usize, event: &Event| n == 1 && matches!(event, Event::Stopped { .. });
    assert!(program.run(Duration::from_secs(60), stopped), "not done in time");
    assert!(std::fs::read(dir.path().join("copy")).unwrap() == data, "the copy differs");
    assert_eq!(program.heard, b"hello");

    // Nothing is left to do: the loop rests.
    program.rounds = 0;
    program.run(Duration::from_millis(300), |_, _| false);
    assert!(program.rounds < 50, "{} rounds in 300 ms without work", program.rounds);

    program.sessions.iter_mut().for_each(MioSession::shutdown);
    assert!(program.run(Duration::from_secs(60), |n, event| n == 0 && *event == Event::ShutDown));
}

#[test]
fn a_waker_ends_the_wait_of_the_callers_poll() {
    let (mut program, _other) = Program::new();
    program.run(Duration::from_millis(20), |_, _| false);
    let waker = program.sessions[1].waker();
    let thread = std::thread::spawn(move || waker.wake());
    program.poll.poll(&mut program.events, Some(Duration::from_secs(60))).unwrap();
    assert!(!program.events.is_empty(), "nobody woke it");
    thread.join().unwrap();
}

#[test]
fn a_session_without_a_loop_of_its_own_does_not_wait() {
    let (mut program, _other) = Program::new();
    let refused = program.sessions[0].wait(Some(Duration::ZERO));
    assert!(matches!(refused, Err(SessionError::Poll(_))), "{refused:?}");
}
