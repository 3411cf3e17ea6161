//! The command line: what can be said, and the help that tells it.

use crate::values;
use clap::{Args, Parser, Subcommand, ValueEnum};
use peerless_core::PeerAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Leechers of one simulation. With a torrent of one block each takes some 0.6 MiB: they fit into 4 GiB.
const MAX_SIM_PEERS: i64 = 4_000;

const EXAMPLES: &str = "\
Examples:
  peerless debian.torrent                   download into the current directory
  peerless debian.torrent /tmp/debian.iso   download to this path
  peerless get x.torrent -d Downloads --seed-ratio 1.5
  peerless seed x.torrent Downloads         give to others what is there
  peerless create photos -a http://192.168.1.2:6969/announce
  curl -sL https://example.org/x.torrent | peerless -
  peerless demo                             see a whole download on this machine

Running the same command again continues where it stopped; ctrl-c loses nothing.
A file that is named like a command is written with its directory: peerless ./show

Exit codes:
  0 complete         1 a bug                2 usage           3 torrent unusable
  4 not found        5 target in the way    6 no space        7 storage error
  8 no network       9 incomplete in time  10 data does not match
 12 replay differs
  130, 143 stopped by SIGINT, SIGTERM";

/// A BitTorrent client for the command line.
#[derive(Debug, Parser)]
#[command(name = "peerless", bin_name = "peerless", version, about, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(arg_required_else_help = true)]
#[command(override_usage = "peerless SOURCE [OUT] [OPTIONS]\n       peerless COMMAND ...")]
pub(crate) struct Cli {
    /// The command; none means `get`.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The arguments of the simplest form.
    #[command(flatten)]
    pub(crate) simple: Simple,
}

/// The arguments of `peerless SOURCE [OUT]`.
#[derive(Debug, Args)]
pub(crate) struct Simple {
    /// A .torrent file, or - for standard input
    #[arg(value_name = "SOURCE", required = true)]
    pub(crate) source: Option<PathBuf>,
    /// Where to: the file, or the directory that takes the place of the torrent's name
    #[arg(value_name = "OUT", conflicts_with_all = ["out_option", "dir"])]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: GetOptions,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Download a torrent
    Get(Get),
    /// Give data that is already here to others
    Seed(Seed),
    /// Show what a torrent contains
    Show(Show),
    /// Check data against a torrent; exit code 10 where it differs
    Verify(Verify),
    /// Make a torrent of a file or directory
    Create(Create),
    /// Run a small HTTP tracker, for a local network
    Tracker(Tracker),
    /// Run a simulated swarm: whole engines on virtual time, from one seed
    Sim(Sim),
    /// Do again what --record recorded, and compare; exit code 12 where it comes out differently
    Replay(Replay),
    /// Watch a tracker, a seed and a download on this machine, explained
    Demo(Demo),
}

/// The arguments of `get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// A .torrent file, or - for standard input
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) options: GetOptions,
}

