//! Our own client, as a user runs it: the program `peerless`.

use crate::lab::Lab;
use crate::process::Process;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names a `peerless` to test in place of the one that is built here.
const VARIABLE: &str = "PEERLESS_BIN";

/// Which of the two loops drives the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// `--driver mio`
    Mio,
    /// `--driver smol`
    Smol,
}

impl Driver {
    /// What `--driver` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mio => "mio",
            Self::Smol => "smol",
        }
    }
}

/// Makes of each function that takes a lab and a driver two tests, one for each driver.
#[macro_export]
macro_rules! both_drivers {
    ($($(#[$attribute:meta])* fn $name:ident($lab:ident, $driver:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a short test may need little of what is around it")]
            use super::*;

            fn test($lab: &$crate::Lab, $driver: $crate::Driver) $body

            $(#[$attribute])*
            #[test]
            fn mio() {
                $crate::in_lab(|lab| test(lab, $crate::Driver::Mio));
            }

            $(#[$attribute])*
            #[test]
            fn smol() {
                $crate::in_lab(|lab| test(lab, $crate::Driver::Smol));
            }
        }
    )*};
}

impl Lab {
    /// Starts `peerless COMMAND --driver DRIVER --port N ARGS`, with a port of its own.
    pub fn peerless<A: AsRef<OsStr>>(
        &self,
        driver: Driver,
        command: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Process {
        self.peerless_at(driver, self.next_addr().port(), command, args)
    }

    /// As [`peerless`](Self::peerless), on this port.
    pub fn peerless_at<A: AsRef<OsStr>>(
        &self,
        driver: Driver,
        port: u16,
        command: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Process {
        let (name, program) = told(Command::new(binary()), driver, port, command, args);
        Process::spawn(&name, program)
    }

    /// As [`peerless`](Self::peerless), on a terminal.
    pub fn peerless_on_terminal<A: AsRef<OsStr>>(
        &self,
        driver: Driver,
        command: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Process {
        let port = self.next_addr().port();
        let (name, program) = told(Command::new(binary()), driver, port, command, args);
        Process::spawn_on_terminal(&name, program)
    }

    /// As [`peerless`](Self::peerless), by a shell that has done `first` before, such as to set a limit.
    pub fn peerless_after<A: AsRef<OsStr>>(
        &self,
        first: &str,
        driver: Driver,
        command: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Process {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{first}; exec \"$@\""), "sh"]).arg(binary());
        let (name, program) = told(shell, driver, self.next_addr().port(), command, args);
        Process::spawn(&name, program)
    }
}

/// A program that is told what to do; with a name for it.
fn told<A: AsRef<OsStr>>(
    mut program: Command,
    driver: Driver,
    port: u16,
    command: &str,
    args: impl IntoIterator<Item = A>,
) -> (String, Command) {
    program.args([command, "--driver", driver.name(), "--port", &port.to_string()]).args(args);
    (format!("peerless {command} ({})", driver.name()), program)
}

/// The program to test: what `PEERLESS_BIN` names, or else what cargo builds of this workspace.
///
/// # Panics
/// When it does not build.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(|| build(&[]), PathBuf::from))
}

/// The same, but built for speed.
///
/// # Panics
/// When it does not build.
pub(crate) fn released() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(|| build(&["--release"]), PathBuf::from))
}

/// Hands the program that is built for speed on to another process.
pub(crate) fn hand_on_released(command: &mut Command) {
    command.env(VARIABLE, released());
}

/// Hands the program on to the process of a single test, so that it is built once.
pub(crate) fn hand_on(command: &mut Command) {
    command.env(VARIABLE, binary());
}

fn build(how: &[&str]) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("below the workspace");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "peerless",
        "--message-format=json-render-diagnostics",
    ]);
    command.args(how);
    // What cargo tells a test of its own package would look to the build scripts of others like a change.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| told(name)) {
        command.env_remove(name);
    }
    let output = command.current_dir(workspace).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "peerless does not build: {err}");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executable.unwrap_or_else(|| panic!("cargo built no program: {messages}"))
}
