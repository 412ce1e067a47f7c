//! FETCH's data items: one table, one file an item family. RFC 9051 section 6.4.5 and RFC 3501 section 6.4.5
//!
//! An item is parsed once a command, made [`Ready`] once a message while the store's snapshot is there, and written
//! without failing: a message that cannot be read leaves no half line behind.

pub mod batch;
pub mod binary;
pub mod body;
pub mod envelope;
pub mod flags;
pub mod preview;
pub mod section;
pub mod simple;
pub mod structure;

use std::sync::Arc;

use message::Summary;
use store::{Message, Row};

use crate::error::Error;
use crate::response::Writer;
use crate::syntax::Parser;
use crate::view::SeqNum;
use binary::{Binary, BinarySize};
use body::{Answer, Loaded, Octets};

/// One data item that a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Known from the view's row alone.
    Row(RowItem),
    InternalDate,
    Size,
    Envelope,
    /// BODYSTRUCTURE, or BODY without the extension data.
    Structure {
        extended: bool,
    },
    Octets(Octets),
    // RFC 3516 section 4.2
    Binary(Binary),
    BinarySize(BinarySize),
    // RFC 8970 section 3.1
    Preview,
    // RFC 8514 section 4.2
    SaveDate,
    // RFC 8474 section 5.1, section 5.2
    EmailId,
    ThreadId,
}

/// What the rows of the view hold: FETCH of these alone never opens the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowItem {
    Uid,
    Flags,
    ModSeq,
}

/// A row of [`FETCH_ITEMS`].
pub struct ItemRow {
    pub name: &'static str,
    /// Reads what follows the name.
    parse: fn(&mut Parser<'_>) -> Result<Item, Error>,
}

/// Every data item by its name, sorted.
pub static FETCH_ITEMS: &[ItemRow] = &[
    ItemRow { name: "BINARY", parse: |parser| Binary::parse(parser, true).map(Item::Binary) },
    ItemRow { name: "BINARY.PEEK", parse: |parser| Binary::parse(parser, false).map(Item::Binary) },
    ItemRow { name: "BINARY.SIZE", parse: |parser| BinarySize::parse(parser).map(Item::BinarySize) },
    ItemRow { name: "BODY", parse: body::parse_body },
    ItemRow { name: "BODY.PEEK", parse: body::parse_peek },
    ItemRow { name: "BODYSTRUCTURE", parse: |_| Ok(Item::Structure { extended: true }) },
    ItemRow { name: "EMAILID", parse: |_| Ok(Item::EmailId) },
    ItemRow { name: "ENVELOPE", parse: |_| Ok(Item::Envelope) },
    ItemRow { name: "FLAGS", parse: |_| Ok(Item::Row(RowItem::Flags)) },
    ItemRow { name: "INTERNALDATE", parse: |_| Ok(Item::InternalDate) },
    // RFC 7162 section 3.1.4.2
    ItemRow { name: "MODSEQ", parse: |_| Ok(Item::Row(RowItem::ModSeq)) },
    ItemRow { name: "PREVIEW", parse: preview::parse },
    ItemRow { name: "RFC822", parse: |_| Ok(Item::Octets(Octets::rfc822())) },
    ItemRow { name: "RFC822.HEADER", parse: |_| Ok(Item::Octets(Octets::rfc822_header())) },
    ItemRow { name: "RFC822.SIZE", parse: |_| Ok(Item::Size) },
    ItemRow { name: "RFC822.TEXT", parse: |_| Ok(Item::Octets(Octets::rfc822_text())) },
    ItemRow { name: "SAVEDATE", parse: |_| Ok(Item::SaveDate) },
    ItemRow { name: "THREADID", parse: |_| Ok(Item::ThreadId) },
    ItemRow { name: "UID", parse: |_| Ok(Item::Row(RowItem::Uid)) },
];

/// RFC 9051 appendix E: items that IMAP4rev2 does not have.
const REV1_ITEMS: [&str; 3] = ["RFC822", "RFC822.HEADER", "RFC822.TEXT"];

/// Macros stand alone, never in a list. RFC 9051 section 6.4.5
/// Each is the first so many items of [`FULL`].
static MACROS: [(&str, usize); 3] = [("ALL", 4), ("FAST", 3), ("FULL", 5)];

static FULL: [Item; 5] = [
    Item::Row(RowItem::Flags),
    Item::InternalDate,
    Item::Size,
    Item::Envelope,
    Item::Structure { extended: false },
];

/// `"ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"`. An item that is named twice is answered once.
pub fn parse_items(parser: &mut Parser<'_>) -> Result<Vec<Item>, Error> {
    if !parser.take(b'(') {
        let name = item_name(parser)?;
        if let Some((_, length)) = MACROS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Ok(FULL[..*length].to_vec());
        }
        return Ok(vec![parse_item(parser, name)?]);
    }
    let mut items = Vec::new();
    loop {
        let name = item_name(parser)?;
        let item = parse_item(parser, name)?;
        if !items.contains(&item) {
            items.push(item);
        }
        if items.len() > MOST_ITEMS {
            return Err(Error::bad(format!("More than {MOST_ITEMS} items in one FETCH")));
        }
        if !parser.take(b' ') {
            break;
        }
    }
    parser.expect(b')')?;
    Ok(items)
}

