//! Terminals without anybody in front of them, and what somebody would see there.

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::os::fd::OwnedFd;

/// A wide terminal, so that no line is cut.
const SIZE: Winsize = Winsize { ws_row: 30, ws_col: 140, ws_xpixel: 0, ws_ypixel: 0 };

/// Both sides of a new terminal: that of the person, and that of the program.
pub(crate) fn open() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).expect("a terminal");
    grantpt(&ours).expect("the other side");
    unlockpt(&ours).expect("the other side");
    tcsetwinsize(&ours, SIZE).expect("a size");
    let theirs = ioctl_tiocgptpeer(&ours, flags).expect("the other side");
    (ours.into(), theirs)
}

/// What is to be seen of a text that was written to a terminal; and the escape sequences in it, without the
/// escape character.
pub fn seen(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut codes) = (String::new(), Vec::new());
    let mut parts = text.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // A control sequence ends with its first letter; nothing else is expected here.
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        let (code, rest) = part.split_at(end);
        codes.push(code.to_owned());
        plain.push_str(rest);
    }
    (plain, codes)
}
