//! Where tokens live: a directory each, named after its slot. A slot keeps its number for ever: the directory of a
//! deleted token stays behind, empty, so that its number is not given again.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::config::{Config, StoreKind};
use crate::error::Error;
use crate::limits::SLOTS_MAX;
use crate::store::{MemoryStore, SqliteStore, Store};

/// The place of all tokens.
pub(super) struct Home {
    dir: PathBuf,
    /// The stores of tokens that live in memory, by slot; none where tokens live on disk.
    memory: Option<Mutex<Vec<Option<Arc<MemoryStore>>>>>,
}

/// The slots there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Those with a token, ascending.
    pub tokens: Vec<u64>,
    /// The one that awaits a token.
    pub free: u64,
}

/// A directory in which a token is made.
struct Draft {
    path: PathBuf,
    /// Held as long as it is being filled.
    _lock: File,
}

const PREFIX: &str = "slot-";
const DRAFT_PREFIX: &str = ".new-";
const DRAFTS_MAX: usize = 8;

impl Home {
    /// The place the configuration names. Nothing is created yet.
    pub(super) fn new(config: &Config) -> Home {
        let memory = (config.store == StoreKind::Memory).then(Mutex::default);
        Home { dir: config.dir.clone(), memory }
    }

    /// The slots as they are now: other processes may add some.
    ///
    /// # Errors
    /// [`Error::Device`] where the directory cannot be read.
    pub(super) fn slots(&self) -> Result<Slots, Error> {
        if let Some(memory) = &self.memory {
            let stores = memory.lock();
            let tokens = (0u64..).zip(stores.iter()).filter(|(_, store)| store.is_some()).map(|(slot, _)| slot);
            return Ok(Slots { tokens: tokens.collect(), free: stores.len() as u64 });
        }
        let mut slots = Slots { tokens: Vec::new(), free: 0 };
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(slots),
            entries => entries.map_err(|error| self.trouble("cannot be listed", &error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| self.trouble("cannot be listed", &error))?;
            let name = entry.file_name();
            let Some(slot) = name.to_str().and_then(slot_of) else { continue };
            slots.free = slots.free.max(slot + 1);
            if SqliteStore::exists(&entry.path()) {
                slots.tokens.push(slot);
            }
        }
        slots.tokens.sort_unstable();
        Ok(slots)
    }

    /// Keeps other processes that ask for this from going on, until the file is dropped: between a look at the tokens
    /// and the making of one. None where tokens live in memory, and where the file system has no such locks.
    ///
    /// # Errors
    /// [`Error::Device`], [`Error::WriteProtected`].
    pub(super) fn hold(&self) -> Result<Option<File>, Error> {
        if self.memory.is_some() {
            return Ok(None);
        }
        self.make()?;
        let dir = File::open(&self.dir).map_err(|error| self.trouble("cannot be read", &error))?;
        Ok(dir.lock().is_ok().then_some(dir))
    }

    /// The store of the token in `slot`.
    ///
    /// # Errors
    /// [`Error::NoSlot`]; the store's.
    pub(super) fn open(&self, slot: u64) -> Result<Arc<dyn Store>, Error> {
        if let Some(memory) = &self.memory {
            let stores = memory.lock();
            let store = usize::try_from(slot).ok().and_then(|slot| stores.get(slot)?.clone());
            return Ok(store.ok_or(Error::NoSlot(slot))? as Arc<dyn Store>);
        }
        Ok(Arc::new(SqliteStore::open(&self.slot_dir(slot), false)?))
    }

    /// Makes the token of `slot`, which must be free, by filling an empty store. The token is in its slot whole or not
    /// at all, and two processes cannot both make it.
    ///
    /// # Errors
    /// [`Error::Busy`] where another process was faster; what `fill` says; the store's.
    pub(super) fn create(&self, slot: u64, fill: &dyn Fn(Arc<dyn Store>) -> Result<(), Error>) -> Result<(), Error> {
        if let Some(memory) = &self.memory {
            let store = Arc::new(MemoryStore::new());
            fill(Arc::clone(&store) as Arc<dyn Store>)?;
            let mut stores = memory.lock();
            if stores.len() as u64 != slot {
                return Err(taken(slot));
            }
            stores.push(Some(store));
            return Ok(());
        }
        self.make()?;
        self.remove_abandoned();
        let draft = self.draft()?;
        let made = self.create_in(&draft.path, slot, fill);
        if made.is_err() {
            // What is left of the draft is in nobody's way; removing it is a courtesy.
            let _ = fs::remove_dir_all(&draft.path);
        }
        made
    }

