//! Every malformed torrent of the corpus, through the real binary: exit code 3, one sentence, nothing written.

#[path = "../../core/tests/corpus/mod.rs"]
mod corpus;
mod support;

use std::fs;
use support::run;

#[test]
fn every_malformed_torrent_is_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("case.torrent");
    let cases = corpus::cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for (name, bytes) in cases {
        fs::write(&file, bytes).unwrap();
        for command in ["show", "get"] {
            let ran = run(dir.path(), &[command, "case.torrent"]);
            ran.fails(3, ":");
            assert_eq!(ran.stderr.lines().count(), 1, "{name}: {ran:?}");
            assert!(ran.stderr.starts_with("peerless: "), "{name}: {ran:?}");
        }
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["case.torrent"], "{name} left something behind");
    }
}
