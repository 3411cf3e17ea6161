//! Which way is the fastest for how many streams: measured, for processors of the same name differ by a factor.

use super::detect::{Instructions, Wide};
use super::{Block, COLUMNS, TURNS};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How streams are hashed on this processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// The instructions for SHA-1, with up to [`TURNS`] streams in turn. Without them the `sha1` crate, one by one.
    pub(super) turns: Option<Instructions>,
    /// All in columns, and from how many streams on that is the faster way.
    pub(super) columns: Option<(Wide, usize)>,
}

impl Plan {
    /// That of this processor. The first call takes a tenth of a millisecond.
    pub(super) fn of_this_processor() -> Self {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        *PLAN.get_or_init(Self::measure)
    }

    fn measure() -> Self {
        let turns = Instructions::detect();
        let columns = Wide::detect().map(|wide| (wide, columns_pay_from(turns, wide)));
        Self { turns, columns: columns.filter(|(_, from)| *from <= COLUMNS) }
    }

    /// How many streams are worth hashing together.
    pub(super) fn lanes(self) -> usize {
        match self {
            Self { columns: Some(_), .. } => COLUMNS,
            Self { turns: Some(_), .. } => TURNS,
            _ => 1,
        }
    }

    /// How to hash so many in columns, if they are to be.
    pub(super) fn columns(self, lanes: usize) -> Option<Wide> {
        self.columns.filter(|(_, from)| *from <= lanes).map(|(wide, _)| wide)
    }
}

/// Columns take as long for one stream as for all.
fn columns_pay_from(turns: Option<Instructions>, wide: Wide) -> usize {
    let blocks: &[Block] = &[[0x5a; 64]; 16];
    let mut words = [[1; 5]; COLUMNS];
    let in_columns = fastest(|| wide.compress(&mut words, [blocks; COLUMNS]));
    let mut words = [[1; 5]; TURNS];
    let in_turn = match turns {
        Some(turns) => fastest(|| turns.compress(&mut words, [blocks; TURNS])),
        None => {
            let one = || {
                std::hint::black_box(peerless_core::sha1(blocks.as_flattened()));
            };
            fastest(one) * TURNS as u32
        }
    };
    let pays_from = in_columns.as_nanos() * TURNS as u128 / in_turn.as_nanos().max(1) + 1;
    usize::try_from(pays_from).unwrap_or(usize::MAX)
}

/// The least of several: the thread may lose the processor at any time.
fn fastest(mut what: impl FnMut()) -> Duration {
    let time = |_| {
        let begin = Instant::now();
        what();
        begin.elapsed()
    };
    (0..8).map(time).min().unwrap_or_default()
}
