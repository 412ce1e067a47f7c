//! The table of search keys, and their parser.
//!
//! The parser keeps its own stack, so that nesting costs no stack of the thread; a chain of ORs counts as one level, as
//! clients write one for each address of a person.

use std::ops::RangeInclusive;

use store::{EmailId, Flags, Keyword, ThreadId, UidSet};

use super::charset::Charset;
use super::key::{AddressField, Age, Key, When};
use super::text::Needle;
use crate::collation::Collation;
use crate::error::Error;
use crate::filters::{self, Filters};
use crate::response::Code;
use crate::syntax::Parser;
use crate::view::Numbering;

/// What the keys of one command are parsed with.
#[derive(Default)]
pub struct Context<'a> {
    pub charset: Charset,
    /// The comparator that is active. RFC 5255 section 4.6
    pub collation: Collation,
    /// How deep keys may nest.
    pub nesting: usize,
    /// A MODSEQ key was seen: the result tells the highest MODSEQ. RFC 7162 section 3.1.5
    pub modseq: bool,
    /// A key of message sequence numbers was seen: they must not move. RFC 7162 section 3.2.10.2
    pub numbered: bool,
    /// Keys that search bodies.
    pub bodies: usize,
    /// A FUZZY was seen: the result may be asked for its relevancy. RFC 6203 section 4
    pub fuzzy: bool,
    pub filters: Filters<'a>,
}

/// A row of [`SEARCH_KEYS`].
pub struct KeyRow {
    pub name: &'static str,
    parse: Parse,
}

/// Reads what follows the name.
type Parse = fn(&mut Parser<'_>, &mut Context<'_>) -> Result<Begin, Error>;

/// What stands at the start of a key.
enum Begin {
    Key(Key),
    Not,
    Or,
    Fuzzy,
    /// A named search: its keys stand here.
    Filter(String),
}

macro_rules! rows {
    ($($name:literal => $parse:expr,)*) => { &[$(KeyRow { name: $name, parse: $parse }),*] };
}

/// Every search key by its name, sorted. Message sets and parentheses have no name.
pub static SEARCH_KEYS: &[KeyRow] = rows![
    "ALL" => |_, _| key(Key::all()),
    "ANSWERED" => |_, _| key(Key::flag(Flags::ANSWERED)),
    "BCC" => |parser, context| addresses(parser, context, AddressField::Bcc),
    "BEFORE" => |parser, _| arrived(parser, When::Before),
    "BODY" => |parser, context| body(parser, context, Key::Body),
    "CC" => |parser, context| addresses(parser, context, AddressField::Cc),
    "DELETED" => |_, _| key(Key::flag(Flags::DELETED)),
    "DRAFT" => |_, _| key(Key::flag(Flags::DRAFT)),
    // RFC 8474 section 6
    "EMAILID" => |parser, _| key(Key::Email(object_id(parser, 'M')?.map(EmailId))),
    // RFC 5466 section 3.1
    "FILTER" => |parser, context| {
        parser.space()?;
        let name = parser.token("a filter-name", filters::is_name_char)?.to_owned();
        context.charset.require_utf8()?;
        Ok(Begin::Filter(name))
    },
    "FLAGGED" => |_, _| key(Key::flag(Flags::FLAGGED)),
    "FROM" => |parser, context| addresses(parser, context, AddressField::From),
    // RFC 6203 section 7
    "FUZZY" => |parser, context| {
        context.fuzzy = true;
        parser.space().map(|()| Begin::Fuzzy)
    },
    "HEADER" => header,
    "KEYWORD" => |parser, _| keyword(parser, true),
    "LARGER" => |parser, _| size(parser, Key::Larger),
    // RFC 7162 section 3.1.5
    "MODSEQ" => modseq,
    "NEW" => |_, _| key(Key::And(vec![Key::Recent { set: true }, Key::no_flag(Flags::SEEN)])),
    "NOT" => |parser, _| parser.space().map(|()| Begin::Not),
    "OLD" => |_, _| key(Key::Recent { set: false }),
    // RFC 5032 section 3
    "OLDER" => |parser, _| within(parser, Age::Older),
    "ON" => |parser, _| arrived(parser, When::On),
    "OR" => |parser, _| parser.space().map(|()| Begin::Or),
    "RECENT" => |_, _| key(Key::Recent { set: true }),
    // RFC 8514 section 4.3: every mailbox supports the save date
    "SAVEDATESUPPORTED" => |_, _| key(Key::all()),
    "SAVEDBEFORE" => |parser, _| saved(parser, When::Before),
    "SAVEDON" => |parser, _| saved(parser, When::On),
    "SAVEDSINCE" => |parser, _| saved(parser, When::Since),
    "SEEN" => |_, _| key(Key::flag(Flags::SEEN)),
    "SENTBEFORE" => |parser, _| sent(parser, When::Before),
    "SENTON" => |parser, _| sent(parser, When::On),
    "SENTSINCE" => |parser, _| sent(parser, When::Since),
    "SINCE" => |parser, _| arrived(parser, When::Since),
    "SMALLER" => |parser, _| size(parser, Key::Smaller),
    "SUBJECT" => |parser, context| string(parser, context, Key::Subject),
    "TEXT" => |parser, context| body(parser, context, Key::Text),
    "THREADID" => |parser, _| key(Key::Thread(object_id(parser, 'T')?.map(ThreadId))),
    "TO" => |parser, context| addresses(parser, context, AddressField::To),
    "UID" => |parser, context| {
        parser.space()?;
        messages(parser, context, Numbering::Uid)
    },
    "UIDAFTER" => |parser, _| uids(parser, |uid| Some(uid.checked_add(1)?..=u32::MAX)),
    "UIDBEFORE" => |parser, _| uids(parser, |uid| Some(1..=uid - 1)),
    "UNANSWERED" => |_, _| key(Key::no_flag(Flags::ANSWERED)),
    "UNDELETED" => |_, _| key(Key::no_flag(Flags::DELETED)),
    "UNDRAFT" => |_, _| key(Key::no_flag(Flags::DRAFT)),
    "UNFLAGGED" => |_, _| key(Key::no_flag(Flags::FLAGGED)),
    "UNKEYWORD" => |parser, _| keyword(parser, false),
    "UNSEEN" => |_, _| key(Key::no_flag(Flags::SEEN)),
    "YOUNGER" => |parser, _| within(parser, Age::Younger),
];

