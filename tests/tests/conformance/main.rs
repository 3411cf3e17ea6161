//! One suite for every driver: each story is told once, for any `Session`, and run on all of them, with real
//! sockets on loopback and real files.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "all of this is tests: there a panic is the report, and stderr is shown with it"
)]

/// Makes a test for each driver of each story: a function that is generic over the session.
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod mio {
            $(#[test] fn $story() { super::$story::<peerless_mio::MioSession>(); })+
        }
        mod smol {
            $(#[test] fn $story() { super::$story::<peerless_smol::SmolSession>(); })+
        }
    };
}

mod actor;
mod background;
mod child;
mod commands;
mod crowd;
mod descriptors;
mod download;
mod edges;
mod https;
mod idle;
mod lives;
mod peers;
mod raw;
mod recording;
mod resume;
mod seeding;
mod sequence;
mod session;
mod stage;
mod target;
mod threads;
mod trackers;
mod witness;
