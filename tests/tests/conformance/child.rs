//! Stories with a second process: the test binary starts itself again, for one test, with something to do.

use peerless_tests::Process;
use std::process::Command;

/// Tells the second process what to do: words between tabs.
const VARIABLE: &str = "PEERLESS_CONFORMANCE";

/// Starts the story `theme::story` again, for the same driver, with this to do.
pub(crate) fn begin<S>(theme: &str, story: &str, orders: &[&str]) -> Process {
    let driver = if std::any::type_name::<S>().contains("Mio") { "mio" } else { "smol" };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("{theme}::{driver}::{story}"), "--exact", "--nocapture", "--test-threads=1"]);
    command.env(VARIABLE, orders.join("\t"));
    Process::spawn(driver, command)
}

/// What this process is to do, if it is the second one.
pub(crate) fn orders() -> Option<Vec<String>> {
    let words = std::env::var(VARIABLE).ok()?;
    Some(words.split('\t').map(str::to_owned).collect())
}
