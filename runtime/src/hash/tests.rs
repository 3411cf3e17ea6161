//! Every way to hash against the `sha1` crate: any number of streams, of any lengths, in slices cut anywhere.

use super::*;
use peerless_core::{Sha1Hash, sha1};
use proptest::prelude::*;

/// Bytes that differ from one stream to the next.
fn bytes(seed: usize, len: usize) -> Vec<u8> {
    (0..len).map(|n| ((n * n + 7 * n + 13 * seed) >> 3) as u8).collect()
}

/// A slice for each cut.
fn slices<'a>(data: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (data.len() + 1)).collect();
    ends.extend([0, data.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| &data[pair[0]..pair[1]]).collect()
}

/// The safe twin of the modules for this architecture: the `sha1` crate, one after the other.
fn compress_in_sequence<const N: usize>(words: [[u32; 5]; N], blocks: [&[Block]; N]) -> [[u32; 5]; N] {
    std::array::from_fn(|lane| {
        let mut state = Sha1State::new();
        state.advance(words[lane], 0);
        state.update(blocks[lane].as_flattened());
        state.words().unwrap()
    })
}

fn compare<const N: usize>(
    compress: impl Fn(&mut [[u32; 5]; N], [&[Block]; N]),
    words: &[[u32; 5]],
    blocks: &[Vec<Block>],
) {
    let words: [[u32; 5]; N] = words[..N].try_into().unwrap();
    let blocks = std::array::from_fn(|lane| &blocks[lane][..]);
    let mut fast = words;
    compress(&mut fast, blocks);
    assert_eq!(fast, compress_in_sequence(words, blocks));
}

/// All ways that this processor knows, whichever is the fastest.
fn plans() -> Vec<Plan> {
    let turns = Instructions::detect();
    let columns = Wide::detect();
    let wide = |from| columns.map(|wide| Plan { turns, columns: Some((wide, from)) });
    let plain = [Plan { turns: None, columns: None }, Plan { turns, columns: None }];
    plain.into_iter().chain(wide(1)).chain(wide(6)).collect()
}

proptest! {
    #[test]
    fn what_is_hashed_at_once_is_what_the_safe_twin_makes_of_it(
        words in any::<[[u32; 5]; COLUMNS]>(),
        blocks in proptest::collection::vec(any::<([[u8; 32]; 16], [[u8; 32]; 16])>(), 0..5),
    ) {
        let lists: Vec<Vec<Block>> = (0..COLUMNS)
            .map(|lane| blocks.iter().map(|(a, b)| [a[lane], b[lane]].concat().try_into().unwrap()).collect())
            .collect();
        if let Some(turns) = Instructions::detect() {
            compare::<1>(|words, blocks| turns.compress(words, blocks), &words, &lists);
            compare::<2>(|words, blocks| turns.compress(words, blocks), &words, &lists);
            compare::<3>(|words, blocks| turns.compress(words, blocks), &words, &lists);
            compare::<4>(|words, blocks| turns.compress(words, blocks), &words, &lists);
        }
        if let Some(wide) = Wide::detect() {
            compare::<COLUMNS>(|words, blocks| wide.compress(words, blocks), &words, &lists);
        }
    }

    #[test]
    fn streams_of_any_number_length_and_cut_have_the_digests_of_the_sha1_crate(
        streams in proptest::collection::vec(
            (0usize..3_000, 0usize..200, proptest::collection::vec(any::<usize>(), 0..6)),
            0..40,
        ),
    ) {
        let data: Vec<_> = streams.iter().enumerate().map(|(n, (len, ..))| bytes(n, *len)).collect();
        // A part has been taken in before.
        let begun = |n: usize| streams[n].1.min(data[n].len());
        let mut states = vec![Sha1State::new(); data.len()];
        for (n, state) in states.iter_mut().enumerate() {
            state.update(&data[n][..begun(n)]);
        }
        let rest = |n: usize| slices(&data[n][begun(n)..], &streams[n].2);
        for plan in plans() {
            let mut states = states.clone();
            hash_by(plan, states.iter_mut().enumerate().map(|(n, state)| (state, rest(n))));
            for (state, data) in states.iter().zip(&data) {
                prop_assert_eq!((state.finish(), state.len()), (sha1(data), data.len() as u64));
            }
        }
    }
}

#[test]
fn the_plan_is_one_that_this_processor_can_follow() {
    let plan = Plan::of_this_processor();
    assert_eq!(plan.turns.is_some(), Instructions::detect().is_some());
    assert!([1, TURNS, COLUMNS].contains(&plan.lanes()));
    assert_eq!(plan.columns(COLUMNS).is_some(), plan.lanes() == COLUMNS);
    assert!(plan.columns(0).is_none());
}

#[test]
fn a_long_stream_beside_short_ones_is_not_cut() {
    let data = [bytes(1, 1 << 20), bytes(2, 64), bytes(3, 0), bytes(4, 1 << 18), bytes(5, 777_777)];
    let mut states = [Sha1State::new(); 5];
    hash_together(states.iter_mut().zip(&data).map(|(state, data)| (state, data.chunks(100_000))));
    for (state, data) in states.iter().zip(&data) {
        assert_eq!(state.finish(), sha1(data));
    }
}

#[test]
fn what_is_known_without_its_bytes_matches_nothing_after_more_of_them() {
    let data = bytes(1, 1_000);
    let mut states = [Sha1State::known(sha1(b"abc"), 64), Sha1State::new()];
    hash_together(states.iter_mut().map(|state| (state, [&data[..]])));
    assert_eq!((states[0].finish(), states[0].len()), (Sha1Hash([0; 20]), 1_064));
    assert_eq!(states[1].finish(), sha1(&data));
}

#[test]
fn no_streams_are_no_work() {
    hash_together(std::iter::empty::<(&mut Sha1State, [&[u8]; 1])>());
}
