//! How a command ended: the exit code, the sentence on standard error, the last line of `--json`.

use crate::console;
use crate::exit::{Exit, Failure};
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the command was asked for JSON: then its end is told there as well.
static JSON: AtomicBool = AtomicBool::new(false);

/// The end of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// What the process exits with.
    pub(crate) exit: Exit,
    /// What went wrong, in one sentence.
    pub(crate) error: Option<String>,
    /// What else the `result` line says.
    pub(crate) fields: Map<String, Value>,
}

impl Report {
    /// A command that did what it was asked to do.
    pub(crate) fn complete() -> Self {
        Self { exit: Exit::Complete, error: None, fields: Map::new() }
    }

    /// Adds a field to the `result` line.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    /// Tells the end and gives the number to exit with.
    pub(crate) fn finish(self) -> ExitCode {
        let mut exit = self.exit;
        if let Some(error) = &self.error {
            console::person(&format!("peerless: {error}"));
        }
        // Once only: a second ctrl-c may come while the main thread is here.
        let told = if JSON.swap(false, Ordering::Relaxed) { console::json(&self.line()) } else { Ok(()) };
        if let Err(failure) = told.and_then(|()| console::flush())
            && exit == Exit::Complete
        {
            console::person(&format!("peerless: {failure}"));
            exit = failure.exit;
        }
        ExitCode::from(exit.code())
    }

    fn line(&self) -> Value {
        let mut line = json!({
            "v": 1,
            "type": "result",
            "result": self.exit.word(),
            "exit_code": self.exit.code(),
            "error": self.error,
        });
        if let Some(line) = line.as_object_mut() {
            line.extend(self.fields.clone());
        }
        line
    }
}

impl From<Failure> for Report {
    fn from(failure: Failure) -> Self {
        Self { exit: failure.exit, error: Some(failure.message), fields: Map::new() }
    }
}

/// From here on the end of the command is told in JSON as well.
pub(crate) fn use_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}
