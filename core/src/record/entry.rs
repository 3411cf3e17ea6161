//! What a recording consists of: a header, then entries, each framed and with a check of its own.
//!
//! ```text
//! recording = "peerless-r" "01" frame(header) frame(entry)*
//! frame     = number(length of body) body check
//! entry     = asked time digest what
//! ```

use super::CHECK_LEN;
use super::code::{Code, Out, Take};
use super::error::Fault;
use super::mix::Mix;
use crate::command::Command;
use crate::config::Config;
use crate::input::Input;
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How a recording begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The program that recorded: name and version.
    pub program: Box<str>,
    /// Addresses, names and secrets were replaced.
    pub masked: bool,
    /// The engine's configuration.
    pub config: Config,
    /// The engine's seed.
    pub seed: [u8; 32],
    /// When the engine was made.
    pub start: Instant,
}

/// What was recorded: what had been taken out of the engine, and what happened next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was taken out of the engine since the entry before.
    pub asked: Asked,
    /// When it happened; never earlier than the entry before.
    pub at: Instant,
    /// The lowest 16 bits of the digest of all that was taken out before.
    pub digest: u16,
    /// What happened.
    pub what: Step,
}

/// How often actions and events were asked for between two entries. It matters, for messages to a peer are put
/// together when the actions before them have been taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// How many actions were taken.
    pub actions: u64,
    /// Whether it was asked until there was none.
    pub drained: bool,
    /// How many events were taken.
    pub events: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The driver handed something in.
    Input(Input),
    /// The application wanted something.
    Command(Command),
    /// Nothing, but the whole digest stands here.
    Check {
        /// Of all that was taken out before.
        digest: u64,
    },
    /// The recording was ended in order.
    End {
        /// Why.
        why: End,
        /// The whole digest.
        digest: u64,
    },
}

/// Why a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// So did the session.
    Session,
    /// It reached its limit; the session went on.
    Limit,
}

const END: u8 = 0;
const END_BY_LIMIT: u8 = 1;
const CHECK: u8 = 2;
/// Numbers of commands begin here, those of inputs are below.
const COMMANDS: u8 = 100;

impl Code for Asked {
    /// Two bits say how actions were asked for: 0 not at all, 1 until there were none, 2 only so often.
    fn put(&self, out: &mut Out) {
        let how = match (self.actions, self.drained) {
            (_, true) => 1,
            (0, false) => 0,
            (_, false) => 2,
        };
        out.number(self.events << 2 | how);
        if how != 0 {
            self.actions.put(out);
        }
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let n = from.number()?;
        let (how, events) = (n & 3, n >> 2);
        let actions = if how == 0 { 0 } else { u64::take(from)? };
        match how {
            0 | 1 => Ok(Self { actions, drained: how == 1, events }),
            2 if actions > 0 => Ok(Self { actions, drained: false, events }),
            _ => Err(Fault::Number),
        }
    }
}

impl Code for Header {
    fn put(&self, out: &mut Out) {
        let Self { program, masked, config, seed, start } = self;
        program.put(out);
        masked.put(out);
        config.put(out);
        seed.put(out);
        start.as_micros().put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        Ok(Self {
            program: Code::take(from)?,
            masked: Code::take(from)?,
            config: Code::take(from)?,
            seed: Code::take(from)?,
            start: Instant::from_micros(Code::take(from)?),
        })
    }
}

/// The part of an entry before what happened.
pub(super) fn put_head(out: &mut Out, asked: Asked, since: u64, digest: u16) {
    asked.put(out);
    since.put(out);
    out.bytes.extend_from_slice(&digest.to_le_bytes());
}

/// A whole digest, or with `end` the end of the recording.
pub(super) fn put_check(out: &mut Out, end: Option<End>, digest: u64) {
    out.bytes.push(match end {
        None => CHECK,
        Some(End::Session) => END,
        Some(End::Limit) => END_BY_LIMIT,
    });
    out.bytes.extend_from_slice(&digest.to_le_bytes());
}

impl Entry {
    /// Reads the body of a frame. `before`: the time of the entry before it.
    pub(super) fn take(from: &mut Take, before: Instant) -> Result<Self, Fault> {
        let asked = Asked::take(from)?;
        let since = u64::take(from)?;
        let at = Instant::from_micros(before.as_micros().checked_add(since).ok_or(Fault::Number)?);
        let digest = u16::from_le_bytes(from.array()?);
        let what = match from.0.first().copied().ok_or(Fault::Short)? {
            tag @ (END | END_BY_LIMIT | CHECK) => {
                from.byte()?;
                let digest = u64::from_le_bytes(from.array()?);
                match tag {
                    END => Step::End { why: End::Session, digest },
                    END_BY_LIMIT => Step::End { why: End::Limit, digest },
                    _ => Step::Check { digest },
                }
            }
            tag if tag < COMMANDS => Step::Input(Code::take(from)?),
            _ => Step::Command(Code::take(from)?),
        };
        Ok(Self { asked, at, digest, what })
    }
}

/// Appends a frame around a body.
pub(super) fn put_frame(out: &mut Vec<u8>, body: &[u8]) {
    let mut len = Out::default();
    len.number(body.len() as u64);
    out.extend_from_slice(&len.bytes);
    out.extend_from_slice(body);
    out.extend_from_slice(&check(body));
}

/// The check over a body.
pub(super) fn check(body: &[u8]) -> [u8; CHECK_LEN] {
    let mut mix = Mix::new();
    mix.bytes(body);
    let [a, b, c, d, ..] = mix.value().to_le_bytes();
    [a, b, c, d]
}
