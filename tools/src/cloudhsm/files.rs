//! Files that commands read and write. They are overwritten, as in CloudHSM's tools.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf, absolute};

use strongroom_crypto::encoding::{PrivateKeyInfo, Traditional};
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random;
use zeroize::Zeroizing;

use super::results::Refusal;
use crate::pem;
use crate::text::hex;

/// What is wrong with a file, in words that begin with its name.
#[derive(Debug)]
pub(crate) struct FileError(String);

impl FileError {
    fn new(path: &Path, problem: impl fmt::Display) -> FileError {
        FileError(format!("{}: {problem}", path.display()))
    }

    fn of(path: &Path, failed: &str, error: &io::Error) -> FileError {
        FileError(format!("{} {failed}: {error}", path.display()))
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Refusal {
        Refusal::Said(format!("Error: {error}"))
    }
}

/// What a file holds.
///
/// # Errors
/// One that cannot be read, is empty, or is longer than any key or message that commands take.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let path = path.as_ref();
    let unreadable = |error| FileError::of(path, "cannot be read", &error);
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len().min(FILE_BYTES_MAX) as usize;
    // Never reallocated where the file has the length it says, so that no copy of a key stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(FileError(format!("{} is empty", path.display()))),
        1..=FILE_BYTES_MAX => Ok(bytes),
        _ => Err(FileError(format!("{} holds more than {FILE_BYTES_MAX} bytes", path.display()))),
    }
}

/// Writes a file that anyone may read, over one that is there.
///
/// # Errors
/// One that cannot be written.
pub(crate) fn write(path: impl AsRef<Path>, content: &[u8]) -> Result<(), FileError> {
    Target::open(path)?.write(content)
}

/// A file that is to be written. That it can be is found before the HSM does what its content comes from: no approval
/// is spent, and no key is made, for an output that has no place.
pub(crate) struct Target {
    path: PathBuf,
    file: File,
    /// Whether there was no such file: it goes again where nothing is written.
    is_new: bool,
    /// For a secret in the place of another file: a new file, which nobody has open, takes that place as a whole.
    draft: Option<(PathBuf, File)>,
    is_secret: bool,
}

impl Target {
    /// For what anyone may read; a file that is there is overwritten and keeps its mode.
    ///
    /// # Errors
    /// One that cannot be written.
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Target, FileError> {
        Target::new(path.as_ref(), false)
    }

    /// For what only its owner may read, whoever could read the file that is there.
    ///
    /// # Errors
    /// One that cannot be written.
    pub(crate) fn secret(path: impl AsRef<Path>) -> Result<Target, FileError> {
        Target::new(path.as_ref(), true)
    }

    fn new(path: &Path, is_secret: bool) -> Result<Target, FileError> {
        let mode = if is_secret { OWNER_ONLY } else { 0o666 };
        let open = || match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
            Ok(file) => Ok((file, true)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok((OpenOptions::new().write(true).open(path)?, false))
            }
            Err(error) => Err(error),
        };
        let (file, is_new) = open().map_err(|error| FileError::of(path, "cannot be written", &error))?;
        // Links are written through; and where a draft has no place, the file that is there is written.
        let is_replaced = is_secret && !is_new && fs::symlink_metadata(path).is_ok_and(|there| there.is_file());
        let draft = if is_replaced { draft_beside(path).ok() } else { None };
        Ok(Target { path: path.to_owned(), file, is_new, draft, is_secret })
    }

    /// Writes it.
    ///
    /// # Errors
    /// A full disk, for example.
    pub(crate) fn write(mut self, content: &[u8]) -> Result<(), FileError> {
        let written = self.put(content);
        // A part is no output.
        self.is_new &= written.is_err();
        written.map_err(|error| FileError::of(&self.path, "cannot be written", &error))
    }

    fn put(&mut self, content: &[u8]) -> io::Result<()> {
        if let Some((draft, file)) = &mut self.draft {
            // Some file systems have room until it is asked for.
            file.write_all(content).and_then(|()| file.sync_all())?;
            // Somebody's own in a directory as /tmp, or mounted there: it stays, and is written.
            if fs::rename(draft, &self.path).is_ok() {
                self.draft = None;
                return Ok(());
            }
        }
        // A pipe or a terminal has a length and a mode that say nothing.
        let is_file = self.file.metadata()?.is_file();
        if is_file {
            if self.is_secret {
                self.file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
            }
            self.file.set_len(0)?;
        }
        self.file.write_all(content)?;
        if is_file { self.file.sync_all() } else { Ok(()) }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some((draft, _)) = &self.draft {
            let _ = fs::remove_file(draft);
        }
        if self.is_new {
            // It is empty, or holds a part of what nobody was told is there.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A new file in the same directory, for its owner alone, under a name that nothing has.
fn draft_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = [0; 8];
    random::fill(&mut number).map_err(io::Error::other)?;
    let draft = path.with_file_name(format!(".strongroom-{}", hex(&number)));
    let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft)?;
    Ok((draft, file))
}

/// Refuses an output that is an input of the same command, or its other output: what is in it would be gone. Of the
/// files, each with the option that names it, those that are not given are none.
///
/// # Errors
/// Words with both options.
pub(crate) fn apart<P: AsRef<Path>>(out: (&str, Option<P>), others: &[(&str, Option<P>)]) -> Result<(), FileError> {
    let (Some(path), option) = (&out.1, out.0) else { return Ok(()) };
    for (other, file) in others {
        if file.as_ref().is_some_and(|file| same(path, file)) {
            let name = path.as_ref().display();
            return Err(FileError(format!("{option} and {other} name one file, {name}: each needs its own")));
        }
    }
    Ok(())
}

