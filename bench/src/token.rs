//! Prepares each module for the run: a directory of its own, the environment its kind needs, a fresh token, a logged-in
//! user, and on demand a population of keys. What is particular to one kind of module stands in [`environment`] and
//! [`initialise`], nowhere else.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CString, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SLOT_ID, CKK_AES, CKU_SO, CKU_USER};

use crate::measure::Problem;
use crate::module::{CallError, Info, Module, Session, Slot};
use crate::pair::{Kind, Pair};
use crate::template::{Place, Template};

/// A module with its token, ready for the benches: initialised, its user logged in.
pub(crate) struct Token {
    /// The module that serves it.
    pub(crate) module: &'static Module,
    /// What the module says of itself.
    pub(crate) info: Info,
    /// The token's slot.
    pub(crate) slot: CK_SLOT_ID,
    /// What another process needs to open the same token.
    pub(crate) environment: Environment,
    /// Keeps the login alive and owns what is shared by several sessions.
    session: Session,
    population: RefCell<Vec<CK_OBJECT_HANDLE>>,
    /// Session objects of the run: making some takes seconds.
    pairs: RefCell<HashMap<Kind, Pair>>,
    /// Token objects of the bench under way.
    temporary: RefCell<Vec<CK_OBJECT_HANDLE>>,
    is_finished: Cell<bool>,
}

/// What a module is told before and at `C_Initialize`.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    /// Environment variables.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// The string behind `pReserved`, for modules that take one.
    pub(crate) parameters: Option<CString>,
}

/// Settings for Strongroom modules, given on the command line: lines of its configuration file.
pub(crate) type StrongroomSettings = [String];

/// The user PIN of every token of the run.
pub(crate) const USER_PIN: &str = "bench-user-1234";

