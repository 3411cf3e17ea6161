//! Peerless on a readiness loop: one thread, the caller's, and the runtime's workers for files and names.
//!
//! [`MioSession`] is a [`Session`](peerless_runtime::Session) with a `Poll` of its own. A program that has a
//! loop already registers a session in the `Poll` it owns, with [`MioSession::in_poll`], and calls
//! [`MioSession::ready`] and [`MioSession::turn`] from it: see `examples/own_poll.rs`.
//!
//! ```text
//!   Poll ──ready──▶ Sockets ──Input──▶ Engine ──Action──▶ Sockets, workers
//!    ▲                                    │                         │
//!    └──────────── wake-up ◀──────────────┼─────────────────────────┘
//!                                       Event ──▶ application
//! ```
//!
//! It moves bytes and keeps time; it decides nothing.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod session;
mod sockets;
mod turn;
mod wake;

pub use session::MioSession;
