//! Identifiers of access control lists: `user`, `$group` (also `group:NAME`), `anyone`, `authenticated`, and each of them with a
//! `-` before it for negative rights. RFC 4314 section 2

use store::{AccountName, Directory, GroupName, Subject};

use crate::error::Error;
use crate::response::Code;

/// Before a group's name.
const GROUP: char = '$';
/// The same, as other servers write it.
const GROUP_WORD: &str = "group:";

/// Whom the identifier names, and whether rights are taken from them. Somebody who does not exist is told, so that a
/// mistyped name is not taken for a given right.
pub fn parse(directory: &Directory, identifier: &str) -> Result<(Subject, bool), Error> {
    let (name, negative) = identifier.strip_prefix('-').map_or((identifier, false), |name| (name, true));
    // RFC 4314 section 3
    if name.is_empty() {
        return Err(Error::bad("The identifier is empty"));
    }
    let group = name.strip_prefix(GROUP).or_else(|| name.strip_prefix(GROUP_WORD));
    let subject = match (name, group) {
        ("anyone", _) => Some(Subject::Anyone),
        ("authenticated", _) => Some(Subject::Authenticated),
        (_, Some(group)) => {
            let group = GroupName::new(group).map_err(|why| Error::bad(why.to_string()))?;
            directory.group_id(&group).map(Subject::Group)
        }
        (user, None) => {
            let user = AccountName::new(user).map_err(|why| Error::bad(why.to_string()))?;
            directory.find(&user)?.map(|record| Subject::User(store::AccountId(record.id)))
        }
    };
    subject.map(|subject| (subject, negative)).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    let text = format!(
        "{name} is no user and no group here: write a user's whole name, $NAME for a group, or \"anyone\""
    );
    Error::no(Code::Cannot, text)
}

/// How the subject is shown. `None`: it was deleted.
pub fn show(directory: &Directory, subject: Subject, negative: bool) -> Result<Option<String>, Error> {
    let name = match subject {
        Subject::Anyone => Some("anyone".to_owned()),
        Subject::Authenticated => Some("authenticated".to_owned()),
        Subject::Group(group) => directory.group_name(group).map(|name| format!("{GROUP}{name}")),
        Subject::User(account) => directory.find_by_id(account)?.map(|record| record.name.to_string()),
    };
    Ok(name.map(|name| if negative { format!("-{name}") } else { name }))
}
