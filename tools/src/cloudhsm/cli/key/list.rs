//! key list.

use clap::Args;
use serde_json::{Value, json};
use strongroom_core::seal::Role;

use super::filter::{self, Filter, matching};
use super::view;
use crate::cloudhsm::cli::Tool;
use crate::cloudhsm::cli::answer::{Answer, Refused};

/// key list
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct List {
    /// Which keys: key-reference=0x..., or attr.NAME=VALUE, all of which must fit
    #[arg(long, num_args = 1.., value_name = "FILTER", value_parser = filter::parse)]
    filter: Vec<Filter>,
    /// How many keys at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    max_items: usize,
    /// The next_token of the answer before
    #[arg(long, value_name = "TOKEN")]
    starting_token: Option<String>,
    /// Say everything of each key
    #[arg(short, long)]
    verbose: bool,
}

impl List {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.login()?;
        if self.max_items == 0 {
            return Err(Refused::said("--max-items is at least 1."));
        }
        let from = match self.starting_token.as_deref() {
            Some(token) => token.parse::<usize>().map_err(|_| {
                Refused::Said(format!("--starting-token {token}: it is the next_token of another answer."))
            })?,
            None => 0,
        };
        let keys = matching(tool, &self.filter)?;
        // Whose keys are is not an admin's business.
        let verbose = self.verbose && login.role == Role::User;
        let users = tool.link.token().users()?;
        let shown: Vec<Value> = keys
            .iter()
            .skip(from)
            .take(self.max_items)
            .map(|key| if verbose { view::key(key, &users) } else { view::brief(key) })
            .collect();
        let after = from.saturating_add(shown.len());
        let mut answer = json!({
            "matched_keys": shown,
            "total_key_count": keys.len(),
            "returned_key_count": shown.len(),
        });
        if after < keys.len()
            && let Some(fields) = answer.as_object_mut()
        {
            fields.insert("next_token".to_owned(), json!(after.to_string()));
        }
        Ok(answer)
    }
}