/// Bounds what one message costs to answer.
const MOST_ITEMS: usize = 256;

fn item_name<'a>(parser: &mut Parser<'a>) -> Result<&'a str, Error> {
    parser.token("a FETCH item", |c| c.is_ascii_alphanumeric() || c == b'.')
}

/// fetch-att
fn parse_item(parser: &mut Parser<'_>, name: &str) -> Result<Item, Error> {
    match FETCH_ITEMS.iter().find(|row| row.name.eq_ignore_ascii_case(name)) {
        Some(row) if parser.enabled().rev2 && REV1_ITEMS.contains(&row.name) => {
            Err(Error::bad(format!("IMAP4rev2 has no FETCH item {}; use BODY[...]", row.name)))
        }
        Some(row) => (row.parse)(parser),
        None => Err(Error::bad(format!("Unknown FETCH item {name}"))),
    }
}

/// The items, when all of them are known from the rows.
pub fn row_items(items: &[Item]) -> Option<Vec<RowItem>> {
    let row_item = |item: &Item| match item {
        Item::Row(item) => Some(*item),
        _ => None,
    };
    items.iter().map(row_item).collect()
}

/// What the view knows of the message that a line is about.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub seq: SeqNum,
    pub row: Row,
    pub recent: bool,
    pub keywords: &'a [store::Keyword],
    /// After ENABLE UIDONLY.
    pub uidfetch: bool,
}

impl RowItem {
    pub fn write(self, out: &mut Writer<'_>, known: &Known<'_>) {
        match self {
            RowItem::Uid => drop(out.raw("UID ").show(known.row.uid)),
            RowItem::ModSeq => drop(out.raw("MODSEQ (").show(known.row.modseq).raw(")")),
            RowItem::Flags => {
                out.raw("FLAGS ");
                flags::write(out, &known.row, known.keywords, known.recent);
            }
        }
    }
}

/// `* n FETCH `, or `* uid UIDFETCH ` after ENABLE UIDONLY. RFC 9586 section 3.3
pub fn write_head<'a, 'b>(
    out: &'a mut Writer<'b>,
    seq: SeqNum,
    uid: store::Uid,
    uidfetch: bool,
) -> &'a mut Writer<'b> {
    match uidfetch {
        true => out.raw("* ").show(uid).raw(" UIDFETCH "),
        false => out.raw("* ").show(seq.0).raw(" FETCH "),
    }
}

/// `* n FETCH (...)` of what the rows hold.
pub fn write_row_line(out: &mut Writer<'_>, items: &[RowItem], known: &Known<'_>) {
    write_head(out, known.seq, known.row.uid, known.uidfetch);
    let mut before = "(";
    for item in items {
        out.raw(before);
        item.write(out, known);
        before = " ";
    }
    out.raw(")\r\n");
}

