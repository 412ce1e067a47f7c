//! Which names LIST and LSUB answer, and what is known of each: the names that exist or are subscribed, and the levels
//! above them. RFC 9051 section 6.3.9, RFC 5258 section 3

use std::collections::HashMap;

use store::{MailboxInfo, MailboxName, Rights, SpecialUse};

use crate::pattern::Patterns;

/// What a LIST asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    pub subscribed: bool,
    pub special_use: bool,
    /// Also the levels above those that are selected.
    pub recursive: bool,
    /// RFC 3501's LIST: a level without a mailbox of its own is a name like others.
    pub plain: bool,
}

/// A name that is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub name: MailboxName,
    /// `None`: there is no such mailbox.
    pub info: Option<MailboxInfo>,
    /// What the user may do in it.
    pub rights: Rights,
    pub subscribed: bool,
    pub has_children: bool,
    /// RFC 5258 section 3.5: below it is a name that is selected.
    pub child_info: bool,
}

/// The names that a user has.
#[derive(Default)]
pub struct Hierarchy {
    names: HashMap<MailboxName, Name>,
}

#[derive(Default)]
struct Name {
    info: Option<MailboxInfo>,
    rights: Rights,
    subscribed: bool,
    matches: bool,
    below: Below,
}

/// What is true of some name below.
#[derive(Debug, Clone, Copy, Default)]
struct Below {
    exists: bool,
    exists_unmatched: bool,
    selected: bool,
    selected_unmatched: bool,
}

impl Hierarchy {
    /// Mailboxes with the user's rights in them, by the names that he has for them.
    pub fn new(mailboxes: Vec<(MailboxInfo, Rights)>, subscriptions: Vec<MailboxName>) -> Hierarchy {
        let mut hierarchy = Hierarchy::default();
        for (info, rights) in mailboxes {
            let name = hierarchy.names.entry(info.name.clone()).or_default();
            (name.info, name.rights) = (Some(info), rights);
        }
        for name in subscriptions {
            hierarchy.names.entry(name).or_default().subscribed = true;
        }
        hierarchy
    }

    /// The names that LIST answers: INBOX first, then sorted.
    pub fn list(mut self, patterns: &Patterns, selection: Selection) -> Vec<Listed> {
        self.look(patterns, selection);
        let all = !selection.subscribed && !selection.special_use;
        self.collect(|name| {
            // RFC 5258 section 5, example 11: such a level is left out where what is below it is answered itself.
            let stands_for = if selection.plain { name.below.exists } else { name.below.exists_unmatched };
            let is_level = all && stands_for;
            let is_recursive_parent = selection.recursive && name.below.selected_unmatched;
            name.is_selected(selection) || is_level || is_recursive_parent
        })
    }

    /// The names that LSUB answers; those that are not subscribed stand for subscribed ones below them that the pattern
    /// hides. RFC 3501 section 6.3.9
    pub fn subscribed(mut self, patterns: &Patterns) -> Vec<Listed> {
        let selection = Selection { subscribed: true, ..Selection::default() };
        self.look(patterns, selection);
        self.collect(|name| name.subscribed || name.below.selected_unmatched)
    }

    /// Adds the levels above, and tells them what is below.
    fn look(&mut self, patterns: &Patterns, selection: Selection) {
        let own: Vec<(MailboxName, Below)> = self
            .names
            .iter_mut()
            .map(|(name, known)| {
                known.matches = patterns.matches(name.as_str());
                (name.clone(), known.as_seen_from_above(selection))
            })
            .collect();
        for (name, below) in own {
            let mut above = name.parent();
            while let Some(parent) = above {
                above = parent.parent();
                let matches = || patterns.matches(parent.as_str());
                let entry = self.names.entry(parent.clone());
                let known = entry.or_insert_with(|| Name { matches: matches(), ..Name::default() });
                known.below.add(below);
            }
        }
    }

    fn collect(self, is_listed: impl Fn(&Name) -> bool) -> Vec<Listed> {
        let listed = self.names.into_iter().filter(|(_, known)| known.matches && is_listed(known));
        let mut listed: Vec<Listed> = listed.map(|(name, known)| known.listed(name)).collect();
        listed.sort_by(|one, other| {
            (!one.name.is_inbox(), &one.name).cmp(&(!other.name.is_inbox(), &other.name))
        });
        listed
    }
}

