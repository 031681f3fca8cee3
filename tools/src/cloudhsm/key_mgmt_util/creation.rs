//! The options that the commands share that make keys: what the key is called, who may use it, how long it lives.

use cryptoki_sys::*;
use strongroom_core::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, Entry, Flag as Attribute,
    Given,
};
use strongroom_core::object::schema::Kind;
use strongroom_core::object::{Object, UserId};
use strongroom_core::policy::Policy;

use super::Tool;
use super::modes::say;
use crate::attestation;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::text::quoted;

/// What a key is called.
pub(super) static NAMED: &[Flag] = &[
    Flag::required("-l", "label", "Key label", "a label, which need not be unique"),
    Flag::optional("-id", "key-ID", "an identifier that no other key has"),
];
/// A key that lives as long as the session.
pub(super) static SESSION: &[Flag] = &[Flag::switch("-sess", "a key that is gone when the session ends")];
/// A key that stays inside.
pub(super) static NOT_EXTRACTABLE: &[Flag] = &[Flag::switch("-nex", "a key that cannot be exported")];
/// On how many nodes the key must be, and how long that may take.
pub(super) static SERVERS: &[Flag] = &[
    Flag::optional("-min_srv", "minimum-number-of-servers", "on how many servers the key must be\n(default: 1)"),
    Flag::optional("-timeout", "number-of-seconds", "how long that may take\n(only with -min_srv; default: for ever)"),
];
/// Who may use the key beside its owner.
pub(super) static SHARED: &[Flag] =
    &[Flag::optional("-u", "user-ids", "whom the key is shared with: numbers of crypto users,\nwith commas between")];
/// How many must approve.
pub(super) static QUORUM: &[Flag] = &[Flag::optional(
    "-m_value",
    "0..8",
    "how many users must approve each use of the key, the owner among them\n(default: 0, none; from 2 on with -u, which names enough users)",
)];
/// The attestation.
pub(super) static ATTESTED: &[Flag] = &[Flag::switch("-attest", "a check of what the key is made with")];

/// What the shared options say.
pub(super) struct Creation<'a> {
    label: &'a [u8],
    id: &'a [u8],
    session: bool,
    extractable: bool,
    shared_with: Box<[u64]>,
    approvals: u64,
    servers: u64,
    attested: bool,
}

/// The kind of key a template is for, by what it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// A secret or a private key: it stays inside.
    Confidential,
    /// A public key: anyone may have it.
    Public,
}