/// An item with all that it needs from the store.
pub enum Ready<'a> {
    Row(RowItem),
    InternalDate(store::DateTime),
    Size(u64),
    Envelope(Arc<Summary>),
    Structure { summary: Arc<Summary>, extended: bool },
    Octets { label: &'a [u8], answer: Answer },
    BinarySize { label: &'a [u8], size: u64 },
    Preview(Arc<Summary>),
    SaveDate(store::DateTime),
    EmailId(store::EmailId),
    ThreadId(store::ThreadId),
}

/// Why a message has no line.
#[derive(Debug)]
pub enum Unready {
    Store(store::Error),
    /// Nobody here can undo this Content-Transfer-Encoding. RFC 3516 section 4.3
    UnknownEncoding(Vec<u8>),
}

impl From<store::Error> for Unready {
    fn from(error: store::Error) -> Unready {
        Unready::Store(error)
    }
}

impl Item {
    /// Fetching it sets \Seen.
    pub fn sets_seen(&self) -> bool {
        match self {
            Item::Octets(octets) => octets.sets_seen,
            Item::Binary(binary) => binary.sets_seen,
            _ => false,
        }
    }

    /// Reads what the item needs; blocks.
    pub fn ready<'a>(&'a self, message: &Message, loaded: &mut Loaded) -> Result<Ready<'a>, Unready> {
        Ok(match self {
            Item::Row(item) => Ready::Row(*item),
            Item::InternalDate => Ready::InternalDate(message.internal_date),
            Item::Size => Ready::Size(message.size),
            Item::Envelope => Ready::Envelope(loaded.summary(message)?),
            Item::Structure { extended } => {
                Ready::Structure { summary: loaded.summary(message)?, extended: *extended }
            }
            Item::Octets(octets) => {
                Ready::Octets { label: &octets.label, answer: octets.answer(message, loaded)? }
            }
            Item::Binary(binary) => {
                Ready::Octets { label: &binary.label, answer: binary.answer(message, loaded)? }
            }
            Item::BinarySize(binary) => {
                Ready::BinarySize { label: &binary.label, size: binary.size(message, loaded)? }
            }
            Item::Preview => Ready::Preview(loaded.summary(message)?),
            Item::SaveDate => Ready::SaveDate(message.save_date),
            Item::EmailId => Ready::EmailId(message.email_id),
            Item::ThreadId => Ready::ThreadId(message.thread_id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Vec<Item>, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let items = parse_items(&mut parser)?;
        parser.end().map(|()| items)
    }

    #[test]
    fn table_is_sorted_and_unique() {
        assert!(FETCH_ITEMS.is_sorted_by(|a, b| a.name < b.name));
    }

    // RFC 3501 section 6.4.5: "ALL Macro equivalent to: (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)" and so on
    #[test]
    fn macros_are_the_lists_that_the_rfc_gives() {
        assert_eq!(parse("ALL").unwrap(), parse("(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)").unwrap());
        assert_eq!(parse("fast").unwrap(), parse("(FLAGS INTERNALDATE RFC822.SIZE)").unwrap());
        assert_eq!(parse("Full").unwrap(), parse("(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)").unwrap());
        assert!(parse("(ALL)").is_err());
    }

    #[test]
    fn lists_and_single_items() {
        assert_eq!(parse("uid").unwrap(), [Item::Row(RowItem::Uid)]);
        assert_eq!(parse("(UID uid FLAGS)").unwrap(), [Item::Row(RowItem::Uid), Item::Row(RowItem::Flags)]);
        for text in [
            "",
            "()",
            "(",
            "(UID",
            "(UID )",
            "( UID)",
            "UID FLAGS",
            "BOGUS",
            "(UID,FLAGS)",
            "BODYSTRUCTURE[]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    // RFC 3501 section 6.4.5: RFC822 is BODY[], RFC822.HEADER is BODY.PEEK[HEADER], RFC822.TEXT is BODY[TEXT]
    #[test]
    fn which_items_set_seen() {
        for text in ["BODY[]", "BODY[HEADER]", "BODY[1.MIME]", "RFC822", "RFC822.TEXT", "BODY[TEXT]<0.1>"] {
            assert!(parse(text).unwrap()[0].sets_seen(), "{text}");
        }
        for text in
            ["BODY.PEEK[]", "BODY.PEEK[HEADER]", "RFC822.HEADER", "BODY", "BODYSTRUCTURE", "RFC822.SIZE"]
        {
            assert!(!parse(text).unwrap()[0].sets_seen(), "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever is sent is a list of items or an error.
        #[test]
        fn words_in_any_order_never_panic(words in proptest::collection::vec(proptest::sample::select(vec![
            "BODY", "BODY.PEEK", "[", "]", "<", ">", "0", ".", "1", "HEADER", "HEADER.FIELDS", "(", ")", " ", "TEXT", "MIME",
            "UID", "ALL", "99999999999999999999", "{1}\r\nx", "\"y\"", "RFC822", "\u{fc}",
        ]), 0..30)) {
            let _ = parse(&words.concat());
        }
    }
}
