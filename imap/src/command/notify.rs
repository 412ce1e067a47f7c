//! NOTIFY. RFC 5465

use common::block;

use crate::error::Error;
use crate::fetch::body::with_uid;
use crate::fetch::parse_items;
use crate::name;
use crate::notify::{self, Events, Filter, Group, Notify, Reader};
use crate::response::{Code, Reply, Writer};
use crate::session::Session;
use crate::syntax::Parser;

/// What BADEVENT tells. RFC 5465 section 5.8
const SUPPORTED: &str = "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange";
/// Groups, and names in a group: what each change is compared with.
const MOST: usize = 128;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    if arguments.word("NONE") {
        arguments.end()?;
        session.notify = Some(Box::new(Notify::none()));
        return Ok(Reply::completed());
    }
    if !arguments.word("SET") {
        return Err(arguments.expected("SET or NONE"));
    }
    arguments.space()?;
    let status = arguments.word("STATUS");
    if status {
        arguments.space()?;
    }
    let groups = groups(arguments)?;
    let mut notify = Box::new(Notify::new(session.user()?, groups)?);
    // RFC 5465 section 3.1: what has gathered is told, as by NOOP
    session.notify = None;
    session.write_pending().await?;
    let Session { stream, enabled, user, selected, .. } = session;
    let Some(user) = user.as_deref() else { return Err(Error::bad("Not allowed before login")) };
    let selected = selected.as_deref().map(notify::id_of);
    let reader = Reader { user, selected, condstore: enabled.condstore };
    let out = &mut Writer::in_mode(stream, *enabled);
    block(|| notify.begin(status, &reader, out))?;
    session.notify = Some(notify);
    Ok(Reply::completed())
}

/// `event-groups = event-group *(SP event-group)`
fn groups(arguments: &mut Parser<'_>) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    let mut unsupported = false;
    loop {
        arguments.expect(b'(')?;
        let filter = filter(arguments)?;
        arguments.space()?;
        let events = events(arguments, &filter, &mut unsupported)?;
        arguments.expect(b')')?;
        groups.push(Group { filter, events });
        if groups.len() > MOST {
            return Err(Error::bad(format!("More than {MOST} groups")));
        }
        if !arguments.take(b' ') {
            break;
        }
    }
    arguments.end()?;
    let of_selected = |group: &&Group| matches!(group.filter, Filter::Selected | Filter::SelectedDelayed);
    // RFC 5465 section 6.2: one of the two, once
    if groups.iter().filter(of_selected).count() > 1 {
        return Err(Error::bad("More than one group for the selected mailbox"));
    }
    if unsupported {
        return Err(Error::no(Code::BadEvent(SUPPORTED), "Not all of these events are supported"));
    }
    Ok(groups)
}

/// filter-mailboxes
fn filter(arguments: &mut Parser<'_>) -> Result<Filter, Error> {
    let word = arguments.atom()?;
    Ok(match &*word.to_ascii_uppercase() {
        "SELECTED" => Filter::Selected,
        "SELECTED-DELAYED" => Filter::SelectedDelayed,
        "INBOXES" | "PERSONAL" => Filter::Personal,
        "SUBSCRIBED" => Filter::Subscribed,
        "SUBTREE" => Filter::Subtree(names(arguments)?),
        "MAILBOXES" => Filter::Mailboxes(names(arguments)?),
        _ => return Err(Error::bad(format!("Unknown mailbox filter {word}"))),
    })
}

/// `SP one-or-more-mailbox`. Names that mean no mailbox are let pass: nothing is ever told of them.
fn names(arguments: &mut Parser<'_>) -> Result<Vec<store::MailboxName>, Error> {
    arguments.space()?;
    let mut names = Vec::new();
    if !arguments.take(b'(') {
        names.push(arguments.mailbox()?);
    } else {
        names.push(arguments.mailbox()?);
        while arguments.take(b' ') {
            names.push(arguments.mailbox()?);
        }
        arguments.expect(b')')?;
    }
    if names.len() > MOST {
        return Err(Error::bad(format!("More than {MOST} names in one group")));
    }
    let names = names.iter().map(|name| name::canonical(name));
    Ok(names.filter_map(|name| store::MailboxName::new(&name).ok()).collect())
}

/// `events = "(" event *(SP event) ")" / "NONE"`
fn events(arguments: &mut Parser<'_>, filter: &Filter, unsupported: &mut bool) -> Result<Events, Error> {
    let mut events = Events::default();
    if arguments.word("NONE") {
        return Ok(events);
    }
    let is_selected = matches!(filter, Filter::Selected | Filter::SelectedDelayed);
    let (mut new, mut expunge) = (false, false);
    arguments.expect(b'(')?;
    loop {
        let word = arguments.atom()?.to_ascii_uppercase();
        match &*word {
            "MESSAGENEW" => {
                new = true;
                if arguments.rest().starts_with(b" (") {
                    arguments.space()?;
                    events.items = with_uid(parse_items(arguments)?);
                }
            }
            "MESSAGEEXPUNGE" => expunge = true,
            "FLAGCHANGE" => events.flags = true,
            "MAILBOXNAME" => events.names = true,
            "SUBSCRIPTIONCHANGE" => events.subscriptions = true,
            _ => *unsupported = true,
        }
        if is_selected
            && !matches!(&*word, "MESSAGENEW" | "MESSAGEEXPUNGE" | "FLAGCHANGE" | "ANNOTATIONCHANGE")
        {
            return Err(Error::bad(format!("{word} is no event of the selected mailbox")));
        }
        if !arguments.take(b' ') {
            break;
        }
    }
    arguments.expect(b')')?;
    // RFC 5465 section 5
    if new != expunge || (events.flags && !new) {
        return Err(Error::bad("MessageNew and MessageExpunge come together, and FlagChange with them"));
    }
    if !events.items.is_empty() && !is_selected {
        return Err(Error::bad("FETCH items are for the selected mailbox"));
    }
    events.messages = new;
    Ok(events)
}
