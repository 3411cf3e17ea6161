//! Where and when, and with what: figures mean nothing without.

use super::options::Options;
use std::process::Command;

/// A few lines of Markdown on the machine, the date and the versions of the clients.
pub(super) fn described(options: &Options) -> String {
    let date = said(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]));
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let cpu = value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let features = value("/proc/cpuinfo", "flags").unwrap_or_default();
    let known = ["sha_ni", "avx2", "avx512f"].map(|f| features.split(' ').find(|g| *g == f));
    let known: Vec<_> = known.into_iter().flatten().collect();
    let memory =
        value("/proc/meminfo", "MemTotal").and_then(|kib| kib.split(' ').next()?.parse::<u64>().ok());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut text = format!(
        "{date}; {cores} × {cpu} ({}), {} GiB; Linux {}; load before the start {load}.\n\
         Loopback; median (least–most) of {} runs, the clients taking turns{}.\n",
        known.join(", "),
        memory.unwrap_or(0) >> 20,
        kernel.trim(),
        options.runs,
        if options.warm_up { ", after one run that does not count" } else { "" },
    );
    for client in &options.clients {
        let version = client.version().unwrap_or_else(|| "not installed".into());
        text += &format!("- {}: {version}\n", client.name());
    }
    text
}

/// The first line that a program says; empty where it cannot be started.
pub(super) fn said(command: &mut Command) -> String {
    let Ok(output) = command.output() else { return String::new() };
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned()
}

/// What a file of lines `name : value` says of a name.
pub(super) fn value(path: &str, name: &str) -> Option<String> {
    find(&std::fs::read_to_string(path).ok()?, name)
}

fn find(text: &str, name: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let text = "model\t\t: 207\nmodel name\t: A: fast one\nRssAnon:\t  12 kB\n";
        assert_eq!(find(text, "model name").unwrap(), "A: fast one");
        assert_eq!(find(text, "RssAnon").unwrap(), "12 kB");
        assert_eq!(find(text, "Rss"), None);
    }

    #[test]
    fn a_program_that_is_not_there_says_nothing() {
        assert_eq!(said(&mut Command::new("/nowhere/at all")), "");
        assert_eq!(said(Command::new("sh").args(["-c", "echo ' one '; echo two"])), "one");
    }
}
