//! How long an address rests after a connection, by how that connection ended.

use super::{Known, Outcome, Source};
use crate::time::Duration;

/// After a connection that served both sides and merely ended.
const AFTER_USEFUL: Duration = Duration::from_secs(3);
/// After one that had nothing to give: that changes slowly, if at all.
const AFTER_USELESS: Duration = Duration::from_secs(600);
/// After the first failure to connect or to shake hands; doubles with each in a row.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// The longest rest of an address that fails. Only one named by the user lives long enough to reach it: its
/// owner may still be about to start that peer, so it is not left alone for long.
const MAX_AFTER_FAILURE: Duration = Duration::from_secs(180);
/// Failures in a row after which an address is forgotten. A tracker that still believes in it will say so.
const FORGET_AFTER: u32 = 6;
/// After the first breach of the protocol; doubles with each.
const AFTER_OFFENCE: Duration = Duration::from_secs(300);
/// The longest rest of an address that misbehaves.
const MAX_AFTER_OFFENCE: Duration = Duration::from_secs(4 * 3_600);

/// Records the outcome, and returns how long to leave the address alone: `None` is for ever.
pub(super) fn after(known: &mut Known, outcome: Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Useful => {
            known.proven = true;
            Some(AFTER_USEFUL)
        }
        Outcome::Useless => {
            known.proven = false;
            Some(AFTER_USELESS)
        }
        Outcome::Failed => {
            known.failures = known.failures.saturating_add(1);
            if known.failures >= FORGET_AFTER && known.source != Source::User {
                return None;
            }
            Some(doubled(AFTER_FAILURE, known.failures, MAX_AFTER_FAILURE))
        }
        Outcome::Misbehaved => {
            known.proven = false;
            known.offences = known.offences.saturating_add(1);
            Some(doubled(AFTER_OFFENCE, known.offences, MAX_AFTER_OFFENCE))
        }
    }
}

/// `first` for the first time, twice that for the second, and so on up to `most`.
fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    let factor = 1 << times.saturating_sub(1).min(16);
    first.saturating_mul(factor).min(most)
}