impl Name {
    fn is_selected(&self, selection: Selection) -> bool {
        let exists_or_subscribed = if selection.subscribed { self.subscribed } else { self.info.is_some() };
        exists_or_subscribed && (!selection.special_use || self.special_use().is_some())
    }

    fn special_use(&self) -> Option<SpecialUse> {
        self.info.as_ref().and_then(|info| info.special_use)
    }

    fn as_seen_from_above(&self, selection: Selection) -> Below {
        let (exists, selected) = (self.info.is_some(), self.is_selected(selection));
        Below {
            exists,
            exists_unmatched: exists && !self.matches,
            selected,
            selected_unmatched: selected && !self.matches,
        }
    }

    fn listed(self, name: MailboxName) -> Listed {
        let Name { info, rights, subscribed, below, .. } = self;
        Listed { name, info, rights, subscribed, has_children: below.exists, child_info: below.selected }
    }
}

impl Below {
    fn add(&mut self, other: Below) {
        self.exists |= other.exists;
        self.exists_unmatched |= other.exists_unmatched;
        self.selected |= other.selected;
        self.selected_unmatched |= other.selected_unmatched;
    }
}

#[cfg(test)]
mod tests {
    use store::{MailboxId, ModSeq, Uid, UidValidity};

    use super::*;

    fn name(name: &str) -> MailboxName {
        MailboxName::new(name).unwrap()
    }

    fn info(of: &str) -> MailboxInfo {
        MailboxInfo {
            id: MailboxId(1),
            name: name(of),
            uid_validity: UidValidity(1),
            uid_next: Uid(1),
            highest_modseq: ModSeq(1),
            messages: 0,
            unseen: 0,
            deleted: 0,
            bytes: 0,
            deleted_bytes: 0,
            recent: 0,
            special_use: (of == "Sent").then_some(SpecialUse::Sent),
            subscribed: false,
            acl: None,
        }
    }

    const SUBSCRIBED: Selection =
        Selection { subscribed: true, special_use: false, recursive: false, plain: false };
    const RECURSIVE: Selection = Selection { recursive: true, ..SUBSCRIBED };

    fn hierarchy(mailboxes: &[&str], subscribed: &[&str]) -> Hierarchy {
        let mailboxes = mailboxes.iter().map(|name| (info(name), Rights::ALL)).collect();
        Hierarchy::new(mailboxes, subscribed.iter().map(|one| name(one)).collect())
    }

    /// `!` does not exist, `+` subscribed, ` below` with CHILDINFO.
    fn list(mailboxes: &[&str], subscribed: &[&str], patterns: &[&str], selection: Selection) -> Vec<String> {
        let patterns = Patterns::new(patterns.iter().copied());
        let listed = hierarchy(mailboxes, subscribed).list(&patterns, selection);
        let show = |one: &Listed| {
            let missing = if one.info.is_none() { "!" } else { "" };
            let subscribed = if one.subscribed { "+" } else { "" };
            let child_info = if selection.recursive && one.child_info { " below" } else { "" };
            format!("{missing}{subscribed}{}{child_info}", one.name)
        };
        listed.iter().map(show).collect()
    }

    const NOTHING: [&str; 0] = [];
    /// RFC 5258 section 5, examples 1 and 2.
    const MARKET: [&str; 8] = [
        "INBOX",
        "Fruit",
        "Fruit/Apple",
        "Fruit/Banana",
        "Tofu",
        "Vegetable",
        "Vegetable/Broccoli",
        "Vegetable/Corn",
    ];
    const CHOSEN: [&str; 5] = ["INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"];

    #[test]
    fn subscribed_names_whether_or_not_they_exist() {
        let expected = ["+INBOX", "+Fruit/Banana", "!+Fruit/Peach", "+Vegetable", "+Vegetable/Broccoli"];
        assert_eq!(list(&MARKET, &CHOSEN, &["*"], SUBSCRIBED), expected);
    }

