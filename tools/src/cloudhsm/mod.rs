//! The tools that speak as those of AWS CloudHSM do, for scripts that were written for them.
//!
//! Each tool has a folder or file of its own and is a table of commands. What they share is here:
//!
//! | module | what for |
//! | --- | --- |
//! | `link` | the token a tool works on, who is logged in, the options of the tool itself |
//! | `words` | a line as words: `words::split` |
//! | `options` | words as the options a command declares: `Flag` rows, `Options`, help |
//! | `results` | `Code`: result codes, their texts, the one table from the core's errors to them; `Refusal` |
//! | `screen` | what is printed: paragraphs, result lines, status blocks |
//! | `files` | files that are read and written |
//! | `attributes` | names, numbers and order of attributes, their values as text |
//! | `approvals`, `quorum_tokens` | the files of quorum authentication; quorum tokens as text |
//! | `certificates` | the certificates of the HSM |
//! | `signature` | signatures of curves as files have them |
//! | `passwords` | passwords that are asked for |
//! | `users` | the types of user, by the words of the tools |
//!
//! A command is a function of the tool and its options. It prints through the `Screen` and returns a `Refusal` with
//! `?`, which the tool prints in one place. A refusal of the core becomes one by itself (`From<Error>`).
//!
//! There is one node, number 0. Output is the older of the two dialects of these tools, that of most pages of their
//! guide.

mod approvals;
mod attributes;
mod certificates;
pub mod cli;
pub mod cloudhsm_mgmt_util;
mod files;
pub mod key_mgmt_util;
mod link;
mod options;
mod passwords;
mod quorum_tokens;
mod results;
mod screen;
mod signature;
mod users;
mod words;
