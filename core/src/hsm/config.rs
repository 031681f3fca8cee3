//! The configuration: one optional TOML file. Without it everything works with the defaults.
//!
//! ```toml
//! dir = "/srv/tokens"       # where the tokens are, unless STRONGROOM_DIR says so
//! store = "sqlite"          # or "memory": nothing touches the disk
//! kdf = "default"           # cost of guessing a PIN: "default", "strong", or "test" for test tokens
//! policy = "standard"       # of tokens initialised from now on: "standard", "strict", "fips"
//! escrow = true             # whether the officer's PIN reset keeps the user's keys
//! pin_length_min = 4        # bytes
//! gcm_iv = "caller"         # or "module": the module makes the IVs of AES-GCM encryption
//! audit = "management"      # what the audit log of each token tells: "management", "logins", "use"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::limits::{PIN_BYTES_MAX, PIN_BYTES_MIN};
use crate::policy::{Kdf, Policy};
use crate::token::Settings;
use crate::token::audit::Level;

/// Where the caller wants the tokens and the configuration, before the environment is asked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The directory of all tokens.
    pub dir: Option<PathBuf>,
    /// The configuration file.
    pub conf: Option<PathBuf>,
}

/// What is in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of all tokens.
    pub dir: PathBuf,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// Where tokens are kept.
    pub store: StoreKind,
    /// What is chosen when a token or a PIN is made.
    pub settings: Settings,
    /// Whether the module makes the IVs of AES-GCM encryption.
    pub module_iv: bool,
    /// How much the audit logs tell.
    pub audit: Level,
}

/// The storage engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// One SQLite database per token.
    Sqlite,
    /// The memory of the process.
    Memory,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    dir: Option<PathBuf>,
    store: Option<String>,
    kdf: Option<String>,
    policy: Option<String>,
    escrow: Option<bool>,
    pin_length_min: Option<usize>,
    gcm_iv: Option<String>,
    audit: Option<String>,
}

/// The environment variable that names the directory of all tokens.
pub const DIR_VARIABLE: &str = "STRONGROOM_DIR";
/// The environment variable that names the configuration file.
pub const CONF_VARIABLE: &str = "STRONGROOM_CONF";

const FILE_NAME: &str = "strongroom.toml";
const SYSTEM_FILE: &str = "/etc/strongroom/strongroom.toml";
const SYSTEM_DIR: &str = "/var/lib/strongroom";

impl Config {
    /// Finds and reads the configuration.
    ///
    /// # Errors
    /// [`Error::Configuration`], which names the file, the line and the key.
    pub fn load(options: Options) -> Result<Config, Error> {
        let dir = options.dir.or_else(|| variable(DIR_VARIABLE));
        let file = match options.conf.or_else(|| variable(CONF_VARIABLE)) {
            Some(named) => Some(named),
            None => {
                let beside = dir.clone().or_else(|| default_dir().ok()).map(|dir| dir.join(FILE_NAME));
                [beside, Some(PathBuf::from(SYSTEM_FILE))].into_iter().flatten().find(|path| path.exists())
            }
        };
        let parsed = match &file {
            Some(path) => parse(path)?,
            None => File::default(),
        };
        let complaint = |key: &str, problem: String| {
            let path = file.as_deref().unwrap_or(Path::new(FILE_NAME)).display();
            Error::Configuration(format!("{path}: {key}: {problem}"))
        };
        let choice = |key, given: Option<&str>, choices: [&str; 2]| match given {
            None => Ok(false),
            Some(name) if name == choices[0] => Ok(false),
            Some(name) if name == choices[1] => Ok(true),
            Some(name) => Err(complaint(key, format!("\"{name}\" is not one of {}, {}", choices[0], choices[1]))),
        };
        let in_memory = choice("store", parsed.store.as_deref(), ["sqlite", "memory"])?;
        let module_iv = choice("gcm_iv", parsed.gcm_iv.as_deref(), ["caller", "module"])?;
        let policy = parsed.policy.as_deref().map_or(Ok(Policy::default()), str::parse);
        let kdf = parsed.kdf.as_deref().map_or(Ok(Kdf::default()), str::parse);
        let audit = parsed.audit.as_deref().map_or(Ok(Level::default()), str::parse);
        let pin_bytes_min = parsed.pin_length_min.unwrap_or(PIN_BYTES_MIN);
        if !(1..=PIN_BYTES_MAX).contains(&pin_bytes_min) {
            let problem = format!("{pin_bytes_min} is not between 1 and {PIN_BYTES_MAX}");
            return Err(complaint("pin_length_min", problem));
        }
        Ok(Config {
            dir: absolute_dir(dir.or(parsed.dir).map_or_else(default_dir, Ok)?)?,
            store: if in_memory { StoreKind::Memory } else { StoreKind::Sqlite },
            settings: Settings {
                policy: policy.map_err(|problem| complaint("policy", problem))?,
                kdf: kdf.map_err(|problem| complaint("kdf", problem))?,
                escrow: parsed.escrow.unwrap_or(true),
                pin_bytes_min,
            },
            module_iv,
            audit: audit.map_err(|problem| complaint("audit", problem))?,
            file,
        })
    }
}

