//! How long an address rests after a connection, by how that connection ended.

use super::{Known, Outcome, Source};
use crate::time::Duration;

/// After a connection that served both sides and merely ended.
const AFTER_USEFUL: Duration = Duration::from_secs(3);
/// After one that had nothing to give: that changes slowly, if at all.
const AFTER_USELESS: Duration = Duration::from_secs(600);
/// After the first failure to connect or to shake hands; doubles with each in a row.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// The same for one that the user named: they wait, and perhaps start that peer at this moment.
const AFTER_FAILURE_OF_USER: Duration = Duration::from_secs(1);
/// After we could not even begin: the dialler pauses by itself, and the next address may as well be this one.
const WHILE_UNTRIED: Duration = Duration::from_secs(1);
/// The longest rest of an address that fails.
const MAX_AFTER_FAILURE: Duration = Duration::from_secs(1_800);
/// The same for one that the user named.
const MAX_AFTER_FAILURE_OF_USER: Duration = Duration::from_secs(180);
/// Failures in a row after which an address is forgotten. A tracker that still believes in it will say so.
const FORGET_AFTER: u32 = 6;
/// After the first breach of the protocol; doubles with each.
const AFTER_OFFENCE: Duration = Duration::from_secs(300);
/// The longest rest of an address that misbehaves.
const MAX_AFTER_OFFENCE: Duration = Duration::from_secs(4 * 3_600);

/// Records the outcome, and returns how long to leave the address alone: `None` is for ever.
pub(super) fn after(known: &mut Known, outcome: Outcome) -> Option<Duration> {
    let shook_hands = core::mem::take(&mut known.shook_hands);
    known.complete = outcome == Outcome::Complete;
    match outcome {
        Outcome::Useful => {
            known.fruitless = 0;
            known.proven = true;
            Some(AFTER_USEFUL)
        }
        Outcome::Useless | Outcome::Complete => {
            known.proven = false;
            Some(AFTER_USELESS)
        }
        Outcome::Untried => Some(WHILE_UNTRIED),
        Outcome::Failed => after_failure(known, shook_hands),
        Outcome::Misbehaved => {
            known.proven = false;
            known.offences = known.offences.saturating_add(1);
            Some(doubled(AFTER_OFFENCE, known.offences, MAX_AFTER_OFFENCE))
        }
    }
}

/// A peer that shakes hands and closes is there, and full perhaps: it is not forgotten, but not pestered.
fn after_failure(known: &mut Known, shook_hands: bool) -> Option<Duration> {
    let of_user = known.source == Source::User;
    let count = if shook_hands { &mut known.fruitless } else { &mut known.failures };
    *count = count.saturating_add(1);
    if known.failures >= FORGET_AFTER && !of_user {
        return None;
    }
    let (first, most) = if of_user {
        (AFTER_FAILURE_OF_USER, MAX_AFTER_FAILURE_OF_USER)
    } else {
        (AFTER_FAILURE, MAX_AFTER_FAILURE)
    };
    Some(doubled(first, known.failures.saturating_add(known.fruitless), most))
}

/// `first` for the first time, twice that for the second, and so on up to `most`.
fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    let factor = 1 << times.saturating_sub(1).min(16);
    first.saturating_mul(factor).min(most)
}
