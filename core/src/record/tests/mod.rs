//! Tests of recordings: every value there and back, every kind of damage. Those with an engine are among its stories.

mod damage;
pub(crate) mod values;

use super::code::{Code, Out};
use super::entry::{Entry, Step, put_check, put_frame, put_head};
use alloc::vec::Vec;

/// An entry as a recorder would write it, `since` microseconds after the one before.
pub(crate) fn frame(entry: &Entry, since: u64) -> Vec<u8> {
    let (mut body, mut out) = (Out::default(), Vec::new());
    put_head(&mut body, entry.asked, since, entry.digest);
    match &entry.what {
        Step::Input(input) => input.put(&mut body),
        Step::Command(command) => command.put(&mut body),
        Step::Check { digest } => put_check(&mut body, None, *digest),
        Step::End { why, digest } => put_check(&mut body, Some(*why), *digest),
    }
    put_frame(&mut out, &body.bytes);
    out
}
