//! Which bytes of an input are blocks, which a recording leaves out.

use super::scanner::{Kind, Scanner};
use crate::disk::DiskOutcome;
use crate::ids::ConnId;
use crate::input::Input;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

/// Where in what comes on each connection we are.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    streams: BTreeMap<ConnId, Scanner>,
}

impl Blocks {
    /// A connection is open.
    pub(super) fn opened(&mut self, conn: ConnId) {
        self.streams.insert(conn, Scanner::new());
    }

    /// Nothing more is to come on a connection.
    pub(super) fn closed(&mut self, conn: ConnId) {
        self.streams.remove(&conn);
    }

    /// The bytes of blocks in the data of an input, in order. What comes on a connection that the engine has given
    /// up, and does not look at, is left out whole.
    pub(super) fn of(&mut self, input: &Input) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        match input {
            Input::Received { conn, data } => {
                let Some(scanner) = self.streams.get_mut(conn) else {
                    found.push(0..data.len());
                    return found;
                };
                let mut at = 0;
                scanner.scan(data, |kind, run| {
                    if kind == Kind::Block {
                        found.push(at..at + run.len());
                    }
                    at += run.len();
                });
            }
            Input::DiskDone { result: Ok(DiskOutcome::Read { data, .. }), .. } => found.push(0..data.len()),
            _ => {}
        }
        found
    }
}
