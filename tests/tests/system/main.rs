//! The whole system: real clients, real sockets, real files, and our client as a user runs it.
#![allow(clippy::unwrap_used, reason = "these are tests: there a panic is the report")]

mod bench;
mod exits;
mod get;
mod harness;
mod options;
mod resume;
mod rude_peers;
mod seed;
mod swarm;
mod terminal;
mod trackers;
