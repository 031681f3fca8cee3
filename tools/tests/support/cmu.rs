//! `cloudhsm_mgmt_util` on an HSM, with one line after another on its standard input.

use super::place::{Outcome, Place, SO_PIN};

/// What the program says of lines: of each command what stands between its prompt and the next.
pub(crate) fn prompt(place: &Place, lines: &[&str]) -> Vec<String> {
    let outcome = place.start(PROGRAM, &["cluster.cfg"]).input(&format!("{}\n", lines.join("\n"))).outcome();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let said: Vec<String> = outcome.out.split("aws-cloudhsm>").map(str::to_owned).collect();
    assert_eq!(said[0], CONNECTED);
    said[1..].to_vec()
}

/// The same after a login with this line. Returns what the program says of each command; one that asks has its answers
/// in further lines.
pub(crate) fn after(place: &Place, login: &str, commands: &[&str]) -> Vec<String> {
    let said = prompt(place, &[&[login], commands].concat());
    assert_eq!(said[0], "loginHSM success on server 0(localhost)\n");
    // Behind the last prompt is the end of the input.
    assert_eq!(said.len(), commands.len() + 2, "{said:?}");
    said[1..=commands.len()].to_vec()
}

/// The same for the primary officer of a place whose officer has that PIN.
pub(crate) fn officer(place: &Place, commands: &[&str]) -> Vec<String> {
    after(place, &format!("loginHSM CO admin {SO_PIN}"), commands)
}

/// The program with these arguments and this input.
pub(crate) fn start(place: &Place, arguments: &[&str], input: &str) -> Outcome {
    place.start(PROGRAM, arguments).input(input).outcome()
}

/// A directory without tokens whose fresh HSM was given an officer and these crypto users, all with the same password.
pub(crate) fn founded(users: &[&str], password: &str) -> Place {
    let place = Place::new();
    let change = format!("changePswd PRECO admin {SO_PIN}\ny");
    let create: Vec<String> = users.iter().map(|user| format!("createUser CU {user} {password}\ny")).collect();
    let commands: Vec<&str> = std::iter::once(change.as_str()).chain(create.iter().map(String::as_str)).collect();
    for said in after(&place, FRESH, &commands) {
        assert!(said.contains(" success on server 0(localhost)\n"), "{said}");
    }
    place
}

/// What listUsers says of the officer and the others, as rows of words.
pub(crate) fn users(place: &Place) -> Vec<String> {
    let said = officer(place, &["listUsers"]).remove(0);
    said.lines().skip(4).map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The login to a fresh HSM.
pub(crate) const FRESH: &str = "loginHSM PRECO admin password";

/// What the program says before the first prompt.
pub(crate) const CONNECTED: &str = "Connecting to the server(s), it may take time\ndepending on the server(s) load, please \
                                    wait...\n\nConnected to server 0(localhost)\n\n";

/// What stands before the question of what changes the HSM, with the question.
pub(crate) const CAUTION: &str = "
*************************CAUTION********************************
This is a CRITICAL operation, should be done on all nodes in the
cluster. AWS does NOT synchronize these changes automatically with the
nodes on which this operation is not executed or failed, please
ensure this operation is executed on all nodes in the cluster.
****************************************************************

Do you want to continue(y/n)?";

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_cloudhsm_mgmt_util");
