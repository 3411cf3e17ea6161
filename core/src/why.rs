//! Why a torrent waits, in types: what the progress line, `--json` and a puzzled user are told.

use core::fmt;
use core::time::Duration;

/// A reason why a torrent does not go faster, or not at all. The most telling comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// What is on the disk is being hashed.
    Checking {
        /// Pieces hashed so far.
        done: u32,
        /// Pieces to hash.
        total: u32,
    },
    /// All is downloaded; the disk is writing the rest.
    Finishing,
    /// The disk is full or fails; the next try is in so long.
    DiskFailing {
        /// Time until the next try.
        retry: Duration,
    },
    /// The disk is slower than the network.
    DiskSlow {
        /// Bytes that the disk has yet to write.
        waiting: u64,
    },
    /// No tracker has answered yet, and no peer is known.
    AskingTrackers {
        /// Trackers being asked.
        asked: u32,
    },
    /// No tracker answers and no peer is known; the next try is in so long.
    TrackersFail {
        /// Trackers that failed.
        failed: u32,
        /// Time until the next try, if there is one.
        retry: Option<Duration>,
    },
    /// The hosts of peers that the user named are being looked up, and no other peer is known.
    LookingUp {
        /// Names being looked up.
        hosts: u32,
    },
    /// The hosts of peers that the user named have no address, and no other peer is known.
    LookupsFail {
        /// Names without an address.
        hosts: u32,
        /// Time until the next lookup.
        retry: Duration,
    },
    /// Nobody to ask: no peer is known, no tracker is left.
    NoPeers,
    /// Peers are known, none is connected.
    Connecting {
        /// Connections being opened.
        opening: u32,
        /// Addresses waiting after a failure.
        backing_off: u32,
    },
    /// Connected peers have nothing that is missing.
    NobodyHasIt {
        /// Connected peers.
        peers: u32,
        /// Missing pieces that no connected peer has.
        missing: u32,
    },
    /// The peers that have what is missing do not let us download.
    Choked {
        /// How many have something for us.
        peers: u32,
    },
    /// Requests are outstanding, and the peers do not answer.
    Snubbed {
        /// How many do not answer.
        peers: u32,
    },
    /// Pieces failed their hash with blocks of several peers, and each has to come from one alone. Peers that
    /// were not involved have the first claim; they are not there, or have no time.
    FailedPieces {
        /// How many wait for a sender.
        pieces: u32,
    },
    /// Requests are outstanding; the answers are on their way.
    Waiting {
        /// Blocks asked for.
        requests: u32,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checking { done, total } => {
                write!(f, "checking what is on the disk ({done} of {total} pieces)")
            }
            Self::Finishing => f.write_str("everything is here; writing the last of it to the disk"),
            Self::DiskFailing { retry } => write!(f, "the disk fails; next try in {} s", retry.as_secs()),
            Self::DiskSlow { waiting } => {
                write!(f, "the disk is slower than the network ({} MiB wait)", waiting >> 20)
            }
            Self::AskingTrackers { asked } => write!(f, "asking {}", count(*asked, "tracker")),
            Self::TrackersFail { failed, retry: Some(retry) } => {
                write!(f, "{} failed; next try in {} s", count(*failed, "tracker"), retry.as_secs())
            }
            Self::TrackersFail { failed, retry: None } => {
                write!(f, "{} failed, and no peer is known", count(*failed, "tracker"))
            }
            Self::LookingUp { hosts } => write!(f, "looking up the address of {}", count(*hosts, "peer")),
            Self::LookupsFail { hosts, retry } => {
                let retry = retry.as_secs();
                write!(f, "{} cannot be found by name; next lookup in {retry} s", count(*hosts, "peer"))
            }
            Self::NoPeers => f.write_str("no peer is known; name one with --peer HOST:PORT"),
            Self::Connecting { opening, backing_off } => {
                write!(
                    f,
                    "connecting to {}; {backing_off} more failed and will be tried again",
                    count(*opening, "peer")
                )
            }
            Self::NobodyHasIt { peers, missing } => {
                write!(
                    f,
                    "none of {} has any of the {} still missing",
                    count(*peers, "peer"),
                    count(*missing, "piece")
                )
            }
            Self::Choked { peers } => write!(f, "waiting for {} to let us download", count(*peers, "peer")),
            Self::Snubbed { peers } => {
                write!(f, "{} stopped sending what we asked for", count(*peers, "peer"))
            }
            Self::FailedPieces { pieces } => {
                write!(
                    f,
                    "{} from several peers failed the check; waiting for one peer to send each alone",
                    count(*pieces, "piece")
                )
            }
            Self::Waiting { requests } => write!(f, "waiting for {}", count(*requests, "requested block")),
        }
    }
}

struct Count(u32, &'static str);

const fn count(n: u32, what: &'static str) -> Count {
    Count(n, what)
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}
