//! A counter that all processes on one token share: a word in a mapped file.
//!
//! The store above bumps it after each commit, so that "has another process changed anything?" costs one load
//! instead of a query. It is a hint between living processes, not a record: nothing here is flushed to disk.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

/// A 64-bit counter in the first word of a file, in the byte order of the machine.
///
/// The file must not be shortened while it is mapped: touching a page behind its end kills the process. Whoever may
/// write to the directory can do that, so it belongs in the token's own directory (mode 0700).
#[derive(Debug)]
pub struct SharedCounter {
    word: NonNull<AtomicU64>,
    writable: bool,
}

// SAFETY: the word is atomic and stays mapped as long as the counter lives.
unsafe impl Send for SharedCounter {}
// SAFETY: as above.
unsafe impl Sync for SharedCounter {}

impl SharedCounter {
    /// Opens the counter, and creates it at 0 (mode 0600 whatever the umask) if there is none.
    ///
    /// A shorter file is extended to 4096 bytes; its content stays. Links, directories, pipes and devices are refused.
    pub fn open(path: &Path) -> io::Result<SharedCounter> {
        let file = open_or_create(path)?;
        let metadata = regular(&file)?;
        if metadata.len() < FILE_LEN || metadata.blocks() == 0 {
            reserve(&file)?;
        }
        map(&file, true)
    }

    /// Opens an existing counter to look at, for media that cannot be written.
    ///
    /// [`store`](SharedCounter::store) and [`fetch_add`](SharedCounter::fetch_add) change nothing on it. A file too
    /// short to hold a counter is refused with [`ErrorKind::InvalidData`].
    pub fn open_read_only(path: &Path) -> io::Result<SharedCounter> {
        let file = OpenOptions::new().read(true).custom_flags(FLAGS).open(path)?;
        if regular(&file)?.len() < size_of::<AtomicU64>() as u64 {
            return Err(io::Error::new(ErrorKind::InvalidData, "the counter file is too short"));
        }
        map(&file, false)
    }

    /// The value. What another process wrote before it stored the value is visible after this load.
    #[inline]
    pub fn load(&self) -> u64 {
        self.word().load(Ordering::Acquire)
    }

    /// Sets the value.
    pub fn store(&self, value: u64) {
        if self.writable {
            self.word().store(value, Ordering::Release);
        }
    }

    /// Adds, wrapping, and returns the value before.
    pub fn fetch_add(&self, increment: u64) -> u64 {
        if self.writable { self.word().fetch_add(increment, Ordering::AcqRel) } else { self.load() }
    }

    /// Replaces `current` by `new`, as `AtomicU64::compare_exchange`; a read-only counter always fails.
    pub fn compare_exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
        if self.writable {
            self.word().compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire)
        } else {
            Err(self.load())
        }
    }

    /// Whether [`store`](SharedCounter::store) and [`fetch_add`](SharedCounter::fetch_add) have an effect.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    #[inline]
    fn word(&self) -> &AtomicU64 {
        // SAFETY: the mapping holds the word, aligned to a page, and lives as long as `self`. A read-only mapping is
        // never written: the two writers check.
        unsafe { self.word.as_ref() }
    }
}

impl Drop for SharedCounter {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length and nobody has a reference any more.
        unsafe { libc::munmap(self.word.as_ptr().cast(), FILE_LEN as usize) };
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    for _ in 0..ATTEMPTS {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(FLAGS).mode(0o600);
        match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        match options.create_new(true).open(path) {
            // Another process was faster: open its file.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => {
                // SAFETY: changes the mode of the file just created, through its descriptor.
                if unsafe { libc::fchmod(file.as_raw_fd(), 0o600) } != 0 {
                    return Err(io::Error::last_os_error());
                }
                return Ok(file);
            }
        }
    }
    Err(io::Error::new(ErrorKind::NotFound, "the counter file keeps disappearing"))
}

fn regular(file: &File) -> io::Result<std::fs::Metadata> {
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(io::Error::new(ErrorKind::InvalidInput, "the counter is not a regular file"))
    }
}

/// Gives the file its blocks now: on a full disk a mapped write into a hole would kill the process.
fn reserve(file: &File) -> io::Result<()> {
    // SAFETY: acts on an open descriptor; neither call shortens the file or changes content.
    unsafe {
        if libc::fallocate(file.as_raw_fd(), 0, 0, FILE_LEN as libc::off_t) == 0 {
            return Ok(());
        }
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EOPNOTSUPP | libc::ENOSYS) if file.metadata()?.len() < FILE_LEN => file.set_len(FILE_LEN),
        Some(libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
        _ => Err(error),
    }
}

