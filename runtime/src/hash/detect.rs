//! Which instructions for SHA-1 this processor has: the one place that may call what is compiled for them.
#![allow(unsafe_code)]

use super::{Block, COLUMNS};

/// Proof that the processor has the instructions that the module for this architecture is compiled for: only
/// [`detect`](Self::detect) makes one.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Instructions(());

/// None are known for this architecture: there is no value of it.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[derive(Clone, Copy, Debug)]
pub(super) enum Instructions {}

#[cfg(target_arch = "x86_64")]
impl Instructions {
    /// `None` where the processor lacks them.
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("ssse3");
        all.then_some(Self(()))
    }

    /// Takes as many blocks into each of the `words` as the shortest list has.
    pub(super) fn compress<const N: usize>(self, words: &mut [[u32; 5]; N], blocks: [&[Block]; N]) {
        // SAFETY: the only precondition of a safe function with target features is that the processor has them, and
        // `self` exists only where `detect` found those that this one names.
        unsafe { super::x86_64::compress(words, blocks) }
    }
}

/// Likewise for AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide(());

#[cfg(target_arch = "x86_64")]
impl Wide {
    /// `None` where the processor lacks it.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Self(()))
    }

    /// Takes as many blocks into each of the `words` as the shortest list has.
    pub(super) fn compress(self, words: &mut [[u32; 5]; COLUMNS], blocks: [&[Block]; COLUMNS]) {
        // SAFETY: the only precondition of a safe function with target features is that the processor has them, and
        // `self` exists only where `detect` found those that this one names.
        unsafe { super::avx512::compress(words, blocks) }
    }
}

/// None is known for this architecture: there is no value of it.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub(super) enum Wide {}

#[cfg(not(target_arch = "x86_64"))]
impl Wide {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn compress(self, _: &mut [[u32; 5]; COLUMNS], _: [&[Block]; COLUMNS]) {
        match self {}
    }
}

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
impl Instructions {
    /// `None` where the processor lacks them.
    pub(super) fn detect() -> Option<Self> {
        let all = std::arch::is_aarch64_feature_detected!("neon")
            && std::arch::is_aarch64_feature_detected!("sha2");
        all.then_some(Self(()))
    }

    /// Takes as many blocks into each of the `words` as the shortest list has.
    pub(super) fn compress<const N: usize>(self, words: &mut [[u32; 5]; N], blocks: [&[Block]; N]) {
        // SAFETY: the only precondition of a safe function with target features is that the processor has them, and
        // `self` exists only where `detect` found those that this one names.
        unsafe { super::aarch64::compress(words, blocks) }
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
impl Instructions {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn compress<const N: usize>(self, _: &mut [[u32; 5]; N], _: [&[Block]; N]) {
        match self {}
    }
}