/// The options of `get` and of the simplest form.
#[derive(Debug, Args)]
pub(crate) struct GetOptions {
    /// Where to: the file, or the directory that takes the place of the torrent's name
    #[arg(id = "out_option", short = 'o', long = "out", value_name = "OUT", conflicts_with = "dir")]
    pub(crate) out: Option<PathBuf>,
    /// Download into this directory, under the torrent's name
    #[arg(short = 'd', long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: Network,
    /// A peer to try besides those of the trackers; may be given again
    #[arg(long = "peer", value_name = "HOST:PORT", value_parser = values::peer)]
    pub(crate) peers: Vec<PeerAddr>,
    /// Stay and give to others when complete, until stopped
    #[arg(long)]
    pub(crate) seed: bool,
    /// Stay until so many times the torrent's size was given (1.5)
    #[arg(long, value_name = "R", value_parser = values::ratio)]
    pub(crate) seed_ratio: Option<u64>,
    /// Stay for so long (30m, 2h)
    #[arg(long, value_name = "T", value_parser = values::duration)]
    pub(crate) seed_time: Option<Duration>,
    /// Give up when not complete after so long (90, 30s, 5m, 1h)
    #[arg(long, value_name = "T", value_parser = values::positive_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Give up after so long without a new byte
    #[arg(long, value_name = "T", value_parser = values::positive_duration)]
    pub(crate) stall_timeout: Option<Duration>,
    /// Trust no journal: hash everything that is there
    #[arg(long)]
    pub(crate) recheck: bool,
    /// When the disk is full, try again every 30 seconds rather than stop
    #[arg(long)]
    pub(crate) wait_disk: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of everything that opens sockets.
#[derive(Clone, Debug, Args)]
pub(crate) struct Network {
    /// What moves the bytes: one event loop (mio) or async tasks (smol)
    #[arg(long, value_enum, default_value_t = Driver::Mio, value_name = "DRIVER")]
    pub(crate) driver: Driver,
    /// The port to listen on for peers, or where it is taken another; 0: any that is free
    #[arg(long, value_name = "N", value_parser = values::port)]
    pub(crate) port: Option<u16>,
    /// Connections to peers at once
    #[arg(long, value_name = "N", value_parser = values::max_peers)]
    pub(crate) max_peers: Option<usize>,
    #[command(flatten)]
    pub(crate) record: Record,
}

/// Whether and how to record.
#[derive(Clone, Debug, Args)]
pub(crate) struct Record {
    /// Record the session in this file, for peerless replay; the data itself is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Record the data, too
    #[arg(long, requires = "record")]
    pub(crate) record_payload: bool,
    /// Record other addresses, passkeys and paths in place of the real ones
    #[arg(long, requires = "record")]
    pub(crate) record_mask: bool,
    /// End the recording after so many bytes (64M, 4G; at most 16G) [default: 1G]
    #[arg(long, value_name = "N", requires = "record", value_parser = values::recording_limit)]
    pub(crate) record_limit: Option<u64>,
}

/// The drivers: one event-loop thread on `mio`, async tasks on `smol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Driver {
    Mio,
    Smol,
}

/// How much is said, and in which form.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Output {
    /// Write JSON to standard output, one object a line, ending in one "result"
    #[arg(long)]
    pub(crate) json: bool,
    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Also tell of peers, trackers and bans
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// The arguments of `seed`.
#[derive(Debug, Args)]
pub(crate) struct Seed {
    /// A .torrent file, or - for standard input
    #[arg(value_name = "TORRENT")]
    pub(crate) torrent: PathBuf,
    /// The data, or the directory that holds it under its name
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// The arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A .torrent file, or - for standard input
    #[arg(value_name = "TORRENT")]
    pub(crate) torrent: PathBuf,
    /// List every file
    #[arg(long)]
    pub(crate) files: bool,
    /// Write one JSON object to standard output; URLs are whole in it, passkeys too
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A .torrent file, or - for standard input
    #[arg(value_name = "TORRENT")]
    pub(crate) torrent: PathBuf,
    /// The data, or the directory that holds it under its name
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// The arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The file or directory to make a torrent of
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// The torrent to write; - for standard output [default: NAME.torrent in the current directory]
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// A tracker; may be given again, each is a tier of its own
    #[arg(short = 'a', long = "announce", value_name = "URL", value_parser = values::announce_url)]
    pub(crate) announce: Vec<String>,
    /// A power of two from 16K (256K, 1M) [default: one that makes a good number of pieces]
    #[arg(long, value_name = "N", value_parser = values::piece_length)]
    pub(crate) piece_length: Option<u32>,
    /// Peers may come from the trackers only (BEP 27)
    #[arg(long)]
    pub(crate) private: bool,
    /// A line about the torrent
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
}