    #[test]
    fn existing_names() {
        let all = Selection::default();
        assert_eq!(list(&MARKET, &[], &["*"], all), MARKET);
        assert!(!list(&MARKET, &CHOSEN, &["*"], all).contains(&"!+Fruit/Peach".to_owned()));
        assert_eq!(list(&MARKET, &[], &["%"], all), ["INBOX", "Fruit", "Tofu", "Vegetable"]);
        assert_eq!(list(&MARKET, &[], &["Tofu", "Fruit/%"], all), ["Fruit/Apple", "Fruit/Banana", "Tofu"]);
    }

    #[test]
    fn names_that_are_only_subscribed_are_no_children() {
        let listed = hierarchy(&MARKET, &["Tofu/Fried"]).list(&Patterns::new(["%"]), Selection::default());
        let children: Vec<bool> = listed.iter().map(|one| one.has_children).collect();
        // RFC 5258 section 5, examples 3 and 10
        assert_eq!(children, [false, true, false, true]);
    }

    #[test]
    fn child_info() {
        // RFC 5258 section 5, example 8
        let all = ["INBOX", "Foo", "Foo/Bar", "Foo/Baz", "Moo"];
        assert_eq!(list(&all, &["Foo/Baz"], &["%"], SUBSCRIBED), NOTHING);
        assert_eq!(list(&all, &["Foo/Baz"], &["%"], RECURSIVE), ["Foo below"]);
        assert_eq!(list(&all, &["Foo", "Foo/Baz"], &["%"], RECURSIVE), ["+Foo below"]);
        assert_eq!(list(&["INBOX", "Foo/Baz"], &["Foo/Baz"], &["%"], RECURSIVE), ["!Foo below"]);
        assert_eq!(list(&all, &[], &["%"], RECURSIVE), NOTHING);
        assert_eq!(list(&all, &["Foo", "Moo"], &["%"], RECURSIVE), ["+Foo", "+Moo"]);
    }

    #[test]
    fn child_info_is_not_redundant() {
        // RFC 5258 section 5, example 9
        let chosen = [
            "baz2/bar2",
            "baz2/bar22",
            "baz2/bar222",
            "eps2",
            "eps2/mamba",
            "foo2/bar1",
            "foo2/bar2",
            "qux2/bar2",
        ];
        let all = [&chosen[..], &["INBOX", "foo2", "baz2"]].concat();
        let expected = [
            "+baz2/bar2",
            "+baz2/bar22",
            "+baz2/bar222",
            "+eps2 below",
            "foo2 below",
            "+foo2/bar2",
            "+qux2/bar2",
        ];
        assert_eq!(list(&all, &chosen, &["*2"], RECURSIVE), expected);
    }

    #[test]
    fn levels_without_a_mailbox() {
        // RFC 5258 section 5, example 11
        let extended = Selection::default();
        assert_eq!(list(&["music/rock"], &[], &["%"], extended), ["!music"]);
        assert_eq!(list(&["music/rock"], &[], &["%", "music/rock"], extended), ["music/rock"]);
        assert_eq!(list(&["music/rock"], &[], &["*"], extended), ["music/rock"]);
        // RFC 3501 section 6.3.4, first example
        let plain = Selection { plain: true, ..extended };
        assert_eq!(list(&["music/rock"], &[], &["*"], plain), ["!music", "music/rock"]);
    }

    #[test]
    fn special_use() {
        let selection = Selection { special_use: true, ..Selection::default() };
        assert_eq!(list(&["INBOX", "Sent", "a/Sent"], &[], &["*"], selection), ["Sent"]);
        let both = Selection { subscribed: true, ..selection };
        assert_eq!(list(&["INBOX", "Sent"], &["INBOX"], &["*"], both), NOTHING);
    }

    #[test]
    fn lsub_shows_levels_for_what_a_pattern_hides() {
        let lsub = |pattern| {
            let listed = hierarchy(&[], &["foo/bar"]).subscribed(&Patterns::new([pattern]));
            listed.iter().map(|one| (one.name.to_string(), one.subscribed)).collect::<Vec<_>>()
        };
        // RFC 3501 section 6.3.9
        assert_eq!(lsub("%"), [("foo".to_owned(), false)]);
        assert_eq!(lsub("*"), [("foo/bar".to_owned(), true)]);
        assert_eq!(lsub("foo/%"), [("foo/bar".to_owned(), true)]);
    }
}
