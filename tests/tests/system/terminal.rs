//! What a person at a terminal sees: the bar, the reason for waiting, and nothing that the outside drew.

use peerless_tests::script_tracker::http;
use peerless_tests::{
    Answer, Deadline, Driver, Lab, Manner, Payload, Process, ScriptPeer, ScriptTracker, Signal, Torrent,
    in_lab, same_bytes, seen,
};
use std::time::{Duration, Instant};

/// The bar is the same for both drivers.
const DRIVER: Driver = Driver::Mio;

fn a_file() -> Payload {
    Payload::file("file.bin", 1 << 20, 64 << 10)
}

/// Starts a download on a terminal, from a seed of this manner.
fn get(lab: &Lab, torrent: &Torrent, manner: Manner) -> Process {
    let seed = ScriptPeer::seed(lab.next_addr(), torrent, manner);
    let (dir, peer) = (lab.dir("out"), seed.addr.to_string());
    let args = [torrent.path.as_os_str(), "-d".as_ref(), dir.as_os_str(), "--peer".as_ref(), peer.as_ref()];
    lab.peerless_on_terminal(DRIVER, "get", args)
}

/// Waits until all of `words` are to be seen in one line.
fn wait_to_see(process: &Process, words: &[&str], deadline: Deadline) -> String {
    process.wait_for(&format!("line with {words:?}"), deadline, |line| {
        let line = seen(line).0;
        words.iter().all(|word| line.contains(word)).then_some(line)
    })
}

/// Everything that was to be seen, with the assurance that lines were erased and drawn, and nothing else done.
fn all_seen(process: &Process) -> String {
    let (plain, codes) = seen(&process.stderr().join("\n"));
    for code in &codes {
        let harmless = code.starts_with('[') && code.ends_with(['A', 'B', 'K', 'm', 'h', 'l']);
        assert!(harmless, "the terminal was told {code:?}:\n{plain}");
    }
    assert!(!codes.is_empty(), "no bar was drawn");
    assert!(!plain.chars().any(|c| c.is_control() && c != '\n'), "{plain:?}");
    plain
}

#[test]
fn the_bar_shows_how_fast_from_how_many_and_how_long_still() {
    in_lab(|lab| {
        let torrent = Torrent::new(&lab.dir("torrents"), &a_file(), &[]);
        let mut process = get(lab, &torrent, Manner::Slow(Duration::from_millis(50)));
        let line = wait_to_see(&process, &["KiB/s", "1 peer", "s left"], Deadline::seconds(30));
        let (bar, text) = line.split_once("] ").expect("a bar");
        assert!(bar.starts_with('[') && bar[1..].bytes().all(|b| b"=> ".contains(&b)), "{line}");
        assert!(text.contains(" KiB of 1.0 MiB (") && text.contains("%), "), "{line}");
        // It moves.
        wait_to_see(&process, &["[==========", "KiB/s"], Deadline::seconds(30));
        assert_eq!(process.wait_exit(Deadline::seconds(30)).code(), Some(0));
        let out = lab.path("out/file.bin");
        assert_eq!(same_bytes(&a_file().write(&lab.dir("source")), &out), Ok(()));
        let all = all_seen(&process);
        let last = all.lines().last().unwrap();
        assert!(last.starts_with("complete: ") && last.contains("1.0 MiB received in "), "{last}");
    });
}

#[test]
fn after_ten_seconds_without_bytes_the_bar_says_why() {
    in_lab(|lab| {
        let torrent = Torrent::new(&lab.dir("torrents"), &a_file(), &[]);
        let begun = Instant::now();
        let mut process = get(lab, &torrent, Manner::HasFirst(5));
        let why = "31.2% of 1.0 MiB: none of 1 peer has any of the 11 pieces still missing";
        wait_to_see(&process, &[why], Deadline::seconds(30));
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(10), "it was impatient after {waited:?}");
        assert!(all_seen(&process).contains("320 KiB of 1.0 MiB (31.2%), "), "before it there was the rate");
        let status = process.stop(Signal::INT);
        assert_eq!(status.code(), Some(130), "{status}");
        let all = all_seen(&process);
        let last = all.lines().last().unwrap();
        assert_eq!(
            last,
            "peerless: interrupted: stopped; 31.2% is verified and kept; run the same command again to go on"
        );
    });
}

#[test]
fn names_and_words_from_outside_draw_nothing() {
    in_lab(|lab| {
        // The name turns the line around; the tracker clears the screen, rings, and goes back to its start.
        let payload = Payload::file("owned \u{202e}gpj.exe\u{200b}", 100_000, 64 << 10);
        let tracker = lab.next_addr();
        let torrent =
            Torrent::new(&lab.dir("torrents"), &payload, &[&[&format!("http://{tracker}/announce")]]);
        let refusal = b"d14:failure reason23:\x1b[2J\x07\rgone\x1b[31mred\xc2\x9b0m!e";
        ScriptTracker::start(tracker, vec![Answer::Raw(http("200 OK", "", refusal))]);
        let mut process = get(lab, &torrent, Manner::Slow(Duration::from_millis(300)));
        assert_eq!(process.wait_exit(Deadline::seconds(30)).code(), Some(0));
        let all = all_seen(&process);
        assert!(all.contains("owned gpj.exe (97.6 KiB) -> "), "{all}");
        assert!(all.contains("gone") && all.contains("red"), "the tracker's words are not told: {all}");
        assert!(!all.contains(['\u{202e}', '\u{200b}']), "{all:?}");
    });
}

#[test]
fn a_name_that_could_draw_is_refused_and_told_escaped() {
    in_lab(|lab| {
        let payload = Payload::file("\u{1b}]0;owned\u{7}\u{9b}2J", 100_000, 64 << 10);
        let torrent = Torrent::new(&lab.dir("torrents"), &payload, &[]);
        let mut process = lab.peerless_on_terminal(DRIVER, "get", [&torrent.path]);
        assert_eq!(process.wait_exit(Deadline::seconds(30)).code(), Some(3));
        let said = process.stderr().join("\n");
        assert!(said.contains(r#""\u{1b}]0;owned\u{7}\u{9b}2J" holds a control character"#), "{said:?}");
        assert!(!said.chars().any(char::is_control), "{said:?}");
    });
}
