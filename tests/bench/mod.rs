//! Whole processes measured, ours and those of others, at the same work in turn: what they cost, how fast they are.
//!
//! The peers at the other end and the tracker are ours, and cheap. docs/performance.md has what came out,
//! docs/testing.md says how to run it.

mod content;
mod link;
mod machine;
mod options;
mod peers;
mod running;
mod scenarios;
mod stage;
mod stats;
mod subjects;
mod table;

use crate::lab::{Lab, enter_lab};
use options::USAGE;
use stage::Stage;
use std::process::ExitCode;
use table::Table;

pub use options::Options;

/// The program: reads the command line, measures, and writes Markdown to standard output.
#[allow(clippy::print_stdout, reason = "that is its result")]
pub fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    enter_lab(|lab| {
        let stage = Stage::new(lab);
        running::end_all_on_signal(stage.dirs());
        let mut whole = true;
        println!("{}", machine::described(&options));
        for scenario in &options.scenarios {
            let table = scenarios::measure(&stage, *scenario, &options);
            whole &= table.is_whole();
            println!("{}", table.markdown());
        }
        if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

/// Measures what `options` ask for: a table for each scenario.
pub fn measure(lab: &Lab, options: &Options) -> Vec<Table> {
    let stage = Stage::new(lab);
    options.scenarios.iter().map(|scenario| scenarios::measure(&stage, *scenario, options)).collect()
}
