//! Files opened by the way to them: one directory after the other from `/`, with no link among them.
//!
//! What is known of a file and of the directories above it is known of what was opened. A second look by name would let
//! somebody show one thing to be judged, and another to be read.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use super::Fault;

/// The directories above a file, opened.
#[derive(Debug)]
pub(super) struct Way {
    path: PathBuf,
    /// From `/` to the one that holds the file.
    directories: Vec<(PathBuf, Metadata)>,
    last: File,
}

impl Way {
    /// The way to an absolute path. Whether anything is at its end is not known yet.
    ///
    /// # Errors
    /// A directory that is missing, cannot be searched, or is a link.
    pub(super) fn to(path: &Path) -> io::Result<Way> {
        let start = PathBuf::from("/");
        let last = directory(CWD, start.as_os_str(), &start)?;
        let mut way = Way { path: path.to_owned(), directories: vec![(start, last.metadata()?)], last };
        for component in path.parent().unwrap_or(path).components() {
            match component {
                Component::RootDir => {}
                Component::Normal(name) => way.step(name)?,
                _ => return Err(io::Error::other("it is no absolute path")),
            }
        }
        Ok(way)
    }

    fn step(&mut self, name: &OsStr) -> io::Result<()> {
        let here = self.directories.last().map_or(Path::new("/"), |(path, _)| path).join(name);
        self.last = directory(&self.last, name, &here)?;
        self.directories.push((here, self.last.metadata()?));
        Ok(())
    }

    /// Opens the file at the end, and nothing else: no link, and without waiting for the other end of a pipe.
    ///
    /// # Errors
    /// It is not there, is not a file, or cannot be opened.
    pub(super) fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.last, self.name(), flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP => linked(&self.path),
            error => error.into(),
        })?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
    }

    /// Where the link at the end points; `None` where there is no link.
    ///
    /// # Errors
    /// Nothing is there.
    pub(super) fn target(&self) -> io::Result<Option<Vec<u8>>> {
        match readlinkat(&self.last, self.name(), Vec::new()) {
            Ok(target) => Ok(Some(target.into_bytes())),
            Err(Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses what others than root and `installer` could have put at the end: the file is theirs, or a directory
    /// above it. In a sticky directory, as `/tmp` is, they can make entries, but not rename what belongs to these two,
    /// and everything further down does. The directory that holds the file is not to have other entries either.
    ///
    /// # Errors
    /// [`Fault::Exposed`] for the first such thing, seen from `/`.
    pub(super) fn unexposed(&self, file: &Metadata, installer: u32) -> Result<(), Fault> {
        let others = |found: &Metadata, excused: u32| {
            ![0, installer].contains(&found.uid())
                || found.uid() == UNKNOWN_OWNER
                || (found.mode() & WRITABLE_BY_OTHERS != 0 && excused == 0)
        };
        let exposed = |path: &Path| Err(Fault::Exposed(path.to_owned()));
        for (path, found) in &self.directories {
            let holds_file = Some(path.as_path()) == self.path.parent();
            if others(found, if holds_file { 0 } else { found.mode() & STICKY }) {
                return exposed(path);
            }
        }
        if others(file, 0) { exposed(&self.path) } else { Ok(()) }
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

/// Opens a directory to go on from; needs no right to list it.
fn directory(above: impl AsFd, name: &OsStr, path: &Path) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = File::from(openat(above, name, flags, Mode::empty())?);
    match opened.metadata()?.file_type() {
        kind if kind.is_dir() => Ok(opened),
        kind if kind.is_symlink() => Err(linked(path)),
        _ => Err(ErrorKind::NotADirectory.into()),
    }
}

fn linked(path: &Path) -> io::Error {
    io::Error::other(format!("{} is a link, and links are not followed", path.display()))
}

const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Whom a user namespace shows as the owner of what belongs to users it does not know.
const UNKNOWN_OWNER: u32 = 65_534;
const STICKY: u32 = 0o1000;
