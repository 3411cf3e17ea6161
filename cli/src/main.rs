//! `peerless`: a BitTorrent client for the command line.
#![forbid(unsafe_code)]

mod args;
mod checked;
mod commands;
mod console;
mod create;
mod demo;
mod driver;
mod exit;
mod fault;
mod output;
mod replay;
mod report;
mod run;
mod show;
mod signals;
mod sim;
mod source;
mod target;
mod text;
mod tracker;
mod values;

use args::{Cli, Command, Simple};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use exit::{Exit, Failure};
use report::Report;
use std::process::ExitCode;

fn main() -> ExitCode {
    fault::install_panic_hook();
    match Cli::try_parse() {
        Ok(cli) => run(cli).unwrap_or_else(Report::from).finish(),
        Err(error) => explain(&error).finish(),
    }
}

fn run(cli: Cli) -> Result<Report, Failure> {
    report::use_json(wants_json(&cli));
    signals::install()?;
    match cli.command {
        None => {
            let Simple { source, out, options } = cli.simple;
            let source = source.ok_or_else(|| Failure::new(Exit::Usage, "usage: no SOURCE was given"))?;
            commands::get(&source, out.as_deref(), options)
        }
        Some(Command::Get(args)) => commands::get(&args.source, None, args.options),
        Some(Command::Seed(args)) => commands::seed(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Verify(args)) => commands::verify(&args),
        Some(Command::Tracker(args)) => tracker::run(&args),
        Some(Command::Create(args)) => create::run(&args),
        Some(Command::Sim(args)) => sim::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        Some(Command::Demo(args)) => demo::run(&args),
    }
}

fn wants_json(cli: &Cli) -> bool {
    match &cli.command {
        None => cli.simple.options.output.json,
        Some(Command::Get(args)) => args.options.output.json,
        Some(Command::Seed(args)) => args.output.json,
        Some(Command::Show(args)) => args.json,
        Some(Command::Verify(args)) => args.output.json,
        Some(Command::Sim(args)) => args.json,
        Some(Command::Replay(args)) => args.json,
        Some(Command::Create(_) | Command::Tracker(_) | Command::Demo(_)) => false,
    }
}

/// Help and version are what was asked for; everything else is one sentence.
fn explain(error: &clap::Error) -> Report {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let shown = text.trim_end().lines().try_for_each(console::data);
            shown.map_or_else(Report::from, |()| Report::complete())
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            text.trim_end().lines().for_each(console::person);
            Report { exit: Exit::Usage, ..Report::complete() }
        }
        _ => {
            report::use_json(std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json"));
            let sentence = misplaced(error).unwrap_or_else(|| {
                let sentence = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
                sentence.split_whitespace().collect::<Vec<_>>().join(" ")
            });
            Failure::new(Exit::Usage, format!("usage: {sentence}; try peerless --help")).into()
        }
    }
}

/// What stands where only a command could: one that comes too late, or a third place.
fn misplaced(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    if error.kind() != ErrorKind::ArgumentConflict {
        return None;
    }
    let mut cli = Cli::command();
    cli.build();
    Some(match cli.find_subcommand(word) {
        Some(_) => format!("the command {word:?} comes first; a file of that name is written ./{word}"),
        None => format!("unexpected argument {word:?}; it is peerless SOURCE [OUT], and no third"),
    })
}
