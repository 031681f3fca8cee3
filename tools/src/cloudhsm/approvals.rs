//! Files of quorum authentication: tokens that users approve of, and the list of approvals.

use strongroom_core::seal::Role;
use strongroom_core::token::quorum::{Approval, FILE_BYTES};
use zeroize::Zeroizing;

use super::files;
use super::results::Refusal;

/// An approval as the list names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The approver's role.
    pub(crate) role: Role,
    /// The approver's name.
    pub(crate) name: String,
    /// The file with the signature.
    pub(crate) signature: String,
}

/// A list of approvals.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct List {
    /// The file with the token.
    pub(crate) token: String,
    /// The approvals of it.
    pub(crate) approvals: Vec<Listed>,
}

/// A token's file and the approvals of it, read from the files that a list names.
pub(crate) struct Brought {
    /// The token's file.
    pub(crate) token: [u8; FILE_BYTES],
    approvals: Vec<(Listed, Zeroizing<Vec<u8>>)>,
}

impl Brought {
    /// The approvals, for the core.
    pub(crate) fn given(&self) -> Vec<Approval<'_>> {
        let given = self.approvals.iter();
        given.map(|(listed, signature)| Approval { role: listed.role, name: &listed.name, signature }).collect()
    }
}

/// Reads the list in `file`, and the files it names.
///
/// # Errors
/// Words for one that cannot be read, or holds something else.
pub(crate) fn read(file: &str) -> Result<Brought, Refusal> {
    let wrong = |problem: &str| Refusal::Said(format!("Error: {file}: {problem}"));
    let content = files::read(file)?;
    let text = std::str::from_utf8(&content).map_err(|_| wrong("it is no text"))?;
    let list = parse(text).map_err(|problem| wrong(&problem))?;
    let bytes = files::read(&list.token)?;
    let token = *token(&bytes).map_err(|problem| wrong(&format!("{}: {problem}", list.token)))?;
    let read = |listed: Listed| files::read(&listed.signature).map(|signature| (listed, signature));
    Ok(Brought { token, approvals: list.approvals.into_iter().map(read).collect::<Result<_, _>>()? })
}

/// Reads a list: lines of the form `Name = value;`, and remarks that begin with `#`.
///
/// # Errors
/// Words for what is missing, unknown or too much, with its line.
pub(crate) fn parse(text: &str) -> Result<List, String> {
    let (mut token, mut single, mut count, mut kind, mut name) = (None, None, None, None, None);
    let mut approvals = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| format!("line {number}: {what}");
        let expected = || wrong(&format!("\"Name = value;\" is expected, where the name is {NAMES}"));
        let (key, value) = line.split_once('=').ok_or_else(expected)?;
        let value = value.trim().strip_suffix(';').ok_or_else(|| wrong("there is no ; at its end"))?.trim();
        let place = match key.trim() {
            "Multi Token File Path" => &mut token,
            "Token File Path" => &mut single,
            "Number of Approvals" => &mut count,
            "Approver Type" => &mut kind,
            "Approver Name" => &mut name,
            "Approval File" => {
                let role = match kind.take().as_deref() {
                    Some("1") => Role::User,
                    Some("2") => Role::Officer,
                    _ => return Err(wrong("Approver Type is needed before it: 1 (CU) or 2 (CO)")),
                };
                let name = name.take().ok_or_else(|| wrong("Approver Name is needed before it"))?;
                approvals.push(Listed { role, name, signature: value.to_owned() });
                continue;
            }
            other => return Err(wrong(&format!("\"{other}\" is not known; the names are {NAMES}"))),
        };
        if place.replace(value.to_owned()).is_some() {
            return Err(wrong("this is said already"));
        }
    }
    let path = [token, single].into_iter().flatten().find(|path| !path.is_empty());
    let token = path.ok_or("Multi Token File Path, with the file of the token, is missing")?;
    let count: usize = count
        .and_then(|count| count.parse().ok())
        .ok_or("Number of Approvals, which says how many follow, is missing or no number")?;
    if count != approvals.len() || kind.is_some() || name.is_some() {
        return Err(format!(
            "{count} approvals are announced, and {} are there as a whole: each has Approver Type, Approver Name and Approval \
             File, in this order",
            approvals.len()
        ));
    }
    match count {
        1..=APPROVALS_MAX => Ok(List { token, approvals }),
        _ => Err(format!("1 to {APPROVALS_MAX} approvals are taken at a time")),
    }
}

/// The token in a file.
///
/// # Errors
/// Words for a file of another size. Each node of a cluster has a token of its own in it, and there is one node.
pub(crate) fn token(file: &[u8]) -> Result<&[u8; FILE_BYTES], String> {
    file.try_into().map_err(|_| format!("Improper token passed: {} bytes, where one has {FILE_BYTES}", file.len()))
}

/// The names that lines of a list begin with.
const NAMES: &str =
    "Multi Token File Path, Token File Path, Number of Approvals, Approver Type, Approver Name or Approval File";
/// Approvals in one list.
const APPROVALS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# both officers\nMulti Token File Path = token;\nToken File Path = ;\nNumber of Approvals = 2;\n\n\
                        Approver Type = 2;\nApprover Name = one;\nApproval File = one.sig;\nApprover Type=1;\n\
                        Approver Name=two;\n  Approval File=two.sig;\n";

    #[test]
    fn a_list_is_read() {
        let listed = |role, name: &str| Listed { role, name: name.to_owned(), signature: format!("{name}.sig") };
        let approvals = vec![listed(Role::Officer, "one"), listed(Role::User, "two")];
        assert_eq!(parse(GOOD), Ok(List { token: "token".to_owned(), approvals }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, words) in [
            ("= 2;\n\n", "= 3;\n\n", "3 approvals are announced, and 2 are there"),
            ("= 2;\n\n", "= 0;\n\n", "0 approvals are announced"),
            ("Number of Approvals = 2;", "", "Number of Approvals, which says how many follow, is missing"),
            ("Multi Token File Path = token;", "", "Multi Token File Path, with the file of the token, is missing"),
            ("Approver Type = 2;", "Approver Type = 3;", "line 8: Approver Type is needed before it"),
            ("Approver Name = one;", "", "line 8: Approver Name is needed"),
            ("Approver Name = one;", "Approver Name = one", "line 7: there is no ; at its end"),
            ("Approver Name = one;", "Approver = one;", "line 7: \"Approver\" is not known; the names are Multi"),
            ("Approver Name = one;", "Approver Name", "line 7: \"Name = value;\" is expected, where the name is Multi"),
            ("Token File Path = ;", "Multi Token File Path = b;", "line 3: this is said already"),
            ("  Approval File=two.sig;", "", "2 approvals are announced, and 1 are there"),
        ] {
            assert!(GOOD.contains(from));
            let problem = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(problem.contains(words), "{problem}");
        }
        assert!(token(&[0; 79]).is_err() && token(&[0; 160]).is_err() && token(&[0; 80]).is_ok());
    }
}