/// Whether two names stand for one file.
fn same(one: impl AsRef<Path>, other: impl AsRef<Path>) -> bool {
    let (one, other) = (one.as_ref(), other.as_ref());
    let place = |path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let named = |path| absolute(path).ok().map(|path| path.components().collect::<PathBuf>());
    named(one) == named(other) || place(one).is_some_and(|there| place(other) == Some(there))
}

/// The public key in a PEM file, as SubjectPublicKeyInfo.
///
/// # Errors
/// A file that holds something else.
pub(crate) fn public_key(path: impl AsRef<Path>) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let path = path.as_ref();
    let content = read(path)?;
    let text = std::str::from_utf8(&content).map_err(|_| FileError::new(path, "it is no PEM file"))?;
    let blocks = pem::blocks(text).map_err(|problem| FileError::new(path, problem))?;
    let block = blocks.iter().find(|block| block.label == "PUBLIC KEY");
    let none = || FileError::new(path, "it holds no public key in PEM (BEGIN PUBLIC KEY)");
    block.ok_or_else(none)?.decode().map_err(|problem| FileError::new(path, problem))
}

/// The private key in a PEM file, as PKCS#8.
///
/// # Errors
/// A file that holds something else, or a key that a password protects.
pub(crate) fn private_key(path: impl AsRef<Path>) -> Result<SecretBytes, FileError> {
    let path = path.as_ref();
    let content = read(path)?;
    let wrong = |problem: &str| FileError::new(path, problem);
    let text = std::str::from_utf8(&content).map_err(|_| wrong("it is no PEM file"))?;
    let blocks = pem::blocks(text).map_err(|problem| wrong(&problem))?;
    let keys = || blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let block = match (keys().next(), keys().nth(1)) {
        (Some(only), None) => only,
        (None, _) => return Err(wrong("it holds no private key in PEM")),
        _ => return Err(wrong("it holds several private keys; one is imported at a time")),
    };
    if block.label == "ENCRYPTED PRIVATE KEY" || block.is_encrypted() {
        return Err(wrong("the key is protected by a password; openssl pkey -in FILE -out PLAIN takes it off"));
    }
    let der = block.decode().map_err(|problem| wrong(&problem))?;
    let unreadable = |error: strongroom_crypto::Error| wrong(&error.to_string());
    let info = match Traditional::labelled(block.label) {
        Some(form) => form.decode(&der, None).map_err(unreadable)?.0,
        None => PrivateKeyInfo::decode(&der).map_err(unreadable)?,
    };
    info.encode().map_err(unreadable)
}

const OWNER_ONLY: u32 = 0o600;
/// More than any key, and room for messages to sign.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory of this test alone.
    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("strongroom-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn nothing_is_left_of_what_was_not_written() {
        let place = directory("nothing");
        drop(Target::open(place.join("public")).unwrap());
        drop(Target::secret(place.join("secret")).unwrap());
        assert_eq!(names(&place), [""; 0]);
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn who_owns_a_file_and_its_other_names_stay() {
        let place = directory("owner");
        let (path, other) = (place.join("out"), place.join("other"));
        fs::write(&path, "older and longer").unwrap();
        fs::hard_link(&path, &other).unwrap();
        let before = fs::metadata(&path).unwrap();
        write(&path, b"newer").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((before.uid(), before.gid(), before.ino()), (after.uid(), after.gid(), after.ino()));
        assert_eq!(fs::read(&other).unwrap(), b"newer");
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_file_is_written_when_all_is_there() {
        let place = directory("whole");
        let path = place.join("out");
        fs::write(&path, "older").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let target = Target::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"older", "opened is not written");
        drop(target);
        assert_eq!((fs::read(&path).unwrap().as_slice(), names(&place)), (&b"older"[..], vec!["out".to_owned()]));
        write(&path, b"newer").unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"newer"[..], 0o640));
        assert_eq!(names(&place), ["out"]);
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn who_has_the_older_file_open_reads_no_secret() {
        let place = directory("reader");
        let path = place.join("key");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let mut reader = File::open(&path).unwrap();
        Target::secret(&path).unwrap().write(b"secret").unwrap();
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).unwrap();
        assert_eq!((seen.as_slice(), mode(&path)), (&b""[..], 0o600));
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn links_and_what_is_no_file_are_written_through() {
        let place = directory("links");
        let (path, link) = (place.join("file"), place.join("link"));
        fs::write(&path, "older and longer").unwrap();
        symlink(&path, &link).unwrap();
        Target::secret(&link).unwrap().write(b"secret").unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"secret"[..], 0o600));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write("/dev/null", b"gone").unwrap();
        for nowhere in [place.clone(), place.join("no/such"), PathBuf::new()] {
            let error = Target::open(&nowhere).err().unwrap().to_string();
            assert!(error.starts_with(&format!("{} cannot be written: ", nowhere.display())), "{error}");
        }
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn one_file_by_two_names_is_known() {
        let place = directory("same");
        let (path, link, other) = (place.join("file"), place.join("link"), place.join("other"));
        assert!(same(&path, place.join(".").join("file")) && !same(&path, &other));
        fs::write(&path, "").unwrap();
        fs::write(&other, "").unwrap();
        symlink(&path, &link).unwrap();
        assert!(same(&path, &link) && !same(&path, &other));
        assert!(apart(("-out", Some(&other)), &[("-f", Some(&path)), ("-wk", None)]).is_ok());
        assert!(apart(("-out", None), &[("-f", Some(&path))]).is_ok());
        let error =
            apart(("-out", Some(&link)), &[("-f", Some(&other)), ("-wk", Some(&path))]).unwrap_err().to_string();
        assert_eq!(error, format!("-out and -wk name one file, {}: each needs its own", link.display()));
        fs::remove_dir_all(&place).unwrap();
    }
}
