//! Where a torrent's data stands, or is to stand: the rules for OUT, DIR and PATH.

use crate::exit::{Exit, Failure};
use peerless_core::Metainfo;
use std::path::{Path, PathBuf};

/// Where a download goes.
///
/// Without `out` it is the torrent's name in `dir`, or in the current directory. For a torrent of one file
/// `out` is the file, or a directory that takes it; for a torrent of several it is the directory that takes
/// the place of the name.
pub(crate) fn for_download(
    metainfo: &Metainfo,
    out: Option<&Path>,
    dir: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let target = place(metainfo.name(), metainfo.is_single_file(), out, dir, Path::is_dir);
    if target.file_name().is_some() {
        return Ok(target);
    }
    resolve_dots(&target)
}

/// Where the data to seed or to verify stands: `path` itself, or under the torrent's name inside it.
pub(crate) fn for_reading(metainfo: &Metainfo, path: &Path) -> Result<PathBuf, Failure> {
    if !path.exists() {
        let text = format!("path: there is nothing at {}", path.display());
        return Err(Failure::new(Exit::SourceNotFound, text));
    }
    let inside = path.join(metainfo.name());
    let chosen = if metainfo.is_single_file() {
        if path.is_dir() { inside } else { path.to_owned() }
    } else if inside.is_dir() && files_at(metainfo, &inside) > files_at(metainfo, path) {
        inside
    } else {
        path.to_owned()
    };
    if !chosen.exists() {
        let text = format!("path: there is no {} in {}", metainfo.name(), path.display());
        return Err(Failure::new(Exit::SourceNotFound, text));
    }
    if chosen.file_name().is_some() { Ok(chosen) } else { canonical(&chosen) }
}

fn place(
    name: &str,
    single: bool,
    out: Option<&Path>,
    dir: Option<&Path>,
    is_dir: impl Fn(&Path) -> bool,
) -> PathBuf {
    let Some(out) = out else {
        return dir.map_or_else(|| PathBuf::from(name), |dir| dir.join(name));
    };
    let says_directory = out.as_os_str().as_encoded_bytes().ends_with(b"/");
    if single && (says_directory || is_dir(out)) { out.join(name) } else { out.to_owned() }
}

/// An OUT such as `.` or `a/..` names a directory that exists, only not by its name.
fn resolve_dots(target: &Path) -> Result<PathBuf, Failure> {
    let full = canonical(target)?;
    let here = std::env::current_dir().and_then(|d| d.canonicalize()).ok();
    let is_empty = std::fs::read_dir(&full).is_ok_and(|mut entries| entries.next().is_none());
    if here.as_ref() == Some(&full) && is_empty {
        let text =
            "path: the current directory itself cannot become the download; use -d . to download into it";
        return Err(Failure::new(Exit::TargetInTheWay, text));
    }
    Ok(full)
}

fn canonical(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::io("find", path, &error))
}

/// How many of the torrent's files stand at `root`.
fn files_at(metainfo: &Metainfo, root: &Path) -> usize {
    let files = metainfo.layout().files().iter().filter(|f| !f.padding);
    files.filter(|f| f.path.iter().fold(root.to_owned(), |p, e| p.join(&**e)).is_file()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(single: bool, out: Option<&str>, dir: Option<&str>) -> PathBuf {
        place("name", single, out.map(Path::new), dir.map(Path::new), |p| p == Path::new("there"))
    }

    #[test]
    fn without_out_the_name_decides() {
        assert_eq!(placed(true, None, None), Path::new("name"));
        assert_eq!(placed(true, None, Some("d")), Path::new("d/name"));
        assert_eq!(placed(false, None, Some("there")), Path::new("there/name"));
    }

    #[test]
    fn a_single_file_goes_to_out_or_into_it() {
        assert_eq!(placed(true, Some("new"), None), Path::new("new"));
        assert_eq!(placed(true, Some("there"), None), Path::new("there/name"));
        assert_eq!(placed(true, Some("new/"), None), Path::new("new/name"));
    }

    #[test]
    fn for_several_files_out_takes_the_place_of_the_name() {
        assert_eq!(placed(false, Some("new"), None), Path::new("new"));
        assert_eq!(placed(false, Some("there"), None), Path::new("there"));
        assert_eq!(placed(false, Some("there/"), None), Path::new("there/"));
    }
}
