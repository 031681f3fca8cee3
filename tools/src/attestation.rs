//! Whether the module and the programs of an installation are those that were installed.
//!
//! `strongroom attest make` writes a manifest of them, signed with a key made for this one signature, and pins the
//! public key at a second place. [`check`] compares. A certificate says to others which key that was; [`certificate`]
//! is it. What all that proves and what not is in `docs/attestation.md`.
//!
//! Nothing but the place of the running program, as the kernel knows it, says which installation is meant: an option or
//! a variable that names another manifest would let whoever sets it choose the answer.

mod certificate;
mod fault;
mod manifest;
mod way;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use strongroom_crypto::hash::{Algorithm, Hash};
use strongroom_crypto::sign::{PUBLIC_LEN, SigningKey};
use zeroize::Zeroizing;

pub use fault::{Fault, advice};
use manifest::{Entry, Manifest};
use way::Way;

/// Checks the installation that the running program belongs to.
///
/// # Errors
/// In words: every file that is not as it was installed, or why there is nothing to compare with, and what to do.
pub fn check() -> Result<(), String> {
    let faults = match Installation::running() {
        Ok(installation) => installation.check().err().unwrap_or_default(),
        Err(fault) => vec![fault],
    };
    if faults.is_empty() { Ok(()) } else { Err(fault::sentence(&faults)) }
}

/// The certificate of the installation that the running program belongs to, in PEM.
///
/// # Errors
/// In words: why there is none that the pinned key vouches for, and what to do.
pub fn certificate() -> Result<String, String> {
    Installation::running().and_then(|it| it.certificate()).map_err(|fault| fault::sentence(&[fault]))
}

/// What is installed together: the directory above `bin`, or, in a build tree, the one that holds module and programs.
#[derive(Debug)]
pub struct Installation {
    root: PathBuf,
    /// The running program.
    program: PathBuf,
}

