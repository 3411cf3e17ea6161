//! The files that a simulation leaves: looked at before it runs, written when it is over.

use crate::args;
use crate::exit::{Exit, Failure};
use peerless_runtime::{check_recording, open_recording};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Whether they can be written; a long simulation is not to be in vain. It leaves everything as it is.
pub(super) fn check(args: &args::Sim) -> Result<(), Failure> {
    if args.plot.is_some() && args.plot == args.record {
        return Err(Failure::new(Exit::Usage, "usage: --plot and --record name the same file"));
    }
    if let Some(path) = &args.plot {
        new_file(path)?;
        std::fs::remove_file(path).map_err(|error| Failure::io("write", path, &error))?;
    }
    if let Some(path) = &args.record {
        check_recording(path)?;
    }
    Ok(())
}

/// Writes a picture, to a file that is not there yet.
pub(super) fn plot(path: &Path, picture: &str) -> Result<(), Failure> {
    write(new_file(path)?, path, picture.as_bytes())
}

/// Writes a recording. An older one gives way to it.
pub(super) fn recording(path: &Path, recording: &[u8]) -> Result<(), Failure> {
    write(open_recording(path)?, path, recording)
}

fn new_file(path: &Path) -> Result<File, Failure> {
    File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let text = format!("path: {} is there already; choose another name", path.display());
            Failure::new(Exit::TargetInTheWay, text)
        }
        _ => Failure::io("write", path, &error),
    })
}

fn write(mut file: File, path: &Path, data: &[u8]) -> Result<(), Failure> {
    file.write_all(data).map_err(|error| Failure::io("write", path, &error))
}
