//! STATUS, and the table of its items. RFC 9051 section 6.3.11

use common::block;
use store::MailboxInfo;

use crate::error::Error;
use crate::name::{self, Rights};
use crate::response::{Reply, Writer};
use crate::session::Session;
use crate::syntax::Parser;

/// A row of [`ITEMS`].
pub struct Item {
    name: &'static str,
    value: fn(&MailboxInfo) -> u64,
    /// Asking for it is a CONDSTORE enabling command. RFC 7162 section 3.1.1
    enables_condstore: bool,
}

impl Item {
    const fn new(name: &'static str, value: fn(&MailboxInfo) -> u64) -> Item {
        Item { name, value, enables_condstore: false }
    }

    const fn condstore(self) -> Item {
        Item { enables_condstore: true, ..self }
    }
}

#[rustfmt::skip]
static ITEMS: &[Item] = &[
    Item::new("MESSAGES",      |info| info.messages.into()),
    Item::new("RECENT",        |info| info.recent.into()),
    Item::new("UIDNEXT",       |info| info.uid_next.0.into()),
    Item::new("UIDVALIDITY",   |info| info.uid_validity.0.into()),
    Item::new("UNSEEN",        |info| info.unseen.into()),
    // RFC 7162 section 3.1.7
    Item::new("HIGHESTMODSEQ", |info| info.highest_modseq.0).condstore(),
];

/// The items that a client asked for.
pub type Items = Vec<&'static Item>;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.space()?;
    let items = parse(arguments)?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    let mailbox = place.mailbox()?;
    place.require(Rights::READ)?;
    let info = block(|| mailbox.info())?;
    enable(session, &items);
    write(&mut session.writer(), &info, &items);
    Ok(Reply::completed())
}

/// `"(" status-att *(SP status-att) ")"`
pub fn parse(arguments: &mut Parser<'_>) -> Result<Items, Error> {
    arguments.expect(b'(')?;
    let mut items = vec![item(arguments)?];
    while arguments.take(b' ') {
        let item = item(arguments)?;
        if !items.iter().any(|known: &&Item| known.name == item.name) {
            items.push(item);
        }
    }
    arguments.expect(b')')?;
    Ok(items)
}

fn item(arguments: &mut Parser<'_>) -> Result<&'static Item, Error> {
    let word = arguments.atom()?;
    let known = ITEMS.iter().find(|item| item.name.eq_ignore_ascii_case(word));
    known.ok_or_else(|| Error::bad(format!("Unknown STATUS item {word}")))
}

/// What asking for the items switches on.
pub fn enable(session: &mut Session, items: &Items) {
    if items.iter().any(|item| item.enables_condstore) {
        session.enable_condstore();
    }
}

/// `* STATUS mailbox (...)`. RFC 9051 section 7.3.4
pub fn write(out: &mut Writer<'_>, info: &MailboxInfo, items: &Items) {
    out.raw("* STATUS ").mailbox(&info.name).raw(" (");
    for (index, item) in items.iter().enumerate() {
        out.raw(if index == 0 { "" } else { " " }).raw(item.name).raw(" ").show((item.value)(info));
    }
    out.raw(")\r\n");
}
