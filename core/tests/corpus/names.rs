//! Names and paths that lead elsewhere, cannot be seen, or collide.

use super::{Case, case, dict, directory, file, int, list, single, string};

pub fn names() -> Vec<Case> {
    let named = |name: &[u8]| single(&[("name", string(name))]);
    vec![
        case("name-empty", named(b""), "path: the name \"\" is empty, at byte 25"),
        case(
            "name-dot",
            named(b"."),
            "path: the name \".\" means this directory or the one above, at byte 25",
        ),
        case(
            "name-dot-dot",
            named(b".."),
            "path: the name \"..\" means this directory or the one above, at byte 25",
        ),
        case(
            "name-absolute",
            named(b"/etc/passwd"),
            "path: the name \"/etc/passwd\" holds a path separator, at byte 25",
        ),
        case(
            "name-leads-up",
            named(b"../../.ssh/authorized_keys"),
            "path: the name \"../../.ssh/authorized_keys\" holds a path separator, at byte 25",
        ),
        case(
            "name-with-backslashes",
            named(b"..\\..\\autoexec.bat"),
            "path: the name \"..\\..\\autoexec.bat\" holds a path separator, at byte 25",
        ),
        case(
            "name-with-nul",
            named(b"a.txt\0.exe"),
            "path: the name \"a.txt\\u{0}.exe\" holds a control character, at byte 25",
        ),
        case(
            "name-with-escape",
            named(b"\x1b[2J\x1b]0;owned\x07"),
            "path: the name \"\\u{1b}[2J\\u{1b}]0;owned\\u{7}\" holds a control character, at byte 25",
        ),
        case(
            "name-with-line-break",
            named(b"a\nb"),
            "path: the name \"a\\u{a}b\" holds a control character, at byte 25",
        ),
        case(
            "name-with-c1-control",
            named("a\u{9b}31mb".as_bytes()),
            "path: the name \"a\\u{9b}31mb\" holds a control character, at byte 25",
        ),
        case(
            "name-with-delete",
            named(b"a\x7f"),
            "path: the name \"a\\u{7f}\" holds a control character, at byte 25",
        ),
        case(
            "name-of-nothing-visible",
            named("\u{200b}\u{202e}\u{feff}".as_bytes()),
            "path: the name \"\\u{200b}\\u{202e}\\u{feff}\" is empty, at byte 25",
        ),
        case(
            "name-dots-around-the-invisible",
            named(".\u{200d}.".as_bytes()),
            "path: the name \".\\u{200d}.\" means this directory or the one above, at byte 25",
        ),
        case(
            "name-twin-leads-up",
            single(&[("name.utf-8", string(".."))]),
            "path: the name \"..\" means this directory or the one above, at byte 44",
        ),
    ]
}

pub fn paths() -> Vec<Case> {
    let deep: Vec<&str> = vec!["d"; 101];
    let twin = dict([
        ("length", int(5)),
        ("path", list([string("a")])),
        ("path.utf-8", list([string(".."), string("a")])),
    ]);
    vec![
        case("path-without-elements", directory([file(&[])]), "path: a file without a name at byte 34"),
        case(
            "path-leads-up",
            directory([file(&["..", "..", "etc", "passwd"])]),
            "path: the name \"..\" means this directory or the one above, at byte 35",
        ),
        case(
            "path-leads-up-later",
            directory([file(&["fine"]), file(&["a", "..", "..", "b"])]),
            "path: the name \"..\" means this directory or the one above, at byte 65",
        ),
        case(
            "path-with-dot",
            directory([file(&[".", "a"])]),
            "path: the name \".\" means this directory or the one above, at byte 35",
        ),
        case(
            "path-with-empty-element",
            directory([file(&["a", "", "b"])]),
            "path: the name \"\" is empty, at byte 38",
        ),
        case(
            "path-element-absolute",
            directory([file(&["/etc/passwd"])]),
            "path: the name \"/etc/passwd\" holds a path separator, at byte 35",
        ),
        case(
            "path-element-with-slash",
            directory([file(&["a/../../b"])]),
            "path: the name \"a/../../b\" holds a path separator, at byte 35",
        ),
        case(
            "path-element-with-backslash",
            directory([file(&["C:\\Windows\\win.ini"])]),
            "path: the name \"C:\\Windows\\win.ini\" holds a path separator, at byte 35",
        ),
        case(
            "path-element-with-nul",
            directory([file(&["a\0"])]),
            "path: the name \"a\\u{0}\" holds a control character, at byte 35",
        ),
        case(
            "path-element-with-carriage-return",
            directory([file(&["a\rb"])]),
            "path: the name \"a\\u{d}b\" holds a control character, at byte 35",
        ),
        case(
            "path-too-deep",
            directory([file(&deep)]),
            "limit: the number of a path's elements is 101, more than 100, at byte 34",
        ),
        case(
            "path-twin-leads-up",
            directory([twin]),
            "path: the name \"..\" means this directory or the one above, at byte 53",
        ),
    ]
}

pub fn clashes() -> Vec<Case> {
    let two = |a: &[&str], b: &[&str]| directory([file(&["other"]), file(a), file(b)]);
    let many = list(vec![file(&["same"]); 30_000]);
    let hashes = string([b'#'; 200]);
    let long = "x".repeat(300);
    vec![
        case(
            "same-name-twice",
            two(&["a"], &["a"]),
            "path: two files named \"a\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-path-twice",
            two(&["d", "a"], &["d", "a"]),
            "path: two files named \"d/a\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-but-for-case",
            two(&["README"], &["Readme"]),
            "path: two files named \"README\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-but-for-sharp-s",
            two(&["Maße"], &["MASSE"]),
            "path: two files named \"Maße\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-but-for-composition",
            two(&["caf\u{e9}"], &["cafe\u{301}"]),
            "path: two files named \"café\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-but-for-the-invisible",
            two(&["a\u{200b}b"], &["ab"]),
            "path: two files named \"ab\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-after-renaming",
            two(&["con"], &["_CON"]),
            "path: two files named \"_con\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "directory-case-differs",
            two(&["Dir", "a"], &["dir", "A"]),
            "path: two files named \"Dir/a\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "file-is-also-a-directory",
            two(&["a"], &["a", "b"]),
            "path: two files named \"a\", one of them a directory: numbers 2 and 3",
        ),
        case(
            "directory-is-also-a-file",
            two(&["A", "b", "c"], &["a", "B"]),
            "path: two files named \"a/B\", one of them a directory: numbers 2 and 3",
        ),
        case(
            "same-too-long-name-twice",
            two(&[&long], &[&long]),
            "path: two files named \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\", as some systems see them: numbers 2 and 3",
        ),
        case(
            "same-name-30000-times",
            single(&[("length", vec![]), ("files", many), ("pieces", hashes)]),
            "path: two files named \"same\", as some systems see them: numbers 1 and 2",
        ),
    ]
}
