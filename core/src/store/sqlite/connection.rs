//! Connections to a token's database: how they are opened and set up, and the statements that run on them.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension, params};

use super::jitter;
use super::place::{Place, is_busy};
use crate::limits::STORE_WAIT_MS;
use crate::store::Visitor;
use crate::store::range::KeyRange;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    /// Reading a medium on which SQLite cannot keep the files it coordinates with: nobody may be writing.
    ReadImmutable,
}

/// Opens a connection; touches the file as little as that allows.
pub(super) fn open(place: &Place, purpose: Purpose) -> Result<Connection, Error> {
    let common = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = match purpose {
        Purpose::Read => Connection::open_with_flags(place.database(), common | OpenFlags::SQLITE_OPEN_READ_ONLY),
        Purpose::Write => Connection::open_with_flags(place.database(), common | OpenFlags::SQLITE_OPEN_READ_WRITE),
        Purpose::ReadImmutable => {
            let flags = common | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(place.immutable_uri(), flags)
        }
    }?;
    patiently(|| set_up(&connection, purpose))?;
    Ok(connection)
}

/// Runs `attempt` until it is not busy, for at most [`STORE_WAIT_MS`].
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let deadline = deadline();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && Instant::now() < deadline => pause(),
            result => return result,
        }
    }
}

/// The moment at which a call that starts now gives up waiting.
pub(super) fn deadline() -> Instant {
    Instant::now() + Duration::from_millis(STORE_WAIT_MS)
}

/// Sleeps between two attempts; random, so that waiting processes do not march in step.
pub(super) fn pause() {
    thread::sleep(jitter(PAUSE_MIN..PAUSE_MAX));
}

/// Lays out a fresh, empty database file.
pub(super) fn lay_out(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES};"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE kv(k BLOB NOT NULL PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {FORMAT_VERSION};
         COMMIT;"
    ))?;
    truncate_log(connection).map(drop)
}

/// What is wrong with the kind or the version of the file, if anything.
pub(super) fn mismatch(connection: &Connection) -> Result<Option<String>, Error> {
    let application: i32 = pragma(connection, "PRAGMA application_id")?;
    if application != APPLICATION_ID {
        return Ok(Some(format!(
            "belongs to another application (SQLite application id {application:#x}, a token has {APPLICATION_ID:#x}); \
             move it out of the token directory"
        )));
    }
    let version: i32 = pragma(connection, "PRAGMA user_version")?;
    if version != FORMAT_VERSION {
        return Ok(Some(format!(
            "has format version {version}, this Strongroom reads version {FORMAT_VERSION}; use a later Strongroom"
        )));
    }
    // Finds out whether the table is there and has the columns.
    connection.prepare_cached(SELECT_ONE).map(|_| None)
}

/// Brings back the WAL mode, which a copy made with other tools may have lost. Best effort: everything is correct in
/// the other modes too, but readers and writers wait for each other there.
pub(super) fn ensure_log_mode(connection: &Connection) -> Result<(), Error> {
    let mode: String = patiently(|| pragma(connection, "PRAGMA journal_mode"))?;
    if mode != "wal" {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if is_busy(&error) || error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {}
            result => result?,
        }
    }
    Ok(())
}

