//! `cloudhsm-cli` on an HSM of its own with an admin and three crypto users; answers compared with what they must look
//! like.

use std::process::Command;

use serde_json::{Value, json};

use super::place::{Outcome, PIN, Place, SO_PIN};

/// An HSM of which `admin` is activated, and `alice`, `bob` and `carol` are crypto users.
pub(crate) struct Cli {
    pub(crate) place: Place,
}

/// Who gives a command: a role and a name, or nobody.
pub(crate) type Who = Option<(&'static str, &'static str)>;

pub(crate) const NOBODY: Who = None;
pub(crate) const ADMIN: Who = Some(("admin", "admin"));
pub(crate) const ALICE: Who = Some(("crypto-user", "alice"));
pub(crate) const BOB: Who = Some(("crypto-user", "bob"));
pub(crate) const CAROL: Who = Some(("crypto-user", "carol"));

impl Cli {
    /// The HSM.
    pub(crate) fn new() -> Cli {
        Cli::under("kdf = \"test\"\n")
    }

    /// The HSM under this configuration.
    pub(crate) fn under(configuration: &str) -> Cli {
        let cli = Cli { place: Place::new() };
        cli.place.configure(configuration);
        let activated = cli.run(NOBODY, &format!("cluster activate --password {SO_PIN}"));
        assert_eq!(activated.code, 0, "{activated:?}");
        for name in ["alice", "bob", "carol"] {
            cli.ok(ADMIN, &format!("user create --username {name} --role crypto-user --password {PIN}"));
        }
        cli
    }

    /// One command. Words are separated by spaces.
    pub(crate) fn run(&self, who: Who, line: &str) -> Outcome {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut run = self.place.start(PROGRAM, &words).without("CLOUDHSM_ROLE").without("CLOUDHSM_PIN");
        if let Some((role, name)) = who {
            let password = if role == "admin" { SO_PIN } else { PIN };
            run = run.env("CLOUDHSM_ROLE", role).env("CLOUDHSM_PIN", format!("{name}:{password}"));
        }
        run.outcome()
    }

    /// One command that succeeds; what stands under `data`.
    pub(crate) fn ok(&self, who: Who, line: &str) -> Value {
        let outcome = self.run(who, line);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{line}: {outcome:?}");
        data(&outcome.out, 0)
    }

    /// One command that succeeds, with an answer that looks like this.
    pub(crate) fn answers(&self, who: Who, line: &str, expected: &Value) -> Value {
        let answer = self.ok(who, line);
        looks_like(expected, &answer, line);
        answer
    }

    /// One command that is refused; what stands under `data`, and what standard error says besides.
    pub(crate) fn refused(&self, who: Who, line: &str) -> (String, String) {
        let outcome = self.run(who, line);
        assert_eq!(outcome.code, 1, "{line}: {outcome:?}");
        (data(&outcome.out, 1).as_str().unwrap().to_owned(), outcome.err)
    }

    /// One command that is refused with words that contain these.
    pub(crate) fn refuses(&self, who: Who, line: &str, words: &str) {
        let (said, _) = self.refused(who, line);
        assert!(said.contains(words), "{line}: {said}");
    }

    /// One command that is refused because approvals are missing; `evidence` says how many.
    pub(crate) fn unapproved(&self, who: Who, line: &str, evidence: &str) {
        let (said, err) = self.refused(who, line);
        let words = match who {
            Some(("admin", _)) => "Quorum approval is required for this operation",
            _ => "Quorum Failed",
        };
        assert_eq!(said, words, "{line}: {err}");
        assert!(err.contains(evidence), "{line}: {err}");
    }

    /// One command that is mistyped: usage on standard error, nothing on standard output.
    pub(crate) fn mistyped(&self, who: Who, line: &str, words: &str) {
        let outcome = self.run(who, line);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{line}: {outcome:?}");
        assert!(outcome.err.contains(words), "{line}: {outcome:?}");
    }

    /// Lines through a pipe after a login; what the tool said, as a list of answers.
    pub(crate) fn session(&self, who: Who, lines: &[&str]) -> Vec<Value> {
        let (role, name) = who.unwrap();
        let password = if role == "admin" { SO_PIN } else { PIN };
        let login = format!("login --username {name} --role {role} --password {password}");
        let text = [&[login.as_str()], lines].concat().join("\n") + "\n";
        let outcome = self.place.start(PROGRAM, &["interactive"]).input(&text).outcome();
        answers(&outcome.out)
    }

