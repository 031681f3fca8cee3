//! `strongroom key share` and `key unshare`, and whose a key is, by the users' names.

use clap::Args;
use cryptoki_sys::{CKO_PRIVATE_KEY, CKO_SECRET_KEY};
use serde_json::{Value, json};
use strongroom_core::object::{Object, UserId};
use strongroom_core::session::Session;
use strongroom_core::token::UserInfo;

use super::find::{meant, only};
use super::view::{key_json, named};
use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::place::{AsUser, Context, find_user};
use crate::text::quoted;

/// Options of `key share` and `key unshare`.
#[derive(Debug, Args)]
pub(crate) struct ShareArgs {
    /// Which key: its number, its label, label=TEXT or id=HEX; of a pair its private half is meant
    key: String,
    /// The other user
    #[arg(long, value_name = "USER")]
    with: String,
    /// Whose key.
    #[command(flatten)]
    user: AsUser,
}

/// Runs `key share`, or `key unshare`.
pub(super) fn run(context: &Context, args: &ShareArgs, share: bool) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, true)?;
    let mut found = meant(&session, &args.key, None)?;
    if found.len() > 1 {
        found.retain(|key| matches!(key.kind.class, CKO_PRIVATE_KEY | CKO_SECRET_KEY));
    }
    let key = only(&args.key, found, "")?;
    let other = find_user(session.application().token(), &args.with)?;
    let subject = || format!("the {} and user {}", named(&key), quoted(&other.name));
    match share {
        true => session.share(key.number, other.id).about(subject)?,
        false => session.unshare(key.number, other.id).about(subject)?,
    }
    let changed = session.object(key.number)?;
    let owners = Owners::of(&session)?;
    let text = match share {
        true => format!("User {} may use the {} now.\n", quoted(&other.name), named(&key)),
        false => format!("User {} may no longer use the {}.\n", quoted(&other.name), named(&key)),
    };
    Ok(Answer::new(text, json!({ "key": owners.added_to(key_json(&changed), &changed) })))
}

/// The users of a token, by number.
pub(super) struct Owners(Vec<UserInfo>);

impl Owners {
    /// # Errors
    /// The store's.
    pub(super) fn of(session: &Session) -> Result<Owners, Failure> {
        Ok(Owners(session.application().token().users()?))
    }

    fn name(&self, id: UserId) -> Option<&str> {
        self.0.iter().find(|user| user.id == id).map(|user| user.name.as_str())
    }

    fn shown(&self, id: UserId) -> String {
        self.name(id).map_or_else(|| format!("user {}", id.0), str::to_owned)
    }

    /// What `key show` says of a key's users.
    pub(super) fn lines(&self, key: &Object) -> Vec<(&'static str, String)> {
        let mut lines = vec![("Owner", self.shown(key.ownership.owner))];
        let sharees: Vec<String> = key.ownership.sharees.iter().map(|user| self.shown(user)).collect();
        if !sharees.is_empty() {
            lines.push(("Shared with", sharees.join(", ")));
        }
        match (key.ownership.use_approvals, key.ownership.management_approvals) {
            (0, 0) => {}
            (using, managing) => lines.push(("Approvals", format!("{using} to use it, {managing} to manage it"))),
        }
        lines
    }

    /// The JSON form of a key with its users.
    pub(super) fn added_to(&self, mut json: Value, key: &Object) -> Value {
        if let Value::Object(members) = &mut json {
            let sharees: Vec<String> = key.ownership.sharees.iter().map(|user| self.shown(user)).collect();
            members.insert("owner".to_owned(), json!(self.name(key.ownership.owner)));
            members.insert("shared_with".to_owned(), json!(sharees));
            members.insert("use_approvals".to_owned(), json!(key.ownership.use_approvals));
            members.insert("management_approvals".to_owned(), json!(key.ownership.management_approvals));
        }
        json
    }
}

pub(super) const SHARE_EXAMPLES: &str = "\
The other user may use the key and read its attributes; only its owner changes, shares, exports or deletes it. Private \
keys and secret keys are shared, with up to seven users.

Examples:
  strongroom key share orders --with alice
  strongroom key share id=0a01 --with alice --user bob";

pub(super) const UNSHARE_EXAMPLES: &str = "\
The key is gone for the other user at the next call of any program.

Examples:
  strongroom key unshare orders --with alice";