fn key(key: Key) -> Result<Begin, Error> {
    Ok(Begin::Key(key))
}

/// `SP astring`, decoded.
fn needle(parser: &mut Parser<'_>, context: &Context<'_>) -> Result<Needle, Error> {
    parser.space()?;
    context.charset.decode(&parser.astring()?).map(|text| Needle::new(&text, context.collation))
}

fn string(parser: &mut Parser<'_>, context: &Context<'_>, make: fn(Needle) -> Key) -> Result<Begin, Error> {
    key(make(needle(parser, context)?))
}

/// Each costs a walk through every message.
fn body(parser: &mut Parser<'_>, context: &mut Context<'_>, make: fn(Needle) -> Key) -> Result<Begin, Error> {
    const MOST: usize = 100;
    context.bodies += 1;
    if context.bodies > MOST {
        return Err(Error::no(
            Code::Limit,
            format!("More than {MOST} strings to look for in bodies; search in steps"),
        ));
    }
    string(parser, context, make)
}

fn addresses(parser: &mut Parser<'_>, context: &Context<'_>, field: AddressField) -> Result<Begin, Error> {
    key(Key::Addresses(field, needle(parser, context)?))
}

/// `"HEADER" SP header-fld-name SP astring`
fn header(parser: &mut Parser<'_>, context: &mut Context<'_>) -> Result<Begin, Error> {
    parser.space()?;
    let name = parser.astring()?.into_owned();
    key(Key::Header(name, needle(parser, context)?))
}

fn arrived(parser: &mut Parser<'_>, when: When) -> Result<Begin, Error> {
    parser.space()?;
    key(Key::Arrived(when, parser.date()?))
}

fn sent(parser: &mut Parser<'_>, when: When) -> Result<Begin, Error> {
    parser.space()?;
    key(Key::Sent(when, parser.date()?))
}

fn saved(parser: &mut Parser<'_>, when: When) -> Result<Begin, Error> {
    parser.space()?;
    key(Key::Saved(when, parser.date()?))
}

