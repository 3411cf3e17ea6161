//! How a download ends that the machine does not allow: the exit code, the sentence, and what is kept.

use crate::swarm::{line_of_type, result};
use peerless_tests::{
    Deadline, Driver, Lab, Manner, Payload, Process, ScriptPeer, Signal, SmallDisk, Torrent, both_drivers,
    same_bytes,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Too much for a disk of [`SMALL`] bytes.
fn payload() -> Payload {
    Payload::file("file.bin", 24 << 20, 16 << 10)
}

const SMALL: u64 = 8 << 20;
const LARGE: u64 = 64 << 20;

/// A torrent and an honest seed of it.
struct Scene {
    torrent: Torrent,
    seed: ScriptPeer,
}

impl Scene {
    fn new(lab: &Lab) -> Self {
        let torrent = Torrent::new(&lab.dir("torrents"), &payload(), &[]);
        let seed = ScriptPeer::seed(lab.next_addr(), &torrent, Manner::Honest);
        Self { torrent, seed }
    }

    /// What is said to `get` the torrent into the directory `dir`.
    fn args(&self, dir: &Path, options: &[&str]) -> Vec<OsString> {
        let mut args: Vec<OsString> = ["--json", "-d"].map(OsString::from).to_vec();
        args.extend([dir.into(), self.torrent.path.clone().into()]);
        args.extend(["--peer".into(), self.seed.addr.to_string().into()]);
        args.extend(options.iter().map(OsString::from));
        args
    }

    /// Goes on with what is in `dir`, to the end. Says how many pieces were kept.
    fn goes_on(&self, lab: &Lab, driver: Driver, dir: &Path) -> u64 {
        let mut process = lab.peerless(driver, "get", self.args(dir, &[]));
        assert_eq!(process.wait_exit(Deadline::seconds(30)).code(), Some(0));
        assert_eq!(same_bytes(&payload().write(&lab.dir("source")), &dir.join("file.bin")), Ok(()));
        line_of_type(&process, "resumed")["have"].as_u64().expect("a number")
    }
}

/// It ends with this code and word, and the last thing that a person reads begins like this.
fn ends_with(mut process: Process, code: i32, word: &str, words: &str) -> String {
    let status = process.wait_exit(Deadline::seconds(30));
    assert_eq!(status.code(), Some(code), "peerless get: {status}");
    let said = process.stderr().pop().unwrap_or_default();
    assert!(said.starts_with(&format!("peerless: {words}")), "{said}");
    let result = result(&process);
    assert_eq!((&result["result"], &result["exit_code"]), (&word.into(), &code.into()), "{result}");
    said
}

/// A download onto a small disk, with `--wait-disk`, when it has found it full.
fn waits_for_space(lab: &Lab, driver: Driver) -> Option<(Scene, SmallDisk, Process)> {
    let disk = lab.small_disk("disk", SMALL)?;
    let scene = Scene::new(lab);
    let process = lab.peerless(driver, "get", scene.args(disk.path(), &["--wait-disk"]));
    let trouble = process.wait_for_text("disk_trouble", Deadline::seconds(30));
    assert!(trouble.contains("no space left"), "{trouble}");
    Some((scene, disk, process))
}

fn out(lab: &Lab) -> PathBuf {
    lab.dir("out")
}

both_drivers! {
    fn a_full_disk_ends_the_download_and_keeps_what_is_verified(lab, driver) {
        let Some(disk) = lab.small_disk("disk", SMALL) else { return };
        let scene = Scene::new(lab);
        let process = lab.peerless(driver, "get", scene.args(disk.path(), &[]));
        let said = ends_with(process, 6, "no_space", "disk: ");
        assert!(said.contains("no space left") && said.contains("of 1536 pieces verified"), "{said}");
        assert!(!disk.path().join("file.bin").exists());
        let verified = said.split_once(" of 1536 pieces").and_then(|(before, _)| before.rsplit([' ', '(']).next());
        let verified: u64 = verified.and_then(|n| n.parse().ok()).expect("a number of pieces");
        disk.resize(LARGE);
        // One that was to be recorded next may be hashed instead; none is fetched again.
        assert!(verified > 0 && scene.goes_on(lab, driver, disk.path()) >= verified, "not all of {verified} were kept");
    }

    fn a_read_only_file_system_is_called_so_and_the_journal_named(lab, driver) {
        let Some(disk) = lab.small_disk("disk", SMALL) else { return };
        let scene = Scene::new(lab);
        disk.make_read_only();
        // Where the directory is there, and where it would have to be made.
        for dir in ["", "new"] {
            let dir = disk.path().join(dir);
            let process = lab.peerless(driver, "get", scene.args(&dir, &["--wait-disk"]));
            let said = ends_with(process, 7, "storage_error", "disk: cannot write the journal ");
            let journal = dir.join("file.bin.part.journal");
            assert!(said.contains(&format!("{}: read-only file system", journal.display())), "{said}");
        }
    }

    fn a_download_that_waits_for_space_keeps_what_it_has(lab, driver) {
        let Some((scene, disk, mut process)) = waits_for_space(lab, driver) else { return };
        process.signal(Signal::INT);
        ends_with(process, 130, "interrupted", "interrupted: ");
        disk.resize(LARGE);
        assert!(scene.goes_on(lab, driver, disk.path()) > 0, "nothing was kept");
    }

    #[ignore = "half a minute of waiting: run by .ci/full"]
    fn a_download_that_waits_for_space_goes_on_when_there_is_some(lab, driver) {
        let Some((_scene, disk, mut process)) = waits_for_space(lab, driver) else { return };
        disk.resize(LARGE);
        let status = process.wait_exit(Deadline::seconds(60));
        assert_eq!(status.code(), Some(0), "peerless get: {status}");
        line_of_type(&process, "disk_recovered");
        assert_eq!(same_bytes(&payload().write(&lab.dir("source")), &disk.path().join("file.bin")), Ok(()));
    }

    fn a_file_that_may_not_grow_is_a_storage_error(lab, driver) {
        let scene = Scene::new(lab);
        // A limit of 1 MiB for each file, and no signal that ends whoever meets it. The first piece may be beyond.
        let limit = "trap '' XFSZ; ulimit -f 2048";
        let process = lab.peerless_after(limit, driver, "get", scene.args(&out(lab), &[]));
        let said = ends_with(process, 7, "storage_error", "disk: ");
        assert!(said.contains("file.bin.part") && said.contains("of 1536 pieces verified"), "{said}");
        scene.goes_on(lab, driver, &out(lab));
    }

    fn without_descriptors_for_sockets_the_network_is_unusable(lab, driver) {
        let scene = Scene::new(lab);
        // Enough to read the torrent, too few to wait for sockets.
        let process = lab.peerless_after("ulimit -n 7", driver, "get", scene.args(&out(lab), &[]));
        ends_with(process, 8, "network_unusable", "limit: fewer than 8 descriptors are free; allow more of them (ulimit -n)");
        assert_eq!(std::fs::read_dir(out(lab)).unwrap().count(), 0);
    }
}
