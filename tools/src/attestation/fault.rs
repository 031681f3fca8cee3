//! What can be wrong with an installation, in words.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One thing that is not as it was installed, or that keeps it from being known.
#[derive(Debug)]
pub enum Fault {
    /// No manifest was ever made, or it was removed.
    NoManifest(PathBuf),
    /// There is no certificate.
    NoCertificate(PathBuf),
    /// There is a manifest, or a certificate, and no key to check it with.
    NoKey(PathBuf),
    /// The manifest, the certificate or the key is not in the form `attest make` writes.
    Malformed(PathBuf),
    /// The manifest or the certificate was changed, or another key is pinned than the one it was signed with.
    Signature {
        /// What was signed.
        path: PathBuf,
        /// The pinned key.
        key: PathBuf,
    },
    /// The certificate is about another key.
    OtherKey {
        /// The certificate.
        certificate: PathBuf,
        /// The pinned key.
        key: PathBuf,
    },
    /// Others than root and the owner of the program can replace the pinned key: by this file, or by this directory
    /// above it.
    Exposed(PathBuf),
    /// A file of the manifest is not there.
    Missing(PathBuf),
    /// A file has another length.
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes it should have.
        signed: u64,
        /// Bytes it has.
        found: u64,
    },
    /// A file of the right length has other bytes.
    Content(PathBuf),
    /// A link points to something else.
    Target {
        /// The link.
        path: PathBuf,
        /// Where it should point.
        signed: String,
        /// Where it points.
        found: String,
    },
    /// A file became a link, or a link a file: what it should be, and what it is.
    Kind(PathBuf, &'static str, &'static str),
    /// Part of the product by its name, or the running program, and not in the manifest.
    Unlisted(PathBuf),
    /// The file of the running program was replaced or removed.
    Replaced(PathBuf),
    /// The running program is not the file that is installed under its name.
    Running(PathBuf),
    /// There is no module in the installation, or in its manifest.
    NoModule(PathBuf),
    /// A path that a manifest cannot name.
    Name(PathBuf),
    /// Part of the product by its name, and in a directory elsewhere that a directory of the installation is a link to.
    Outside(PathBuf),
    /// Something could not be read.
    Unreadable(PathBuf, io::Error),
    /// Something could not be written.
    Unwritable(PathBuf, io::Error),
    /// The key of a new manifest, or its certificate, could not be made, or the key not be used.
    Key(String),
}

impl Fault {
    pub(super) fn unreadable(path: impl Into<PathBuf>, error: io::Error) -> Fault {
        Fault::Unreadable(path.into(), error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoManifest(path) => write!(f, "there is no manifest at {}", path.display()),
            Fault::NoCertificate(path) => write!(f, "there is no certificate at {}", path.display()),
            Fault::NoKey(path) => write!(f, "the manifest's key is missing: there is no {}", path.display()),
            Fault::Malformed(path) => write!(f, "{} is not as strongroom attest make writes it", path.display()),
            Fault::Signature { path, key } => {
                write!(f, "{} was changed, or not signed with the key in {}", path.display(), key.display())
            }
            Fault::OtherKey { certificate, key } => {
                write!(
                    f,
                    "{} is the certificate of another key than the one in {}",
                    certificate.display(),
                    key.display()
                )
            }
            Fault::Exposed(path) => {
                let path = path.display();
                write!(f, "{path} can be written by others than root and the owner of the program")
            }
            Fault::Missing(path) => write!(f, "{} is missing", path.display()),
            Fault::Length { path, signed, found } => {
                write!(f, "{} was changed: it has {found} bytes instead of {signed}", path.display())
            }
            Fault::Content(path) => write!(f, "{} was changed: its SHA-256 is another one", path.display()),
            Fault::Target { path, signed, found } => {
                write!(f, "{} was changed: it is a link to {found:?} instead of {signed:?}", path.display())
            }
            Fault::Kind(path, signed, found) => {
                write!(f, "{} was changed: it is a {found} instead of a {signed}", path.display())
            }
            Fault::Unlisted(path) => write!(f, "{} is not in the manifest", path.display()),
            Fault::Replaced(path) => {
                write!(f, "the file of the running program was replaced or removed: {}", path.display())
            }
            Fault::Running(path) => write!(f, "the running program is not the {} of the manifest", path.display()),
            Fault::NoModule(path) => {
                let path = path.display();
                write!(f, "there is no libstrongroom.so in {path}, nor in lib or lib64 there")
            }
            Fault::Name(path) => {
                write!(f, "{path:?} cannot be in a manifest: its name has control characters or is not in UTF-8")
            }
            Fault::Outside(path) => {
                write!(f, "{} is reached over a link that leads out of the installation", path.display())
            }
            Fault::Unreadable(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Fault::Unwritable(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
            Fault::Key(reason) => write!(f, "no key for the manifest could be made: {reason}"),
        }
    }
}

/// What to do about a failed check.
pub fn advice(faults: &[Fault]) -> &'static str {
    match faults {
        [Fault::NoManifest(_) | Fault::NoCertificate(_)] => {
            "whoever installed the files makes one with strongroom attest make"
        }
        [Fault::Exposed(_)] => {
            "give it to root or the owner of the program, and take the right to write from others (chmod go-w)"
        }
        _ => "install again, or, where the change is your own, run strongroom attest make",
    }
}

/// All faults and what to do, on one line.
pub(super) fn sentence(faults: &[Fault]) -> String {
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    format!("{}; {}", told.join("; "), advice(faults))
}
