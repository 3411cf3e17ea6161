//! A place for one test: a temporary directory and a network of its own, out of which nothing can get.
//!
//! A test runs in a process of its own: the test binary starts itself again, for that one test, in a fresh
//! network namespace (and one of mounts, for small disks). There 198.18.0.0/15 (reserved for benchmarks, RFC 2544) is loopback. 127.0.0.0/8 would
//! not do: Transmission refuses peers in it.

use crate::clients::Client;
use crate::peerless;
use crate::small_disk::SmallDisk;
use std::cell::Cell;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Says, in the process of one test, which network it has.
const VARIABLE: &str = "PEERLESS_LAB";

/// How a line begins that must be seen although the test passed.
const SKIPPED: &str = "skipped:";

/// What the network of a lab is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// A network namespace, made by root.
    Root,
    /// A network namespace inside a user namespace, in which we seem to be root.
    User,
    /// No namespace is allowed: the machine's own loopback.
    Loopback,
}

impl Network {
    const ALL: [Self; 3] = [Self::Root, Self::User, Self::Loopback];

    const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Loopback => "loopback",
        }
    }

    /// What a command line begins with, to run there.
    const fn prefix(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["unshare", "--net", "--mount"],
            Self::User => &["unshare", "--user", "--map-root-user", "--net", "--mount"],
            Self::Loopback => &["env"],
        }
    }

    fn works(self) -> bool {
        let probe = self.command().arg("true").output();
        probe.is_ok_and(|o| o.status.success())
    }

    fn command(self) -> Command {
        let mut command = Command::new(self.prefix()[0]);
        command.args(&self.prefix()[1..]);
        command
    }

    /// The best that this machine allows.
    fn best() -> Self {
        static BEST: OnceLock<Network> = OnceLock::new();
        *BEST.get_or_init(|| {
            let best = Self::ALL.into_iter().find(|n| n.works()).unwrap_or(Self::Loopback);
            if best == Self::Loopback {
                say("network namespaces are not allowed here (`unshare -rn true` fails): tests run on 127.0.0.0/8");
            }
            best
        })
    }
}

/// One test's directory and addresses.
#[derive(Debug)]
pub struct Lab {
    dir: TempDir,
    network: Network,
    given: Cell<u8>,
}

/// Runs `test`, the closure that is the body of a test function, in a lab of its own.
///
/// # Panics
/// When the test does; with all that it and its processes said.
pub fn in_lab<F: FnOnce(&Lab)>(test: F) {
    if let Ok(name) = std::env::var(VARIABLE) {
        let network = Network::ALL.into_iter().find(|n| n.name() == name).expect("set by ourselves");
        test(&Lab::new(network));
        return;
    }
    // `system::module::test::{{closure}}` goes by the name `module::test`.
    let path = std::any::type_name::<F>();
    let name = path.trim_end_matches("::{{closure}}").split_once("::").map_or(path, |(_, name)| name);
    let network = Network::best();
    let mut command = network.command();
    command.arg(std::env::current_exe().expect("a test knows its own binary"));
    command.args([name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]);
    command.env(VARIABLE, network.name());
    peerless::hand_on(&mut command);
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {name} by itself: {e}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprint!("{err}");
    err.lines().filter(|line| line.starts_with(SKIPPED)).for_each(say);
    assert!(output.status.success(), "{name} failed ({}), see above", output.status);
    assert!(out.contains("1 passed"), "{name} did not run\n{out}");
}

/// Runs `program`, all of this process, in a lab of its own: the process starts anew in that network.
pub(crate) fn enter_lab(program: impl FnOnce(&Lab) -> ExitCode) -> ExitCode {
    if let Ok(name) = std::env::var(VARIABLE) {
        let network = Network::ALL.into_iter().find(|n| n.name() == name).expect("set by ourselves");
        return program(&Lab::new(network));
    }
    let network = Network::best();
    // What is built in the lab could not be fetched there.
    let mut command = network.command();
    command.arg(std::env::current_exe().expect("a program knows itself")).args(std::env::args_os().skip(1));
    command.env(VARIABLE, network.name());
    peerless::hand_on_released(&mut command);
    panic!("cannot start anew: {}", command.exec());
}

