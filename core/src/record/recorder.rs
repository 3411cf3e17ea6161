//! Turns what goes into an engine, and comes out of it, into the bytes of a recording.

use super::blocks::Blocks;
use super::code::{Code, Out};
use super::digest::Digest;
use super::entry::{Asked, End, Header, put_check, put_frame, put_head};
use super::mask::{Mask, Masked};
use super::{MAGIC, VERSION};
use crate::action::Action;
use crate::command::Command;
use crate::config::Config;
use crate::event::Event;
use crate::ids::ConnId;
use crate::input::Input;
use crate::limits::{MAX_MASKED, MAX_RECORDING};
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Steps between two whole digests.
const CHECK_EVERY: u32 = 1_024;
/// Bytes that are kept free for the frame of an entry, and for the end of a recording that reaches its limit.
const RESERVE: u64 = 80;
/// Bytes of memory that are kept from one entry to the next.
const MAX_KEPT: usize = 1 << 20;

/// What a recording holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// The bytes of blocks, too. Without them a recording is a thousandth of the size, and replays as well.
    pub payload: bool,
    /// Other addresses, names, secrets and texts in place of those there were.
    pub mask: bool,
    /// Bytes after which it ends, at most [`MAX_RECORDING`]. An entry that does not fit is not begun.
    pub limit: u64,
}

/// A recording in the making. It has to be told everything in the order in which it happens; [`Recorded`] does
/// that.
///
/// [`Recorded`]: super::Recorded
#[derive(Debug)]
pub struct Recorder {
    options: RecordOptions,
    out: Vec<u8>,
    /// Bytes that were made so far.
    made: u64,
    over: Option<End>,
    /// The entry that is being written, and what its head says: how it was asked, and the time since the one before.
    body: Out,
    head: (Asked, u64),
    before: Instant,
    asked: Asked,
    digest: Digest,
    since_check: u32,
    blocks: Blocks,
    mask: Option<Box<Mask>>,
    /// There is no room for more in `mask`.
    full: bool,
}

impl Recorder {
    /// Begins the recording of an engine that is made of these.
    pub fn new(config: &Config, seed: [u8; 32], now: Instant, mut options: RecordOptions) -> Self {
        options.limit = options.limit.min(MAX_RECORDING);
        let mut recorder = Self {
            options,
            out: Vec::new(),
            made: 0,
            over: None,
            body: Out::default(),
            head: (Asked::default(), 0),
            before: now,
            asked: Asked::default(),
            digest: if options.mask { Digest::masked() } else { Digest::new() },
            since_check: 0,
            blocks: Blocks::default(),
            mask: options.mask.then(Box::default),
            full: false,
        };
        recorder.out.extend_from_slice(MAGIC);
        recorder.out.extend_from_slice(VERSION.as_bytes());
        let program = concat!("peerless ", env!("CARGO_PKG_VERSION")).into();
        Header { program, masked: options.mask, config: config.clone(), seed, start: now }
            .put(&mut recorder.body);
        put_frame(&mut recorder.out, &recorder.body.bytes);
        recorder.made = recorder.out.len() as u64;
        recorder
    }

    /// An input is about to be handed in.
    pub fn input(&mut self, now: Instant, input: &Input) {
        if self.is_over() {
            return;
        }
        match self.mask.take() {
            None => {
                self.leave_out(input);
                self.put(now, input);
            }
            Some(mut mask) => {
                self.put_masked(now, input, &mut mask);
                self.full = mask.len() > MAX_MASKED;
                self.mask = Some(mask);
            }
        }
        match input {
            Input::Connected { conn, .. } | Input::Accepted { conn, .. } => self.opened(*conn),
            Input::Closed { conn, .. } => self.closed(*conn),
            _ => {}
        }
        self.digest.input(input);
    }

    /// A command is about to be given.
    pub fn command(&mut self, now: Instant, command: &Command) {
        if self.is_over() {
            return;
        }
        match &mut self.mask {
            None => self.put(now, command),
            Some(mask) => {
                let masked = mask.command(command);
                self.put(now, &masked);
            }
        }
    }

    /// An action was asked for: this was taken, or there was none.
    pub fn action(&mut self, action: Option<&Action>) {
        if self.is_over() {
            return;
        }
        let Some(action) = action else {
            self.asked.drained = true;
            return;
        };
        self.asked.actions += 1;
        self.digest.action(action);
        if let Action::Close { conn } = action {
            self.closed(*conn);
        }
    }