/// `("OLDER" / "YOUNGER") SP nz-number`
fn within(parser: &mut Parser<'_>, age: Age) -> Result<Begin, Error> {
    parser.space()?;
    key(Key::Within(age, parser.nz_number()?))
}

/// `SP objectid`, which is `1*255(ALPHA / DIGIT / "_" / "-")`: the number of one of ours, which begins with this letter.
// RFC 8474 section 7
fn object_id(parser: &mut Parser<'_>, letter: char) -> Result<Option<u64>, Error> {
    const LONGEST: usize = 255;
    parser.space()?;
    let id = parser.token("an objectid", |c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))?;
    if id.len() > LONGEST {
        return Err(Error::bad(format!("An objectid of more than {LONGEST} octets")));
    }
    let number = id.strip_prefix(letter).and_then(|digits| digits.parse::<u64>().ok());
    // "M007" is not what M7 is called.
    Ok(number.filter(|number| id[1..] == number.to_string()))
}

fn size(parser: &mut Parser<'_>, make: fn(u64) -> Key) -> Result<Begin, Error> {
    parser.space()?;
    key(make(parser.number64()?))
}

/// `("KEYWORD" / "UNKEYWORD") SP flag-keyword`
fn keyword(parser: &mut Parser<'_>, set: bool) -> Result<Begin, Error> {
    parser.space()?;
    key(Key::Named { keyword: Keyword(parser.atom()?.into()), set })
}

/// `"MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer`. RFC 7162 section 3.1.5: a server with one MODSEQ a
/// message "MUST ignore <entry-name> and <entry-type-req>".
fn modseq(parser: &mut Parser<'_>, context: &mut Context<'_>) -> Result<Begin, Error> {
    parser.space()?;
    if parser.peek() == Some(b'"') {
        let entry = parser.quoted()?;
        if !entry.to_ascii_lowercase().starts_with(b"/flags/") {
            return Err(Error::bad("The entry name of MODSEQ begins with /flags/"));
        }
        parser.space()?;
        if !["priv", "shared", "all"].iter().any(|kind| parser.word(kind)) {
            return Err(parser.expected("priv, shared or all"));
        }
        parser.space()?;
    }
    context.modseq = true;
    key(Key::ModSeq(parser.modseq()?))
}

/// sequence-set; numbers without a message match nothing.
fn messages(
    parser: &mut Parser<'_>,
    context: &mut Context<'_>,
    numbering: Numbering,
) -> Result<Begin, Error> {
    let set = crate::command::sequence_set(parser)?;
    context.numbered |= numbering == Numbering::Seq;
    key(Key::Set(set, numbering))
}

/// `SP uniqueid`: the UIDs on one side of it. RFC 9738 section 3.4
fn uids(parser: &mut Parser<'_>, side: fn(u32) -> Option<RangeInclusive<u32>>) -> Result<Begin, Error> {
    parser.space()?;
    let uid = parser.nz_number()?;
    key(Key::Messages(UidSet::from_ranges(side(uid))))
}

/// RFC 9051 appendix E: there is no \Recent.
const REV1_KEYS: [&str; 3] = ["NEW", "OLD", "RECENT"];

/// A key that is not complete yet.
enum Frame {
    /// Keys that must all match: the command's own, or those in parentheses.
    List(Vec<Key>),
    Or {
        keys: Vec<Key>,
        missing: usize,
    },
    Not,
    /// RFC 6203 section 3
    Fuzzy,
}

/// `search-key *(SP search-key)` up to the end of the command.
pub fn parse_keys(parser: &mut Parser<'_>, context: &mut Context<'_>) -> Result<Key, Error> {
    parse_list(parser, context).map(Key::And)
}