impl Lab {
    fn new(network: Network) -> Self {
        if network != Network::Loopback {
            run("ip", &["link", "set", "lo", "up"]);
            run("ip", &["address", "add", "198.18.0.1/15", "dev", "lo"]);
            if ipv6() {
                run("ip", &["address", "add", "fd00::1/128", "dev", "lo", "nodad"]);
            }
        }
        let dir = tempfile::Builder::new().prefix("peerless-lab-").tempdir().expect("a temporary directory");
        Self { dir, network, given: Cell::new(0) }
    }

    /// The address from which programs speak that were told none. Ours is among them.
    pub const fn own_ip(&self) -> Ipv4Addr {
        match self.network {
            Network::Loopback => Ipv4Addr::LOCALHOST,
            Network::Root | Network::User => Ipv4Addr::new(198, 18, 0, 1),
        }
    }

    /// An address and port that nothing else in this lab was given.
    pub fn next_addr(&self) -> SocketAddrV4 {
        let n = self.given.get() + 1;
        self.given.set(n);
        // On the loopback that all labs share, the process number keeps them apart.
        let [.., high, low] = std::process::id().to_be_bytes();
        let ip = match self.network {
            Network::Loopback => Ipv4Addr::new(127, high | 1, low, n + 1),
            Network::Root | Network::User => Ipv4Addr::new(198, 18, 1, n),
        };
        // Below the ports that the kernel gives to outgoing connections.
        SocketAddrV4::new(ip, 10_000 + u16::from(low) * 80 + u16::from(n))
    }

    /// The same with IPv6; `None`, and a word on stderr, where the machine has none.
    pub fn next_addr_v6(&self) -> Option<SocketAddrV6> {
        let ip = match self.network {
            _ if !ipv6() => {
                eprintln!("{SKIPPED} this machine has no IPv6");
                return None;
            }
            Network::Loopback => Ipv6Addr::LOCALHOST,
            Network::Root | Network::User => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1),
        };
        Some(SocketAddrV6::new(ip, self.next_addr().port(), 0, 0))
    }

    /// The `n`-th of many addresses, for those who play a crowd.
    pub(crate) fn crowd_ip(&self, n: u16) -> Ipv4Addr {
        let [high, low] = n.to_be_bytes();
        match self.network {
            Network::Loopback => Ipv4Addr::new(127, 200, high, low),
            // The upper half of what is loopback here.
            Network::Root | Network::User => Ipv4Addr::new(198, 19, high, low),
        }
    }

    /// The directory of this name in the lab's own, made if it is not there.
    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("cannot make {}: {e}", path.display()));
        path
    }

    /// A path in the lab's directory; nothing is made.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A disk of this size, mounted at the directory of this name; `None`, and a word on stderr, where nothing
    /// may be mounted.
    pub fn small_disk(&self, name: &str, bytes: u64) -> Option<SmallDisk> {
        if self.network == Network::Loopback {
            eprintln!("{SKIPPED} nothing can be mounted without a namespace");
            return None;
        }
        Some(SmallDisk::mount(self.dir(name), bytes))
    }

    /// Whether the machine's own rules keep a client from working in this lab; says so on stderr.
    pub fn must_skip(&self, client: Client) -> bool {
        let skip = client == Client::Transmission && self.network == Network::Loopback;
        if skip {
            eprintln!("{SKIPPED} Transmission refuses peers in 127.0.0.0/8, and there is no other network");
        }
        skip
    }

    pub(crate) const fn network(&self) -> Network {
        self.network
    }
}

/// Whether the kernel has IPv6, and it is not turned off.
fn ipv6() -> bool {
    std::fs::read("/proc/sys/net/ipv6/conf/lo/disable_ipv6").is_ok_and(|disabled| disabled == b"0\n")
}

/// Tells the person at the terminal, past the capture of the test harness. That nobody may be there is no
/// failure.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|e| panic!("cannot start {program}: {e}; .ci/setup installs it"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {err}", args.join(" "));
}
