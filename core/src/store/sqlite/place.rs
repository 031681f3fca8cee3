//! Where a token's files are, and what an administrator is told when SQLite fails with them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode, ffi};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::store::StoreError;

/// The files of one token.
///
/// None of them but the counter is ever opened here: closing any descriptor of a file that SQLite has locked would
/// give up this process's locks on it (POSIX record locks). Names and sizes are asked for by path.
pub(super) struct Place {
    directory: PathBuf,
}

impl Place {
    /// The token in `directory`, which must exist. Symbolic links up to here are the administrator's; a link in place
    /// of one of the files is refused.
    pub(super) fn at(directory: &Path) -> Result<Self, StoreError> {
        match fs::canonicalize(directory) {
            Ok(directory) => Ok(Self { directory }),
            Err(error) => Err(io_error(directory, "cannot be found", &error)),
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.directory.join(DATABASE)
    }

    pub(super) fn counter(&self) -> PathBuf {
        self.directory.join(COUNTER)
    }

    /// The write-ahead log, and the journal that a file outside WAL mode would have.
    pub(super) fn logs(&self) -> [PathBuf; 2] {
        [self.beside("-wal"), self.beside("-journal")]
    }

    /// Every file a token may consist of.
    pub(super) fn all(&self) -> [PathBuf; 5] {
        let [log, journal] = self.logs();
        [self.database(), log, self.beside("-shm"), journal, self.counter()]
    }

    /// Whether changes wait in a log for being merged into the database.
    pub(super) fn has_unmerged_log(&self) -> bool {
        self.logs().iter().any(|log| fs::symlink_metadata(log).is_ok_and(|found| found.len() > 0))
    }

    /// Creates the database, empty, for the owner alone whatever the umask. SQLite gives its other files the same mode.
    pub(super) fn create_database(&self) -> Result<(), StoreError> {
        let path = self.database();
        create_private(&path).map_err(|error| io_error(&path, "cannot be created", &error))
    }

    /// Makes the names of the files durable.
    pub(super) fn sync_directory(&self) -> Result<(), StoreError> {
        fs::File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| io_error(&self.directory, "cannot be synchronised", &error))
    }

    /// Refuses what cannot be a database before SQLite looks at it.
    pub(super) fn expect_database(&self) -> Result<(), StoreError> {
        let path = self.database();
        let found = fs::symlink_metadata(&path).map_err(|error| io_error(&path, "cannot be found", &error))?;
        if !found.is_file() {
            return Err(self.damaged("is not a regular file; symbolic links are refused"));
        }
        if found.len() == 0 {
            return Err(self.damaged("is empty; restore it from a backup, or create the token again"));
        }
        Ok(())
    }

    /// Whether the medium or its permissions are against writing here. The files themselves are asked: to SQLite a full
    /// disk, or a process with too many files open, can look alike, and these must not pass for a medium that is
    /// protected. What counts is whom the process acts for, which in a set-uid program is not who started it.
    pub(super) fn is_write_protected(&self) -> bool {
        let protected = |path: &PathBuf| {
            let may = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS);
            matches!(may, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS))
        };
        protected(&self.directory) || self.all().iter().any(protected)
    }

    /// The database as a URI for SQLite's `immutable` mode.
    pub(super) fn immutable_uri(&self) -> OsString {
        let mut uri = String::from("file://");
        for byte in self.database().as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => uri.push(char::from(*byte)),
                _ => uri.push_str(&format!("%{byte:02x}")),
            }
        }
        uri.push_str("?immutable=1");
        uri.into()
    }

    pub(super) fn damaged(&self, what: &str) -> StoreError {
        StoreError::Damaged(format!("{} {what}", self.database().display()))
    }

    pub(super) fn read_only(&self, what: &str) -> StoreError {
        StoreError::ReadOnly(format!("{} {what}", self.database().display()))
    }

    /// `error` of SQLite while `doing`, in the administrator's words.
    pub(super) fn failed(&self, doing: &str, error: &Error) -> StoreError {
        let path = self.database();
        let path = path.display();
        if is_busy(error) {
            return StoreError::Busy(format!("{path}: {doing}: another process holds the lock ({error})"));
        }
        let Error::SqliteFailure(failure, _) = error else {
            let advice = "run an integrity check and restore the token from a backup";
            return StoreError::Damaged(format!("{path}: {doing}: unexpected content ({error}); {advice}"));
        };
        match (failure.code, failure.extended_code) {
            (ErrorCode::NotADatabase, _) => StoreError::Damaged(format!(
                "{path} is not an SQLite database, or its header is damaged ({error}); restore it from a backup"
            )),
            (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS)
            | (ErrorCode::DatabaseCorrupt | ErrorCode::Unknown | ErrorCode::TypeMismatch, _) => {
                StoreError::Damaged(format!("{path}: {doing}: {error}; restore the token from a backup"))
            }
            (_, ffi::SQLITE_READONLY_DBMOVED) => StoreError::Io(format!(
                "{path} was replaced or removed while in use; stop every process that uses this token, then start again"
            )),
            (ErrorCode::DiskFull, _) => {
                StoreError::Full(format!("{path}: {doing}: {error}; make room on its file system"))
            }
            (ErrorCode::ReadOnly, _) if self.is_write_protected() => StoreError::ReadOnly(format!(
                "{path}: {doing}: {error}; the file, its directory or the file system does not allow writing"
            )),
            (ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _) => StoreError::Io(format!(
                "{path}: {doing}: {error}; this user needs to read and write the directory and the files in it"
            )),
            _ => StoreError::Io(format!("{path}: {doing}: {error}")),
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(DATABASE);
        name.push(OsStr::new(suffix));
        self.directory.join(name)
    }
}

/// Whether trying again later can help.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

pub(super) fn io_error(path: &Path, what: &str, error: &io::Error) -> StoreError {
    let text = format!("{} {what}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(text),
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(text),
        _ => StoreError::Io(text),
    }
}

/// `create_new` never follows a link, and the mode is set again because a umask may have taken bits away.
fn create_private(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(PRIVATE_MODE))
}

const DATABASE: &str = "token.db";
const COUNTER: &str = "generation";
const PRIVATE_MODE: u32 = 0o600;
