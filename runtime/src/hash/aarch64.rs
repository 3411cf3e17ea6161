//! Several SHA-1 in turn by the cryptographic extension of aarch64. Safe code, compiled for processors that have it.

use super::Block;
use std::arch::aarch64::{
    uint32x4_t, vaddq_u32, vcombine_u64, vcreate_u64, vdupq_n_u32, vgetq_lane_u32, vreinterpretq_u8_u64,
    vreinterpretq_u32_u8, vreinterpretq_u32_u64, vrev32q_u8, vsha1cq_u32, vsha1h_u32, vsha1mq_u32,
    vsha1pq_u32, vsha1su0q_u32, vsha1su1q_u32,
};

/// The words of a stream as the instructions want them: a to d with a lowest, and e.
#[derive(Clone, Copy)]
struct Words {
    abcd: uint32x4_t,
    e: u32,
}

/// Takes as many blocks into each of the `words` as the shortest list has.
#[target_feature(enable = "neon,sha2")]
pub(super) fn compress<const N: usize>(words: &mut [[u32; 5]; N], blocks: [&[Block]; N]) {
    let pair = |low: u32, high: u32| vcreate_u64(u64::from(high) << 32 | u64::from(low));
    let mut lanes = words.map(|[a, b, c, d, e]| Words {
        abcd: vreinterpretq_u32_u64(vcombine_u64(pair(a, b), pair(c, d))),
        e,
    });
    let count = blocks.iter().map(|list| list.len()).min().unwrap_or_default();
    let blocks = blocks.map(|list| &list[..count]);
    for at in 0..count {
        take_block(&mut lanes, blocks.map(|list| &list[at]));
    }
    for (words, Words { abcd, e }) in words.iter_mut().zip(lanes) {
        *words = [
            vgetq_lane_u32::<0>(abcd),
            vgetq_lane_u32::<1>(abcd),
            vgetq_lane_u32::<2>(abcd),
            vgetq_lane_u32::<3>(abcd),
            e,
        ];
    }
}

/// Four rounds of every lane. `$g` of 20, by the instruction `$f`, with the constant `$k`.
macro_rules! rounds {
    ($lanes:ident, $w:ident, $g:literal, $f:ident, $k:literal) => {
        for (lane, w) in $lanes.iter_mut().zip(&mut $w) {
            let now = w[$g % 4];
            let next_e = vsha1h_u32(vgetq_lane_u32::<0>(lane.abcd));
            lane.abcd = $f(lane.abcd, lane.e, vaddq_u32(now, vdupq_n_u32($k)));
            lane.e = next_e;
            if $g < 16 {
                // The words of four groups ahead replace those that were just used.
                let mixed = vsha1su0q_u32(now, w[($g + 1) % 4], w[($g + 2) % 4]);
                w[$g % 4] = vsha1su1q_u32(mixed, w[($g + 3) % 4]);
            }
        }
    };
    ($lanes:ident, $w:ident, $f:ident $k:literal: $($g:literal)*) => { $(rounds!($lanes, $w, $g, $f, $k);)* };
}

#[inline]
#[target_feature(enable = "neon,sha2")]
fn take_block<const N: usize>(lanes: &mut [Words; N], blocks: [&Block; N]) {
    let before = *lanes;
    let mut w = [[vdupq_n_u32(0); 4]; N];
    for (w, block) in w.iter_mut().zip(blocks) {
        *w = load(block);
    }
    rounds!(lanes, w, vsha1cq_u32 0x5a82_7999: 0 1 2 3 4);
    rounds!(lanes, w, vsha1pq_u32 0x6ed9_eba1: 5 6 7 8 9);
    rounds!(lanes, w, vsha1mq_u32 0x8f1b_bcdc: 10 11 12 13 14);
    rounds!(lanes, w, vsha1pq_u32 0xca62_c1d6: 15 16 17 18 19);
    for (lane, before) in lanes.iter_mut().zip(before) {
        lane.e = lane.e.wrapping_add(before.e);
        lane.abcd = vaddq_u32(lane.abcd, before.abcd);
    }
}

/// The 16 words of a block, four to a register, the first lowest.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn load(block: &Block) -> [uint32x4_t; 4] {
    let mut words = [vdupq_n_u32(0); 4];
    for (to, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        let bits = u128::from_le_bytes(*bytes);
        let as_it_stands = vcombine_u64(vcreate_u64(bits as u64), vcreate_u64((bits >> 64) as u64));
        *to = vreinterpretq_u32_u8(vrev32q_u8(vreinterpretq_u8_u64(as_it_stands)));
    }
    words
}