impl Installation {
    /// The installation of the running program.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] without `/proc`; [`Fault::Replaced`] when the program's file is gone.
    pub fn running() -> Result<Installation, Fault> {
        let program = fs::read_link(RUNNING).map_err(|error| Fault::unreadable(RUNNING, error))?;
        if program.as_os_str().as_encoded_bytes().ends_with(b" (deleted)") && !program.exists() {
            return Err(Fault::Replaced(program));
        }
        let directory = program.parent().unwrap_or(Path::new("/"));
        let root = match directory.parent() {
            Some(above) if directory.ends_with("bin") => above,
            _ => directory,
        };
        Ok(Installation { root: root.to_owned(), program: program.clone() })
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest.
    pub fn manifest_path(&self) -> PathBuf {
        self.root.join("share/strongroom/manifest")
    }

    /// The certificate of the manifest's key.
    pub fn certificate_path(&self) -> PathBuf {
        self.root.join("share/strongroom/attest.crt")
    }

    /// The pinned key: in the system's `etc` for `/usr` and `/usr/local`, else in the installation's own. A tree below
    /// another root has its own `etc` in the same way, so that it may be packed and unpacked elsewhere.
    pub fn key_path(&self) -> PathBuf {
        for (usr, name) in [("usr/local", "attest-usr-local.pub"), ("usr", "attest-usr.pub")] {
            let above = self.root.ancestors().nth(Path::new(usr).components().count());
            if let Some(above) = above.filter(|_| self.root.ends_with(usr)) {
                return above.join("etc/strongroom").join(name);
            }
        }
        self.root.join("etc/strongroom/attest.pub")
    }

    /// Makes the manifest and the certificate, and pins their key, in place of those that are there. The private key is
    /// gone when this returns.
    ///
    /// # Errors
    /// [`Fault::NoModule`]; files that cannot be read or written.
    pub fn make(&self) -> Result<(), Fault> {
        let mut entries = BTreeMap::new();
        for path in self.products() {
            let entry = observe(&path).map_err(|error| Fault::unreadable(&path, error))?;
            entries.insert(self.relative(&path)?, entry);
        }
        let manifest = Manifest { entries };
        if !manifest.has_module() {
            return Err(Fault::NoModule(self.root.clone()));
        }
        let failed = |error: strongroom_crypto::Error| Fault::Key(error.to_string());
        let seed = Zeroizing::new(strongroom_crypto::random::bytes().map_err(failed)?);
        let key = SigningKey::from_seed(&seed).map_err(failed)?;
        let signed = manifest.sign(&key).map_err(failed)?;
        let certificate = certificate::make(&key).map_err(Fault::Key)?;
        write(&self.key_path(), &manifest::pin(&key.verifying_key()))?;
        write(&self.certificate_path(), &certificate)?;
        write(&self.manifest_path(), &signed)
    }

    /// Compares the installation with its manifest; returns what was compared, relative to the root.
    ///
    /// # Errors
    /// Everything that is not as it should be.
    pub fn check(&self) -> Result<Vec<String>, Vec<Fault>> {
        let manifest = self.manifest().map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        if !manifest.has_module() {
            faults.push(Fault::NoModule(self.root.clone()));
        }
        for (name, signed) in &manifest.entries {
            let path = self.root.join(name);
            faults.extend(match observe(&path) {
                Ok(found) => signed.difference(&found, path),
                Err(error) if error.kind() == ErrorKind::NotFound => Some(Fault::Missing(path)),
                Err(error) => Some(Fault::unreadable(path, error)),
            });
        }
        let unlisted = |path: &PathBuf| !self.relative(path).is_ok_and(|name| manifest.entries.contains_key(&name));
        faults.extend(self.products().into_iter().filter(unlisted).map(Fault::Unlisted));
        faults.extend(self.running_differs(&manifest));
        faults.extend(self.certificate().err());
        if faults.is_empty() { Ok(manifest.entries.into_keys().collect()) } else { Err(faults) }
    }

    /// The certificate, in PEM.
    ///
    /// # Errors
    /// One that is not there, or is not of the pinned key and signed with it; a pinned key that is worth nothing.
    pub fn certificate(&self) -> Result<String, Fault> {
        let path = self.certificate_path();
        let text = read(&path, CERTIFICATE_BYTES_MAX)?.ok_or_else(|| Fault::NoCertificate(path.clone()))?;
        match certificate::check(&text, &self.pinned()?) {
            Ok(()) => Ok(text),
            Err(certificate::Refusal::Form) => Err(Fault::Malformed(path)),
            Err(certificate::Refusal::Key) => Err(Fault::OtherKey { certificate: path, key: self.key_path() }),
            Err(certificate::Refusal::Signature) => Err(Fault::Signature { path, key: self.key_path() }),
        }
    }

    /// The manifest, if it is the one that was signed with the pinned key.
    fn manifest(&self) -> Result<Manifest, Fault> {
        let path = self.manifest_path();
        let text = read(&path, MANIFEST_BYTES_MAX)?.ok_or_else(|| Fault::NoManifest(path.clone()))?;
        Manifest::open(&text, &self.pinned()?).map_err(|refusal| match refusal {
            manifest::Refusal::Form => Fault::Malformed(path),
            manifest::Refusal::Signature => Fault::Signature { path, key: self.key_path() },
        })
    }

    /// The pinned key, which is worth nothing where others than the installer can replace it.
    fn pinned(&self) -> Result<[u8; PUBLIC_LEN], Fault> {
        let pin = self.key_path();
        let (file, way) = reach(&pin)?.ok_or_else(|| Fault::NoKey(pin.clone()))?;
        let owner = |file: io::Result<File>| file.and_then(|file| file.metadata());
        let installer = owner(File::open(RUNNING)).map_err(|error| Fault::unreadable(RUNNING, error))?.uid();
        way.unexposed(&file.metadata().map_err(|error| Fault::unreadable(&pin, error))?, installer)?;
        manifest::parse_pin(&text(file, &pin, PIN_BYTES_MAX)?).ok_or(Fault::Malformed(pin))
    }

    /// The file at the program's path may be right, and the program that runs another one.
    fn running_differs(&self, manifest: &Manifest) -> Option<Fault> {
        let listed = self.relative(&self.program).ok().and_then(|name| manifest.entries.get(&name));
        // A program that is not listed at all is a fault already.
        let signed = listed?;
        match File::open(RUNNING).and_then(digest) {
            Ok(running) if running == *signed => None,
            Ok(_) => Some(Fault::Running(self.program.clone())),
            Err(error) => Some(Fault::unreadable(RUNNING, error)),
        }
    }

    /// The running program, and everything below the root that has a name of the product at a place where such files
    /// are installed. What is there and not in the manifest came later.
    fn products(&self) -> Vec<PathBuf> {
        let beside = self.program.parent().unwrap_or(&self.root);
        let programs = PROGRAMS.iter().map(|name| beside.join(name));
        let libraries = self.library_directories();
        let modules = libraries.iter().flat_map(|directory| MODULES.map(|name| directory.join(name)));
        let mut found: Vec<PathBuf> =
            programs.chain(modules).filter(|path| fs::symlink_metadata(path).is_ok()).collect();
        found.push(self.program.clone());
        found.sort();
        found.dedup();
        found
    }

    fn library_directories(&self) -> Vec<PathBuf> {
        let mut directories = vec![self.root.clone()];
        for library in ["lib", "lib64"].map(|name| self.root.join(name)) {
            // Debian's directories for one architecture are named as x86_64-linux-gnu.
            let architectures = fs::read_dir(&library).into_iter().flatten().flatten();
            let architectures = architectures.filter(|entry| entry.file_name().to_string_lossy().contains("-linux-"));
            directories.extend(architectures.map(|entry| entry.path()));
            directories.push(library);
        }
        let inner: Vec<PathBuf> = directories.iter().map(|directory| directory.join("pkcs11")).collect();
        directories.extend(inner);
        // A directory may have two names, as lib64 where it is a link to lib.
        directories.into_iter().filter_map(|directory| fs::canonicalize(directory).ok()).collect()
    }

    /// A path as the manifest names it.
    fn relative(&self, path: &Path) -> Result<String, Fault> {
        let name = path.strip_prefix(&self.root).map_err(|_| Fault::Outside(path.to_owned()))?.to_str();
        name.filter(|name| manifest::is_plain(name)).map(str::to_owned).ok_or_else(|| Fault::Name(path.to_owned()))
    }
}

/// What is at a path now, links not followed.
fn observe(path: &Path) -> io::Result<Entry> {
    let way = Way::to(path)?;
    let Some(target) = way.target()? else { return digest(way.open()?) };
    match String::from_utf8(target).ok().filter(|target| manifest::is_plain(target)) {
        Some(target) => Ok(Entry::Link { target }),
        None => Err(io::Error::other("it is a link to a name with control characters or not in UTF-8")),
    }
}

fn digest(mut file: File) -> io::Result<Entry> {
    let mut hash = Hash::new(Algorithm::Sha256);
    let mut block = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        let count = file.read(&mut block)?;
        let Some(part @ [_, ..]) = block.get(..count) else { break };
        hash.update(part);
        length += part.len() as u64;
    }
    let mut sha256 = [0; 32];
    hash.finish(&mut sha256).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Entry::File { length, sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect() })
}

