//! SETACL and DELETEACL. RFC 4314 section 3.1 and section 3.2

use common::block;
use store::{AclChange, Rights};

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;
use crate::{identifier, name};

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.space()?;
    let identifier = arguments.utf8_astring()?;
    let change = if session.command.name == "SETACL" {
        arguments.space()?;
        mod_rights(&arguments.utf8_astring()?)?
    } else {
        AclChange::Delete
    };
    arguments.end()?;
    let user = session.user()?;
    let place = name::resolve(user, &name)?;
    let mailbox = place.mailbox()?;
    place.require(Rights::ADMINISTER)?;
    let entry = block(|| identifier::parse(user.service.store.directory(), &identifier))?;
    let default = user.sharing().default_acl(place.account.name());
    mailbox.change_acl(entry, change, default).await?;
    Ok(Reply::completed())
}

/// `["+" / "-"] rights`
fn mod_rights(text: &str) -> Result<AclChange, Error> {
    let (change, letters): (fn(Rights) -> AclChange, _) = match text.as_bytes().first() {
        Some(b'+') => (AclChange::Add, &text[1..]),
        Some(b'-') => (AclChange::Remove, &text[1..]),
        _ => (AclChange::Replace, text),
    };
    // "an unrecognized right MUST cause the command to return the BAD response"
    Rights::parse(letters).map(change).map_err(|letter| match letter.is_ascii_uppercase() {
        true => Error::bad("Uppercase rights are not allowed"),
        false => Error::bad(format!("The right \"{}\" is not known", letter.escape_debug())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4314 section 3.1
    #[test]
    fn forms_of_rights() {
        let rights = |letters| Rights::parse(letters).unwrap();
        assert_eq!(mod_rights("+cda").unwrap(), AclChange::Add(rights("kxtea")));
        assert_eq!(mod_rights("-r").unwrap(), AclChange::Remove(rights("r")));
        assert_eq!(mod_rights("lrswi").unwrap(), AclChange::Replace(rights("lrswi")));
        assert_eq!(mod_rights("").unwrap(), AclChange::Replace(Rights::NONE));
        assert_eq!(mod_rights("+").unwrap(), AclChange::Add(Rights::NONE));
        for bad in ["lrQswicda", "lrqswicda", "++l", "l r", "l+r", "0", "\u{e9}"] {
            assert!(matches!(mod_rights(bad), Err(Error::Bad(_))), "{bad}");
        }
    }
}