/// The keys of a command, or of a filter, which must be complete by itself.
pub fn parse_list(parser: &mut Parser<'_>, context: &mut Context<'_>) -> Result<Vec<Key>, Error> {
    let mut stack = vec![Frame::List(Vec::new())];
    loop {
        if stack.len() > context.nesting + 1 {
            return Err(Error::bad(format!("Search keys nested deeper than {} levels", context.nesting)));
        }
        if parser.take(b'(') {
            stack.push(Frame::List(Vec::new()));
            continue;
        }
        let mut done = match (begin(parser, context)?, stack.last_mut()) {
            (Begin::Or, Some(Frame::Or { missing, .. })) => {
                // (a or b) or c is a or b or c: one more is wanted.
                *missing += 1;
                continue;
            }
            (Begin::Or, _) => {
                stack.push(Frame::Or { keys: Vec::new(), missing: 2 });
                continue;
            }
            (Begin::Not, _) => {
                stack.push(Frame::Not);
                continue;
            }
            (Begin::Fuzzy, _) => {
                stack.push(Frame::Fuzzy);
                continue;
            }
            (Begin::Key(key), _) => settle(&mut stack, key),
            (Begin::Filter(name), _) => {
                // RFC 5466 section 3.1: "inserted verbatim", so a NOT before it is for the first of its keys.
                let keys = filters::expand(&name, parser, context, stack.len())?;
                keys.into_iter().fold(false, |_, key| settle(&mut stack, key))
            }
        };
        while done && stack.len() > 1 && parser.take(b')') {
            let Some(Frame::List(keys)) = stack.pop() else { return Err(parser.expected("a search key")) };
            done = settle(&mut stack, Key::And(keys));
        }
        if done && matches!(parser.rest(), b"" | b" ") {
            break;
        }
        parser.space()?;
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(Frame::List(keys)), true) => Ok(keys),
        _ => Err(parser.expected("\")\"")),
    }
}

/// Adds a complete key to what it belongs to, which may be complete then too. True: a list is what goes on now.
fn settle(stack: &mut Vec<Frame>, mut key: Key) -> bool {
    loop {
        match stack.pop() {
            Some(Frame::Not) => key = Key::Not(Box::new(key)),
            Some(Frame::Fuzzy) => key = key.fuzzily(),
            Some(Frame::Or { mut keys, missing }) => {
                keys.push(key);
                if missing > 1 {
                    stack.push(Frame::Or { keys, missing: missing - 1 });
                    return false;
                }
                key = Key::Or(keys);
            }
            Some(Frame::List(mut keys)) => {
                keys.push(key);
                stack.push(Frame::List(keys));
                return true;
            }
            None => return true,
        }
    }
}

