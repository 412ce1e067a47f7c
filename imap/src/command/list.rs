//! LIST with LIST-EXTENDED, CHILDREN, SPECIAL-USE and LIST-STATUS. RFC 9051 section 6.3.9, RFC 5258, RFC 6154, RFC 5819

use std::sync::Arc;

use common::block;
use store::{MailboxName, Rights, SpecialUse};

use super::status;
use crate::error::Error;
use crate::hierarchy::{Hierarchy, Listed, Selection};
use crate::metadata;
use crate::pattern::Patterns;
use crate::response::{Reply, Writer};
use crate::session::Session;
use crate::sharing::{self, Sharing};
use crate::syntax::Parser;

/// A parsed LIST.
#[derive(Default)]
struct List {
    selection: Selection,
    reference: String,
    patterns: Vec<String>,
    returns: Returns,
}

/// The return options. Attributes that RFC 5258 and RFC 6154 allow without them are always told.
#[derive(Default)]
struct Returns {
    subscribed: bool,
    // RFC 8440 section 3
    my_rights: bool,
    status: status::Items,
    /// RFC 9590 section 3
    metadata: Vec<String>,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let mut list = parse(arguments)?;
    // RFC 9051 section 6.3.9: an empty pattern asks for the separator and the root.
    if let [only] = list.patterns.as_slice()
        && only.is_empty()
    {
        session.writer().untagged(format_args!("LIST (\\Noselect) \"{}\" \"\"", MailboxName::SEPARATOR));
        return Ok(Reply::completed());
    }
    status::enable(session, &mut list.returns.status);
    let user = session.user()?;
    let listed = block(|| {
        let patterns = list.patterns();
        let hierarchy = Hierarchy::new(sharing::visible(user, &patterns)?, user.account.subscriptions()?);
        Ok::<_, Error>(hierarchy.list(&patterns, list.selection))
    })?;
    let service = Arc::clone(&user.service);
    for one in &listed {
        list.write(&mut session.writer(), one, &service.options.sharing);
        if one.info.is_some() && !list.returns.metadata.is_empty() {
            metadata::write_listed(session, &one.name, &list.returns.metadata).await?;
        }
        session.flush_batch().await?;
    }
    Ok(Reply::completed())
}

impl List {
    /// The reference is put before each pattern as it stands.
    fn patterns(&self) -> Patterns {
        let whole: Vec<String> =
            self.patterns.iter().map(|pattern| format!("{}{pattern}", self.reference)).collect();
        Patterns::new(whole.iter().map(String::as_str))
    }

    fn write(&self, out: &mut Writer<'_>, listed: &Listed, sharing: &Sharing) {
        self.write_name(out, listed);
        if self.selection.recursive && listed.child_info {
            out.raw(" (\"CHILDINFO\" (").raw(self.criteria().join(" ")).raw("))");
        }
        out.crlf();
        if self.returns.my_rights && listed.info.is_some() {
            // RFC 8440 section 3: after the LIST response of the mailbox
            let letters = listed.rights.letters();
            out.raw("* MYRIGHTS ").mailbox(&listed.name).raw(" ").raw(letters).crlf();
        }
        // RFC 5819 section 2: no STATUS for what cannot be selected
        let namespace = sharing.locate(listed.name.as_str()).namespace;
        let is_open = listed.subscribed || !sharing.asks_subscription(namespace, &listed.name);
        let asked = !self.returns.status.is_empty() && listed.rights.contains(Rights::READ) && is_open;
        if let Some(info) = listed.info.as_ref().filter(|_| asked) {
            status::write(out, info, &self.returns.status);
        }
    }

    fn write_name(&self, out: &mut Writer<'_>, listed: &Listed) {
        out.raw("* LIST (").raw(self.attributes(listed).join(" ")).raw(") \"/\" ").mailbox(&listed.name);
    }

