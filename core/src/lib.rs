//! The BitTorrent protocol as state machines that do no I/O.
//!
//! An [`Engine`] downloads and seeds torrents. It opens no socket, touches no file, reads no clock and draws no
//! randomness of its own: it is told what happened ([`Input`]) and asks for what is to be done ([`Action`]). So it
//! fits every event loop, can be run thousands of times in a test, and a recorded session can be replayed bit for
//! bit. If you only want to download, use a driver: `peerless-mio` or `peerless-smol`.
//!
//! # The way of the data
//!
//! ```text
//!    sockets ──Received──▶ ┌──────────────────────── Engine ───────────────────────┐
//!    sockets ◀──Send────── │ wire ▶ peer ▶ torrent ▶ picker, choker, announcer      │ ──Event──▶ application
//!    clock   ──now───────▶ │                 │ gather blocks into runs              │
//!                          └─────────────────┼──────────────────────────▲──────────┘
//!                                          Disk                     DiskDone
//!                                            ▼                          │
//!                               write a run, hash it, sync, journal, rename: on a worker
//! ```
//!
//! Blocks arrive as slices of the buffers that the driver read into, and go out to the disk as the same slices.
//! A piece counts as had when its write has returned and its digest matched; it is recorded as had after it was
//! synced; the target's name is given after everything was.
//!
//! # The whole of a download
//!
//! Any number of inputs may be handed in before the actions and events are taken. This is a complete run, with
//! peers that are played by a few lines and a disk that is a vector:
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use peerless_core::wire::{Handshake, HandshakeDecoder, Features, Message, piece_header};
//! use peerless_core::*;
//! use std::{collections::VecDeque, sync::Arc};
//!
//! // A torrent of one piece, and an engine that is to download it from two peers, one of which has gone.
//! let content = b"hello, swarm".as_slice();
//! let file = metainfo::Builder::file("hello.txt", content.len() as u64, 16384).pieces(sha1(content).0).build()?;
//! let metainfo = Arc::new(Metainfo::parse(&file)?);
//! let mut engine = Engine::new(Config::default(), [7; 32], Instant::ZERO);
//! let (there, gone) = ("192.0.2.1:6881".parse()?, "192.0.2.2:6881".parse()?);
//! let peers = vec![PeerAddr::Addr(there), PeerAddr::Addr(gone)];
//! let options = TorrentOptions { peers, ..TorrentOptions::default() };
//! engine.add_torrent(Instant::ZERO, metainfo.clone(), options)?;
//!
//! // The world: what is on the disk, and what will have happened next. At first we listen; a stranger calls
//! // and hangs up; the next caller cannot be accepted.
//! let (mut disk, mut journal) = (Vec::new(), Vec::new());
//! let stranger = ConnId::accepted(1);
//! let mut happened = VecDeque::from([
//!     Input::Listening { local: "192.0.2.9:6881".parse()? },
//!     Input::Accepted { conn: stranger, remote: "192.0.2.3:50000".parse()? },
//!     Input::Closed { conn: stranger, error: None },
//!     Input::AcceptFailed { error: NetError::TooManyFiles },
//! ]);
//! let mut story = Vec::new();
//!
//! 'run: loop {
//!     while let Some(action) = engine.poll_action() {
//!         match action {
//!             Action::Connect { conn, remote, .. } if remote == gone => {
//!                 story.push("connect in vain");
//!                 happened.push_back(Input::ConnectFailed { conn, error: NetError::Refused });
//!             }
//!             Action::Connect { conn, .. } => {
//!                 story.push("connect");
//!                 happened.push_back(Input::Connected { conn, local: "192.0.2.9:50000".parse()? });
//!             }
//!             Action::Send { conn, data } => {
//!                 // The peer answers a handshake with its own, all it has, and leave to download; and a
//!                 // request (its id is 6) with the block.
//!                 let mut answer = BytesMut::new();
//!                 if let Ok(Some((theirs, _))) = HandshakeDecoder::new().push(data.clone()) {
//!                     story.push("shake hands");
//!                     let peer_id = PeerId(*b"-XX0000-a-friendly-1");
//!                     let features = Features { fast: true, extended: false };
//!                     answer.extend_from_slice(&Handshake { peer_id, features, ..theirs }.encode());
//!                     Message::HaveAll.encode(&mut answer);
//!                     Message::Unchoke.encode(&mut answer);
//!                 } else if data.windows(5).any(|w| w == [0, 0, 0, 13, 6]) {
//!                     story.push("request");
//!                     answer.extend_from_slice(&piece_header(0, 0, content.len() as u32));
//!                     answer.extend_from_slice(content);
//!                 }
//!                 happened.push_back(Input::Sent { conn, bytes: data.len() });
//!                 if !answer.is_empty() {
//!                     happened.push_back(Input::Received { conn, data: answer.freeze() });
//!                 }
//!             }
//!             Action::Disk { job, op } => {
//!                 story.push(op.task.verb());
//!                 let outcome = match op.task {
//!                     DiskTask::Survey { .. } => DiskOutcome::Survey(Survey::Absent),
//!                     DiskTask::Write { data, mut hash, .. } => {
//!                         for slice in data {
//!                             disk.extend_from_slice(&slice);
//!                             hash.iter_mut().for_each(|hash| hash.update(&slice));
//!                         }
//!                         DiskOutcome::Write(hash)
//!                     }
//!                     DiskTask::Digest { mut hash, .. } => {
//!                         hash.update(&disk[hash.len() as usize..]);
//!                         DiskOutcome::Digest(hash)
//!                     }
//!                     // Nobody downloads from us here, and so nothing of it can be found lost.
//!                     DiskTask::Read { .. } | DiskTask::Mend { .. } => unreachable!("nobody asked for it"),
//!                     DiskTask::Sync { files } => {
//!                         DiskOutcome::Sync(vec![FileStamp { len: disk.len() as u64, modified: 0 }; files.len()])
//!                     }
//!                     DiskTask::LoadJournal { .. } => DiskOutcome::LoadJournal(None),
//!                     DiskTask::StoreJournal { data } | DiskTask::AppendJournal { data, .. } if journal.is_empty() => {
//!                         journal.extend_from_slice(&data);
//!                         DiskOutcome::StoreJournal
//!                     }
//!                     DiskTask::StoreJournal { .. } => DiskOutcome::StoreJournal,
//!                     DiskTask::AppendJournal { data, .. } => {
//!                         journal.extend_from_slice(&data);
//!                         DiskOutcome::AppendJournal
//!                     }
//!                     DiskTask::FillUp => DiskOutcome::FillUp,
//!                     DiskTask::Publish => DiskOutcome::Publish,
//!                     DiskTask::DeleteJournal => DiskOutcome::DeleteJournal,
//!                 };
//!                 happened.push_back(Input::DiskDone { job, result: Ok(outcome) });
//!             }
//!             Action::Resolve { job, .. } => {
//!                 happened.push_back(Input::Resolved { job, result: Err(ResolveError::NotFound) });
//!             }
//!             // A driver leaves a socket unread, or its callers waiting, while this says so.
//!             Action::SetAccepting { accepting: false } => story.push("accept nobody for now"),
//!             Action::SetReadable { .. } | Action::SetAccepting { .. } => {}
//!             Action::Close { .. } | Action::Cancel { .. } => {}
//!         }
//!     }
//!     while let Some(event) = engine.poll_event() {
//!         if let Event::Stopped { .. } = event {
//!             break 'run;
//!         }
//!     }
//!     // Real loops sleep here until a socket is ready, a worker is done, or `poll_timeout` has come.
//!     let now = engine.poll_timeout().unwrap_or(Instant::ZERO);
//!     match happened.pop_front() {
//!         Some(input) => engine.handle(Instant::ZERO, input),
//!         None => engine.handle(now, Input::Timeout),
//!     }
//! }
//!
//! assert_eq!(disk, content);
//! assert_eq!(story, [
//!     "look at", "accept nobody for now", "look at", "read the journal", "write the journal", "connect",
//!     "connect in vain", "shake hands", "request", "write the journal", "write", "create", "sync", "rename",
//!     "delete the journal",
//! ]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/embed.rs` is the same with real sockets and files.
//!
//! # What it does not do
//!
//! It holds no threads and blocks on nothing. It does not limit how often it is called. It does not choose where
//! files stand: the driver knows each torrent's target, the engine names places beside it ([`Place`]).
//!
//! # Errors and panics
//!
//! No input panics. What peers and trackers do wrong is an [`Event`] with a typed reason; a caller's mistake is an
//! error value where it is made. A panic is a bug in this crate.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
pub mod announcer;
pub mod bencode;
mod bitfield;
mod choker;
mod command;
mod config;
mod context;
mod disk;
mod engine;
mod error;
pub mod escape;
mod event;
mod geometry;
mod hash;
pub mod http;
mod ids;
mod input;
mod journal;
pub mod limits;
pub mod metainfo;
mod peer;
mod peer_list;
mod picker;
mod piece_digest;
mod rate;
pub mod record;
mod status;
mod time;
mod timers;
mod torrent;
pub mod tracker;
mod why;
mod window;
pub mod wire;

pub use action::Action;
pub use bitfield::Bitfield;
pub use command::Command;
pub use config::{Config, Goal, PeerAddr, SeedPolicy, TorrentOptions, UploadSlots};
pub use disk::{
    Allocation, DiskError, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, Extent, FileStamp,
    Place, Survey,
};
pub use engine::Engine;
pub use error::{AddError, BanReason, DisconnectReason, EvictReason, PeerFault, TorrentError};
pub use event::{Event, Phase, ResumeSummary, TrackerNews};
pub use geometry::{BLOCK_LEN, Geometry};
pub use hash::{Sha1State, sha1, sha256};
pub use ids::{
    BlockId, ConnId, FileIndex, InfoHash, JobId, PeerId, PieceIndex, Sha1Hash, Sha256Hash, TorrentId,
};
pub use input::{Input, NetError, ResolveError};
pub use metainfo::{FileLayout, Metainfo, MetainfoError};
pub use piece_digest::PieceDigest;
pub use status::{PeerStatus, TorrentStatus, TorrentTraffic, Usage};
pub use time::{Duration, Instant};
pub use torrent::Overfetched;
pub use why::Why;
