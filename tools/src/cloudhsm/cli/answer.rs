//! What a command answers: a JSON object with a code and what the command has to say.

use serde_json::{Value, json};
use strongroom_core::error::Error;
use strongroom_core::seal::Role;

use crate::cloudhsm::results::{Refusal, words};

/// What stands under `data`, or why there is nothing.
pub(super) type Answer = Result<Value, Refused>;

/// Why a command did nothing.
#[derive(Debug)]
pub(super) enum Refused {
    /// The tool refuses, in these words.
    Said(String),
    /// A password was to be asked for, and there is nobody to ask.
    Unasked(String),
    /// In the words that scripts know, and what is to be known beyond them.
    Explained(&'static str, String),
    /// The core refuses.
    Core(Error),
}

impl Refused {
    /// The tool refuses, in these words.
    pub(super) fn said(words: &str) -> Refused {
        Refused::Said(words.to_owned())
    }

    /// What stands under `data`, and what is said to the person besides.
    fn words(&self, role: Option<Role>) -> (String, Option<String>) {
        match self {
            Refused::Said(words) | Refused::Unasked(words) => (words.clone(), None),
            Refused::Explained(words, evidence) => ((*words).to_owned(), Some(evidence.clone())),
            Refused::Core(error @ Error::ApprovalsMissing { .. }) => {
                (quorum_words(role).to_owned(), Some(error.to_string()))
            }
            Refused::Core(error) => (words(error), None),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Core(error)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        match refusal {
            Refusal::Said(words) | Refusal::Misuse(words) | Refusal::Mistyped(words) => Refused::Said(words),
            Refusal::Unasked(words) => Refused::Unasked(words),
            Refusal::Returned(returned) => Refused::Said(returned.reason),
            Refusal::Told => Refused::said("this cannot be done"),
        }
    }
}

/// What is said where approvals are missing: of what admins do, and of what is done with a key.
pub(super) fn quorum_words(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::User) => "Quorum Failed",
        _ => "Quorum approval is required for this operation",
    }
}

/// The envelope of an answer, its code, and what is said to the person besides.
pub(super) fn envelope(answer: &Answer, role: Option<Role>) -> (String, u8, Option<String>) {
    let (code, data, evidence) = match answer {
        Ok(data) => (0, data.clone(), None),
        Err(refused) => {
            let (words, evidence) = refused.words(role);
            (1, Value::String(words), evidence)
        }
    };
    let json = json!({ "error_code": code, "data": data });
    (format!("{}\n", crate::text::json(&format!("{json:#}"))), code, evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_their_order() {
        let (text, code, _) = envelope(&Ok(json!({ "username": "u", "role": "admin" })), None);
        assert_eq!(
            (text.as_str(), code),
            ("{\n  \"error_code\": 0,\n  \"data\": {\n    \"username\": \"u\",\n    \"role\": \"admin\"\n  }\n}\n", 0)
        );
    }

    #[test]
    fn missing_approvals_are_told_in_the_words_that_scripts_know() {
        let missing = || Err(Refused::Core(Error::ApprovalsMissing { needed: 2, given: 1 }));
        for (role, words) in
            [(Role::User, "Quorum Failed"), (Role::Officer, "Quorum approval is required for this operation")]
        {
            let (text, code, evidence) = envelope(&missing(), Some(role));
            assert_eq!(text, format!("{{\n  \"error_code\": 1,\n  \"data\": \"{words}\"\n}}\n"));
            assert_eq!(code, 1);
            assert!(evidence.unwrap().contains("1 approved, 1 missing"));
        }
    }
}
