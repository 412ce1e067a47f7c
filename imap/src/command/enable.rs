//! ENABLE. RFC 5161 section 3.1

use crate::capability::EXTENSIONS;
use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

/// What is not known, needs no ENABLE or is enabled already is ignored; ENABLED tells what is new.
pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let mut asked = Vec::new();
    while arguments.more() {
        asked.push(arguments.atom()?);
    }
    if asked.is_empty() {
        return Err(arguments.expected("a space and a capability"));
    }
    arguments.end()?;
    let mut enabled = String::from("ENABLED");
    for extension in EXTENSIONS {
        let Some(enable) = extension.enable else { continue };
        if asked.iter().any(|name| name.eq_ignore_ascii_case(extension.capability)) {
            let before = session.enabled;
            enable(session);
            if session.enabled != before {
                enabled.extend([" ", extension.capability]);
            }
        }
    }
    session.writer().untagged(enabled);
    Ok(Reply::completed())
}
