//! Recording and replaying with the real binary: what comes out the same, and what is told where it does not.

mod support;

use peerless_core::record::{Reader, Step};
use peerless_core::{DiskOutcome, Input};
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{Tracker, command, data, run, run_with_input};

const DRIVERS: [&str; 2] = ["mio", "smol"];

/// A tracker, and a seed of `file.bin` that records itself, in a directory with the torrent.
struct Swarm {
    dir: tempfile::TempDir,
    _tracker: Tracker,
    seed: Child,
}

impl Swarm {
    fn start(driver: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("file.bin"), data(3_000_000, 1)).expect("a file");
        let tracker = Tracker::start();
        let url = format!("{}?passkey=secret", tracker.url);
        run(dir.path(), &["create", "file.bin", "-a", &url]).succeeds();
        let args = ["seed", "file.bin.torrent", ".", "--port", "0", "--json", "--driver", driver];
        let mut seed = command(dir.path(), &args);
        seed.args(["--record", "seed.rec"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut seed = seed.spawn().expect("the binary runs");
        let lines = BufReader::new(seed.stdout.take().expect("a pipe")).lines();
        let answered = lines.map_while(Result::ok).any(|line| line.contains("answered"));
        assert!(answered, "the seed ended");
        Self { dir, _tracker: tracker, seed }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Downloads and records to `a.rec`.
    fn download(&self, driver: &str, more: &[&str]) {
        let args = ["file.bin.torrent", "-o", "out", "--port", "0", "-q", "--driver", driver];
        run(self.path(), &[&["get"], &args[..], &["--record", "a.rec"], more].concat()).succeeds();
        fs::remove_file(self.path().join("out")).expect("it is there");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).expect("a file")
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        let _ = self.seed.kill();
        let _ = self.seed.wait();
    }
}

/// Each step of a recording, and where it stands.
fn steps(recording: &[u8]) -> Vec<(Range<usize>, Step)> {
    let mut reader = Reader::new(recording.to_vec().into()).expect("a recording");
    let mut steps = Vec::new();
    loop {
        let from = reader.position();
        let Some(entry) = reader.next().expect("no damage") else { return steps };
        steps.push((from..reader.position(), entry.what));
    }
}

fn holds(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_is_recorded_comes_out_the_same() {
    for driver in DRIVERS {
        let mut swarm = Swarm::start(driver);
        swarm.download(driver, &[]);
        let told = run(swarm.path(), &["replay", "a.rec"]).succeeds();
        assert!(told.stdout.is_empty(), "{told:?}");
        assert!(told.stderr.starts_with("the same: ") && told.stderr.contains("is whole"), "{told:?}");
        let block = &data(3_000_000, 1)[..64];
        assert!(swarm.read("a.rec").len() < 60_000);
        assert!(!holds(&swarm.read("a.rec"), block));

        let result = run(swarm.path(), &["replay", "a.rec", "--json", "--why"]).succeeds();
        let [status, result] = &result.json()[..] else { panic!("{result:?}") };
        assert_eq!((&status["type"], &status["phase"]), (&"status".into(), &"stopped".into()));
        assert_eq!(status["bytes_have"], 3_000_000);
        assert_eq!((&result["ended"], &result["masked"]), (&"session".into(), &false.into()));

        // Killed in the middle of its life, the seed leaves all but the end. What happened reaches the file a little later.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !run(swarm.path(), &["replay", "seed.rec", "--why"]).stdout.contains("seeding, 184 of 184") {
            assert!(Instant::now() < deadline, "the seed's recording does not show it seeding");
        }
        swarm.seed.kill().expect("it runs");
        swarm.seed.wait().expect("it ends");
        let told = run(swarm.path(), &["replay", "seed.rec", "--why"]).succeeds();
        assert!(told.stderr.contains("not ended in order"), "{told:?}");
        assert!(told.stdout.contains("torrent 0: seeding, 184 of 184 pieces (100%)"), "{told:?}");
    }
}

#[test]
fn the_data_is_in_it_where_it_is_asked_for() {
    let swarm = Swarm::start("mio");
    swarm.download("mio", &["--record-payload"]);
    assert!(swarm.read("a.rec").len() > 3_000_000);
    run(swarm.path(), &["replay", "a.rec"]).succeeds();
}

#[test]
fn a_recording_ends_at_its_limit_and_the_download_does_not() {
    let swarm = Swarm::start("mio");
    swarm.download("mio", &["--record-limit", "4K"]);
    assert!(swarm.read("a.rec").len() <= 4_096);
    let told = run(swarm.path(), &["replay", "a.rec"]).succeeds();
    assert!(told.stderr.contains("ends at its limit"), "{told:?}");
}

#[test]
fn time_stands_still_where_it_is_told_to() {
    let swarm = Swarm::start("smol");
    swarm.download("smol", &[]);
    let result = |until: &str| run(swarm.path(), &["replay", "a.rec", "--json", "--until", until]).result();
    let (none, whole) = (result(".0"), result("1h"));
    assert!(none["steps"].as_u64() < whole["steps"].as_u64(), "{none} {whole}");
    assert_eq!((&none["ended"], &whole["ended"]), (&serde_json::Value::Null, &"session".into()));
    assert_eq!(none["exit_code"], 0);
}

#[test]
fn each_step_is_told() {
    let swarm = Swarm::start("mio");
    swarm.download("mio", &[]);
    let told = run(swarm.path(), &["replay", "a.rec", "--explain"]).succeeds().stdout;
    for words in ["! the application adds the torrent", "> open connection", ": handshake", "* piece 0 is"] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    let lines = run(swarm.path(), &["replay", "a.rec", "--explain", "--json"]).succeeds().json();
    let action = lines.iter().find(|line| line["type"] == "action").expect("an action");
    assert!(action["step"].is_u64() && action["time_us"].is_u64() && action["text"].is_string());
}

#[test]
fn one_that_was_tampered_with_comes_out_differently() {
    let swarm = Swarm::start("mio");
    swarm.download("mio", &[]);
    let recording = swarm.read("a.rec");
    let wrote = |(_, step): &(_, Step)| {
        matches!(step, Step::Input(Input::DiskDone { result: Ok(DiskOutcome::Write(_)), .. }))
    };
    let steps = steps(&recording);
    let cut = steps.iter().position(wrote).expect("a write");
    let range = steps[cut].0.clone();
    let tampered = [&recording[..range.start], &recording[range.end..]].concat();
    fs::write(swarm.path().join("b.rec"), tampered).expect("a file");

    let told = run(swarm.path(), &["replay", "b.rec"]);
    told.fails(12, "recording: the replay differs after step");
    let result = run(swarm.path(), &["replay", "b.rec", "--json"]).result();
    assert_eq!(result["result"], "diverged");
    // The time is the recording's, in both forms: as `--until` takes it.
    let time = result["time_us"].as_u64().expect("a number");
    assert!(
        told.stderr.contains(&format!(", at {}.{:06}s: ", time / 1_000_000, time % 1_000_000)),
        "{told:?}"
    );
    let until = format!("{}.{:06}s", time / 1_000_000, time % 1_000_000);
    run(swarm.path(), &["replay", "a.rec", "--until", &until]).succeeds();
    let step = result["steps"].as_u64().expect("a number");
    assert!(step >= cut as u64 && step < steps.len() as u64, "{result}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let swarm = Swarm::start("mio");
    swarm.download("mio", &[]);
    let (dir, recording) = (swarm.path(), swarm.read("a.rec"));
    run(dir, &["replay", "none.rec"]).fails(4, "path: there is no file none.rec");
    run(dir, &["replay", "."]).fails(3, "is a directory");
    run(dir, &["replay", "file.bin.torrent"]).fails(3, "recording: this is not a recording");
    run(dir, &["replay", "/dev/zero"]).fails(3, "recording: this is not a recording");
    let mut damaged = recording.clone();
    damaged[300] ^= 1;
    fs::write(dir.join("b.rec"), damaged).expect("a file");
    run(dir, &["replay", "b.rec"]).fails(3, "recording: damaged at byte");
    let mut later = recording.clone();
    later[11] = b'9';
    fs::write(dir.join("b.rec"), later).expect("a file");
    run(dir, &["replay", "b.rec"]).fails(3, "unsupported: a recording of version 09");
    fs::write(dir.join("b.rec"), [&recording[..], b"junk"].concat()).expect("a file");
    run(dir, &["replay", "b.rec"]).fails(3, "4 bytes too many");
    let torn = &recording[..recording.len() - 7];
    for end in [&[][..], &[0; 4_096]] {
        fs::write(dir.join("b.rec"), [torn, end].concat()).expect("a file");
        let told = run(dir, &["replay", "b.rec"]).succeeds();
        assert!(told.stderr.contains("not ended in order"), "{told:?}");
    }
}

#[test]
fn a_recording_may_come_through_a_pipe() {
    let dir = tempfile::tempdir().expect("a directory");
    let sim = ["sim", "one-to-one", "--size", "1M", "--record", "a.rec"];
    run(dir.path(), &sim).succeeds();
    let recording = fs::read(dir.path().join("a.rec")).expect("a file");
    let told = run_with_input(dir.path(), &["replay", "-"], &recording).succeeds();
    assert!(told.stderr.starts_with("the same: "), "{told:?}");
    run_with_input(dir.path(), &["replay", "-"], b"hello").fails(3, "recording: this is not a recording");
}

#[test]
fn peers_are_told_in_both_forms() {
    let dir = tempfile::tempdir().expect("a directory");
    let sim = ["sim", "one-to-many", "--peers", "3", "--size", "4M", "--record", "a.rec"];
    run(dir.path(), &sim).succeeds();
    let result = run(dir.path(), &["replay", "a.rec", "--json"]).succeeds().result();
    let half = format!("{}.{:06}", result["time_us"].as_u64().expect("a number") / 2_000_000, 0);
    let why = ["replay", "a.rec", "--until", &half, "--why"];
    let text = run(dir.path(), &why).succeeds().stdout;
    let lines = run(dir.path(), &[&why[..], &["--json"]].concat()).succeeds().json();
    let peers: Vec<_> = lines.iter().filter(|line| line["type"] == "peer").collect();
    assert_eq!(lines[0]["peers"], peers.len(), "{lines:?}");
    assert!(!peers.is_empty(), "{text}");
    for peer in peers {
        assert_eq!(peer["torrent"], 0);
        let addr = peer["addr"].as_str().expect("a text");
        assert!(text.contains(&format!("  {addr}: {} piece", peer["have"])), "{addr} in {text}");
    }
}

#[test]
fn a_download_is_not_recorded_over_itself() {
    for driver in DRIVERS {
        let swarm = Swarm::start(driver);
        let before = fs::read_dir(swarm.path()).expect("a directory").count();
        let get = |to: &str| {
            let args = ["get", "file.bin.torrent", "-o", "out.bin", "--port", "0", "--driver", driver];
            run(swarm.path(), &[&args[..], &["--json", "--record", to]].concat())
        };
        for to in ["out.bin", "out.bin.part", "./out.bin.part", "out.bin.part.journal"] {
            let ran = get(to);
            ran.fails(2, "usage: the recording cannot be");
            assert_eq!(ran.result()["result"], "usage");
        }
        assert_eq!(fs::read_dir(swarm.path()).expect("a directory").count(), before, "something was made");
        get("out.rec").succeeds();
        assert_eq!(swarm.read("out.bin"), data(3_000_000, 1));
        let args = ["seed", "file.bin.torrent", "out.bin", "--port", "0", "--record", "out.bin.part"];
        run(swarm.path(), &args).fails(2, "usage: the recording cannot be");
    }
}

#[test]
fn nothing_but_a_recording_gives_way_to_one() {
    let swarm = Swarm::start("mio");
    let record = |to: &str| {
        run(swarm.path(), &["get", "file.bin.torrent", "-o", "out", "--port", "0", "-q", "--record", to])
    };
    record("file.bin").fails(5, "is there already and is not a finished recording");
    assert_eq!(swarm.read("file.bin"), data(3_000_000, 1));
    // The seed is writing to this one.
    record("seed.rec").fails(5, "is there already");
    record("no/such/dir.rec").fails(7, "disk: cannot write the recording");
    swarm.download("mio", &[]);
    let first = swarm.read("a.rec");
    swarm.download("mio", &[]);
    assert_ne!(swarm.read("a.rec"), first);
    run(swarm.path(), &["replay", "a.rec"]).succeeds();
}