/// A small text file; `None` if it is not there.
fn read(path: &Path, bytes_max: u64) -> Result<Option<String>, Fault> {
    reach(path)?.map(|(file, _)| text(file, path, bytes_max)).transpose()
}

/// A file, and the way to it; `None` if it is not there.
fn reach(path: &Path) -> Result<Option<(File, Way)>, Fault> {
    match Way::to(path).and_then(|way| Ok((way.open()?, way))) {
        Ok(reached) => Ok(Some(reached)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::unreadable(path, error)),
    }
}

fn text(file: File, path: &Path, bytes_max: u64) -> Result<String, Fault> {
    let mut text = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut text).map_err(|error| Fault::unreadable(path, error))?;
    let text = String::from_utf8(text).ok().filter(|text| text.len() as u64 <= bytes_max);
    text.ok_or_else(|| Fault::Malformed(path.to_owned()))
}

/// Replaces a file as a whole, with its directories, for everybody to read, whatever the umask.
fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let replaced = || {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let missing: Vec<&Path> = directory.ancestors().take_while(|directory| !directory.exists()).collect();
        for directory in missing.into_iter().rev() {
            fs::DirBuilder::new().mode(0o755).create(directory)?;
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
        }
        Way::to(path)?;
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
        fs::rename(&new, path)
    };
    replaced().map_err(|error| Fault::Unwritable(path.to_owned(), error))
}

/// The names of the module: the file, and the links to it. In a build tree the second is the file.
pub const MODULES: [&str; 2] = ["libstrongroom.so.0", "libstrongroom.so"];

/// The names of the product's programs.
pub const PROGRAMS: [&str; 4] = ["strongroom", "key_mgmt_util", "cloudhsm_mgmt_util", "cloudhsm-cli"];

/// The running program, also where its file has another name by now.
const RUNNING: &str = "/proc/self/exe";
const MANIFEST_BYTES_MAX: u64 = 1 << 16;
const CERTIFICATE_BYTES_MAX: u64 = 1 << 12;
const PIN_BYTES_MAX: u64 = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_in_the_systems_etc_or_the_installations_own() {
        let key = |root: &str| Installation { root: root.into(), program: PathBuf::new() }.key_path();
        for (root, expected) in [
            ("/usr", "/etc/strongroom/attest-usr.pub"),
            ("/usr/local", "/etc/strongroom/attest-usr-local.pub"),
            ("/stage/usr", "/stage/etc/strongroom/attest-usr.pub"),
            ("/stage/usr/local", "/stage/etc/strongroom/attest-usr-local.pub"),
            ("/opt/strongroom", "/opt/strongroom/etc/strongroom/attest.pub"),
            ("/local", "/local/etc/strongroom/attest.pub"),
            ("/", "/etc/strongroom/attest.pub"),
        ] {
            assert_eq!(key(root), Path::new(expected), "{root}");
        }
    }

    /// A test is a program of no installation: nothing may pass that was never installed.
    #[test]
    fn a_program_that_was_not_installed_fails_and_says_what_to_do() {
        let told = check().unwrap_err();
        assert!(told.contains("there is no manifest") && told.contains("strongroom attest make"), "{told}");
    }
}