impl<'a> Creation<'a> {
    /// Reads and checks them. The order of the checks is that of CloudHSM's tool; the attestation, which takes the
    /// longest, comes last.
    ///
    /// # Errors
    /// What the tool refuses before the HSM is asked.
    pub(super) fn read(tool: &mut Tool, options: &Options<'a>) -> Result<Creation<'a>, Refusal> {
        let approvals = options.number("-m_value")?.unwrap_or_default();
        let servers = options.number("-min_srv")?.unwrap_or(1);
        if approvals > APPROVALS_MAX {
            return Err(Refusal::value("-m_value", &format!("0 to {APPROVALS_MAX}"), approvals));
        }
        if !(1..=SERVERS_MAX).contains(&servers) {
            return Err(Refusal::value("-min_srv", &format!("1 to {SERVERS_MAX}"), servers));
        }
        if options.number("-timeout")?.is_some() && !options.has("-min_srv") {
            return Err(Refusal::misuse("Error: Minimum servers (-min_srv) option is missing"));
        }
        let session = options.has("-sess");
        if session && options.has("-u") {
            return Err(Refusal::misuse("Error: sharing session keys is not allowed"));
        }
        if session && approvals > 0 {
            return Err(Refusal::misuse("Error: session keys take no approvals (-m_value)"));
        }
        let label = text(options, "-l", "label")?.as_bytes();
        let id = text(options, "-id", "ID")?.as_bytes();
        let shared_with = options.text("-u").map(users).transpose()?.unwrap_or_default();
        let owner = tool.link.login().map(|login| login.user);
        if let Some(own) = shared_with.iter().find(|user| Some(**user) == owner) {
            return Err(Refusal::before(Code::SHARED_WITH_OWNER, format!("-u names {}, who makes the key", own.0)));
        }
        let shared_with: Box<[u64]> = shared_with.iter().map(|user| user.0.into()).collect();
        let associated = shared_with.len() as u64 + 1;
        if approvals > associated {
            let line = format!(
                "Error: m_value ({approvals}) needs at least {approvals} associated users (owner and -u), found \
                 {associated}"
            );
            tool.screen.paragraph(&[format!("\t{line}")]);
            return Err(Refusal::before(Code::TOO_FEW_USERS, line));
        }
        let extractable = !options.has("-nex");
        let attested = options.has("-attest");
        if attested {
            attest(tool)?;
        }
        Ok(Creation { label, id, session, extractable, shared_with, approvals, servers, attested })
    }

    /// The same under another name, where a file says it. Keys of other doors are called what these like: any bytes.
    pub(super) fn named<'b>(self, label: &'b [u8], id: &'b [u8]) -> Creation<'b>
    where
        'a: 'b,
    {
        Creation { label, id, ..self }
    }

    /// The entries of a template.
    pub(super) fn entries(&self, half: Half) -> Vec<Entry<'a>> {
        let mut entries = vec![
            flag(CKA_TOKEN, Attribute::Token, !self.session),
            flag(CKA_PRIVATE, Attribute::Private, half == Half::Confidential),
            entry(CKA_LABEL, Given::Bytes(self.label)),
        ];
        if !self.id.is_empty() {
            entries.push(entry(CKA_ID, Given::Bytes(self.id)));
        }
        if half == Half::Confidential {
            entries.push(flag(CKA_SENSITIVE, Attribute::Sensitive, true));
            entries.push(flag(CKA_EXTRACTABLE, Attribute::Extractable, self.extractable));
            if !self.shared_with.is_empty() {
                entries.push(entry(CKA_SR_SHARED_WITH, Given::Mechanisms(self.shared_with.clone())));
            }
            if self.approvals > 0 {
                entries.push(entry(CKA_SR_USE_APPROVALS, Given::Ulong(self.approvals)));
                entries.push(entry(CKA_SR_MANAGEMENT_APPROVALS, Given::Ulong(self.approvals)));
            }
        }
        entries
    }

    /// Says what is to be said after the key was made, and ends with the status block.
    pub(super) fn conclude(&self, tool: &mut Tool) {
        if self.attested {
            tool.screen.paragraph(&["\tAttestation Check : [PASS]"]);
        }
        tool.screen.status(Code::SUCCESS);
        if self.servers > NODES {
            tool.screen.paragraph(&[
                "\tNot a valid min_srv count, please check the number of servers in cluster !!".to_owned(),
                format!("\tNumber of servers in cluster: {NODES}"),
            ]);
        }
    }
}

/// Runs the check that must pass before a key is made.
///
/// # Errors
/// All is said where it fails.
fn attest(tool: &mut Tool) -> Result<(), Refusal> {
    attestation::check().map_err(|problem| {
        tool.screen.paragraph(&["\tAttestation Check : [FAIL]"]);
        say(&format!("no key was made; attestation: {problem}"));
        Refusal::Told
    })
}

