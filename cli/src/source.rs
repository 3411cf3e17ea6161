//! Where a torrent comes from: a file, or standard input.

use crate::args::Cli;
use crate::exit::{Exit, Failure, reason};
use clap::CommandFactory;
use peerless_core::{Metainfo, limits};
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

/// Reads and checks the torrent at `path`; `-` is standard input.
pub(crate) fn load(path: &Path) -> Result<Arc<Metainfo>, Failure> {
    let data = if path.as_os_str() == "-" { read_stdin()? } else { read_file(path)? };
    Ok(Arc::new(Metainfo::parse(&data)?))
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let input = io::stdin();
    if input.is_terminal() {
        let text = "usage: - reads a torrent from standard input, which is a terminal here";
        return Err(Failure::new(Exit::Usage, text));
    }
    read(input.lock(), Path::new("standard input"))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => not_found(path),
        _ => Failure::io("open", path, &error),
    })?;
    let meta = file.metadata().map_err(|error| Failure::io("read", path, &error))?;
    if meta.is_dir() {
        let text = format!("metainfo: {} is a directory, not a torrent", path.display());
        return Err(Failure::new(Exit::TorrentUnusable, text));
    }
    read(file, path)
}

/// Reads at most what a torrent may have; works for pipes too, whose size nobody knows.
fn read(input: impl Read, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut data = Vec::new();
    let limit = limits::MAX_TORRENT_FILE as u64;
    if let Err(error) = input.take(limit + 1).read_to_end(&mut data) {
        let text = format!("disk: cannot read {}: {}", path.display(), reason(&error));
        return Err(Failure::new(Exit::Storage, text));
    }
    if data.len() > limits::MAX_TORRENT_FILE {
        let most = limit >> 20;
        let text = format!("limit: {} is larger than a torrent can be ({most} MiB)", path.display());
        return Err(Failure::new(Exit::TorrentUnusable, text));
    }
    Ok(data)
}

/// There is no such file: perhaps something else was meant.
fn not_found(path: &Path) -> Failure {
    let text = path.to_string_lossy();
    let later = |what: &str, instead: &str| {
        let words = format!("unsupported: {what} come with a later version; {instead}");
        Failure::new(Exit::Usage, words)
    };
    if starts_with_ignoring_case(&text, "magnet:") {
        return later("magnet links", "give the path of a .torrent file");
    }
    if text.contains("://") {
        return later("URLs", "until then: curl -sL URL | peerless -");
    }
    if is_info_hash(&text) {
        return later("bare info hashes", "give the path of a .torrent file");
    }
    let mut words = format!("path: there is no file {text}");
    let cli = Cli::command();
    let commands: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    if commands.contains(&&*text) {
        words += &format!("; the command {text:?} has to come first");
    } else if let Some(command) = commands.iter().find(|name| is_near(name, &text)) {
        words += &format!("; did you mean the command {command:?}?");
    }
    Failure::new(Exit::SourceNotFound, words)
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start))
}

/// 40 or 64 hexadecimal digits, or the 32 letters of base 32.
fn is_info_hash(text: &str) -> bool {
    match text.len() {
        40 | 64 => text.bytes().all(|b| b.is_ascii_hexdigit()),
        32 => text.bytes().all(|b| b.is_ascii_alphabetic() || (b'2'..=b'7').contains(&b)),
        _ => false,
    }
}

/// Whether one letter was left out, added, changed, or swapped with its neighbour.
fn is_near(word: &str, typed: &str) -> bool {
    let (a, b) = (word.as_bytes(), typed.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([_, x @ ..], [_, y @ ..]) if x == y => true,
        ([_, rest @ ..], y) if rest == y => true,
        (x, [_, rest @ ..]) if rest == x => true,
        ([p, q, x @ ..], [r, s, y @ ..]) => p == s && q == r && x == y,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        for typed in ["shwo", "sho", "showw", "chow", "hsow", "shw"] {
            assert!(is_near("show", typed), "{typed}");
        }
        for typed in ["", "x", "shovel", "debian.torrent", "s", "wohs"] {
            assert!(!is_near("show", typed), "{typed}");
        }
    }

    #[test]
    fn what_is_not_a_file_is_told_apart() {
        let exit = |text: &str| not_found(Path::new(text)).exit.code();
        assert_eq!(exit("magnet:?xt=urn:btih:0"), 2);
        assert_eq!(exit("MAGNET:?xt=urn:btih:0"), 2);
        assert_eq!(exit("https://example.org/x.torrent"), 2);
        assert_eq!(exit("da39a3ee5e6b4b0d3255bfef95601890afd80709"), 2);
        assert_eq!(exit(&"ab".repeat(32)), 2);
        assert_eq!(exit("x.torrent"), 4);
    }

    #[test]
    fn a_misspelt_command_is_named() {
        let told = |text: &str| not_found(Path::new(text)).message;
        for (typed, command) in [("crate", "create"), ("sin", "sim"), ("reply", "replay"), ("dmeo", "demo")] {
            assert_eq!(
                told(typed),
                format!("path: there is no file {typed}; did you mean the command {command:?}?")
            );
        }
        assert_eq!(told("x.torrent"), "path: there is no file x.torrent");
    }

    #[test]
    fn more_than_a_torrent_can_be_is_refused_without_reading_on() {
        let failure = read(io::repeat(b'd'), Path::new("endless")).unwrap_err();
        assert_eq!(failure.exit.code(), 3);
        assert!(failure.message.starts_with("limit: endless"));
    }
}
