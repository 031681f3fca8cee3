//! What `init` and `reset` share: the label, the first user, and what is told in the end.

use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::hsm::Hsm;
use strongroom_core::seal::Role;
use strongroom_core::token::{APPLIANCE_USER, Credential, Founding};
use strongroom_crypto::memory::constant_time_eq;

use super::TEST_MARK;
use super::found::Found;
use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::pin::Pin;
use crate::place::{Context, user_name};
use crate::text::quoted;

/// Whoever knows the one PIN is officer and user.
pub(super) fn warn_of_one_pin(context: &Context, officer: &Pin, user: Option<&Pin>) {
    if user.is_some_and(|user| constant_time_eq(officer.bytes(), user.bytes())) {
        context.warn(
            "the officer and the user get the same PIN, so that whoever uses keys can manage users too; 'strongroom user \
             set-pin' changes one",
        );
    }
}

pub(super) fn checked_name(user: &str, no_user: bool, founding: Founding) -> Result<String, Failure> {
    let name = user_name(user, "user")?;
    let owner = match founding {
        _ if no_user => return Ok(name),
        Founding::CloudHsm if name == APPLIANCE_USER => "the appliance user's",
        _ if name == founding.first_officer() => "the officer's",
        _ => return Ok(name),
    };
    Err(Failure::usage(format!("{} is {owner} name; the user needs another one", quoted(&name))))
}

/// Gives a token that was just made its first user.
pub(super) fn populate(hsm: &Hsm, slot: u64, officer_pin: &Pin, user: Option<&(String, Pin)>) -> Result<(), Failure> {
    let Some((name, pin)) = user else { return Ok(()) };
    let application = hsm.application(slot)?;
    let token = application.token();
    token
        .login(Credential::first_officer(officer_pin.bytes()))
        .and_then(|officer| token.add_user(&officer, Role::User, name, pin.bytes()))
        .about(|| format!("the token is in slot {slot}, but without the user {}", quoted(name)))?;
    Ok(())
}

pub(super) fn made(verb: &str, hsm: &Hsm, slot: u64, user: Option<&(String, Pin)>) -> Result<Answer, Failure> {
    let found = Found::read(hsm, slot)?;
    let mut text = format!("{verb} token {} in slot {slot}, serial {}", quoted(&found.label), found.serial);
    let officer = found.founding.first_officer();
    text.push_str(&match user {
        None => format!(", with the officer \"{officer}\" and no user yet.\n"),
        Some((name, _)) => format!(", with the officer \"{officer}\" and the user {}.\n", quoted(name)),
    });
    if found.test {
        text.push_str(&format!("{TEST_MARK}\n"));
    }
    Ok(Answer::new(text, json!({ "token": found.json() })))
}

/// The label as the token keeps it: 32 bytes, blanks at the end (PKCS#11 3.2 §5.5.7).
pub(super) fn padded_label(label: &str) -> Result<[u8; 32], Failure> {
    if label.trim().is_empty() {
        return Err(Failure::usage("the label is empty; give the token a name"));
    }
    if label.chars().any(char::is_control) {
        return Err(Failure::usage(format!("the label {} has control characters", quoted(label))));
    }
    let mut padded = [b' '; 32];
    let place = padded.get_mut(..label.len()).ok_or_else(|| {
        Failure::usage(format!("the label {} has {} bytes, 32 are allowed", quoted(label), label.len()))
    })?;
    place.copy_from_slice(label.as_bytes());
    Ok(padded)
}

pub(super) fn refuse_same_label(context: &Context, hsm: &Hsm, label: &str, force: bool) -> Result<(), Failure> {
    let label = label.trim_end();
    let slots = hsm.tokens()?.tokens;
    let same = slots.into_iter().find(|slot| hsm.token_info(*slot).is_ok_and(|info| info.label == label));
    let Some(slot) = same else { return Ok(()) };
    let there = format!("the token in slot {slot} has the label {} already", quoted(label));
    if force {
        context.warn(&format!("{there}; programs that choose by label may take either"));
        return Ok(());
    }
    Err(Failure::refused(CKR_ACTION_PROHIBITED, format!("{there}; choose another, or make a second one with --force")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_32_bytes() {
        assert_eq!(&padded_label("a b").unwrap()[..4], b"a b ");
        assert_eq!(padded_label(&"ä".repeat(16)).unwrap(), *"ä".repeat(16).as_bytes().first_chunk::<32>().unwrap());
        let refusal = padded_label(&"x".repeat(33)).unwrap_err();
        assert!(refusal.message().contains("33 bytes, 32 are allowed"), "{}", refusal.message());
        assert!(padded_label(" ").is_err());
        assert!(padded_label("a\nb").unwrap_err().message().contains("a\\nb"));
    }
}
