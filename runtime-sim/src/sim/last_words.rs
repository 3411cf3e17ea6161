//! What a simulation says when a panic ends it: where it was, so that it can be seen again.

use super::Sim;

impl Sim {
    /// Seed, time, and whose turn it was.
    fn last_words(&self) -> String {
        let turn =
            self.turn.map_or_else(String::new, |host| format!(", in the turn of {}", self.host_name(host)));
        format!("this was a simulation from seed {}, at {}{turn}", self.seed, self.now)
    }
}

impl Drop for Sim {
    #[expect(clippy::print_stderr, reason = "whatever panicked knows nothing of the simulation")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.last_words());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::units::{mib, secs};
    use crate::{Host, Sim};

    #[test]
    fn last_words_tell_seed_time_and_host() {
        let mut sim = Sim::new(7);
        let torrent = sim.torrent(mib(1), 64 << 10, &[]).unwrap();
        sim.add(Host::new("somebody").seeds(&torrent));
        sim.run_for(secs(2));
        let words = sim.last_words();
        assert!(words.contains("seed 7, at 2") && words.ends_with("in the turn of somebody"), "{words}");
    }
}