    /// Deletes the token of `slot` for ever. Its number stays taken.
    ///
    /// # Errors
    /// [`Error::NoSlot`]; [`Error::Device`].
    pub(super) fn delete(&self, slot: u64) -> Result<(), Error> {
        if let Some(memory) = &self.memory {
            let mut stores = memory.lock();
            let store = usize::try_from(slot).ok().and_then(|slot| stores.get_mut(slot));
            return store.and_then(Option::take).map(|_| ()).ok_or(Error::NoSlot(slot));
        }
        let dir = self.slot_dir(slot);
        if !SqliteStore::exists(&dir) {
            return Err(Error::NoSlot(slot));
        }
        // First the records, so that whoever has the token open finds it gone; a store too damaged for that goes as it
        // is.
        match SqliteStore::open(&dir, false).map_err(Error::from).and_then(|store| crate::token::erase(&store)) {
            Ok(()) | Err(Error::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
        SqliteStore::delete(&dir)?;
        Ok(())
    }

    /// The directory of a slot.
    pub(super) fn slot_dir(&self, slot: u64) -> PathBuf {
        self.dir.join(format!("{PREFIX}{slot}"))
    }

    /// An empty directory to make a token in.
    fn draft(&self) -> Result<Draft, Error> {
        for _ in 0..DRAFTS_MAX {
            let unique: [u8; 8] = strongroom_crypto::random::bytes()?;
            let path = self.dir.join(format!("{DRAFT_PREFIX}{:016x}", u64::from_le_bytes(unique)));
            make_dir(&path).map_err(|error| self.trouble("cannot be written", &error))?;
            // Until it was locked, another process could take it for one that is abandoned, and remove it.
            let Ok(directory) = File::open(&path) else { continue };
            match directory.try_lock() {
                Err(TryLockError::WouldBlock) => continue,
                // A file system without locks, on which nobody removes what is another's.
                Err(TryLockError::Error(_)) => {}
                Ok(()) if path.exists() => {}
                Ok(()) => continue,
            }
            return Ok(Draft { path, _lock: directory });
        }
        Err(Error::Busy("other processes keep removing what this one begins; initialise the token again".to_owned()))
    }

    /// Removes what processes left that ended before their token was whole. The lock of a draft is held by the process
    /// that fills it, and by no other; the kernel gives it back when that process ends, however it ends.
    fn remove_abandoned(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_str().is_some_and(is_draft)) {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let Some(directory) = is_directory.then(|| File::open(entry.path()).ok()).flatten() else { continue };
            if directory.try_lock().is_ok() {
                // Nothing depends on it.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn create_in(
        &self,
        draft: &Path,
        slot: u64,
        fill: &dyn Fn(Arc<dyn Store>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        fill(Arc::new(SqliteStore::create(draft)?))?;
        // A directory that has something in it is not replaced: who comes second fails here.
        fs::rename(draft, self.slot_dir(slot)).map_err(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => taken(slot),
            _ => self.trouble("cannot be written", &error),
        })?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(|error| self.trouble("cannot be synced", &error))
    }

    fn make(&self) -> Result<(), Error> {
        make_dir(&self.dir).map_err(|error| {
            let advice = "choose another with --dir or STRONGROOM_DIR";
            as_error(&error, format!("{} cannot be created: {error}; {advice}", self.dir.display()))
        })
    }

    fn trouble(&self, what: &str, error: &io::Error) -> Error {
        match as_error(error, format!("{} {what}: {error}", self.dir.display())) {
            Error::WriteProtected(text) => Error::WriteProtected(format!("the token is write-protected: {text}")),
            other => other,
        }
    }
}

fn as_error(error: &io::Error, text: String) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::TokenFull(text),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Error::WriteProtected(text),
        _ => Error::Device(text),
    }
}

/// The slot a directory is named after, if it is a name we give.
fn slot_of(name: &str) -> Option<u64> {
    let slot = name.strip_prefix(PREFIX)?.parse().ok().filter(|slot| *slot < SLOTS_MAX)?;
    (name == format!("{PREFIX}{slot}")).then_some(slot)
}

/// Whether a directory has a name that [`Home::draft`] gives.
fn is_draft(name: &str) -> bool {
    let digits = name.strip_prefix(DRAFT_PREFIX).unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

pub(super) fn taken(slot: u64) -> Error {
    Error::Busy(format!("another process has just initialised a token in slot {slot}; list the slots again"))
}

fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Home {
        let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
        let dir = std::env::temp_dir().join(format!("strongroom-home-{:016x}", u64::from_le_bytes(unique)));
        make_dir(&dir).unwrap();
        Home { dir, memory: None }
    }

    fn entries(home: &Home) -> Vec<String> {
        let entries = fs::read_dir(&home.dir).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Promise: what a killed process left of a token in the making is removed by the next one that makes a token.
    #[test]
    fn drafts_of_processes_that_are_gone_are_removed() {
        let home = home();
        for name in [".new-0011223344556677", ".new-ffeeddccbbaa9988", ".new-mine", ".new-001122334455667g", "other"] {
            make_dir(&home.dir.join(name)).unwrap();
            fs::write(home.dir.join(name).join("token.db"), "half").unwrap();
        }
        fs::write(home.dir.join(".new-0123456789abcdef"), "a file").unwrap();
        // As by a process that is making a token now.
        let alive = File::open(home.dir.join(".new-ffeeddccbbaa9988")).unwrap();
        alive.lock().unwrap();
        home.create(0, &|_| Ok(())).unwrap();
        let kept =
            [".new-001122334455667g", ".new-0123456789abcdef", ".new-ffeeddccbbaa9988", ".new-mine", "other", "slot-0"];
        assert_eq!(entries(&home), kept);
        fs::remove_dir_all(&home.dir).unwrap();
    }

    /// Promise: a token in the making is nobody's leftover.
    #[test]
    fn the_draft_of_another_that_is_making_a_token_stays() {
        let home = home();
        home.create(0, &|_| home.create(1, &|_| home.create(2, &|_| Ok(())))).unwrap();
        assert_eq!(entries(&home), ["slot-0", "slot-1", "slot-2"]);
        assert!(home.create(3, &|_| Err(Error::NoSlot(3))).is_err());
        assert_eq!(entries(&home), ["slot-0", "slot-1", "slot-2"]);
        std::thread::scope(|scope| {
            for slot in 3..11 {
                let home = &home;
                scope.spawn(move || home.create(slot, &|_| Ok(())).unwrap());
            }
        });
        assert_eq!(entries(&home).len(), 11);
        fs::remove_dir_all(&home.dir).unwrap();
    }
}