/// An entry of a template.
pub(super) fn entry(attribute: u64, value: Given<'_>) -> Entry<'_> {
    Entry { attribute: AttributeType(attribute), value }
}

/// A boolean entry of a template.
pub(super) fn flag<'a>(attribute: u64, which: Attribute, value: bool) -> Entry<'a> {
    entry(attribute, Given::Flag(which, value))
}

/// Entries that switch on the usages that are named, and off all others that keys of this kind may have: no default of
/// the core's has a part in it. Under `strict` a key is for data or for keys, and these tools make keys for data.
pub(super) fn usages<'a>(policy: Policy, kind: &Kind, wanted: &[Attribute]) -> Vec<Entry<'a>> {
    let is_left = |which: &Attribute| policy != Policy::Strict || !matches!(which, Attribute::Wrap | Attribute::Unwrap);
    let possible = USAGES.iter().filter(|(attribute, _)| kind.rule(*attribute).is_some());
    possible.map(|(attribute, which)| flag(*attribute, *which, wanted.contains(which) && is_left(which))).collect()
}

/// The usages that are on, as bits in the order of [`USAGES`].
pub(super) fn usage_bits(key: &Object) -> u16 {
    USAGES.iter().enumerate().filter(|(_, (_, which))| key.has(*which)).fold(0, |bits, (at, _)| bits | 1 << at)
}

/// Entries for the usages of these bits; all others are off.
pub(super) fn usages_of<'a>(policy: Policy, kind: &Kind, bits: u16) -> Vec<Entry<'a>> {
    let on = USAGES.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0).map(|(_, (_, which))| *which);
    usages(policy, kind, &on.collect::<Vec<_>>())
}

/// A label or an identifier. Files with attributes have one line for each, so neither may hold a line end.
fn text<'a>(options: &Options<'a>, name: &str, what: &str) -> Result<&'a str, Refusal> {
    let text = options.text(name).unwrap_or_default();
    if text.len() > TEXT_BYTES_MAX {
        let length = text.len();
        return Err(Refusal::Said(format!(
            "Error: the {what} ({name}) has {length} bytes, {TEXT_BYTES_MAX} are the most"
        )));
    }
    if text.contains(char::is_control) {
        return Err(Refusal::Said(format!("Error: the {what} ({name}) has a control character in it")));
    }
    Ok(text)
}

/// The users that a list names.
pub(super) fn users(list: &str) -> Result<Vec<UserId>, Refusal> {
    let mut users: Vec<UserId> = Vec::new();
    for word in list.split(',') {
        let digits = word.bytes().all(|digit| digit.is_ascii_digit());
        let user = word.parse().ok().filter(|_| digits).map(UserId);
        let user = user.ok_or_else(|| Refusal::value("-u", "numbers of users with commas between", quoted(list)))?;
        if users.contains(&user) {
            return Err(Refusal::Said(format!("Error: -u names user {} twice", user.0)));
        }
        users.push(user);
    }
    if users.len() > SHARED_MAX {
        let count = users.len();
        return Err(Refusal::Said(format!("Error: -u names {count} users, {SHARED_MAX} are the most")));
    }
    Ok(users)
}

/// What keys may be used for, in the order of the attributes' numbers. Files with wrapped keys have a bit for each.
const USAGES: &[(u64, Attribute)] = &[
    (CKA_ENCRYPT, Attribute::Encrypt),
    (CKA_DECRYPT, Attribute::Decrypt),
    (CKA_WRAP, Attribute::Wrap),
    (CKA_UNWRAP, Attribute::Unwrap),
    (CKA_SIGN, Attribute::Sign),
    (CKA_SIGN_RECOVER, Attribute::SignRecover),
    (CKA_VERIFY, Attribute::Verify),
    (CKA_VERIFY_RECOVER, Attribute::VerifyRecover),
    (CKA_DERIVE, Attribute::Derive),
];
/// Bytes of a label or an identifier.
const TEXT_BYTES_MAX: usize = 127;
/// Approvals a key can ask for.
const APPROVALS_MAX: u64 = 8;
/// Users a key can be shared with: eight are associated with it, and one of them owns it.
const SHARED_MAX: usize = 7;
/// Nodes of the largest cluster.
const SERVERS_MAX: u64 = 28;
/// Nodes of this one.
const NODES: u64 = 1;