    /// mbx-list-flags
    fn attributes(&self, listed: &Listed) -> Vec<String> {
        let mut attributes = Vec::new();
        if listed.info.is_none() {
            attributes.push("\\NonExistent".into());
        }
        // RFC 5258 section 3: implied by the former, but a client of RFC 3501 does not know that.
        if listed.info.is_none() && self.selection.plain {
            attributes.push("\\Noselect".into());
        }
        // RFC 3348 section 3
        attributes.push(if listed.has_children { "\\HasChildren" } else { "\\HasNoChildren" }.into());
        if listed.subscribed && (self.returns.subscribed || self.selection.subscribed) {
            attributes.push("\\Subscribed".into());
        }
        attributes.extend(listed.info.as_ref().and_then(|info| info.special_use).map(attribute));
        attributes
    }

    /// list-select-base-opt-quoted
    fn criteria(&self) -> Vec<&'static str> {
        let subscribed = self.selection.subscribed.then_some("\"SUBSCRIBED\"");
        let special_use = self.selection.special_use.then_some("\"SPECIAL-USE\"");
        subscribed.into_iter().chain(special_use).collect()
    }
}

/// A LIST response that no LIST asked for, with the name that the mailbox had or was called by. RFC 9051 section 6.3.9.7
pub fn write_unasked(out: &mut Writer<'_>, listed: &Listed, old_name: Option<&str>) {
    List::default().write_name(out, listed);
    if let Some(old) = old_name {
        out.raw(" (\"OLDNAME\" (").mailbox_text(old).raw("))");
    }
    out.crlf();
}

/// RFC 6154 section 2
fn attribute(special_use: SpecialUse) -> String {
    format!("\\{}", special_use.as_str())
}

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
fn parse(arguments: &mut Parser<'_>) -> Result<List, Error> {
    let mut list = List::default();
    arguments.space()?;
    let mut plain = true;
    if arguments.peek() == Some(b'(') {
        plain = false;
        list.selection = selection(arguments)?;
        arguments.space()?;
    }
    list.reference = arguments.mailbox()?;
    arguments.space()?;
    plain &= arguments.peek() != Some(b'(');
    list.patterns = patterns(arguments)?;
    if arguments.more() {
        if !arguments.word("RETURN") {
            return Err(arguments.expected("RETURN"));
        }
        plain = false;
        list.returns = returns(arguments)?;
    }
    arguments.end()?;
    list.selection.plain = plain;
    Ok(list)
}

/// list-select-opts. RFC 5258 section 6, RFC 6154 section 6
fn selection(arguments: &mut Parser<'_>) -> Result<Selection, Error> {
    let mut selection = Selection::default();
    options(arguments, |_, option| {
        match option {
            "SUBSCRIBED" => selection.subscribed = true,
            "SPECIAL-USE" => selection.special_use = true,
            "RECURSIVEMATCH" => selection.recursive = true,
            // RFC 2193: there are no mailboxes on other servers.
            "REMOTE" => {}
            _ => return Err(Error::bad(format!("Unknown LIST selection option {option}"))),
        }
        Ok(())
    })?;
    // RFC 5258 section 3.1
    if selection.recursive && !selection.subscribed && !selection.special_use {
        return Err(Error::bad("RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it"));
    }
    Ok(selection)
}

/// `mbox-or-pat = list-mailbox / patterns`, `patterns = "(" list-mailbox *(SP list-mailbox) ")"`
fn patterns(arguments: &mut Parser<'_>) -> Result<Vec<String>, Error> {
    if !arguments.take(b'(') {
        return Ok(vec![arguments.list_mailbox()?]);
    }
    let mut patterns = vec![arguments.list_mailbox()?];
    while arguments.take(b' ') {
        patterns.push(arguments.list_mailbox()?);
    }
    arguments.expect(b')')?;
    Ok(patterns)
}