/// Merges the log into the database and empties it; `false` if somebody's read or write is in the way.
pub(super) fn truncate_log(connection: &Connection) -> Result<bool, Error> {
    let busy: i64 = pragma(connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(busy == 0)
}

/// Writes the whole database anew.
pub(super) fn rewrite(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("VACUUM")
}

/// Problems that SQLite finds in the whole file.
pub(super) fn integrity(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    lines.filter(|line| !matches!(line, Ok(text) if text == "ok")).collect()
}

/// A number that changes when another connection, of any process, has committed.
pub(super) fn data_version(connection: &Connection) -> Result<i64, Error> {
    pragma(connection, "PRAGMA data_version")
}

pub(super) fn select(connection: &Connection, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    connection.prepare_cached(SELECT_ONE)?.query_row([key], |row| Ok(row.get_ref(0)?.as_blob()?.to_vec())).optional()
}

/// As [`crate::store::Store::scan`]. A busy error comes before the first visit or not at all.
pub(super) fn visit_range(
    connection: &Connection,
    prefix: &[u8],
    after: Option<&[u8]>,
    visit: Visitor<'_>,
) -> Result<(), Error> {
    let Some(KeyRange { lower, upper }) = KeyRange::of(prefix, after) else { return Ok(()) };
    let (mut bounded, mut unbounded);
    let mut rows = match upper {
        Some(upper) => {
            bounded = connection.prepare_cached(SELECT_BETWEEN)?;
            bounded.query(params![lower, upper])?
        }
        None => {
            unbounded = connection.prepare_cached(SELECT_FROM)?;
            unbounded.query(params![lower])?
        }
    };
    while let Some(row) = rows.next()? {
        if visit(row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

/// Sets `key`; whether an older value was replaced.
pub(super) fn upsert(connection: &Connection, key: &[u8], value: &[u8]) -> Result<bool, Error> {
    let replaced = connection.prepare_cached(UPDATE)?.execute(params![key, value])? > 0;
    if !replaced {
        connection.prepare_cached(INSERT)?.execute(params![key, value])?;
    }
    Ok(replaced)
}

/// Removes `key`; whether it was there.
pub(super) fn remove(connection: &Connection, key: &[u8]) -> Result<bool, Error> {
    Ok(connection.prepare_cached(DELETE)?.execute([key])? > 0)
}

/// Runs a statement that has neither parameters nor results.
pub(super) fn run(connection: &Connection, statement: &str) -> Result<(), Error> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

fn set_up(connection: &Connection, purpose: Purpose) -> Result<(), Error> {
    // Waiting is ours: SQLite's own is not spread out.
    connection.busy_timeout(Duration::ZERO)?;
    // A file made by somebody else must not bring code of its own.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    // Whoever closes last would otherwise lock everybody out, merge and delete the log, and the next opener would
    // create it again. The writer merges it when it is dropped.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // No memory map: a file cut short under us must be an error, not a SIGBUS in somebody else's process.
    connection.execute_batch(&format!(
        "PRAGMA mmap_size = 0; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA cell_size_check = ON;"
    ))?;
    if purpose == Purpose::Write {
        // Freed cells and pages are overwritten with zeros (FAST would leave pages on the free list as they were).
        // Temporary data stays in memory: no files beyond the token's directory.
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
             PRAGMA foreign_keys = OFF;",
        )?;
    }
    Ok(())
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, statement: &str) -> Result<T, Error> {
    connection.prepare_cached(statement)?.query_row([], |row| row.get(0))
}

/// "Strm".
const APPLICATION_ID: i32 = 0x5374_726d;
const FORMAT_VERSION: i32 = 1;
/// Measured: larger pages make every commit dearer, and scans hardly cheaper.
const PAGE_BYTES: u32 = 4096;
const CACHE_KIB: u32 = 2000;
const PROBLEMS_MAX: u32 = 100;

/// Shorter than the gap that a busy process leaves for others ([`super::writer`]), or they would miss it.
const PAUSE_MIN: Duration = Duration::from_micros(200);
const PAUSE_MAX: Duration = Duration::from_micros(1200);

const SELECT_ONE: &str = "SELECT v FROM kv WHERE k = ?1";
const SELECT_BETWEEN: &str = "SELECT k, v FROM kv WHERE k >= ?1 AND k < ?2 ORDER BY k";
const SELECT_FROM: &str = "SELECT k, v FROM kv WHERE k >= ?1 ORDER BY k";
const UPDATE: &str = "UPDATE kv SET v = ?2 WHERE k = ?1";
const INSERT: &str = "INSERT INTO kv(k, v) VALUES(?1, ?2)";
const DELETE: &str = "DELETE FROM kv WHERE k = ?1";