fn map(file: &File, writable: bool) -> io::Result<SharedCounter> {
    let protection = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
    // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
    let start =
        unsafe { libc::mmap(ptr::null_mut(), FILE_LEN as usize, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    match NonNull::new(start.cast()) {
        Some(word) if start != libc::MAP_FAILED => Ok(SharedCounter { word, writable }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// One page on most machines; a word would do, but nothing smaller than a block is saved by a shorter file.
const FILE_LEN: u64 = 4096;

/// No links; and no waiting for the other end, should it be a pipe.
const FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

/// Between two attempts somebody else must have created and deleted the file.
const ATTEMPTS: usize = 8;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::memory::testing::check_in_child;

    /// A directory of its own for a test, removed at the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Directory {
            let path = std::env::temp_dir().join(format!("strongroom-counter-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory");
            Directory(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("counter")
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn two_mappings_share_one_value() {
        let directory = Directory::new("shared");
        let first = SharedCounter::open(&directory.file()).expect("created");
        let second = SharedCounter::open(&directory.file()).expect("opened");
        assert_eq!((first.load(), second.load()), (0, 0));
        assert_eq!(first.fetch_add(5), 0);
        assert_eq!(second.load(), 5);
        second.store(u64::MAX);
        assert_eq!(first.fetch_add(2), u64::MAX);
        drop(first);
        assert_eq!(second.load(), 1);
        drop(second);
        assert_eq!(SharedCounter::open(&directory.file()).expect("opened").load(), 1);
    }

    #[test]
    fn processes_count_together() {
        let directory = Directory::new("processes");
        let counter = SharedCounter::open(&directory.file()).expect("created");
        for _ in 0..3 {
            check_in_child(|| {
                let own = SharedCounter::open(&directory.file()).expect("opened");
                (0..1000).for_each(|_| _ = own.fetch_add(1));
                true
            });
        }
        assert_eq!(counter.load(), 3000);
    }

    #[test]
    fn the_mode_does_not_depend_on_the_umask() {
        let directory = Directory::new("umask");
        for mask in [0o777, 0] {
            check_in_child(|| {
                // SAFETY: sets the umask of this child only.
                unsafe { libc::umask(mask) };
                let path = directory.0.join(format!("counter-{mask}"));
                SharedCounter::open(&path).expect("created");
                let metadata = fs::metadata(&path).expect("there");
                metadata.permissions().mode() & 0o7777 == 0o600 && metadata.len() == FILE_LEN
            });
        }
    }

    #[test]
    fn a_short_file_is_extended_and_keeps_its_content() {
        let directory = Directory::new("short");
        fs::write(directory.file(), 77u64.to_ne_bytes()).expect("written");
        assert_eq!(SharedCounter::open(&directory.file()).expect("opened").load(), 77);
        assert_eq!(fs::metadata(directory.file()).expect("there").len(), FILE_LEN);
        fs::write(directory.file(), vec![0; 10_000]).expect("written");
        SharedCounter::open(&directory.file()).expect("opened").store(8);
        assert_eq!(fs::metadata(directory.file()).expect("there").len(), 10_000);
    }

    #[test]
    fn a_read_only_counter_sees_and_does_not_touch() {
        let directory = Directory::new("read-only");
        let path = directory.file();
        assert_eq!(SharedCounter::open_read_only(&path).expect_err("missing").kind(), ErrorKind::NotFound);
        fs::write(&path, [0; 7]).expect("written");
        assert_eq!(SharedCounter::open_read_only(&path).expect_err("short").kind(), ErrorKind::InvalidData);
        let writer = SharedCounter::open(&path).expect("opened");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("changed");
        let reader = SharedCounter::open_read_only(&path).expect("opened");
        writer.store(9);
        reader.store(1);
        assert_eq!(reader.fetch_add(1), 9);
        assert_eq!((reader.load(), writer.load()), (9, 9));
        assert!(writer.is_writable() && !reader.is_writable());
    }

    #[test]
    fn only_regular_files_are_opened() {
        let directory = Directory::new("kinds");
        let real = directory.file();
        SharedCounter::open(&real).expect("created");
        let link = directory.0.join("link");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let pipe = directory.0.join("pipe");
        let name = std::ffi::CString::new(pipe.to_str().expect("text")).expect("no zero byte");
        // SAFETY: makes a pipe at a path that ends with a zero byte.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        for path in [&directory.0, &link, &pipe, Path::new("/dev/null")] {
            assert!(SharedCounter::open(path).is_err(), "{path:?}");
            assert!(SharedCounter::open_read_only(path).is_err(), "{path:?}");
        }
    }
}