impl Token {
    /// Loads the module at `path` and gives it a new token under `directory`, which must be empty and its own.
    pub(crate) fn prepare(path: &Path, directory: &Path, settings: &StrongroomSettings) -> Result<Self, String> {
        let module: &'static Module = Box::leak(Box::new(Module::load(path)?));
        let environment = environment(module, directory, settings)
            .map_err(|error| format!("{}: preparing {}: {error}", path.display(), directory.display()))?;
        let start = || -> Result<Self, CallError> {
            module.initialize(&environment.variables, environment.parameters.as_deref())?;
            let info = module.info()?;
            let slot = initialise(module, &environment)?;
            let session = module.open_session(slot)?;
            session.login(CKU_USER, USER_PIN)?;
            Ok(Self {
                module,
                info,
                slot,
                environment: environment.clone(),
                session,
                population: RefCell::default(),
                pairs: RefCell::default(),
                temporary: RefCell::default(),
                is_finished: Cell::new(false),
            })
        };
        start().map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A new session; the user is logged in there too.
    pub(crate) fn open(&self) -> Result<Session, CallError> {
        self.module.open_session(self.slot)
    }

    /// A key in the token that [`Self::sweep`] removes.
    pub(crate) fn create_temporary(&self, template: &Template) -> Result<CK_OBJECT_HANDLE, CallError> {
        let object = self.session.create(template)?;
        self.temporary.borrow_mut().push(object);
        Ok(object)
    }

    /// Removes the token objects of the bench that has ended.
    pub(crate) fn sweep(&self) -> Result<(), CallError> {
        self.temporary.take().into_iter().try_for_each(|object| self.session.destroy(object))
    }

    /// The pair of this kind, for all benches.
    pub(crate) fn pair(&self, kind: Kind) -> Result<Pair, Problem> {
        if let Some(pair) = self.pairs.borrow().get(&kind) {
            return Ok(pair.clone());
        }
        let (pair, _) = kind.generate(&self.session)?;
        self.pairs.borrow_mut().insert(kind, pair.clone());
        Ok(pair)
    }

    /// Brings the token to exactly `count` keys named by [`key_label`]; counts only grow in a run.
    pub(crate) fn populate(&self, count: usize) -> Result<(), CallError> {
        let mut population = self.population.borrow_mut();
        for number in population.len()..count {
            let template =
                Template::cipher_key(CKK_AES, Place::Token, &key_label(number), &key_id(number), &key_value(number));
            population.push(self.session.create(&template)?);
        }
        Ok(())
    }

    /// The handle of one key of the population.
    pub(crate) fn key(&self, number: usize) -> Option<CK_OBJECT_HANDLE> {
        self.population.borrow().get(number).copied()
    }

    /// `C_Finalize`; the token is not used after.
    pub(crate) fn finish(&self) -> Result<(), CallError> {
        if self.is_finished.replace(true) { Ok(()) } else { self.module.finalize() }
    }
}

/// The label of a key of the population.
pub(crate) fn key_label(number: usize) -> String {
    format!("key-{number:06}")
}

/// The `CKA_ID` of a key of the population.
pub(crate) fn key_id(number: usize) -> [u8; 8] {
    (0x5352_0000_0000_0000 + number as u64).to_be_bytes()
}

/// The value of a key of the population, known so that its use can be proven.
pub(crate) fn key_value(number: usize) -> [u8; 32] {
    let mut value = [0xa5; 32];
    for (place, byte) in value.iter_mut().zip((number as u64).to_le_bytes()) {
        *place = byte;
    }
    value
}

/// A directory that is removed with everything in it when dropped.
pub(crate) struct TemporaryDirectory {
    path: PathBuf,
}

impl TemporaryDirectory {
    /// Makes a new directory under `parent`.
    pub(crate) fn new(parent: &Path) -> std::io::Result<Self> {
        let path = parent.join(format!("strongroom-bench-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a directory inside it.
    pub(crate) fn subdirectory(&self, name: &str) -> std::io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // Best effort: a directory left behind in the temporary place does no harm.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Writes what the module may read from `directory` and gives what points it there. Every module gets all variables,
/// because the ones of another kind mean nothing to it; a module of a further kind is configured by variables that
/// the caller of this program has set.
fn environment(module: &Module, directory: &Path, settings: &StrongroomSettings) -> std::io::Result<Environment> {
    let strongroom = directory.join("strongroom.toml");
    fs::write(&strongroom, settings.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    let softhsm = directory.join("softhsm2.conf");
    let softhsm_tokens = directory.join("softhsm");
    fs::create_dir(&softhsm_tokens)?;
    fs::write(
        &softhsm,
        format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", softhsm_tokens.display()),
    )?;
    let parameters = if module.is_softoken() {
        let mut text = b"configdir='sql:".to_vec();
        text.extend(directory.as_os_str().as_bytes());
        text.extend(b"' certPrefix='' keyPrefix='' secmod='secmod.db' flags=");
        Some(CString::new(text)?)
    } else {
        None
    };
    let variables = vec![
        ("STRONGROOM_DIR", directory.as_os_str().to_owned()),
        ("STRONGROOM_CONF", strongroom.into_os_string()),
        ("SOFTHSM2_CONF", softhsm.into_os_string()),
    ];
    Ok(Environment { variables, parameters })
}

/// Makes a token with a user PIN and gives its slot, the one that other processes find it in too: some modules move a
/// new token to another slot at their next start.
fn initialise(module: &'static Module, environment: &Environment) -> Result<CK_SLOT_ID, CallError> {
    let find = |is_wanted: fn(&Slot) -> bool| {
        // The second slot of softoken holds its key database.
        let mut slots = module.slots()?.into_iter().rev();
        let slot = slots.find(|slot| module.is_softoken() || is_wanted(slot));
        slot.map(|slot| slot.id).ok_or(NO_SLOT)
    };
    let so_pin = if module.is_softoken() {
        // The officer of a new key database has no PIN, and there is no token to initialise.
        ""
    } else {
        module.init_token(find(|slot| !slot.is_initialised)?, SO_PIN, TOKEN_LABEL)?;
        SO_PIN
    };
    let find_made = || find(|slot| slot.is_initialised && slot.label == TOKEN_LABEL);
    let session = module.open_session(find_made()?)?;
    session.login(CKU_SO, so_pin)?;
    session.init_pin(USER_PIN)?;
    session.logout()?;
    session.close()?;
    module.finalize()?;
    module.initialize(&[], environment.parameters.as_deref())?;
    find_made()
}

const NO_SLOT: CallError = CallError { function: "C_GetSlotList", code: cryptoki_sys::CKR_TOKEN_NOT_PRESENT };
const SO_PIN: &str = "bench-officer-1234";
const TOKEN_LABEL: &str = "strongroom-bench";
