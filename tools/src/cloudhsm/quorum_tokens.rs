//! Quorum tokens as the tools show them.

use strongroom_core::error::Error;
use strongroom_core::token::Token;
use strongroom_core::token::quorum::QuorumToken;

/// What a token is, in the lines that `getToken` shows.
pub(crate) fn lines(token: &QuorumToken) -> Vec<String> {
    vec![
        "Token:".to_owned(),
        format!("Id:{}", token.id),
        format!("Service:{}", token.service as u16),
        "Node:0".to_owned(),
        format!("Key Handle:{}", token.key),
        format!("User:{}", token.name),
    ]
}

/// The tokens there are, each in the lines that `listTokens` shows.
///
/// # Errors
/// The store's.
pub(crate) fn listed(token: &Token) -> Result<Vec<Vec<String>>, Error> {
    let users = token.users()?;
    let mut listed = Vec::new();
    for quorum_token in token.quorum_tokens()? {
        let (progress, seconds) = match token.progress(&quorum_token) {
            Ok(known) => known,
            // The key was deleted: the token is good for nothing, and nothing is to be said of it.
            Err(Error::NoObject(_)) => continue,
            Err(error) => return Err(error),
        };
        let mut shown = vec![format!("-------- Token - {} ----------", listed.len())];
        shown.extend(lines(&quorum_token));
        shown.push(format!("Token Validity: {seconds} sec"));
        shown.push(format!("Required num of approvers : {}", progress.needed));
        shown.push(format!("Current num of approvals : {}", progress.given));
        for (at, approver) in quorum_token.approvers().enumerate() {
            let name = users.iter().find(|user| user.id == approver).map_or("", |user| &user.name);
            shown.push(format!("Approver-{at}: {name}"));
        }
        listed.push(shown);
    }
    Ok(listed)
}