fn parse(path: &Path) -> Result<File, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Configuration(format!("{}: cannot be read: {error}", path.display())))?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1));
        let place = line.map_or_else(String::new, |line| format!(":{line}"));
        Error::Configuration(format!("{}{place}: {}", path.display(), error.message()))
    })
}

/// The host may change its working directory at any time.
fn absolute_dir(dir: PathBuf) -> Result<PathBuf, Error> {
    std::path::absolute(&dir).map_err(|error| Error::Configuration(format!("{}: {error}", dir.display())))
}

/// What the environment says, unless the program runs with more rights than its user, who sets the environment.
pub fn variable(name: &str) -> Option<PathBuf> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    let trusted = getuid() == geteuid() && getgid() == getegid();
    std::env::var_os(name).filter(|value| trusted && !value.is_empty()).map(PathBuf::from)
}

fn default_dir() -> Result<PathBuf, Error> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from(SYSTEM_DIR));
    }
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("strongroom"))
        .ok_or_else(|| Error::Configuration(format!("there is no home directory; set {DIR_VARIABLE}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Error> {
        let dir = std::env::temp_dir().join(format!("strongroom-config-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
        let conf = dir.join(format!("{}.toml", u64::from_le_bytes(unique)));
        std::fs::write(&conf, text).unwrap();
        let config = Config::load(Options { dir: Some(dir), conf: Some(conf.clone()) });
        std::fs::remove_file(conf).unwrap();
        config
    }

    fn complaint(text: &str) -> String {
        load(text).unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_needed() {
        let config = load("").unwrap();
        assert_eq!(config.store, StoreKind::Sqlite);
        assert_eq!(config.settings.kdf, Kdf::Default);
        assert!(config.settings.escrow && !config.module_iv);
        assert_eq!(config.audit, Level::Management);
    }

    #[test]
    fn everything_can_be_set() {
        let config = load(
            "store = \"memory\"\nkdf = \"strong\"\npolicy = \"fips\"\nescrow = false\npin_length_min = 8\ngcm_iv = \"module\"\n\
             audit = \"use\"\n",
        )
        .unwrap();
        assert_eq!(config.store, StoreKind::Memory);
        assert_eq!(config.settings.kdf, Kdf::Strong);
        assert_eq!(config.settings.policy, Policy::Fips);
        assert_eq!(config.settings.pin_bytes_min, 8);
        assert!(!config.settings.escrow && config.module_iv);
        assert_eq!(config.audit, Level::Use);
    }

    #[test]
    fn complaints_name_the_line_and_the_key() {
        assert!(complaint("\nkdff = \"test\"\n").contains(".toml:2"), "{}", complaint("\nkdff = \"test\"\n"));
        assert!(complaint("\nkdff = \"test\"\n").contains("kdff"));
        assert!(complaint("kdf = \"weak\"").contains("kdf: \"weak\" is not one of default, strong, test"));
        assert!(complaint("store = \"tape\"").contains("store: \"tape\""));
        assert!(complaint("audit = \"all\"").contains("audit: \"all\" is not one of management, logins, use"));
        assert!(complaint("pin_length_min = 0").contains("pin_length_min: 0"));
        assert!(complaint("pin_length_min = \"a\"").contains(".toml:1"));
    }

    #[test]
    fn a_named_file_must_exist() {
        let missing = Some(PathBuf::from("/nonexistent/strongroom.toml"));
        let error = Config::load(Options { dir: None, conf: missing }).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/strongroom.toml: cannot be read"), "{error}");
    }
}
