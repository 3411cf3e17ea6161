//! Does again what was recorded, and says where it comes out differently.

use super::contract::Contract;
use super::digest::Digest;
use super::entry::{Asked, End, Entry, Header, Step};
use super::error::{Divergence, Fault, RecordError, ReplayError};
use super::reader::Reader;
use crate::action::Action;
use crate::command::Command;
use crate::engine::Engine;
use crate::event::Event;
use crate::input::Input;
use crate::time::Instant;
use bytes::Bytes;

/// Runs an engine from a recording alone, step by step, and compares what it does with what it did.
///
/// A step is one input or command, counted from 1.
#[derive(Debug)]
pub struct Replay {
    reader: Reader,
    engine: Engine,
    digest: Digest,
    contract: Contract,
    /// Read, and not yet done.
    next: Option<Entry>,
    /// Where that begins, in bytes from the start.
    position: usize,
    step: u64,
    now: Instant,
    ended: Option<Ending>,
}

/// How a recording came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Whole(End),
    /// It was not written to its end: the process was killed, or the disk was full.
    Torn,
}

/// Something of a replay, for whoever wants to watch it.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// A step begins.
    Step {
        /// Its number.
        number: u64,
        /// When it happened.
        at: Instant,
    },
    /// It is this input.
    Input(&'a Input),
    /// It is this command.
    Command(&'a Command),
    /// The engine asks for this.
    Action(&'a Action),
    /// The engine tells this.
    Event(&'a Event),
}

impl Replay {
    /// Begins a replay.
    ///
    /// # Errors
    /// [`RecordError`] where it is no recording, or its beginning is damaged.
    pub fn new(recording: Bytes) -> Result<Self, RecordError> {
        let reader = Reader::new(recording)?;
        let Header { config, seed, start, masked, .. } = reader.header();
        let engine = Engine::new(config.clone(), *seed, *start);
        let digest = if *masked { Digest::masked() } else { Digest::new() };
        let now = *start;
        Ok(Self {
            reader,
            engine,
            digest,
            contract: Contract::default(),
            next: None,
            position: 0,
            step: 0,
            now,
            ended: None,
        })
    }

    /// How the recording begins.
    pub const fn header(&self) -> &Header {
        self.reader.header()
    }

    /// The engine as it stands after the last step.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// When the last step happened.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many steps have been done.
    pub const fn steps(&self) -> u64 {
        self.step
    }

    /// How the recording ended, once it has.
    pub const fn ending(&self) -> Option<Ending> {
        self.ended
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// [`ReplayError`] where it comes out differently, or the recording is damaged.
    pub fn run(&mut self) -> Result<Ending, ReplayError> {
        self.until(Instant::FAR_FUTURE, &mut |_| {})?;
        Ok(self.ended.unwrap_or(Ending::Torn))
    }

    /// Does every step up to and including `time`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn until(&mut self, time: Instant, tell: &mut dyn FnMut(Told<'_>)) -> Result<(), ReplayError> {
        while self.peek()?.is_some_and(|at| at <= time) {
            self.advance(tell)?;
        }
        self.take_out_rest(tell);
        Ok(())
    }

    /// Does the next step. Whether there was one.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn step(&mut self, tell: &mut dyn FnMut(Told<'_>)) -> Result<bool, ReplayError> {
        let done = self.step;
        while self.step == done && self.peek()?.is_some() {
            self.advance(tell)?;
        }
        self.take_out_rest(tell);
        Ok(self.step > done)
    }

    /// When the next entry happened.
    fn peek(&mut self) -> Result<Option<Instant>, RecordError> {
        if self.next.is_none() {
            self.position = self.reader.position();
            self.next = self.reader.next()?;
        }
        Ok(self.next.as_ref().map(|entry| entry.at))
    }

    fn advance(&mut self, tell: &mut dyn FnMut(Told<'_>)) -> Result<(), ReplayError> {
        let Some(Entry { asked, at, digest, what }) = self.next.take() else { return Ok(()) };
        self.take_out(asked, tell);
        let found = self.digest.value();
        self.compare(u64::from(digest), found & 0xffff)?;
        match what {
            Step::Check { digest } => self.compare(digest, found)?,
            Step::End { why, digest } => {
                self.compare(digest, found)?;
                self.ended = Some(Ending::Whole(why));
            }
            Step::Input(input) => {
                if !self.contract.allows(&input) {
                    let (position, fault) = (self.position, Fault::Unasked);
                    return Err(RecordError::Damaged { position, fault }.into());
                }
                self.begin(at, tell);
                tell(Told::Input(&input));
                self.digest.input(&input);
                self.engine.handle(at, input);
            }
            Step::Command(command) => {
                self.begin(at, tell);
                tell(Told::Command(&command));
                // That a torrent was refused when it was recorded, it is refused again for.
                let _ = self.engine.command(at, command);
            }
        }
        Ok(())
    }

    fn begin(&mut self, at: Instant, tell: &mut dyn FnMut(Told<'_>)) {
        self.step += 1;
        self.now = at;
        tell(Told::Step { number: self.step, at });
    }

    /// Takes out of the engine as much as was taken then.
    fn take_out(&mut self, asked: Asked, tell: &mut dyn FnMut(Told<'_>)) {
        let mut actions = 0;
        while asked.drained || actions < asked.actions {
            let Some(action) = self.engine.poll_action() else { break };
            self.digest.action(&action);
            self.contract.asked(&action);
            tell(Told::Action(&action));
            actions += 1;
        }
        for _ in 0..asked.events {
            let Some(event) = self.engine.poll_event() else { break };
            self.digest.event(&event);
            tell(Told::Event(&event));
        }
    }

    /// At a torn end: what the last step led to. There is nothing to compare it with.
    fn take_out_rest(&mut self, tell: &mut dyn FnMut(Told<'_>)) {
        if self.next.is_none() && self.ended.is_none() {
            self.ended = Some(Ending::Torn);
            self.take_out(Asked { actions: 0, drained: true, events: u64::MAX }, tell);
        }
    }

    fn compare(&self, recorded: u64, found: u64) -> Result<(), Divergence> {
        if recorded == found {
            return Ok(());
        }
        let after = self.now.since(self.header().start);
        Err(Divergence { step: self.step, after, recorded, found })
    }
}
