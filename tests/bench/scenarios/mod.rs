//! What clients are measured at.

mod connections;
mod download;
mod growth;
mod seeding;
mod start;

use super::options::Options;
use super::stage::Stage;
use super::subjects::Subject;
use super::table::{Sample, Table};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    Download,
    DownloadSmall,
    Far,
    Swarm,
    Files,
    Check,
    SeedOne,
    SeedMany,
    Connections,
    Start,
    GrowthPeers,
    GrowthPieces,
    GrowthFiles,
}

impl Scenario {
    pub(super) const ALL: [Self; 13] = [
        Self::Download,
        Self::DownloadSmall,
        Self::Far,
        Self::Swarm,
        Self::Files,
        Self::Check,
        Self::SeedOne,
        Self::SeedMany,
        Self::Connections,
        Self::Start,
        Self::GrowthPeers,
        Self::GrowthPieces,
        Self::GrowthFiles,
    ];

    /// What it is called on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::DownloadSmall => "download-256k",
            Self::Far => "far",
            Self::Swarm => "swarm",
            Self::Files => "files",
            Self::Check => "check",
            Self::SeedOne => "seed",
            Self::SeedMany => "seed-20",
            Self::Connections => "connections",
            Self::Start => "start",
            Self::GrowthPeers => "growth-peers",
            Self::GrowthPieces => "growth-pieces",
            Self::GrowthFiles => "growth-files",
        }
    }
}

/// The table of one scenario.
pub(super) fn measure(stage: &Stage<'_>, scenario: Scenario, options: &Options) -> Table {
    match scenario {
        Scenario::Download => download::fast(stage, options, 1 << 20),
        Scenario::DownloadSmall => download::fast(stage, options, 256 << 10),
        Scenario::Far => download::far(stage, options),
        Scenario::Swarm => download::swarm(stage, options),
        Scenario::Files => download::files(stage, options),
        Scenario::Check => seeding::check(stage, options),
        Scenario::SeedOne => seeding::seed(stage, options, 1),
        Scenario::SeedMany => seeding::seed(stage, options, 20),
        Scenario::Connections => connections::connections(stage, options),
        Scenario::Start => start::start(stage, options),
        Scenario::GrowthPeers => growth::peers(stage, options),
        Scenario::GrowthPieces => growth::pieces(stage, options),
        Scenario::GrowthFiles => growth::files(stage, options),
    }
}

/// Runs the clients in turn, so that what else the machine does falls on all; `run` is one run of one.
fn in_turn(
    stage: &Stage<'_>,
    options: &Options,
    title: String,
    mut run: impl FnMut(Subject) -> Result<Sample, String>,
) -> Table {
    let mut table = Table::new(title, "client");
    for round in rounds(options) {
        for client in &options.clients {
            if client.version().is_none() {
                continue;
            }
            if *client == Subject::Transmission && stage.lab.must_skip(crate::Client::Transmission) {
                continue;
            }
            let sample = guarded(|| run(*client));
            if round.counts || sample.is_err() {
                table.add(client.name(), sample);
            }
        }
    }
    table
}

/// One run of all.
struct Round {
    counts: bool,
}

fn rounds(options: &Options) -> impl Iterator<Item = Round> {
    let first = usize::from(!options.warm_up);
    (first..=options.runs).map(|n| Round { counts: n > 0 })
}

/// A run that fails, be it by a panic, must not be the end of the others.
fn guarded(run: impl FnOnce() -> Result<Sample, String>) -> Result<Sample, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).into())).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_round_counts_only_if_nothing_warms_up() {
        let counts = |warm_up| {
            let options = Options { warm_up, runs: 2, ..Options::default() };
            rounds(&options).map(|round| round.counts).collect::<Vec<_>>()
        };
        assert_eq!(counts(true), [false, true, true]);
        assert_eq!(counts(false), [true, true]);
    }

    #[test]
    fn a_panic_is_a_failure_with_its_words() {
        assert_eq!(guarded(|| panic!("no {} in time", 3)), Err("no 3 in time".into()));
        assert_eq!(guarded(|| Ok(vec![])), Ok(vec![]));
    }
}
