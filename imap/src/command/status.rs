//! STATUS, and the table of its items. RFC 9051 section 6.3.11, RFC 7889 section 3, RFC 8438, RFC 8474 section 4.3,
//! RFC 9208 section 4.1.4

use common::block;
use store::{MailboxId, MailboxInfo};

use crate::error::Error;
use crate::name;
use crate::response::{Reply, Writer, mailbox_id};
use crate::session::Session;
use crate::syntax::Parser;

/// A row of [`ITEMS`].
pub struct Item {
    name: &'static str,
    value: fn(&MailboxInfo) -> Value,
    /// Asking for it is a CONDSTORE enabling command. RFC 7162 section 3.1.1
    enables_condstore: bool,
}

/// What stands behind an item's name.
enum Value {
    Number(u64),
    /// RFC 8474 section 4.3
    Id(MailboxId),
    /// The server's, for whatever mailbox. RFC 7889 section 3.1
    AppendLimit,
}

impl Item {
    const fn new(name: &'static str, value: fn(&MailboxInfo) -> Value) -> Item {
        Item { name, value, enables_condstore: false }
    }

    const fn condstore(self) -> Item {
        Item { enables_condstore: true, ..self }
    }
}

#[rustfmt::skip]
static ITEMS: &[Item] = &[
    Item::new("MESSAGES",        |info| Value::Number(info.messages.into())),
    Item::new("RECENT",          |info| Value::Number(info.recent.into())),
    Item::new("UIDNEXT",         |info| Value::Number(info.uid_next.0.into())),
    Item::new("UIDVALIDITY",     |info| Value::Number(info.uid_validity.0.into())),
    Item::new("UNSEEN",          |info| Value::Number(info.unseen.into())),
    // RFC 7162 section 3.1.7
    Item::new("HIGHESTMODSEQ",   |info| Value::Number(info.highest_modseq.0)).condstore(),
    // RFC 8438 section 3
    Item::new("SIZE",            |info| Value::Number(info.bytes)),
    // RFC 9208 section 4.1.4: in octets, as RFC822.SIZE has them
    Item::new("DELETED",         |info| Value::Number(info.deleted.into())),
    Item::new("DELETED-STORAGE", |info| Value::Number(info.deleted_bytes)),
    Item::new("APPENDLIMIT",     |_| Value::AppendLimit),
    Item::new("MAILBOXID",       |info| Value::Id(info.id)),
];

/// The items that a client asked for.
#[derive(Default)]
pub struct Items {
    list: Vec<&'static Item>,
    /// What [`enable`] has learned of the session: octets.
    append_limit: u64,
}

impl Items {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.space()?;
    let mut items = parse(arguments)?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    let mailbox = place.require_readable(session.user()?)?;
    let info = MailboxInfo { name: place.shown.clone(), ..block(|| mailbox.info())? };
    enable(session, &mut items);
    write(&mut session.writer(), &info, &items);
    Ok(Reply::completed())
}

/// `"(" status-att *(SP status-att) ")"`
pub fn parse(arguments: &mut Parser<'_>) -> Result<Items, Error> {
    arguments.expect(b'(')?;
    let mut list = vec![item(arguments)?];
    while arguments.take(b' ') {
        let item = item(arguments)?;
        if !list.iter().any(|known: &&Item| known.name == item.name) {
            list.push(item);
        }
    }
    arguments.expect(b')')?;
    Ok(Items { list, append_limit: 0 })
}

fn item(arguments: &mut Parser<'_>) -> Result<&'static Item, Error> {
    let word = arguments.atom()?;
    // RFC 9051 appendix E
    let is_there = |item: &&Item| item.name != "RECENT" || !arguments.enabled().rev2;
    let known = ITEMS.iter().filter(is_there).find(|item| item.name.eq_ignore_ascii_case(word));
    known.ok_or_else(|| Error::bad(format!("Unknown STATUS item {word}")))
}

/// What asking for the items switches on, and what their answers need of the session.
pub fn enable(session: &mut Session, items: &mut Items) {
    items.append_limit = session.service.options.append_limit;
    if items.list.iter().any(|item| item.enables_condstore) {
        session.enable_condstore();
    }
}

/// `* STATUS mailbox (...)`. RFC 9051 section 7.3.4
pub fn write(out: &mut Writer<'_>, info: &MailboxInfo, items: &Items) {
    out.raw("* STATUS ").mailbox(&info.name).raw(" (");
    for (index, item) in items.list.iter().enumerate() {
        out.raw(if index == 0 { "" } else { " " }).raw(item.name).raw(" ");
        match (item.value)(info) {
            Value::Number(number) => out.show(number),
            Value::Id(id) => out.raw("(").raw(mailbox_id(id)).raw(")"),
            Value::AppendLimit => out.show(items.append_limit),
        };
    }
    out.raw(")\r\n");
}
