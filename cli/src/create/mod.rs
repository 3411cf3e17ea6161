//! `peerless create`: a torrent of what is on the disk.

mod hash;
mod walk;

use crate::args;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::output::Meter;
use crate::report::Report;
use crate::text;
use peerless_core::metainfo::Builder;
use peerless_core::{Geometry, Metainfo};
use std::fs::{self, File};
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use walk::SourceFile;

/// What goes into a torrent besides the data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe<'a> {
    /// Announce URLs, each a tier of its own.
    pub(crate) announce: &'a [String],
    /// Bytes of a piece; `None`: what fits the size.
    pub(crate) piece_length: Option<u32>,
    /// Whether peers may come from the trackers only.
    pub(crate) private: bool,
    /// A line about it.
    pub(crate) comment: Option<&'a str>,
}

/// Makes a torrent file.
pub(crate) fn run(args: &args::Create) -> Result<Report, Failure> {
    let root = named(&args.path)?;
    let to_stdout = args.out.as_deref().is_some_and(|out| out.as_os_str() == "-");
    let out = out_path(&walk::name(&root)?, args.out.as_deref());
    if to_stdout && std::io::stdout().is_terminal() {
        let text = "usage: a torrent is not for a terminal; write -o FILE, or lead it elsewhere with |";
        return Err(Failure::new(Exit::Usage, text));
    }
    if !to_stdout && fs::symlink_metadata(&out).is_ok() {
        return Err(in_the_way(&out));
    }
    let recipe = Recipe {
        announce: &args.announce,
        piece_length: args.piece_length,
        private: args.private,
        comment: args.comment.as_deref(),
    };
    let data = make(&root, &recipe)?;
    let metainfo = Metainfo::parse(&data)?;
    if to_stdout {
        console::bytes(&data)?;
    } else {
        store(&out, &data)?;
        console::data(&out.to_string_lossy())?;
    }
    let geometry = metainfo.geometry();
    console::person(&format!(
        "{}: {} in {}, {} of {}",
        metainfo.name(),
        text::bytes(geometry.total()),
        text::count(metainfo.layout().files().len() as u64, "file"),
        text::count(geometry.num_pieces().into(), "piece"),
        text::bytes(geometry.piece_length().into()),
    ));
    Ok(Report::complete())
}

/// The bytes of a torrent file for what is at `root`, which must end in a name.
pub(crate) fn make(root: &Path, recipe: &Recipe<'_>) -> Result<Vec<u8>, Failure> {
    let files = walk::walk(root)?;
    let total = files.iter().map(|f| f.length).sum();
    let piece_length = recipe.piece_length.unwrap_or_else(|| Builder::default_piece_length(total));
    let geometry = Geometry::new(total, piece_length)
        .ok_or_else(|| Failure::new(Exit::Usage, "usage: --piece-length is too short for so much data"))?;
    let builder = describe(&walk::name(root)?, &files, piece_length, recipe);
    // Names that no torrent may have are found before hours of hashing, not after.
    builder.clone().pieces(vec![0; geometry.num_pieces() as usize * 20]).build()?;
    let mut meter = Meter::new("hashing", total);
    let hashes = hash::hash(&files, geometry, &mut meter);
    meter.end();
    let hashes: Vec<u8> = hashes?.into_iter().flat_map(|hash| hash.0).collect();
    Ok(builder.pieces(hashes).build()?)
}

fn describe(name: &str, files: &[SourceFile], piece_length: u32, recipe: &Recipe<'_>) -> Builder {
    let mut builder = match files {
        [file] if file.elements.is_empty() => Builder::file(name, file.length, piece_length),
        files => {
            let entries = files.iter().map(|f| (f.elements.clone(), f.length)).collect();
            Builder::directory(name, entries, piece_length)
        }
    };
    builder = builder
        .trackers(recipe.announce.iter().map(|url| [url.as_str()]))
        .private(recipe.private)
        .created_by(concat!("Peerless/", env!("CARGO_PKG_VERSION")));
    if let Some(comment) = recipe.comment {
        builder = builder.comment(comment);
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    builder.creation_date(i64::try_from(now.as_secs()).unwrap_or_default())
}

/// A path that ends in a name: `.` and the like are looked up.
fn named(path: &Path) -> Result<PathBuf, Failure> {
    if path.file_name().is_some() {
        return Ok(path.to_owned());
    }
    let full = path.canonicalize().map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Failure::new(Exit::SourceNotFound, format!("path: there is nothing at {}", path.display()))
        }
        _ => Failure::io("find", path, &error),
    })?;
    if full.file_name().is_none() {
        return Err(Failure::new(Exit::Usage, "usage: the root directory has no name to give to a torrent"));
    }
    Ok(full)
}

fn out_path(name: &str, out: Option<&Path>) -> PathBuf {
    let file = format!("{name}.torrent");
    match out {
        None => PathBuf::from(file),
        Some(dir) if dir.is_dir() => dir.join(file),
        Some(out) => out.to_owned(),
    }
}

/// Writes a file that must not exist yet; what cannot be written whole is taken away again.
fn store(path: &Path, data: &[u8]) -> Result<(), Failure> {
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => in_the_way(path),
        _ => Failure::io("create", path, &error),
    })?;
    file.write_all(data).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = fs::remove_file(path);
        Failure::io("write", path, &error)
    })
}

fn in_the_way(path: &Path) -> Failure {
    let text = format!("path: {} is there already; it is not overwritten", path.display());
    Failure::new(Exit::TargetInTheWay, text)
}
