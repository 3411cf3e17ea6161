//! Every malformed torrent of the corpus is refused with one sentence that names the fault and its place.

mod corpus;

use peerless_core::Metainfo;
use std::collections::BTreeSet;

const CLASSES: [&str; 5] = ["bencode", "metainfo", "path", "limit", "unsupported"];

#[test]
fn each_is_refused_with_its_sentence() {
    let mut wrong = String::new();
    for case in corpus::table() {
        let said = match Metainfo::parse(&case.bytes) {
            Ok(_) => "nothing: it was accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        if said != case.says {
            wrong += &format!("{}\n  says    {said}\n  must say {}\n", case.name, case.says);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn each_sentence_is_one_line_with_a_class_and_a_place() {
    let table = corpus::table();
    assert!(table.len() >= 70, "only {} cases", table.len());
    let names: BTreeSet<_> = table.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), table.len(), "a name is used twice");
    for case in table {
        let class = case.says.split(':').next().unwrap_or_default();
        assert!(CLASSES.contains(&class), "{}: {class}", case.name);
        assert!(!case.says.contains(char::is_control), "{} is not one line", case.name);
        // A clash is between two files, and a file that is too long has no byte that is wrong.
        let placed = ["at byte ", "numbers ", "from file ", "a .torrent file of "];
        assert!(placed.iter().any(|place| case.says.contains(place)), "{} has no place", case.name);
    }
}
