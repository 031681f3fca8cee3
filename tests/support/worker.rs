//! Processes that do as they are told. A worker is this test program once more, running only its `worker` test; it
//! reads a line, does what it says with the module, and writes `ok RESULT` or `rv CODE`.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use cryptoki_sys::*;

use super::module::{Answer, Module, call, ok};
use super::{Numbers, Place, SO_PIN, module_file};

/// A worker as its master sees it. It is killed when it is dropped.
pub(crate) struct Worker {
    child: Child,
    input: BufReader<UnixStream>,
}

impl Worker {
    pub(crate) fn start(place: &Place) -> Worker {
        let (own, theirs) = UnixStream::pair().unwrap();
        // Longer than any call may take: who waits longer has found a deadlock.
        own.set_read_timeout(Some(DEADLOCK)).unwrap();
        let child = place
            .command(std::env::current_exe().unwrap())
            .args(["--exact", "worker", "--ignored", "--nocapture"])
            .env(MARK, "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Worker { child, input: BufReader::new(own) }
    }

    /// Says what to do.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input.get_mut(), "{line}").unwrap();
    }

    /// What came of it: words, or the return value that was not `CKR_OK`.
    pub(crate) fn answer(&mut self) -> Result<String, CK_RV> {
        let line = self.line().unwrap_or_else(|| panic!("the worker ended: {:?}", self.child.wait()));
        match line.split_once(' ') {
            Some(("ok", result)) => Ok(result.to_owned()),
            Some(("rv", code)) => Err(code.parse().unwrap()),
            _ => panic!("{line}"),
        }
    }

    pub(crate) fn ask(&mut self, line: &str) -> Result<String, CK_RV> {
        self.tell(line);
        self.answer()
    }

    /// An answer that consists of handles.
    pub(crate) fn handles(&mut self, line: &str) -> Vec<u64> {
        let answer = self.ask(line).unwrap_or_else(|rv| panic!("{line}: {rv:#x}"));
        answer.split_whitespace().map(|handle| handle.parse().unwrap()).collect()
    }

