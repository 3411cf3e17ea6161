//! What only the whole system can show, and what that takes: a private network, processes that never outlive
//! a test, payloads from a seed, real clients that this project did not write, and scripted rude ones.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "this library runs inside tests only: there a panic is the report, and stderr is shown with it"
)]

#[path = "../bench/mod.rs"]
pub mod bench;
mod clients;
mod compare;
mod deadline;
mod hybrid;
mod lab;
mod opentracker;
mod payload;
mod peerless;
mod process;
mod script_peer;
pub mod script_tracker;
mod small_disk;
mod terminal;
mod torrent;

pub use clients::{Client, Libtorrent, Peer};
pub use compare::{Difference, same_bytes, same_bytes_but_empty_files};
pub use deadline::{Deadline, wait_until};
pub use lab::{Lab, in_lab};
pub use opentracker::Opentracker;
pub use payload::Payload;
pub use peerless::Driver;
pub use process::Process;
pub use script_peer::{Manner, ScriptPeer};
pub use script_tracker::{Announce, Answer, ScriptTracker};
pub use small_disk::SmallDisk;
pub use terminal::seen;
pub use torrent::Torrent;

pub use rustix::process::Signal;
