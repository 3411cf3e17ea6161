//! The only way to a terminal: standard output for data, standard error for people, all of it escaped.

use crate::exit::{Failure, reason};
use peerless_core::escape::{escape, escape_json};
use serde_json::Value;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever read our standard output has gone.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Writes one line for people to standard error. That it cannot be written is nobody's concern.
pub(crate) fn person(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape(line));
}

/// Writes one line of text to standard output.
pub(crate) fn data(line: &str) -> Result<(), Failure> {
    write(format_args!("{}\n", escape(line)))
}

/// Writes one JSON object as a line to standard output, at once.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    write(format_args!("{}\n", escape_json(&value.to_string())))
}

/// Writes bytes as they are to standard output.
pub(crate) fn bytes(data: &[u8]) -> Result<(), Failure> {
    settle(io::stdout().lock().write_all(data))
}

/// Makes sure that everything is written.
pub(crate) fn flush() -> Result<(), Failure> {
    settle(io::stdout().lock().flush())
}

fn write(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    if CLOSED.load(Ordering::Relaxed) {
        return Ok(());
    }
    // Standard output writes out each line by itself.
    settle(io::stdout().lock().write_fmt(text))
}

/// A reader that has seen enough (`| head`) is no error: what follows is not written.
fn settle(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            CLOSED.store(true, Ordering::Relaxed);
            Ok(())
        }
        Err(error) => {
            let exit = crate::exit::Exit::of_io(&error);
            Err(Failure::new(exit, format!("disk: cannot write to standard output: {}", reason(&error))))
        }
        Ok(()) => Ok(()),
    }
}
