//! Whole swarms in one thread, on virtual time.
//!
//! A [`Sim`] is the third driver of Peerless: it drives any number of real engines over a simulated network,
//! simulated disks and a simulated clock. One seed is one run, to the bit.
//!
//! ```text
//!                     ┌──────────── Sim: one queue of what happens next ───────────┐
//!   Engine ──Action──▶│ perform ─▶ Network: uplink ▶ latency ▶ downlink ─▶ news    │──Input──▶ Engine
//!   Engine ◀──Input── │        └─▶ Disk: cost ▶ what stands there                  │──calls──▶ Actor
//!                     └────────────────────────────────────────────────────────────┘
//! ```
//!
//! # A first swarm
//!
//! ```
//! use peerless_sim::{Host, Link, Sim, units::*};
//!
//! let mut sim = Sim::new(7);
//! let torrent = sim.torrent(mib(4), 256 << 10, &[])?;
//! let seed = sim.add(Host::new("seed").link(Link::symmetric(mbit(20))).seeds(&torrent));
//! let leechers: Vec<_> = (0..5)
//!     .map(|n| sim.add(Host::new(format!("leecher {n}")).link(Link::symmetric(mbit(20))).downloads(&torrent)))
//!     .collect();
//! for leecher in &leechers {
//!     sim.introduce(*leecher, seed);
//!     sim.introduce(*leecher, leechers[0]);
//! }
//! sim.run_until(minutes(5), |sim| leechers.iter().all(|l| sim.completed(*l).is_some()))?;
//! assert!(leechers.iter().all(|l| sim.has_whole(*l)));
//! println!("all complete after {}, digest {}", sim.now(), sim.digest());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// What `docs/simulation.md` shows, run as it stands.
#[cfg(doctest)]
#[doc = include_str!("../../docs/simulation.md")]
struct Guide;

mod actor;
mod actors;
mod check;
mod clock;
mod dice;
mod digest;
mod disk;
mod dns;
mod host;
mod map;
mod net;
mod payload;
mod queue;
pub mod scenario;
mod sim;
mod struck;
#[cfg(test)]
mod tests;
pub mod units;

pub use actor::{Actor, Cx};
pub use actors::{HttpTracker, Misdeed, ScriptedPeer, TrackerManner};
pub use check::{AnnounceBreach, Breach, Checks, OnViolation, Violation};
pub use dice::Dice;
pub use digest::RunDigest;
pub use disk::{Disk, DiskSpeed};
pub use dns::Dns;
pub use host::{Host, Traffic};
pub use net::{End, Gate, HostId, Link, PartitionId, Path, SiteId};
pub use payload::{Payload, Torrent};
pub use sim::{Sim, Unfinished};
pub use struck::Struck;
