//! Gzip (RFC 1952): the wrapper is read here, the deflate stream inside by `miniz_oxide`.

use super::HttpError;
use crate::limits::MAX_GZIP_MEMBERS;
use alloc::boxed::Box;
use alloc::vec::Vec;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// Inflates a gzip file of one or more members to at most `max` bytes.
///
/// What servers get wrong without harm is let pass: a trailer that is cut off, and bytes behind the last
/// member. A checksum or a length that is there and does not match is an error.
pub(super) fn inflate(mut input: &[u8], max: usize) -> Result<Vec<u8>, HttpError> {
    let mut out = Vec::new();
    for _ in 0..MAX_GZIP_MEMBERS {
        let deflated = skip_header(input).ok_or(HttpError::BadGzip("no gzip header"))?;
        let start = out.len();
        let rest = inflate_member(deflated, &mut out, max)?;
        let Some((trailer, rest)) = rest.split_first_chunk::<8>() else { return Ok(out) };
        check(trailer, out.get(start..).unwrap_or_default())?;
        if !rest.starts_with(&MAGIC) {
            return Ok(out);
        }
        input = rest;
    }
    Err(HttpError::BadGzip("it has too many members"))
}

/// The two magic bytes, and 8 for deflate.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// The deflate stream behind a member's header.
fn skip_header(input: &[u8]) -> Option<&[u8]> {
    const HAS_CRC: u8 = 2;
    const HAS_EXTRA: u8 = 4;
    const HAS_NAME: u8 = 8;
    const HAS_COMMENT: u8 = 16;

    let input = input.strip_prefix(&MAGIC)?;
    let (fixed, mut rest) = input.split_first_chunk::<7>()?;
    let flags = fixed[0];
    if flags & HAS_EXTRA != 0 {
        let (len, more) = rest.split_first_chunk::<2>()?;
        rest = more.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for flag in [HAS_NAME, HAS_COMMENT] {
        if flags & flag != 0 {
            let end = rest.iter().position(|b| *b == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & HAS_CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Appends what one deflate stream holds; returns what lies behind the stream.
fn inflate_member<'a>(mut input: &'a [u8], out: &mut Vec<u8>, max: usize) -> Result<&'a [u8], HttpError> {
    // The output buffer is the window, so a member must not see the one before it: it starts its own.
    let base = out.len();
    let mut inflater = Box::<DecompressorOxide>::default();
    let mut written = 0;
    let mut room = input.len().saturating_mul(4).max(1_024);
    loop {
        // One byte beyond the limit tells "exactly at the limit" from "too long".
        out.resize(base + room.min(max - base + 1), 0);
        let window = out.get_mut(base..).unwrap_or_default();
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, wrote) = decompress(&mut inflater, input, window, written, flags);
        input = input.get(read..).unwrap_or_default();
        written += wrote;
        if base + written > max {
            return Err(HttpError::BodyTooLong);
        }
        match status {
            TINFLStatus::Done => {
                out.truncate(base + written);
                return Ok(input);
            }
            TINFLStatus::HasMoreOutput => room = room.saturating_mul(2),
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                return Err(HttpError::BadGzip("it is cut off"));
            }
            _ => return Err(HttpError::BadGzip("the deflate stream is invalid")),
        }
    }
}

/// Compares a member's trailer (checksum, then length, little-endian) with what it inflated to.
fn check(trailer: &[u8; 8], data: &[u8]) -> Result<(), HttpError> {
    let [c0, c1, c2, c3, l0, l1, l2, l3] = *trailer;
    if u32::from_le_bytes([c0, c1, c2, c3]) != crc32(data) {
        return Err(HttpError::BadGzip("the checksum does not match"));
    }
    let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if len != data.len() as u64 & 0xffff_ffff {
        return Err(HttpError::BadGzip("the length does not match"));
    }
    Ok(())
}

/// CRC-32 with the polynomial of gzip and Ethernet.
pub(super) fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| CRC_TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};