fn begin(parser: &mut Parser<'_>, context: &mut Context<'_>) -> Result<Begin, Error> {
    if parser.peek().is_some_and(|octet| octet.is_ascii_digit() || matches!(octet, b'*' | b'$')) {
        return messages(parser, context, Numbering::Seq);
    }
    let name = parser.token("a search key", |c| c.is_ascii_alphabetic())?;
    match SEARCH_KEYS.iter().find(|row| row.name.eq_ignore_ascii_case(name)) {
        Some(row) if parser.enabled().rev2 && REV1_KEYS.contains(&row.name) => {
            Err(Error::bad(format!("IMAP4rev2 has no search key {}", row.name)))
        }
        Some(row) => (row.parse)(parser, context),
        None => Err(Error::bad(format!("Unknown search key {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use store::{KeywordBits, ModSeq, Row, State, Uid, UidSet};

    use super::super::key::Cost;
    use super::*;
    use crate::date::Date;
    use crate::syntax::Limits;
    use crate::view::Known;

    /// Three messages, UIDs 10, 20 and 30, and the keyword $Junk.
    fn view() -> Known {
        let row =
            |uid| Row { uid: Uid(uid), flags: Flags::default(), keywords: KeywordBits(0), modseq: ModSeq(1) };
        let rows = [10, 20, 30].map(row);
        let keywords = [Keyword("$Forwarded".into()), Keyword("$Junk".into())];
        Known::new(
            Arc::new(State::of_rows(Uid(31), ModSeq(1), &keywords, &rows)),
            store::Rights::ALL,
            Uid(30),
        )
    }

    fn parse_all(text: &str) -> Result<(Key, bool, bool), Error> {
        let mut context = Context { nesting: 20, ..Context::default() };
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let mut key = parse_keys(&mut parser, &mut context)?;
        key.bind(&view());
        Ok((key, context.modseq, context.numbered))
    }

    fn parse(text: &str) -> Key {
        parse_all(text).unwrap().0
    }

    /// The only key of a command.
    fn one(text: &str) -> Key {
        match parse(text) {
            Key::And(mut keys) if keys.len() == 1 => keys.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn seen() -> Key {
        Key::flag(Flags::SEEN)
    }

    fn uids(ranges: &[std::ops::RangeInclusive<u32>]) -> Key {
        Key::Messages(UidSet::from_ranges(ranges.iter().cloned()))
    }

    #[test]
    fn table_is_sorted_and_unique() {
        assert!(SEARCH_KEYS.is_sorted_by(|a, b| a.name < b.name));
    }

    // RFC 3501 section 6.4.4's examples
    #[test]
    fn rfc_examples() {
        let key = parse("FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"");
        let smith = Key::Addresses(AddressField::From, Needle::new("Smith", Collation::default()));
        let since = Key::Arrived(When::Since, Date::new(1994, 2, 1).unwrap());
        assert_eq!(key, Key::And(vec![Key::flag(Flags::FLAGGED), since, Key::Not(Box::new(smith))]));
        assert_eq!(
            one("TEXT {6}\r\n\u{43f}\u{440}\u{438}"),
            Key::Text(Needle::new("\u{43f}\u{440}\u{438}", Collation::default()))
        );
    }

    #[test]
    fn sets_are_messages() {
        assert_eq!(one("1:2"), uids(&[10..=20]));
        assert_eq!(one("*"), uids(&[30..=30]));
        assert_eq!(one("uid 15:*"), uids(&[15..=30]));
        // RFC 9051 section 9 wants BAD of COPY, FETCH and STORE; in a search the numbers match nothing.
        assert_eq!(one("7:9"), uids(&[]));
        assert_eq!(one("2:9"), uids(&[20..=30]));
        assert!(parse_all("1").unwrap().2 && !parse_all("UID 1").unwrap().2);
    }

    #[test]
    fn keywords_are_bits() {
        assert_eq!(one("KEYWORD $junk"), Key::Keyword { bits: KeywordBits(2), set: true });
        assert_eq!(one("UNKEYWORD unknown"), Key::Keyword { bits: KeywordBits(0), set: false });
    }

    #[test]
    fn logic() {
        assert_eq!(one("NOT SEEN"), Key::Not(Box::new(seen())));
        assert_eq!(one("(SEEN)"), Key::And(vec![seen()]));
        assert_eq!(one("OR SEEN DRAFT"), Key::Or(vec![seen(), Key::flag(Flags::DRAFT)]));
        let key = one("OR (SEEN NOT DRAFT) NOT (1 UNSEEN)");
        let first = Key::And(vec![seen(), Key::Not(Box::new(Key::flag(Flags::DRAFT)))]);
        let second = Key::Not(Box::new(Key::And(vec![uids(&[10..=10]), Key::no_flag(Flags::SEEN)])));
        assert_eq!(key, Key::Or(vec![first, second]));
        assert_eq!(
            parse("NEW OLD"),
            Key::And(vec![
                Key::And(vec![Key::Recent { set: true }, Key::no_flag(Flags::SEEN)]),
                Key::Recent { set: false },
            ])
        );
    }

    #[test]
    fn a_chain_of_ors_is_one_level() {
        let keys = vec![seen(); 3001];
        assert_eq!(one(&format!("{}SEEN", "OR SEEN ".repeat(3000))), Key::Or(keys.clone()));
        assert_eq!(one(&format!("{}SEEN{}", "OR ".repeat(3000), " SEEN".repeat(3000))), Key::Or(keys));
    }

    #[test]
    fn nesting_has_a_limit() {
        assert!(parse_all(&format!("{}SEEN{}", "(".repeat(20), ")".repeat(20))).is_ok());
        assert!(parse_all(&format!("{}SEEN{}", "(".repeat(21), ")".repeat(21))).is_err());
        assert!(parse_all(&"(".repeat(100_000)).is_err());
        assert!(parse_all(&"NOT ".repeat(100_000)).is_err());
        assert!(parse_all(&"OR NOT ".repeat(100_000)).is_err());
    }

    // RFC 8474 section 6's example has ids of another server: they are well formed, and nobody's here.
    #[test]
    fn objectids() {
        let strange = Key::Or(vec![Key::Email(None), Key::Thread(None)]);
        assert_eq!(one("OR EMAILID M6d99ac3275bb4e THREADID T64b478a75b7ea9"), strange);
        assert_eq!(one("EMAILID M7"), Key::Email(Some(EmailId(7))));
        assert_eq!(one("THREADID T0"), Key::Thread(Some(ThreadId(0))));
        for id in ["m7", "T7", "M", "M07", "7", "M-7", "M99999999999999999999", "_", "-"] {
            assert_eq!(one(&format!("EMAILID {id}")), Key::Email(None), "{id}");
        }
        assert!(parse_all(&format!("EMAILID {}", "a".repeat(255))).is_ok());
        for id in ["", "\"M7\"", "M+7", "M7*", &"a".repeat(256)] {
            assert!(parse_all(&format!("EMAILID {id}")).is_err(), "{id}");
        }
    }

    // RFC 5032 section 2
    #[test]
    fn ages_are_bound_to_now() {
        let before = common::time::now();
        let Key::Aged(Age::Younger, than) = one("YOUNGER 259200") else { panic!("not bound") };
        assert!((before - 259_200..=common::time::now() - 259_200).contains(&than));
        assert!(Age::Older.holds(5, 5) && Age::Younger.holds(5, 5));
        assert!(Age::Older.holds(4, 5) && !Age::Younger.holds(4, 5));
        assert!(!Age::Older.holds(6, 5) && Age::Younger.holds(6, 5));
        for text in ["OLDER", "OLDER 0", "YOUNGER -1", "YOUNGER x", "OLDER 4294967296", "YOUNGER \"1\""] {
            assert!(parse_all(text).is_err(), "{text}");
        }
    }

    // RFC 7162 section 3.1.5, example 15
    #[test]
    fn modseq_with_and_without_an_entry() {
        assert_eq!(one("MODSEQ \"/flags/\\\\draft\" all 620162338"), Key::ModSeq(ModSeq(620_162_338)));
        assert_eq!(one("MODSEQ 7"), Key::ModSeq(ModSeq(7)));
        assert!(parse_all("MODSEQ 7").unwrap().1 && !parse_all("SEEN").unwrap().1);
        for text in [
            "MODSEQ",
            "MODSEQ x",
            "MODSEQ \"/x/y\" all 1",
            "MODSEQ \"/flags/x\" some 1",
            "MODSEQ \"/flags/x\" 1",
        ] {
            assert!(parse_all(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_search() {
        for text in [
            "",
            " SEEN",
            "SEEN  SEEN",
            "()",
            "(SEEN",
            "SEEN)",
            "(SEEN))",
            "NOT",
            "NOT ",
            "OR SEEN",
            "OR SEEN ",
            "OR (SEEN) ",
            "BOGUS",
            "FROM",
            "FROM ",
            "HEADER x",
            "KEYWORD \\Seen",
            "LARGER -1",
            "BEFORE 1-2-3",
            "BEFORE 31-Feb-2020",
            "UID",
            "UID x",
            "0",
            "1:",
            "NOT)",
            "(OR SEEN)",
            "(NOT )",
            "SEEN(DRAFT)",
        ] {
            assert!(parse_all(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn strings_in_bodies_have_a_limit() {
        assert!(parse_all(&format!("{}ALL", "BODY x ".repeat(100))).is_ok());
        let error = parse_all(&format!("{}ALL", "TEXT x ".repeat(101))).unwrap_err();
        assert!(matches!(error, Error::No { code: Some(Code::Limit), .. }));
    }

    #[test]
    fn cheap_keys_cost_less() {
        let cost = |text: &str| one(text).cost();
        assert!(cost("SEEN") < cost("LARGER 1") && cost("LARGER 1") < cost("SUBJECT x"));
        assert!(cost("SUBJECT x") < cost("HEADER a b") && cost("HEADER a b") < cost("BODY x"));
        assert_eq!(cost("OR SEEN NOT (DRAFT BODY x)"), Cost::Body);
    }

    proptest! {
        /// Whatever is sent is a search or an error.
        #[test]
        fn words_in_any_order_never_panic(words in prop::collection::vec(prop::sample::select(vec![
            "OR", "NOT", "(", ")", " ", "SEEN", "1:*", "UID", "BODY", "x", "{1}\r\nx", "\"y\"", "MODSEQ", "7", "*", "$",
            "HEADER", "ON", "1-Feb-1994", "CHARSET", "\u{fc}",
        ]), 0..40)) {
            let _ = parse_all(&words.concat());
            let _ = parse_all(&words.join(" "));
        }
    }
}
