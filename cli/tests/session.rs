//! Whole downloads with the real binary: seed, tracker, download, verification, interruption.

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use support::{Tracker, command, data, run};

const DRIVERS: [&str; 2] = ["mio", "smol"];

/// A command that runs in the background with `--json`; dropping it ends it.
struct Background {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Background {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = command(dir, args);
        let command = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    /// Reads on until a line of this type with, for phases and trackers, this state.
    #[track_caller]
    fn wait_for(&mut self, kind: &str, state: &str) -> Value {
        let mut all = String::new();
        loop {
            let from = all.len();
            assert_ne!(
                self.lines.read_line(&mut all).expect("it can be read"),
                0,
                "no {kind} {state} in {all}"
            );
            let line: Value = serde_json::from_str(&all[from..]).expect("JSON");
            let is_state = |key: &str| line[key] == state;
            if line["type"] == kind && (state.is_empty() || is_state("phase") || is_state("state")) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory with `album` and its torrent, which names the tracker, and a seed of it.
struct Swarm {
    dir: tempfile::TempDir,
    _tracker: Tracker,
    _seed: Background,
}

impl Swarm {
    fn start(driver: &str) -> Self {
        let dir = album();
        let tracker = Tracker::start();
        run(dir.path(), &["create", "album", "-a", &tracker.url]).succeeds();
        let args = ["seed", "album.torrent", ".", "--port", "0", "--driver", driver];
        let mut seed = Background::start(dir.path(), &args);
        seed.wait_for("tracker", "answered");
        Self { dir, _tracker: tracker, _seed: seed }
    }
}

fn album() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let album = dir.path().join("album");
    fs::create_dir_all(album.join("sub/dir")).expect("a directory");
    for (name, len) in [("a", 3_000_000), ("b", 1), ("empty", 0), ("sub/c", 700_000), ("sub/dir/d", 16_384)] {
        fs::write(album.join(name), data(len, len as u64)).expect("a file");
    }
    dir
}

#[track_caller]
fn same(one: &Path, other: &Path) {
    for name in ["a", "b", "empty", "sub/c", "sub/dir/d"] {
        assert!(fs::read(one.join(name)).expect(name) == fs::read(other.join(name)).expect(name), "{name}");
    }
}

#[test]
fn a_download_is_right_to_the_byte_with_either_driver() {
    for driver in DRIVERS {
        let swarm = Swarm::start(driver);
        let dir = swarm.dir.path();
        let got = run(dir, &["album.torrent", "copy", "--driver", driver, "--port", "0", "--timeout", "60"]);
        let got = got.succeeds();
        same(&dir.join("album"), &dir.join("copy"));
        assert!(got.stdout.is_empty() && !got.stderr.contains('\u{1b}'), "{got:?}");
        assert!(got.stderr.contains("complete: copy"), "{got:?}");
        assert!(!dir.join("copy.part").exists() && !dir.join("copy.part.journal").exists());

        let again =
            run(dir, &["get", "album.torrent", "-o", "copy", "--driver", driver, "--json"]).succeeds();
        assert_eq!(again.result()["downloaded"], 0);
        let quiet = run(dir, &["get", "album.torrent", "-o", "copy", "--driver", driver, "-q"]).succeeds();
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    }
}

#[test]
fn json_tells_the_story_and_ends_in_one_result() {
    let swarm = Swarm::start("mio");
    let args = ["get", "album.torrent", "-d", "new/place", "--port", "0", "--json", "-v", "--timeout", "60"];
    let got = run(swarm.dir.path(), &args).succeeds();
    same(&swarm.dir.path().join("album"), &swarm.dir.path().join("new/place/album"));
    let lines = got.json();
    for kind in ["start", "listening", "phase", "tracker", "peer_connected", "piece_verified", "completed"] {
        assert!(lines.iter().any(|line| line["type"] == kind), "{kind} in {got:?}");
    }
    let result = got.result();
    assert_eq!((&result["result"], &result["error"]), (&Value::from("complete"), &Value::Null));
    assert_eq!(result["path"], "new/place/album");
    assert_eq!(result["bytes_have"], 3_716_385);
    assert_eq!(result["corrupt"], 0);
}

/// Starts it, reads the first line of what it says, and goes away. Gives the exit code and what was said on another
/// standard error.
fn heard_once(dir: &Path, args: &[&str], errors_too: bool) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = command(dir, args);
    command
        .stderr(if errors_too { writer.try_clone().expect("a pipe").into() } else { Stdio::piped() })
        .stdout(writer);
    let child = command.spawn().expect("the binary runs");
    drop(command);
    let mut first = String::new();
    BufReader::new(reader).read_line(&mut first).expect("it can be read");
    assert!(first.contains("album"), "{first}");
    let ended = child.wait_with_output().expect("it ends");
    (ended.status.code(), String::from_utf8(ended.stderr).expect("UTF-8"))
}

#[test]
fn a_reader_that_goes_away_ends_no_download() {
    for driver in DRIVERS {
        let swarm = Swarm::start(driver);
        let dir = swarm.dir.path();
        let more = ["--driver", driver, "--port", "0", "--timeout", "60"];
        let json = [&["get", "album.torrent", "-o", "json", "--json", "-v"][..], &more].concat();
        assert_eq!(heard_once(dir, &json, false), (Some(0), String::new()));
        same(&dir.join("album"), &dir.join("json"));
        let lines = [&["get", "album.torrent", "-o", "lines", "-v"][..], &more].concat();
        assert_eq!(heard_once(dir, &lines, true), (Some(0), String::new()));
        same(&dir.join("album"), &dir.join("lines"));
        // One that cannot complete ends with its own code, too.
        run(dir, &["create", "album", "-o", "lonely.torrent"]).succeeds();
        let lonely = ["get", "lonely.torrent", "-o", "lonely", "--json", "--port", "0", "--timeout", "1"];
        let (code, said) = heard_once(dir, &lonely, false);
        assert_eq!((code, said.lines().count()), (Some(9), 1), "{said}");
        assert!(said.starts_with("peerless: interrupted: "), "{said}");
    }
}

#[test]
fn a_named_port_that_is_taken_is_told() {
    let dir = album();
    run(dir.path(), &["create", "album"]).succeeds();
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for driver in DRIVERS {
        let get = |more: &[&str]| {
            let args =
                [&["get", "album.torrent", "-o", "album", "--driver", driver, "--port"], more].concat();
            run(dir.path(), &args).succeeds()
        };
        let said = get(&[&port]).stderr;
        let told = said.lines().filter(|line| {
            line.starts_with(&format!("port {port} is taken or not allowed; listening on port "))
        });
        assert_eq!(told.count(), 1, "{said}");
        assert_eq!(get(&[&port, "-q"]).stderr, "");
        assert!(!get(&["0"]).stderr.contains("port "));
        let json = get(&[&port, "--json"]);
        assert!(json.stderr.is_empty(), "{json:?}");
        let listening = json.json().into_iter().find(|line| line["type"] == "listening").unwrap();
        assert!(!listening["addrs"].to_string().contains(&format!(":{port}\"")), "{listening}");
    }
}

#[test]
fn a_single_file_goes_where_it_is_told() {
    let dir = album();
    let tracker = Tracker::start();
    run(dir.path(), &["create", "album/a", "-a", &tracker.url]).succeeds();
    let mut seed = Background::start(dir.path(), &["seed", "a.torrent", "album/a", "--port", "0"]);
    seed.wait_for("tracker", "answered");
    fs::create_dir(dir.path().join("there")).unwrap();
    for (args, place) in [
        (&[][..], "a"),
        (&["new"], "new"),
        (&["there"], "there/a"),
        (&["-d", "deep/er"], "deep/er/a"),
        (&["-o", "fresh/"], "fresh/a"),
    ] {
        let args = [&["get", "a.torrent"][..], args, &["--port", "0", "--timeout", "60"]].concat();
        let args = if args.contains(&"new") || args.contains(&"there") { &args[1..] } else { &args[..] };
        run(dir.path(), args).succeeds();
        assert!(fs::read(dir.path().join(place)).unwrap() == data(3_000_000, 3_000_000), "{place}");
    }
}

#[test]
fn what_is_in_the_way_is_not_touched() {
    let dir = album();
    run(dir.path(), &["create", "album"]).succeeds();
    for driver in DRIVERS {
        fs::create_dir_all(dir.path().join("other")).unwrap();
        fs::write(dir.path().join("other/mine"), "precious").unwrap();
        run(dir.path(), &["album.torrent", "other", "--driver", driver, "--port", "0"]).fails(5, "path: ");
        fs::write(dir.path().join("file"), "precious").unwrap();
        run(dir.path(), &["album.torrent", "file", "--driver", driver, "--port", "0"]).fails(5, "path: ");
        assert_eq!(fs::read(dir.path().join("other/mine")).unwrap(), b"precious");
        assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"precious");
    }
}

#[test]
fn verify_says_what_does_not_match() {
    let dir = album();
    run(dir.path(), &["create", "album", "--piece-length", "16K"]).succeeds();
    for path in [".", "album"] {
        run(dir.path(), &["verify", "album.torrent", path]).succeeds();
    }
    for command in ["verify", "seed"] {
        run(dir.path(), &[command, "album.torrent", "nowhere"]).fails(4, "nothing at nowhere");
    }

    let mut bytes = fs::read(dir.path().join("album/sub/c")).unwrap();
    bytes[350_000] ^= 1;
    fs::write(dir.path().join("album/sub/c"), bytes).unwrap();
    run(dir.path(), &["verify", "album.torrent", "album"]).fails(10, "does not match");
    let result = run(dir.path(), &["verify", "album.torrent", "album", "--json"]).result();
    assert_eq!(result["num_pieces"].as_u64().unwrap() - result["good"].as_u64().unwrap(), 1);
    assert_eq!(result["bad_pieces"], serde_json::json!([(3_000_001 + 350_000) / 16_384]));
    assert_eq!(result["bad_files"], serde_json::json!(["sub/c"]));
    run(dir.path(), &["seed", "album.torrent", "album", "--port", "0"]).fails(10, "does not match");

    fs::write(dir.path().join("album/sub/c"), data(700_000, 700_000)).unwrap();
    run(dir.path(), &["verify", "album.torrent", "album"]).succeeds();
    fs::remove_file(dir.path().join("album/empty")).unwrap();
    let ran = run(dir.path(), &["verify", "album.torrent", "album"]);
    ran.fails(10, "1 file missing or of another size");
    assert!(ran.stderr.contains("missing or of another size: empty"), "{ran:?}");
}

#[test]
fn without_peers_the_time_runs_out() {
    let dir = album();
    run(dir.path(), &["create", "album"]).succeeds();
    for driver in DRIVERS {
        for option in ["--timeout", "--stall-timeout"] {
            let args = [
                "get",
                "album.torrent",
                "-o",
                "copy",
                "--driver",
                driver,
                "--port",
                "0",
                "--json",
                option,
                "1",
            ];
            let ran = run(dir.path(), &args);
            ran.fails(9, "interrupted: ");
            assert_eq!(ran.result()["result"], "incomplete");
        }
    }
    assert!(!dir.path().join("copy").exists());
}

#[test]
fn a_signal_stops_cleanly_and_the_next_run_completes() {
    for (signal, code, driver) in [("-INT", 130, "mio"), ("-TERM", 143, "smol")] {
        let swarm = Swarm::start(driver);
        let dir = swarm.dir.path();
        // Without a seed it could reach, it waits for as long as the test likes.
        fs::copy(dir.join("album.torrent"), dir.join("with-tracker.torrent")).unwrap();
        run(dir, &["create", "album", "-o", "lonely.torrent"]).succeeds();
        let args = ["get", "lonely.torrent", "-o", "copy", "--driver", driver, "--port", "0"];
        let mut download = Background::start(dir, &args);
        download.wait_for("phase", "downloading");
        download.signal(signal);
        let result = download.wait_for("result", "");
        assert_eq!(result["exit_code"], code);
        assert_eq!(download.exit_code(), Some(code));
        let args = ["get", "with-tracker.torrent", "-o", "copy", "--driver", driver, "--port", "0"];
        run(dir, &[&args[..], &["--timeout", "60"]].concat()).succeeds();
        same(&dir.join("album"), &dir.join("copy"));
    }
}

#[test]
fn a_download_that_seeds_gives_to_the_next_one() {
    let swarm = Swarm::start("mio");
    let dir = swarm.dir.path();
    let args =
        ["get", "album.torrent", "-o", "first", "--port", "0", "--seed-ratio", "1.0", "--timeout", "60"];
    let mut first = Background::start(dir, &args);
    let listening = first.wait_for("listening", "");
    first.wait_for("phase", "seeding");
    drop(swarm._seed);
    let port = listening["addrs"][0].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    run(dir, &["create", "album", "-o", "trackerless.torrent"]).succeeds();
    let peer = format!("127.0.0.1:{port}");
    let args = ["trackerless.torrent", "second", "--port", "0", "--peer", &peer, "--timeout", "60"];
    run(dir, &args).succeeds();
    same(&dir.join("album"), &dir.join("second"));
    assert_eq!(first.wait_for("result", "")["exit_code"], 0);
}

#[test]
fn the_demo_works_with_either_driver() {
    let dir = tempfile::tempdir().unwrap();
    for driver in DRIVERS {
        let mut demo = command(dir.path(), &["demo", "--driver", driver]);
        let ran = support::Ran::from(demo.env("TMPDIR", dir.path()).output().unwrap()).succeeds();
        assert!(ran.stderr.contains("6. All"), "{ran:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }
}

#[test]
fn a_demo_with_too_few_descriptors_ends_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let line = r#"ulimit -n "$2" && exec timeout 60 "$0" demo --driver "$1""#;
    for limit in [5, 7, 9, 11, 13, 14, 16, 20, 22, 24, 26] {
        for driver in DRIVERS {
            let mut shell = Command::new("sh");
            shell.args(["-c", line, env!("CARGO_BIN_EXE_peerless"), driver, &limit.to_string()]);
            let ran = support::Ran::from(shell.env("TMPDIR", dir.path()).output().unwrap());
            // How many are taken already by what it inherits differs from one machine to the next.
            if limit <= 16 || ran.code != 0 {
                ran.fails(8, "allow more of them (ulimit -n)");
            }
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{limit} descriptors leave something");
        }
    }
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for step in 1..=5 {
        let mut demo = command(dir.path(), &["demo"]);
        let mut demo = demo.env("TMPDIR", dir.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(demo.stderr.take().unwrap()).lines().map(Result::unwrap);
        told.find(|line| line.starts_with(&format!("{step}. "))).expect("it comes so far");
        let kill = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
        assert!(kill.success());
        told.for_each(drop);
        assert_eq!(demo.wait().unwrap().code(), Some(130), "interrupted at step {step}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "something is left of step {step}");
    }
}

#[test]
fn with_32_descriptors_the_demo_works_with_either_driver() {
    let dir = tempfile::tempdir().unwrap();
    for driver in DRIVERS {
        let line = r#"ulimit -n 32 && exec "$0" demo --driver "$1""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", line, env!("CARGO_BIN_EXE_peerless"), driver]).env("TMPDIR", dir.path());
        let ran = support::Ran::from(shell.output().unwrap()).succeeds();
        assert!(ran.stderr.contains("6. All"), "{ran:?}");
    }
}
