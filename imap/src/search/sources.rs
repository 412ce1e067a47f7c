//! Which mailboxes an ESEARCH looks into. RFC 7377 section 2.2, RFC 5465 section 6
//!
//! Names only are put together here; each is resolved, and the rights asked for, when its turn comes. What the user may not
//! read is left out as what does not exist is.

use std::collections::BTreeMap;

use common::block;
use store::{MailboxName, Rights};

use crate::error::Error;
use crate::name::canonical;
use crate::pattern::Patterns;
use crate::response::Code;
use crate::session::User;
use crate::sharing::{self, Namespace};
use crate::syntax::Parser;

/// Mailboxes that one command may look into.
const MOST: usize = 10_000;

/// `esearch-source-opts`
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The mailbox that is selected.
    pub selected: bool,
    personal: bool,
    subscribed: bool,
    /// In the form of [`canonical`].
    mailboxes: Vec<String>,
    subtrees: Subtrees,
}

/// Roots, in the form of [`canonical`], and how deep each goes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Subtrees(BTreeMap<String, Depth>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// The root and its children.
    One,
    All,
}

/// The names to look into, and what the user must be allowed there beside reading. INBOX is the first, the others are sorted.
pub type Names = BTreeMap<Place, Rights>;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    is_not_inbox: bool,
    pub name: String,
}

impl Sources {
    /// `["IN" SP "(" source-mbox ")" SP]`. RFC 7377 section 2.2: without it "selected" is assumed.
    pub fn parse(parser: &mut Parser<'_>) -> Result<Option<Sources>, Error> {
        if !parser.word("IN") {
            return Ok(None);
        }
        parser.space()?;
        parser.expect(b'(')?;
        let mut sources = Sources::default();
        loop {
            sources.filter(parser)?;
            if !parser.take(b' ') {
                break;
            }
            if parser.peek() == Some(b'(') {
                return Err(Error::bad("Unknown scope option: there are none"));
            }
        }
        parser.expect(b')')?;
        parser.space()?;
        Ok(Some(sources))
    }

    /// Only the mailbox that is selected.
    pub fn only_selected() -> Sources {
        Sources { selected: true, ..Sources::default() }
    }

    /// filter-mailboxes, as RFC 7377 section 4 changes it
    fn filter(&mut self, parser: &mut Parser<'_>) -> Result<(), Error> {
        let word = parser.atom()?;
        match &*word.to_ascii_uppercase() {
            "SELECTED" => self.selected = true,
            // RFC 5465 section 6.3: mail may be delivered to any mailbox, by its sub-address.
            "PERSONAL" | "INBOXES" => self.personal = true,
            "SUBSCRIBED" => self.subscribed = true,
            "MAILBOXES" => self.mailboxes.extend(names(parser)?),
            "SUBTREE" => self.subtrees.add(names(parser)?, Depth::All),
            "SUBTREE-ONE" => self.subtrees.add(names(parser)?, Depth::One),
            "SELECTED-DELAYED" => return Err(Error::bad("ESEARCH has no selected-delayed: say selected")),
            _ => return Err(Error::bad(format!("Unknown mailbox filter {word}"))),
        }
        Ok(())
    }

    /// The names as this user has them, each once. NO [LIMIT] where there are too many.
    pub fn names(&self, user: &User) -> Result<Names, Error> {
        let mut names = Names::new();
        // RFC 7377 section 2.2: "the "r" right for each mailbox", and what is not explicitly named "the "l" right"
        let (named, found) = (Rights::NONE, Rights::LOOKUP);
        if self.subscribed {
            let subscriptions = block(|| user.account.subscriptions())?;
            names.extend(subscriptions.into_iter().map(|name| (Place::of(name.to_string()), found)));
        }
        if self.personal || !self.subtrees.0.is_empty() {
            let visible = block(|| sharing::visible(user, &self.patterns()))?;
            let names_of_visible = visible.into_iter().map(|(info, _)| info.name.to_string());
            let wanted = names_of_visible.filter(|name| self.wants(name, user));
            names.extend(wanted.map(|name| (Place::of(name), found)));
        }
        names.extend(
            self.subtrees.0.keys().chain(&self.mailboxes).map(|name| (Place::of(name.clone()), named)),
        );
        bounded(names)
    }

    /// Where what is below the roots may be.
    fn patterns(&self) -> Patterns {
        let roots = self.subtrees.0.keys();
        let below: Vec<String> = roots.map(|root| format!("{root}{}*", MailboxName::SEPARATOR)).collect();
        Patterns::new(below.iter().map(String::as_str))
    }

    fn wants(&self, name: &str, user: &User) -> bool {
        (self.personal && user.sharing().locate(name).namespace == Namespace::Personal)
            || self.subtrees.hold(name)
    }
}

impl Subtrees {
    fn add(&mut self, roots: Vec<String>, depth: Depth) {
        for root in roots {
            let known = self.0.entry(root).or_insert(depth);
            *known = depth.max(*known);
        }
    }

