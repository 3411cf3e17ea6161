//! Several SHA-1 in turn by the SHA extensions of x86-64. Safe code, compiled for processors that have them.

use super::Block;
use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_extract_epi32, _mm_set_epi8, _mm_set_epi32, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32,
    _mm_shuffle_epi8, _mm_xor_si128,
};

/// The words of a stream as the instructions want them: a to d with a highest, and e, highest too.
#[derive(Clone, Copy)]
struct Words {
    abcd: __m128i,
    e: __m128i,
}

/// Takes as many blocks into each of the `words` as the shortest list has.
#[target_feature(enable = "sha,sse4.1,ssse3")]
pub(super) fn compress<const N: usize>(words: &mut [[u32; 5]; N], blocks: [&[Block]; N]) {
    let mut lanes = words.map(|[a, b, c, d, e]| Words {
        abcd: _mm_set_epi32(a.cast_signed(), b.cast_signed(), c.cast_signed(), d.cast_signed()),
        e: _mm_set_epi32(e.cast_signed(), 0, 0, 0),
    });
    let count = blocks.iter().map(|list| list.len()).min().unwrap_or_default();
    let blocks = blocks.map(|list| &list[..count]);
    for at in 0..count {
        take_block(&mut lanes, blocks.map(|list| &list[at]));
    }
    for (words, Words { abcd, e }) in words.iter_mut().zip(lanes) {
        *words = [
            _mm_extract_epi32::<3>(abcd).cast_unsigned(),
            _mm_extract_epi32::<2>(abcd).cast_unsigned(),
            _mm_extract_epi32::<1>(abcd).cast_unsigned(),
            _mm_extract_epi32::<0>(abcd).cast_unsigned(),
            _mm_extract_epi32::<3>(e).cast_unsigned(),
        ];
    }
}

/// Four rounds of every lane. `$g` of 20, with the function and constant `$f`.
macro_rules! rounds {
    ($lanes:ident, $w:ident, $g:literal, $f:literal) => {
        for (lane, w) in $lanes.iter_mut().zip(&mut $w) {
            let now = w[$g % 4];
            let e = if $g == 0 { _mm_add_epi32(lane.e, now) } else { _mm_sha1nexte_epu32(lane.e, now) };
            // What the next rounds take for e is made of this a.
            lane.e = lane.abcd;
            lane.abcd = _mm_sha1rnds4_epu32::<$f>(lane.abcd, e);
            if $g < 16 {
                // The words of four groups ahead replace those that were just used.
                let mixed = _mm_xor_si128(_mm_sha1msg1_epu32(now, w[($g + 1) % 4]), w[($g + 2) % 4]);
                w[$g % 4] = _mm_sha1msg2_epu32(mixed, w[($g + 3) % 4]);
            }
        }
    };
    ($lanes:ident, $w:ident, $f:literal: $($g:literal)*) => { $(rounds!($lanes, $w, $g, $f);)* };
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn take_block<const N: usize>(lanes: &mut [Words; N], blocks: [&Block; N]) {
    let before = *lanes;
    let mut w = [[_mm_setzero_si128(); 4]; N];
    for (w, block) in w.iter_mut().zip(blocks) {
        *w = load(block);
    }
    rounds!(lanes, w, 0: 0 1 2 3 4);
    rounds!(lanes, w, 1: 5 6 7 8 9);
    rounds!(lanes, w, 2: 10 11 12 13 14);
    rounds!(lanes, w, 3: 15 16 17 18 19);
    for (lane, before) in lanes.iter_mut().zip(before) {
        lane.e = _mm_sha1nexte_epu32(lane.e, before.e);
        lane.abcd = _mm_add_epi32(lane.abcd, before.abcd);
    }
}

/// The 16 words of a block, four to a register, the first highest.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load(block: &Block) -> [__m128i; 4] {
    let mut words = [_mm_setzero_si128(); 4];
    for (to, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        let bits = u128::from_le_bytes(*bytes);
        let as_it_stands = _mm_set_epi64x((bits >> 64) as i64, bits as i64);
        let backwards = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        *to = _mm_shuffle_epi8(as_it_stands, backwards);
    }
    words
}