/// The arguments of `tracker`.
#[derive(Debug, Args)]
pub(crate) struct Tracker {
    /// Where to listen; port 0 takes any that is free [default: port 6969 of every address]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The recording, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Stop after so many seconds of the recording (90, 12.5, 1h)
    #[arg(long, value_name = "T", value_parser = values::moment)]
    pub(crate) until: Option<Duration>,
    /// Tell each step: what happened, and what the engine did
    #[arg(long)]
    pub(crate) explain: bool,
    /// Tell how each torrent stood at the end, and why it waited
    #[arg(long)]
    pub(crate) why: bool,
    /// Write JSON to standard output, one object a line, ending in one "result"
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The driver of the download
    #[arg(long, value_enum, default_value_t = Driver::Mio, value_name = "DRIVER")]
    pub(crate) driver: Driver,
}

/// The arguments of `sim`.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The scenario; --list names them
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    pub(crate) scenario: Option<String>,
    /// Name all scenarios
    #[arg(long)]
    pub(crate) list: bool,
    /// All randomness comes from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Run from so many seeds, one after another
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) runs: u64,
    /// Leechers (at most 4000), rather than as many as the scenario has
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_SIM_PEERS))]
    pub(crate) peers: Option<u32>,
    /// The size of the torrent (64M, 1G), rather than the scenario's
    #[arg(long, value_name = "S", value_parser = values::positive_size)]
    pub(crate) size: Option<u64>,
    /// Write JSON to standard output: one object a run, ending in one "result"
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw the last run in a new file: downloads complete and rates over time
    #[arg(long, value_name = "FILE.svg", conflicts_with = "list")]
    pub(crate) plot: Option<PathBuf>,
    /// Record a leecher of the last run in this file, for peerless replay
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub(crate) record: Option<PathBuf>,
    /// Which leecher to record
    #[arg(long, value_name = "N", requires = "record", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) leecher: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"peerless").chain(words))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_simplest_form_is_a_source_and_an_out() {
        let cli = parse(&["x.torrent", "out", "--driver", "smol"]).unwrap();
        let simple = cli.simple;
        assert_eq!(simple.source, Some(PathBuf::from("x.torrent")));
        assert_eq!(simple.out, Some(PathBuf::from("out")));
        assert_eq!(simple.options.network.driver, Driver::Smol);
        assert!(cli.command.is_none());
    }

    #[test]
    fn a_command_is_not_a_source_but_a_path_to_its_name_is() {
        assert!(matches!(parse(&["show", "x"]).unwrap().command, Some(Command::Show(_))));
        assert_eq!(parse(&["./show"]).unwrap().simple.source, Some(PathBuf::from("./show")));
        assert_eq!(parse(&["-"]).unwrap().simple.source, Some(PathBuf::from("-")));
    }

    #[test]
    fn only_one_place_can_be_named() {
        assert!(parse(&["get", "x", "-o", "a", "-d", "b"]).is_err());
        assert!(parse(&["x", "a", "-d", "b"]).is_err());
        assert!(parse(&["x", "a", "-o", "b"]).is_err());
        assert!(parse(&["get", "x", "-o", "a"]).is_ok());
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for words in [
            &["get"][..],
            &["get", "x", "--port", "70000"],
            &["get", "x", "--max-peers", "0"],
            &["get", "x", "--driver", "tokio"],
            &["get", "x", "--timeout", "0"],
            &["get", "x", "--peer", "nowhere"],
            &["get", "x", "-q", "-v"],
            &["tracker", "--listen", "6969"],
            &["create", "x", "--piece-length", "3000"],
            &["create", "x", "-a", "ftp://x"],
            &["create", "x", "-a", "http://a b/"],
            &["seed", "x"],
            &["get", "x", "--record-payload"],
            &["get", "x", "--record", "a", "--record-limit", "4095"],
            &["get", "x", "--record", "a", "--record-limit", "17G"],
            &["replay"],
            &["replay", "x", "--until", "soon"],
            &["--nonsense"],
            &["sim"],
            &["sim", "one-to-one", "--runs", "0"],
            &["sim", "one-to-one", "--size", "lots"],
            &["sim", "one-to-one", "--size", "0"],
            &["sim", "one-to-one", "--peers", "4001"],
            &["sim", "one-to-one", "--record", "a", "--leecher", "0"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