    /// The next line, unless the worker is gone.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            // A line that was cut off by the end was not said.
            Ok(_) => line.strip_suffix('\n').map(str::to_owned),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no answer within {DEADLOCK:?}: {error}"),
        }
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it finalise the module and end by itself.
    pub(crate) fn finish(mut self) {
        self.ask("finish").unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The worker's side: the whole life of the process.
pub(crate) fn work(more: fn(&mut Workshop, &str, &[&str]) -> Option<Answer<String>>) {
    assert!(std::env::var_os(MARK).is_some(), "workers are started by the other tests");
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let orders = BufReader::new(stream.try_clone().unwrap());
    let mut shop = Workshop { module: Module::load(&module_file()), sessions: Vec::new(), stream };
    for order in orders.lines() {
        let order = order.unwrap();
        let words: Vec<_> = order.split(' ').collect();
        let result = more(&mut shop, words[0], &words[1..]).unwrap_or_else(|| shop.obey(words[0], &words[1..]));
        match result {
            Ok(result) => shop.say(&format!("ok {result}")),
            Err(rv) => shop.say(&format!("rv {rv}")),
        }
        if words[0] == "finish" {
            return;
        }
    }
}

/// What a worker works with.
pub(crate) struct Workshop {
    pub(crate) module: Module,
    sessions: Vec<CK_SESSION_HANDLE>,
    stream: UnixStream,
}

impl Workshop {
    pub(crate) fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The last session opened.
    pub(crate) fn session(&self) -> CK_SESSION_HANDLE {
        self.sessions.last().copied().unwrap_or_default()
    }

    fn obey(&mut self, order: &str, words: &[&str]) -> Answer<String> {
        let (module, session) = (self.module, self.session());
        let first = words.first().copied().unwrap_or_default();
        let second = words.get(1).copied().unwrap_or_default();
        let handle = first.parse().unwrap_or_default();
        let nothing = |()| String::new();
        match order {
            "initialize" => module.initialize().map(nothing),
            "finish" => ok(call!(module, C_Finalize(std::ptr::null_mut()))).map(nothing),
            "init-token" => init_token(module).map(nothing),
            "open" => module.open().map(|session| {
                self.sessions.push(session);
                String::new()
            }),
            "close" => ok(call!(module, C_CloseSession(self.sessions.pop().unwrap()))).map(nothing),
            "login" => module.login(session, CKU_USER, first).map(nothing),
            "login-so" => module.login(session, CKU_SO, SO_PIN).map(nothing),
            // In the session opened first: another one than the one that works.
            "logout" => module.logout(self.sessions[0]).map(nothing),
            "state" => state(module, session).map(|state| state.to_string()),
            "init-pin" => {
                ok(call!(module, C_InitPIN(session, first.as_ptr().cast_mut(), first.len() as CK_ULONG))).map(nothing)
            }
            "set-pin" => set_pin(module, session, first, second).map(nothing),
            "create" => module.generate(session, first, true).map(|key| key.to_string()),
            "create-many" => (0..handle)
                .map(|number| module.generate(session, &format!("{second}-{number}"), true))
                .collect::<Answer<Vec<_>>>()
                .map(|handles| words_of(&handles)),
            "find" => module.find(session, Some(first).filter(|label| !label.is_empty())).map(|found| words_of(&found)),
            "destroy" => module.destroy(session, handle).map(nothing),
            "label" => module.set_label(session, handle, second).map(nothing),
            "label-of" => {
                let label = module.attribute(session, handle, CKA_LABEL);
                label.map(|label| String::from_utf8(label).unwrap())
            }
            "encrypt" => module.encrypt(session, handle, b"plaintext").map(|data| hexadecimal(&data)),
            "begin" => module.encrypt_init(session, handle).map(nothing),
            "update" => module.encrypt_update(session, b"plaintext").map(|data| hexadecimal(&data)),
            "end" => module.encrypt_final(session).map(|data| hexadecimal(&data)),
            "mayhem" => self.mayhem(handle, second),
            _ => panic!("{order}"),
        }
    }

    /// Makes, renames and destroys keys until the process is killed. Each deed is announced, and acknowledged when the
    /// module has said that it is done.
    fn mayhem(&mut self, seed: u64, prefix: &str) -> ! {
        let mut numbers = Numbers::of(seed);
        let (module, session) = (self.module, self.session());
        let mut own: Vec<u64> = Vec::new();
        let done = |rv: Answer<()>| rv.unwrap_or_else(|rv| panic!("{prefix}: {rv:#x}"));
        for count in 0_u32.. {
            let at = numbers.below(own.len().max(1) as u64) as usize;
            let label = format!("{prefix}-{count}");
            match (numbers.below(4), own.get(at).copied()) {
                (0, Some(key)) => {
                    self.say(&format!("destroying {key}"));
                    done(module.destroy(session, key));
                    own.remove(at);
                    self.say(&format!("destroyed {key}"));
                }
                (1, Some(key)) => {
                    self.say(&format!("naming {key} {label}"));
                    done(module.set_label(session, key, &label));
                    self.say(&format!("named {key} {label}"));
                }
                _ => {
                    self.say(&format!("creating {label}"));
                    let key = module.generate(session, &label, true).unwrap_or_else(|rv| panic!("{label}: {rv:#x}"));
                    own.push(key);
                    self.say(&format!("created {key} {label}"));
                }
            }
        }
        unreachable!("nobody counts that far");
    }
}

fn init_token(module: Module) -> Answer<()> {
    let mut label = *b"processes                       ";
    let (pin, length) = (SO_PIN.as_ptr().cast_mut(), SO_PIN.len() as CK_ULONG);
    ok(call!(module, C_InitToken(0, pin, length, label.as_mut_ptr())))
}

fn set_pin(module: Module, session: CK_SESSION_HANDLE, old: &str, new: &str) -> Answer<()> {
    let length = |pin: &str| pin.len() as CK_ULONG;
    let (old_pin, new_pin) = (old.as_ptr().cast_mut(), new.as_ptr().cast_mut());
    ok(call!(module, C_SetPIN(session, old_pin, length(old), new_pin, length(new))))
}

fn state(module: Module, session: CK_SESSION_HANDLE) -> Answer<CK_STATE> {
    let mut info = CK_SESSION_INFO::default();
    ok(call!(module, C_GetSessionInfo(session, &mut info))).map(|()| info.state)
}

pub(crate) fn words_of(handles: &[CK_OBJECT_HANDLE]) -> String {
    handles.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells a worker from somebody who runs ignored tests.
const MARK: &str = "STRONGROOM_TEST_WORKER";
const DEADLOCK: Duration = Duration::from_secs(90);
