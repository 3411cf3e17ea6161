//! Peerless as async tasks: one for each connection and listener, and the session that owns the engine.
//!
//! A program that has an executor awaits [`SmolSession::next_event`], or the stream
//! [`SmolSession::events`]: see `examples/stream.rs`. One that has none uses it as a
//! [`Session`](peerless_runtime::Session), which blocks.
//!
//! ```text
//!   sockets ──▶ tasks ──Report──▶ session ──Input──▶ Engine ──Event──▶ application
//!                 ▲                                    │
//!                 └──────────── Orders ◀───Action──────┴──▶ workers
//! ```
//!
//! The tasks belong to an executor inside the session, which runs while the session is awaited and only then:
//! nothing happens behind the application's back, and dropping the session ends everything. Tasks never touch
//! the engine. After the turn of each the session takes in what it reported, so that what the engine decides
//! on some bytes comes before the next are read.
//!
//! ```no_run
//! use peerless_core::{Event, Metainfo, TorrentOptions};
//! use peerless_runtime::{Session, Settings};
//! use peerless_smol::SmolSession;
//!
//! # async fn download() -> Result<(), Box<dyn std::error::Error>> {
//! let metainfo = Metainfo::parse(&std::fs::read("some.torrent")?)?;
//! let mut session = SmolSession::open(Settings::default())?;
//! session.add(metainfo.into(), "target".into(), TorrentOptions::default())?;
//! while let Some(event) = session.next_event().await {
//!     if matches!(event, Event::Stopped { .. }) {
//!         session.shutdown(); // which ends in `None`
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It moves bytes and keeps time; it decides nothing.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod acceptor;
mod connection;
mod desk;
mod session;
mod signals;
mod turn;

pub use session::SmolSession;
