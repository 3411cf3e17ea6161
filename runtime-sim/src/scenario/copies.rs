//! What is left of a torrent when seeds have left: pieces of which nobody has a copy, and downloads that say so.

use crate::net::HostId;
use crate::sim::Sim;
use peerless_core::{TorrentId, Why};

const TORRENT: TorrentId = TorrentId(0);

/// Why a download cannot go on: it says that nobody has what it lacks, and that is so. `None`: it can, or it says
/// something else.
pub(super) fn out_of_reach(sim: &Sim, host: HostId) -> Option<String> {
    let status = sim.status(host)?;
    let why = status.why.first().filter(|why| says_so(**why))?;
    let mine = sim.engine(host)?.torrent_have(TORRENT)?;
    let theirs = |other| sim.engine(other)?.torrent_have(TORRENT);
    if sim.hosts().filter_map(theirs).any(|have| have.has_more_than(mine)) {
        return None;
    }
    Some(format!("{} of {} pieces; {why}", status.have, status.pieces))
}

/// Whether somebody who says this has nobody to download from.
const fn says_so(why: Why) -> bool {
    matches!(why, Why::NobodyHasIt { .. } | Why::Connecting { .. } | Why::NoPeers)
}

/// Every download is complete, or out of reach.
pub(super) fn are_spent(sim: &Sim, leechers: &[HostId]) -> bool {
    leechers.iter().all(|host| sim.completed(*host).is_some() || out_of_reach(sim, *host).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::{Report, Setup, Swarm};
    use super::*;
    use crate::net::Link;
    use crate::units::{hours, kib, mbit, mib};

    /// The only seed leaves when the best leecher has half.
    fn without_the_rest(copies_leave: bool) -> Report {
        let mut swarm = Swarm::new(&Setup::seed(3), mib(2), kib(64) as u32).unwrap();
        let seed = swarm.seed(Link::symmetric(mbit(20)));
        for _ in 0..4 {
            swarm.leecher(Link::symmetric(mbit(20)));
        }
        assert!(swarm.wait_until(hours(1), |swarm| swarm.progress() >= 500));
        let in_reach = |host: &HostId| out_of_reach(&swarm.sim, *host).is_none();
        assert!(swarm.leechers.iter().all(in_reach), "the seed has the rest");
        swarm.sim.kill(seed);
        swarm.copies_leave = copies_leave;
        swarm.finish("without the rest", hours(2))
    }

    #[test]
    fn a_swarm_without_the_last_copy_of_a_piece_ends_and_says_why() {
        let report = without_the_rest(true);
        assert_eq!(report.faults, Vec::<String>::new());
        assert!(report.end.as_micros() < hours(1).as_micros() as u64, "it ended at {}", report.end);
        let told: Vec<&str> = report.leechers.iter().filter_map(|d| d.out_of_reach.as_deref()).collect();
        assert_eq!(told.len(), 4);
        assert!(told.iter().all(|why| why.contains("none of 3 peers has any of the")), "{told:?}");
        let pieces = told[0].split(' ').next();
        assert!(told.iter().all(|why| why.split(' ').next() == pieces), "all have all there is: {told:?}");
    }

    #[test]
    fn where_copies_are_not_to_leave_it_is_a_fault() {
        let report = without_the_rest(false);
        assert_eq!(report.faults.len(), 4, "{:?}", report.faults);
        assert!(report.leechers.iter().all(|download| download.out_of_reach.is_none()));
    }
}
