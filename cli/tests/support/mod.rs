//! Running the real binary in a directory of its own, and judging what it says.
#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Ran {
    /// The command ended with this code; the one sentence on standard error contains `words`.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("peerless: ") && last.contains(words), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    /// The command succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The lines of standard output as JSON: each with a version and a type, the last and only the last a
    /// result with the exit code.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines: Vec<Value> = self.stdout.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
        for (n, line) in lines.iter().enumerate() {
            assert_eq!(line["v"], 1, "{line}");
            assert_eq!(line["type"] == "result", n + 1 == lines.len(), "{self:?}");
        }
        let result = lines.last().expect("a result");
        assert_eq!(result["exit_code"], self.code, "{result}");
        lines
    }

    /// The last line as JSON.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        self.json().pop().expect("a result")
    }
}

/// The binary, to be run in `dir`.
pub(crate) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerless"));
    command.current_dir(dir).args(args).stdin(Stdio::null());
    command
}

/// Runs the binary in `dir` to its end.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Ran {
    command(dir, args).output().expect("the binary runs").into()
}

/// Runs the binary with `input` on standard input.
pub(crate) fn run_with_input(dir: &Path, args: &[&str], input: &[u8]) -> Ran {
    let mut command = command(dir, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // A child that has read enough closes its end: no fault.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("it ends").into()
}

/// A tracker of ours in a process of its own; dropping it ends it.
pub(crate) struct Tracker {
    child: Child,
    pub(crate) url: String,
}

impl Tracker {
    pub(crate) fn start() -> Self {
        let mut command = command(Path::new("/"), &["tracker", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut url).expect("it says its URL");
        Self { child, url: url.trim().to_owned() }
    }

    /// Asks it for `target` and gives the answer's body.
    pub(crate) fn ask(&self, target: &str) -> Vec<u8> {
        let addr = self.url.strip_prefix("http://").and_then(|u| u.strip_suffix("/announce"));
        let mut stream = std::net::TcpStream::connect(addr.expect("an HTTP URL")).expect("it listens");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: tracker\r\n\r\n").expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let body = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
        answer.split_off(body)
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `len` bytes that repeat nowhere near.
pub(crate) fn data(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