    /// Whether the name is below a root. Costs a look-up a level, however many roots there are.
    fn hold(&self, name: &str) -> bool {
        let levels = name.rmatch_indices(MailboxName::SEPARATOR).map(|(at, _)| self.0.get(&name[..at]));
        levels.enumerate().any(|(up, depth)| depth.is_some_and(|depth| up == 0 || *depth == Depth::All))
    }
}

impl Place {
    fn of(name: String) -> Place {
        Place { is_not_inbox: name != "INBOX", name }
    }
}

/// RFC 7377 section 2.4: NO [LIMIT]
fn bounded(names: Names) -> Result<Names, Error> {
    if names.len() <= MOST {
        return Ok(names);
    }
    let text =
        format!("More than {MOST} mailboxes in one command; name fewer of them, or a part of the subtree");
    Err(Error::no(Code::Limit, text))
}

/// `SP one-or-more-mailbox`, with `many-mailboxes = "(" mailbox *(SP mailbox) ")"`. RFC 5465 section 8
fn names(parser: &mut Parser<'_>) -> Result<Vec<String>, Error> {
    parser.space()?;
    if !parser.take(b'(') {
        return Ok(vec![canonical(&parser.mailbox()?)]);
    }
    let mut names = vec![canonical(&parser.mailbox()?)];
    while parser.take(b' ') {
        names.push(canonical(&parser.mailbox()?));
    }
    parser.expect(b')')?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Option<Sources>, Error> {
        Sources::parse(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    // RFC 7377 section 3
    #[test]
    fn rfc_examples() {
        let sources = parse(r#"IN (mailboxes "folder1" subtree "folder2") unseen"#).unwrap().unwrap();
        assert_eq!(sources.mailboxes, ["folder1"]);
        assert_eq!(sources.subtrees.0, [("folder2".to_owned(), Depth::All)].into());
        assert!(!sources.selected && !sources.personal && !sources.subscribed);
        let sources = parse(r#"IN (mailboxes "folder1" subtree-one "folder2") all"#).unwrap().unwrap();
        assert_eq!(sources.subtrees.0["folder2"], Depth::One);
        assert_eq!(parse("unseen").unwrap(), None);
        assert_eq!(parse("IN (selected) all").unwrap().unwrap(), Sources::only_selected());
    }

    #[test]
    fn filters_may_be_many_and_in_any_case() {
        let text =
            "in (PERSONAL Subscribed inboxes mailboxes (a inbox/b {1}\r\nc) subtree (x y) selected) all";
        let sources = parse(text).unwrap().unwrap();
        assert!(sources.selected && sources.personal && sources.subscribed);
        assert_eq!(sources.mailboxes, ["a", "INBOX/b", "c"]);
        assert_eq!(sources.subtrees.0.len(), 2);
    }

    #[test]
    fn what_is_no_source() {
        for text in [
            "IN",
            "IN ",
            "IN selected all",
            "IN () all",
            "IN (selected-delayed) all",
            "IN (bogus) all",
            "IN (selected,personal) all",
            "IN (selected personal all",
            "IN (mailboxes) all",
            "IN (mailboxes ()) all",
            "IN (mailboxes (a) all",
            "IN (subtree) all",
            "IN (selected (scope)) all",
            "IN (selected)all",
            "IN (selected )",
        ] {
            assert!(matches!(parse(text), Err(Error::Bad(_))), "{text}");
        }
    }

    #[test]
    fn subtrees_hold_whole_levels() {
        let holds = |root: &str, depth, name| {
            let mut subtrees = Subtrees::default();
            subtrees.add(vec!["z".to_owned(), root.to_owned()], depth);
            subtrees.hold(name)
        };
        let (one, all) = (Depth::One, Depth::All);
        assert!(holds("a", all, "a/b") && holds("a", all, "a/b/c") && holds("a", one, "a/b"));
        assert!(holds("a/b", one, "a/b/c") && holds("a/b", all, "a/b/c/d"));
        assert!(!holds("a", one, "a/b/c") && !holds("a", all, "ab") && !holds("a", all, "b/a"));
        assert!(!holds("a", all, "a") && !holds("", all, "a"));
        // No wildcards: RFC 7377 section 2.2
        assert!(!holds("*", all, "a/b"));
    }

    #[test]
    fn the_deeper_of_two_depths_holds() {
        let mut subtrees = Subtrees::default();
        subtrees.add(vec!["a".to_owned()], Depth::All);
        subtrees.add(vec!["a".to_owned()], Depth::One);
        assert!(subtrees.hold("a/b/c"));
    }

    #[test]
    fn there_is_a_limit() {
        let many = |count: usize| (0..count).map(|n| (Place::of(n.to_string()), Rights::READ)).collect();
        assert!(bounded(many(MOST)).is_ok());
        assert!(matches!(bounded(many(MOST + 1)), Err(Error::No { code: Some(Code::Limit), .. })));
    }
}
