//! Sixteen SHA-1 at once, one in each 32-bit column of AVX-512. Safe code, compiled for processors that have it.

use super::{Block, COLUMNS};
use std::arch::x86_64::{
    __m512i, _mm_extract_epi32, _mm_set_epi8, _mm512_add_epi32, _mm512_broadcast_i32x4,
    _mm512_extracti32x4_epi32, _mm512_rol_epi32, _mm512_set_epi64, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};

/// Truth tables of three words: b picks c or d; odd; most.
const PICK: i32 = 0xca;
const ODD: i32 = 0x96;
const MOST: i32 = 0xe8;

/// Takes as many blocks into each of the `words` as the shortest list has.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn compress(words: &mut [[u32; 5]; COLUMNS], blocks: [&[Block]; COLUMNS]) {
    let mut state = [_mm512_setzero_si512(); 5];
    for (n, column) in state.iter_mut().enumerate() {
        let mut bytes = [0; 64];
        for (to, words) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words.iter()) {
            *to = words[n].to_le_bytes();
        }
        *column = load(&bytes);
    }
    let count = blocks.iter().map(|list| list.len()).min().unwrap_or_default();
    for at in 0..count {
        let mut rows = [_mm512_setzero_si512(); 16];
        for (row, list) in rows.iter_mut().zip(&blocks) {
            *row = load(&list[at]);
        }
        take_blocks(&mut state, transpose(rows));
    }
    for (n, column) in state.into_iter().enumerate() {
        for (words, word) in words.iter_mut().zip(store(column)) {
            words[n] = word;
        }
    }
}

/// 64 bytes as they stand.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(bytes: &Block) -> __m512i {
    let [a, b, c, d, e, f, g, h] = *bytes.as_chunks::<8>().0 else { return _mm512_setzero_si512() };
    let word = i64::from_le_bytes;
    _mm512_set_epi64(word(h), word(g), word(f), word(e), word(d), word(c), word(b), word(a))
}

/// The sixteen words of a register, the lowest first.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store(column: __m512i) -> [u32; COLUMNS] {
    let quarters = [
        _mm512_extracti32x4_epi32::<0>(column),
        _mm512_extracti32x4_epi32::<1>(column),
        _mm512_extracti32x4_epi32::<2>(column),
        _mm512_extracti32x4_epi32::<3>(column),
    ];
    let mut words = [0; COLUMNS];
    for (to, quarter) in words.as_chunks_mut::<4>().0.iter_mut().zip(quarters) {
        *to = [
            _mm_extract_epi32::<0>(quarter).cast_unsigned(),
            _mm_extract_epi32::<1>(quarter).cast_unsigned(),
            _mm_extract_epi32::<2>(quarter).cast_unsigned(),
            _mm_extract_epi32::<3>(quarter).cast_unsigned(),
        ];
    }
    words
}

/// From one block a row to one word of every block a row; words are big-endian in a block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(mut r: [__m512i; 16]) -> [__m512i; 16] {
    let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    let swap = _mm512_broadcast_i32x4(swap);
    let mut t = r;
    for n in 0..8 {
        let (even, odd) = (_mm512_shuffle_epi8(r[2 * n], swap), _mm512_shuffle_epi8(r[2 * n + 1], swap));
        t[2 * n] = _mm512_unpacklo_epi32(even, odd);
        t[2 * n + 1] = _mm512_unpackhi_epi32(even, odd);
    }
    // Now of four blocks each: quarter q of row 4n + k has their words 4q + k.
    for n in 0..4 {
        r[4 * n] = _mm512_unpacklo_epi64(t[4 * n], t[4 * n + 2]);
        r[4 * n + 1] = _mm512_unpackhi_epi64(t[4 * n], t[4 * n + 2]);
        r[4 * n + 2] = _mm512_unpacklo_epi64(t[4 * n + 1], t[4 * n + 3]);
        r[4 * n + 3] = _mm512_unpackhi_epi64(t[4 * n + 1], t[4 * n + 3]);
    }
    for k in 0..4 {
        let low = _mm512_shuffle_i32x4::<0b01_00_01_00>(r[k], r[4 + k]);
        let high = _mm512_shuffle_i32x4::<0b11_10_11_10>(r[k], r[4 + k]);
        let low_too = _mm512_shuffle_i32x4::<0b01_00_01_00>(r[8 + k], r[12 + k]);
        let high_too = _mm512_shuffle_i32x4::<0b11_10_11_10>(r[8 + k], r[12 + k]);
        t[k] = _mm512_shuffle_i32x4::<0b10_00_10_00>(low, low_too);
        t[4 + k] = _mm512_shuffle_i32x4::<0b11_01_11_01>(low, low_too);
        t[8 + k] = _mm512_shuffle_i32x4::<0b10_00_10_00>(high, high_too);
        t[12 + k] = _mm512_shuffle_i32x4::<0b11_01_11_01>(high, high_too);
    }
    t
}

/// Twenty rounds with the function `$f` and the constant `$k`.
macro_rules! rounds {
    ($s:ident, $w:ident, $from:literal, $f:ident, $k:literal) => {
        let k = _mm512_set1_epi32($k as i32);
        for n in $from..$from + 20 {
            if n >= 16 {
                let (x, y, z) = ($w[(n + 13) % 16], $w[(n + 8) % 16], $w[(n + 2) % 16]);
                let mixed = _mm512_ternarylogic_epi32::<ODD>(x, y, z);
                $w[n % 16] = _mm512_rol_epi32::<1>(_mm512_xor_si512(mixed, $w[n % 16]));
            }
            let [a, b, c, d, e] = $s;
            let f = _mm512_ternarylogic_epi32::<$f>(b, c, d);
            let known = _mm512_add_epi32(_mm512_add_epi32(e, k), $w[n % 16]);
            let next = _mm512_add_epi32(_mm512_add_epi32(known, f), _mm512_rol_epi32::<5>(a));
            $s = [next, a, _mm512_rol_epi32::<30>(b), c, d];
        }
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn take_blocks(state: &mut [__m512i; 5], mut w: [__m512i; 16]) {
    let mut s = *state;
    rounds!(s, w, 0, PICK, 0x5a82_7999_u32);
    rounds!(s, w, 20, ODD, 0x6ed9_eba1_u32);
    rounds!(s, w, 40, MOST, 0x8f1b_bcdc_u32);
    rounds!(s, w, 60, ODD, 0xca62_c1d6_u32);
    for (before, after) in state.iter_mut().zip(s) {
        *before = _mm512_add_epi32(*before, after);
    }
}
