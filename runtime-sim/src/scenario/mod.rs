//! The built-in scenarios, by name: what `peerless sim` runs, and what every change of policy is measured by.

mod copies;
mod machines;
mod paths;
mod report;
mod rude;
mod sample;
mod sharing;
mod swarm;
mod theory;

pub use report::{Download, Report, Sample};
pub use swarm::Swarm;
pub use theory::shortest_time;

use peerless_core::MetainfoError;

/// What a scenario is run with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The seed of all randomness.
    pub seed: u64,
    /// Leechers, where the scenario's own number is not wanted.
    pub peers: Option<u32>,
    /// Bytes of the torrent, where the scenario's own size is not wanted.
    pub size: Option<u64>,
    /// Which leecher to record, the first is 1; its recording is in the report.
    pub record: Option<u32>,
}

impl Setup {
    /// A scenario as it is told, from this seed.
    pub fn seed(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The length of pieces for a torrent of `size` bytes: 256 KiB, and less where these would be few, so that a small
    /// swarm is like a large one.
    pub(crate) fn piece_length(size: u64) -> u32 {
        let most = u32::try_from(size / 128).unwrap_or(u32::MAX).clamp(16 << 10, 256 << 10);
        1 << most.ilog2()
    }

    /// Bytes: what was asked for, or `usual`.
    pub fn size(&self, usual: u64) -> u64 {
        self.size.unwrap_or(usual)
    }
}

/// A named scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub about: &'static str,
    /// Leechers, where nothing is said of them.
    usual: u32,
    /// Leechers that there are besides, however many are asked for.
    besides: u32,
    run: Run,
}

/// A scenario with so many leechers.
type Run = fn(&Setup, u32) -> Result<Report, MetainfoError>;

impl Scenario {
    const fn new(name: &'static str, about: &'static str, usual: u32, run: Run) -> Self {
        Self { name, about, usual, besides: 0, run }
    }

    const fn besides(self, besides: u32) -> Self {
        Self { besides, ..self }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        sharing::SCENARIOS.iter().chain(paths::SCENARIOS).chain(machines::SCENARIOS).chain(rude::SCENARIOS)
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|scenario| scenario.name == name)
    }

    /// How many leechers it has with this setup.
    pub fn leechers(&self, setup: &Setup) -> u32 {
        self.besides.saturating_add(setup.peers.unwrap_or(self.usual))
    }

    /// Runs it.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have the size that was asked for.
    pub fn run(&self, setup: &Setup) -> Result<Report, MetainfoError> {
        (self.run)(setup, setup.peers.unwrap_or(self.usual))
    }
}
