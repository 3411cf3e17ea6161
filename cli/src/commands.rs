//! `get`, `seed` and `verify`: from arguments to a session that does it.

use crate::args::{self, Driver, GetOptions};
use crate::driver;
use crate::exit::Failure;
use crate::output::View;
use crate::report::Report;
use crate::run::Run;
use crate::source;
use crate::target;
use peerless_core::{Config, Goal, SeedPolicy, TorrentOptions};
use peerless_runtime::Settings;
use std::path::Path;

/// Downloads a torrent. `out` is the place that was given, by position or by option.
pub(crate) fn get(source: &Path, out: Option<&Path>, options: GetOptions) -> Result<Report, Failure> {
    let metainfo = source::load(source)?;
    let out = out.or(options.out.as_deref());
    let target = target::for_download(&metainfo, out, options.dir.as_deref())?;
    let torrent = TorrentOptions {
        goal: Goal::Download,
        seeding: seeding(&options),
        peers: options.peers,
        timeout: options.timeout,
        stall_timeout: options.stall_timeout,
        recheck: options.recheck,
        wait_disk: options.wait_disk,
        ..TorrentOptions::default()
    };
    let run = Run {
        metainfo,
        target,
        options: torrent,
        view: View::new(options.output),
        port: options.network.port,
    };
    start(&options.network, run)
}

/// Gives data that is already there to others, until stopped.
pub(crate) fn seed(args: &args::Seed) -> Result<Report, Failure> {
    let metainfo = source::load(&args.torrent)?;
    let target = target::for_reading(&metainfo, &args.path)?;
    let options =
        TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..TorrentOptions::default() };
    let run = Run { metainfo, target, options, view: View::new(args.output), port: args.network.port };
    start(&args.network, run)
}

/// Runs it, unless it would be recorded to where its own data goes.
fn start(network: &args::Network, run: Run) -> Result<Report, Failure> {
    let settings = driver::settings(network);
    if let Some(record) = &settings.record {
        record.keep_out_of(&run.target)?;
    }
    driver::with_session(network.driver, settings, run)
}

/// Checks data against a torrent.
pub(crate) fn verify(args: &args::Verify) -> Result<Report, Failure> {
    let metainfo = source::load(&args.torrent)?;
    let target = target::for_reading(&metainfo, &args.path)?;
    let options = TorrentOptions { goal: Goal::Verify, ..TorrentOptions::default() };
    let run = Run { metainfo, target, options, view: View::new(args.output), port: None };
    let engine = Config { dial: false, ..Config::default() };
    driver::with_session(Driver::Mio, Settings { engine, listen: None, ..Settings::default() }, run)
}

fn seeding(options: &GetOptions) -> SeedPolicy {
    match (options.seed_ratio, options.seed_time) {
        (None, None) if options.seed => SeedPolicy::Forever,
        (None, None) => SeedPolicy::Stop,
        (ratio_permille, time) => SeedPolicy::Until { ratio_permille, time },
    }
}
