//! What hostile input costs: for any input of a mebibyte at most 64 MiB of memory, and time in proportion to its
//! length.
#![deny(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "these are tests: there a panic is the report")]

mod answers;
#[path = "../../../core/tests/corpus/mod.rs"]
mod corpus;
mod messages;
mod meter;
mod torrents;
mod version_2;

use meter::{Cost, measure};
use std::time::Duration;

/// About the length of the longest inputs, in bytes.
const LONG: usize = 1 << 20;
/// So many times shorter are those that they are compared with.
const TIMES: u32 = 16;
/// What handling a long input may take in memory at once, beside the input.
const MAX_PEAK: usize = 64 << 20;
/// A long input may take so much longer than a short one. What is linear takes [`TIMES`] as long, or somewhat
/// more for sorting and for caches that are too small; what is quadratic takes the square of that.
const MAX_RATIO: u32 = 4 * TIMES;
/// Below this a measurement is mostly noise.
const SHORTEST: Duration = Duration::from_micros(50);

/// Has `handle` handle what `make` makes of a short and of a long length, and checks what that cost, and that it
/// `says` how it ended.
#[track_caller]
fn costs_little<I>(make: impl Fn(usize) -> I, handle: impl Fn(&I) -> String, says: &str) {
    let (short, long) = (make(LONG / TIMES as usize), make(LONG));
    let mut times = Vec::new();
    // Processor time varies with what else the machine does: only what is slow every time is slow.
    for _ in 0..5 {
        let (little, much) = (quickest(&short, &handle, says), quickest(&long, &handle, says));
        assert!(much.peak <= MAX_PEAK, "{} bytes at once", much.peak);
        if much.time <= little.time.max(SHORTEST) * MAX_RATIO {
            return;
        }
        times.push((little.time, much.time));
    }
    panic!("more than {MAX_RATIO} times the time for {TIMES} times the input: {times:?}");
}

/// The cheapest of a few runs.
#[track_caller]
fn quickest<I>(input: &I, handle: &impl Fn(&I) -> String, says: &str) -> Cost {
    let run = || {
        let (said, cost) = measure(|| handle(input));
        assert!(said.starts_with(says), "{said}");
        cost
    };
    [run(), run(), run()].into_iter().min_by_key(|cost| cost.time).unwrap()
}

#[test]
#[should_panic(expected = "more than 64 times the time for 16 times the input")]
fn what_takes_quadratic_time_is_noticed() {
    let count_pairs =
        |len: &usize| (0..len / 256).flat_map(|_| 0..len / 256).map(std::hint::black_box).count();
    costs_little(|len| len, |len| count_pairs(len).to_string(), "");
}

#[test]
#[should_panic(expected = "bytes at once")]
fn what_takes_too_much_memory_is_noticed() {
    costs_little(|len| len, |len| vec![0u8; 65 * len].len().to_string(), "");
}
