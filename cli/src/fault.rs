//! Faults of our own: a panic becomes one sentence and exit code 1, or, where somebody waits for it, words.

use crate::exit::Exit;
use crate::report::Report;
use serde_json::Map;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether this thread is within [`catching`], and what a fault said there.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does something that may run into a fault of our own, and gives the words of the fault then.
pub(crate) fn catching<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    CAUGHT.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(f));
    let caught = CAUGHT.take().filter(|words| !words.is_empty());
    result.map_err(|payload| caught.unwrap_or_else(|| words(&*payload).to_owned()))
}

/// What a panic was told to say.
fn words(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// Makes a fault of our own one sentence and exit code 1, whichever thread it happens in; but for those that
/// [`catching`] waits for.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let what = format!("{}{place}", words(info.payload()));
        if CAUGHT.with_borrow(Option::is_some) {
            return CAUGHT.set(Some(what));
        }
        let error = format!("bug: {what}; nothing verified is lost; please report this");
        let _ = Report { exit: Exit::Bug, error: Some(error), fields: Map::new() }.finish();
        std::process::exit(i32::from(Exit::Bug.code()));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_is_waited_for_gives_its_words() {
        assert_eq!(catching(|| 7), Ok(7));
        let broken: Result<(), String> = catching(|| panic!("seed {} is broken", 7));
        assert!(broken.unwrap_err().starts_with("seed 7 is broken"));
    }
}