/// list-return-opts behind RETURN. RFC 5258 section 6, RFC 5819 section 4, RFC 6154 section 6
fn returns(arguments: &mut Parser<'_>) -> Result<Returns, Error> {
    let mut returns = Returns::default();
    arguments.space()?;
    options(arguments, |arguments, option| {
        match option {
            "SUBSCRIBED" => returns.subscribed = true,
            "CHILDREN" | "SPECIAL-USE" => {}
            "MYRIGHTS" => returns.my_rights = true,
            "STATUS" => {
                arguments.space()?;
                returns.status = status::parse(arguments)?;
            }
            "METADATA" => {
                arguments.space()?;
                returns.metadata = metadata::entries(arguments)?;
            }
            _ => return Err(Error::bad(format!("Unknown LIST return option {option}"))),
        }
        Ok(())
    })?;
    Ok(returns)
}

/// `"(" [option *(SP option)] ")"`, each handed over in capitals.
fn options<'a>(
    arguments: &mut Parser<'a>,
    mut each: impl FnMut(&mut Parser<'a>, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    arguments.expect(b'(')?;
    let mut first = true;
    while !arguments.take(b')') {
        if !std::mem::take(&mut first) {
            arguments.space()?;
        }
        let option = arguments.atom()?.to_ascii_uppercase();
        each(arguments, &option)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::syntax::Limits;

    fn parsed(text: &str) -> Result<List, Error> {
        parse(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    fn written(command: &str, name: &str) -> String {
        let name = MailboxName::new(name).unwrap();
        let listed = Listed {
            name,
            info: None,
            rights: Rights::ALL,
            subscribed: true,
            has_children: false,
            child_info: true,
        };
        let mut out = BytesMut::new();
        parsed(command).unwrap().write(&mut Writer::new(&mut out), &listed, &Sharing::default());
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn rfc_commands() {
        let list = parsed(r#" "" "%""#).unwrap();
        assert_eq!((list.reference.as_str(), list.patterns.as_slice()), ("", &["%".to_owned()][..]));
        assert!(list.selection.plain);
        assert!(parsed(" ~/Mail/ %").is_ok());
        // RFC 5258 section 5
        let list = parsed(r#" (SUBSCRIBED RECURSIVEMATCH) "" "%" RETURN (CHILDREN)"#).unwrap();
        let expected = Selection { subscribed: true, recursive: true, ..Selection::default() };
        assert_eq!(list.selection, expected);
        assert_eq!(parsed(r#" "" ("INBOX" "Drafts" "Sent/%")"#).unwrap().patterns.len(), 3);
        assert!(!parsed(r#" () "" %"#).unwrap().selection.plain);
        // RFC 5819 section 3
        let list = parsed(r#" (SUBSCRIBED) "" % RETURN (STATUS (MESSAGES UNSEEN) CHILDREN)"#).unwrap();
        assert!(!list.returns.status.is_empty());
    }

    #[test]
    fn what_is_no_list() {
        for text in [
            "",
            " ",
            r#" """#,
            r#" "" "" x"#,
            r#" "" ()"#,
            r#" "" (a"#,
            r#" (RECURSIVEMATCH) "" *"#,
            r#" (REMOTE RECURSIVEMATCH) "" *"#,
            r#" (BOGUS) "" *"#,
            r#" "" * RETURN"#,
            r#" "" * RETURN (BOGUS)"#,
            r#" "" * RETURN (STATUS)"#,
            r#" "" * RETURN (STATUS ())"#,
            r#" "" * RETURN (CHILDREN"#,
        ] {
            assert!(matches!(parsed(text), Err(Error::Bad(_))), "{text}");
        }
    }

    #[test]
    fn lines() {
        let line = written(r#" "" *"#, "a&b");
        assert_eq!(line, "* LIST (\\NonExistent \\Noselect \\HasNoChildren) \"/\" \"a&-b\"\r\n");
        let line = written(r#" (SUBSCRIBED SPECIAL-USE RECURSIVEMATCH) "" *"#, "a");
        let start = r#"* LIST (\NonExistent \HasNoChildren \Subscribed) "/" "a" "#;
        let end = r#"("CHILDINFO" ("SUBSCRIBED" "SPECIAL-USE"))"#;
        assert_eq!(line, format!("{start}{end}\r\n"));
    }
}
