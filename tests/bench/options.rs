//! What is to be measured: the command line.

use super::scenarios::Scenario;
use super::subjects::Subject;
use std::time::Duration;

/// What `--help` tells.
pub(super) const USAGE: &str = "\
Measures BitTorrent clients, each as a whole process, and prints Markdown.

cargo bench -p peerless-tests --bench clients -- [SCENARIO...] [OPTIONS]

Scenarios (all where none is named; a first word names all that begin with it):
  download download-256k   one fast seed, pieces of 1 MiB and of 256 KiB
  far                      the same, but the seed answers after 50 ms
  swarm                    30 seeds of 4 MB/s each
  files                    files of 20 to 200 KiB
  check                    a start with everything there, until that is known
  seed seed-20             one leecher, 20 leechers
  connections              idle peers, and peers that tell of a piece each second
  start                    to the first request; 1 MiB from start to exit
  growth-peers growth-pieces growth-files    ours only

Options:
  --clients A,B    of mio, smol, libtorrent, aria2, transmission, rqbit (all that are installed)
  --runs N         runs that count of each client, after one that does not (3)
  --size N         bytes of the large torrent (1G)
  --peers N        peers in `connections` (2000)
  --window SECONDS how long they are watched (10)
  --no-warm-up     the first run counts, too";

/// What is to be measured, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is measured, in order.
    pub(super) scenarios: Vec<Scenario>,
    /// Whom.
    pub(super) clients: Vec<Subject>,
    /// Runs that count.
    pub(super) runs: usize,
    /// Whether one run before those does not.
    pub(super) warm_up: bool,
    /// Bytes of the large torrent.
    pub(super) size: u64,
    /// How many idle peers.
    pub(super) peers: usize,
    /// How long they are watched.
    pub(super) window: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scenarios: Scenario::ALL.to_vec(),
            clients: Subject::ALL.to_vec(),
            runs: 3,
            warm_up: true,
            size: 1 << 30,
            peers: 2_000,
            window: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// Reads the arguments; `None` where they ask for help.
    ///
    /// # Errors
    /// A line that says what is wrong with them.
    pub fn parse<S: AsRef<str>>(args: impl IntoIterator<Item = S>) -> Result<Option<Self>, String> {
        let mut options = Self { scenarios: Vec::new(), ..Self::default() };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let arg = arg.as_ref();
            let mut value =
                || args.next().map(|v| v.as_ref().to_owned()).ok_or_else(|| format!("{arg} takes a value"));
            match arg {
                // What cargo itself adds.
                "--bench" => {}
                "-h" | "--help" => return Ok(None),
                "--no-warm-up" => options.warm_up = false,
                "--clients" => options.clients = clients(&value()?)?,
                "--runs" => options.runs = at_least_1(arg, number(arg, &value()?)?)? as usize,
                "--size" => options.size = at_least_1(arg, number(arg, &value()?)?)?,
                "--peers" => options.peers = at_least_1(arg, number(arg, &value()?)?)? as usize,
                "--window" => {
                    options.window = Duration::from_secs(at_least_1(arg, number(arg, &value()?)?)?);
                }
                _ if arg.starts_with('-') => return Err(format!("there is no option {arg}")),
                _ => options.scenarios.extend(scenarios(arg)?),
            }
        }
        if options.scenarios.is_empty() {
            options.scenarios = Scenario::ALL.to_vec();
        }
        Ok(Some(options))
    }
}

/// Those of this name, and those of which it is the first word.
fn scenarios(name: &str) -> Result<Vec<Scenario>, String> {
    let is_it = |s: &Scenario| {
        let rest = s.name().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let found: Vec<_> = Scenario::ALL.into_iter().filter(is_it).collect();
    if found.is_empty() { Err(format!("there is no scenario {name}")) } else { Ok(found) }
}

fn clients(names: &str) -> Result<Vec<Subject>, String> {
    let one = |name: &str| Subject::ALL.into_iter().find(|subject| subject.name() == name);
    names.split(',').map(|name| one(name).ok_or_else(|| format!("there is no client {name}"))).collect()
}

/// A number, which may end in K, M or G.
fn number(option: &str, text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift));
    number.ok_or_else(|| format!("{option}: {text} is no number"))
}

fn at_least_1(option: &str, number: u64) -> Result<u64, String> {
    if number == 0 { Err(format!("{option}: 0 is too little")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, String> {
        Options::parse(line.split_whitespace())
    }

    #[test]
    fn nothing_said_is_everything() {
        assert_eq!(parse("--bench"), Ok(Some(Options::default())));
        assert_eq!(parse("swarm --help"), Ok(None));
    }

    #[test]
    fn a_first_word_names_a_family() {
        let options =
            parse("check growth --clients smol,aria2 --runs 2 --size 3M --no-warm-up").unwrap().unwrap();
        let growth = [Scenario::GrowthPeers, Scenario::GrowthPieces, Scenario::GrowthFiles];
        assert_eq!(options.scenarios, [&[Scenario::Check][..], &growth].concat());
        assert_eq!(options.clients, [Subject::Smol, Subject::Aria2]);
        assert_eq!((options.runs, options.size, options.warm_up), (2, 3 << 20, false));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let wrong = |line: &str| parse(line).unwrap_err();
        assert_eq!(wrong("grow"), "there is no scenario grow");
        assert_eq!(wrong("--clients mio,vuze"), "there is no client vuze");
        assert_eq!(wrong("--runs"), "--runs takes a value");
        assert_eq!(wrong("--runs 0"), "--runs: 0 is too little");
        assert_eq!(wrong("--size 1T"), "--size: 1T is no number");
        assert_eq!(wrong("--size 99999999999999G"), "--size: 99999999999999G is no number");
        assert_eq!(wrong("--fast"), "there is no option --fast");
    }
}