    /// How many keys there are for this user.
    pub(crate) fn key_count(&self, who: Who) -> u64 {
        self.ok(who, "key list")["total_key_count"].as_u64().unwrap()
    }

    /// `openssl` with these words, in the place's directory.
    pub(crate) fn openssl(&self, line: &str) {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(self.place.path("")).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a file holds.
    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.place.path(name)).unwrap()
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.place.path(name), content).unwrap();
    }
}

/// The answers in an output, one after the other.
pub(crate) fn answers(out: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(out).into_iter().map(|value| value.unwrap()).collect()
}

/// What stands under `data` in the only answer of an output.
fn data(out: &str, code: u64) -> Value {
    let answers = answers(out);
    let [answer] = answers.as_slice() else { panic!("not one answer: {out}") };
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["error_code", "data"], "{out}");
    assert_eq!(answer["error_code"], code, "{out}");
    assert_eq!(out, format!("{answer:#}\n"), "two spaces for each level");
    answer["data"].clone()
}

/// Compares an answer with what it must look like: the same fields in the same order, and the same values, where texts
/// that begin with `~` stand for a form: `~reference`, `~hex` and `~hex:N` for N bytes, `~base64:N`.
pub(crate) fn looks_like(expected: &Value, actual: &Value, at: &str) {
    match (expected, actual) {
        (Value::Object(fields), Value::Object(found)) => {
            let names = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(fields), names(found), "{at}");
            fields.iter().for_each(|(name, value)| looks_like(value, &found[name], &format!("{at}.{name}")));
        }
        (Value::Array(values), Value::Array(found)) => {
            assert_eq!(values.len(), found.len(), "{at}: {actual}");
            values.iter().zip(found).for_each(|(value, found)| looks_like(value, found, at));
        }
        (Value::String(form), Value::String(text)) if form.starts_with('~') => {
            assert!(has_form(&form[1..], text), "{at}: {text} is no {form}");
        }
        _ => assert_eq!(expected, actual, "{at}"),
    }
}

fn has_form(form: &str, text: &str) -> bool {
    let (name, length) =
        form.split_once(':').map_or((form, None), |(name, length)| (name, length.parse::<usize>().ok()));
    let hex = text.strip_prefix("0x").filter(|digits| {
        digits.len().is_multiple_of(2)
            && digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
    });
    match name {
        "reference" => hex.is_some_and(|digits| digits.len() == 16),
        "hex" => hex.is_some_and(|digits| length.is_none_or(|length| digits.len() == 2 * length)),
        "base64" => from_base64(text).is_some_and(|bytes| length.is_none_or(|length| bytes.len() == length)),
        _ => panic!("there is no form {form}"),
    }
}

/// The bytes that base64 stands for.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    use base64ct::{Base64, Encoding};
    Base64::decode_vec(text).ok()
}

/// Bytes in base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

/// What a key looks like in an answer: an AES key of alice's as it is when nothing is said but its label, with the
/// changes. `null` takes a field of the attributes away.
pub(crate) fn key(changes: &Value) -> Value {
    let mut key = json!({
        "key-reference": "~reference",
        "key-info": {
            "key-owners": [{ "username": "alice", "key-coverage": "full" }],
            "shared-users": [],
            "key-quorum-values": { "manage-key-quorum-value": 0, "use-key-quorum-value": 0 },
            "cluster-coverage": "full",
        },
        "attributes": {
            "key-type": "aes", "label": "k", "id": "", "check-value": "~hex:3", "class": "secret-key",
            "encrypt": false, "decrypt": false, "token": true, "always-sensitive": true, "derive": false,
            "destroyable": true, "extractable": true, "local": true, "modifiable": true, "never-extractable": false,
            "private": true, "sensitive": true, "sign": true, "trusted": false, "unwrap": false, "verify": true,
            "wrap": false, "wrap-with-trusted": false, "key-length-bytes": 32,
        },
    });
    for part in ["key-info", "attributes"] {
        for (name, value) in changes[part].as_object().into_iter().flatten() {
            let fields = key[part].as_object_mut().unwrap();
            match value {
                Value::Null => drop(fields.shift_remove(name)),
                value => drop(fields.insert(name.clone(), value.clone())),
            }
        }
    }
    key
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_cloudhsm-cli");
