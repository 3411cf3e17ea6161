//! `cargo bench -p peerless-tests --bench clients`: the program; what it does is in the library, where it is tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    peerless_tests::bench::main()
}