    /// An event was taken.
    pub fn event(&mut self, event: &Event) {
        if !self.is_over() {
            self.asked.events += 1;
            self.digest.event(event);
        }
    }

    /// Ends the recording in order. Nothing more is recorded.
    pub fn end(&mut self) {
        if !self.is_over() {
            self.next_head(self.before);
            self.put_end(End::Session);
        }
    }

    /// The bytes that would end the recording in order if it ended now; none where it is over. It goes on all the same.
    pub fn ending(&self) -> Vec<u8> {
        if self.is_over() { Vec::new() } else { self.end_frame((self.asked, 0), End::Session) }
    }

    /// Whether no bytes were made since they were last taken.
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Appends the bytes that were made since the last call.
    pub fn drain_into(&mut self, to: &mut Vec<u8>) {
        to.append(&mut self.out);
        self.out.shrink_to(MAX_KEPT);
    }

    /// Whether it was ended, or reached its limit.
    pub const fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// Whether it reached its limit.
    pub fn reached_limit(&self) -> bool {
        self.over == Some(End::Limit)
    }

    /// Begins an entry.
    fn begin(&mut self, now: Instant) {
        if self.since_check == CHECK_EVERY {
            self.since_check = 0;
            self.next_head(now);
            put_check(&mut self.body, None, self.digest.value());
            self.finish();
        }
        self.since_check += 1;
        self.next_head(now);
    }

    /// Records a step.
    fn put(&mut self, now: Instant, step: &impl Code) {
        self.begin(now);
        step.put(&mut self.body);
        self.finish();
    }

    /// Records an input with all in it replaced that is to be masked.
    fn put_masked(&mut self, now: Instant, input: &Input, mask: &mut Mask) {
        match input {
            Input::Received { conn, data } => {
                let Masked { data, blocks } = mask.received(*conn, data, self.digest.asks_tracker(*conn));
                if !self.options.payload {
                    self.body.left_out = blocks;
                }
                return self.put(now, &Input::Received { conn: *conn, data: data.into() });
            }
            Input::Closed { conn, .. } => {
                if let Some(data) = mask.closed(*conn) {
                    self.put(now, &Input::Received { conn: *conn, data: data.into() });
                }
            }
            _ => self.leave_out(input),
        }
        self.put(now, &mask.input(input));
    }

    fn opened(&mut self, conn: ConnId) {
        match &mut self.mask {
            None => self.blocks.opened(conn),
            Some(mask) => mask.opened(conn),
        }
    }

    fn closed(&mut self, conn: ConnId) {
        self.blocks.closed(conn);
        if let Some(mask) = &mut self.mask {
            mask.forget(conn);
        }
    }

    fn next_head(&mut self, now: Instant) {
        let now = now.max(self.before);
        self.head = (core::mem::take(&mut self.asked), now.as_micros() - self.before.as_micros());
        self.before = now;
        self.put_head();
    }

    fn put_head(&mut self) {
        self.body.bytes.clear();
        let ((asked, since), digest) = (self.head, self.low_digest());
        put_head(&mut self.body, asked, since, digest);
    }

    /// Appends the entry, or the end where it does not fit.
    fn finish(&mut self) {
        if self.is_over() {
            return;
        }
        if self.full || self.made + self.body.bytes.len() as u64 + RESERVE > self.options.limit {
            self.put_end(End::Limit);
            return;
        }
        let before = self.out.len();
        put_frame(&mut self.out, &self.body.bytes);
        self.made += (self.out.len() - before) as u64;
        // A torrent or a journal can be large, and is rare.
        self.body.bytes.clear();
        self.body.bytes.shrink_to(MAX_KEPT);
    }

    /// Makes an end of the entry whose head was begun.
    fn put_end(&mut self, why: End) {
        let frame = self.end_frame(self.head, why);
        self.out.extend_from_slice(&frame);
        self.over = Some(why);
        self.blocks = Blocks::default();
    }

    fn end_frame(&self, (asked, since): (Asked, u64), why: End) -> Vec<u8> {
        let (mut body, mut frame) = (Out::default(), Vec::new());
        put_head(&mut body, asked, since, self.low_digest());
        put_check(&mut body, Some(why), self.digest.value());
        put_frame(&mut frame, &body.bytes);
        frame
    }

    fn low_digest(&self) -> u16 {
        let [low, high, ..] = self.digest.value().to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    fn leave_out(&mut self, input: &Input) {
        if !self.options.payload {
            self.body.left_out = self.blocks.of(input);
        }
    }
}
