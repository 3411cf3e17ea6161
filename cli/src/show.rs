//! `peerless show`: what a torrent contains.

use crate::args;
use crate::console;
use crate::exit::Failure;
use crate::report::Report;
use crate::source;
use crate::text;
use peerless_core::Metainfo;
use peerless_core::tracker::shown_url;
use serde_json::{Value, json};

/// Shows a torrent, as text or as one JSON object.
pub(crate) fn run(args: &args::Show) -> Result<Report, Failure> {
    let metainfo = source::load(&args.torrent)?;
    if args.json {
        return Ok(describe(&metainfo));
    }
    for line in lines(&metainfo) {
        console::data(&line)?;
    }
    if args.files {
        for file in metainfo.layout().files().iter().filter(|f| !f.padding) {
            console::data(&format!("{:>12}  {}", file.length, path(&metainfo, &file.path)))?;
        }
    }
    Ok(Report::complete())
}

/// The torrent as the fields of the `result` line.
fn describe(metainfo: &Metainfo) -> Report {
    let layout = metainfo.layout();
    let files: Vec<Value> = layout
        .files()
        .iter()
        .filter(|f| !f.padding)
        .map(|f| json!({ "path": path(metainfo, &f.path), "length": f.length }))
        .collect();
    let hash = metainfo.info_hash();
    Report::complete()
        .with("name", metainfo.name())
        .with("info_hash", hash.v1.map(|h| h.to_hex()))
        .with("info_hash_v2", hash.v2.map(|h| h.to_hex()))
        .with("piece_length", metainfo.geometry().piece_length())
        .with("num_pieces", metainfo.geometry().num_pieces())
        .with("total_size", metainfo.layout().content_length())
        .with("num_files", files.len())
        .with("private", metainfo.is_private())
        .with("trackers", json!(metainfo.trackers()))
        .with("web_seeds", json!(metainfo.web_seeds()))
        .with("comment", metainfo.comment())
        .with("created_by", metainfo.created_by())
        .with("creation_date", metainfo.creation_date())
        .with("source", metainfo.source())
        .with("encoding", metainfo.encoding())
        .with("single_file", metainfo.is_single_file())
        .with("files", files)
}

/// The torrent as lines for people.
fn lines(metainfo: &Metainfo) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = |name: &str, value: &str| out.push(format!("{name:<14}{value}"));
    let geometry = metainfo.geometry();
    let hash = metainfo.info_hash();
    let total = metainfo.layout().content_length();
    line("name", metainfo.name());
    if let Some(v1) = hash.v1 {
        line("info hash", &v1.to_hex());
    }
    if let Some(v2) = hash.v2 {
        line("info hash v2", &v2.to_hex());
    }
    line("size", &format!("{} ({total} bytes)", text::bytes(total)));
    let pieces = text::count(geometry.num_pieces().into(), "piece");
    line("pieces", &format!("{pieces} of {}", text::bytes(geometry.piece_length().into())));
    line("files", &num_files(metainfo).to_string());
    line("private", if metainfo.is_private() { "yes: peers come from its trackers only" } else { "no" });
    for (tier, urls) in metainfo.trackers().iter().enumerate() {
        for url in urls {
            // Without what may be a secret: this is what people paste into a bug report.
            line(&format!("tracker {}", tier + 1), &shown_url(url));
        }
    }
    for url in metainfo.web_seeds() {
        line("web seed", &shown_url(url));
    }
    let notes =
        [("comment", metainfo.comment()), ("made by", metainfo.created_by()), ("source", metainfo.source())];
    for (name, value) in notes {
        if let Some(value) = value {
            line(name, value);
        }
    }
    if let Some(seconds) = metainfo.creation_date() {
        line("made on", &text::date(seconds));
    }
    out
}

fn num_files(metainfo: &Metainfo) -> usize {
    metainfo.layout().files().iter().filter(|f| !f.padding).count()
}

/// A file's path within the torrent, without the torrent's name; for a torrent of one file, that name.
pub(crate) fn path(metainfo: &Metainfo, elements: &[Box<str>]) -> String {
    if elements.is_empty() { metainfo.name().to_owned() } else { elements.join("/") }
}
