//! Which names LIST and LSUB answer, and what is known of each: the names that exist or are subscribed, and the levels
//! above them. RFC 9051 section 6.3.9, RFC 5258 section 3

use std::collections::HashMap;

use store::{MailboxInfo, MailboxName, SpecialUse};

use crate::pattern::Patterns;

/// What a LIST asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    pub subscribed: bool,
    pub special_use: bool,
    /// Also the levels above those that are selected.
    pub recursive: bool,
}

/// A name that is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub name: MailboxName,
    /// `None`: there is no such mailbox.
    pub info: Option<MailboxInfo>,
    pub subscribed: bool,
    pub has_children: bool,
    /// RFC 5258 section 3.5: below it is a name that is selected.
    pub child_info: bool,
}

/// The names of an account.
#[derive(Default)]
pub struct Hierarchy {
    names: HashMap<MailboxName, Name>,
}

#[derive(Default)]
struct Name {
    info: Option<MailboxInfo>,
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
    pub fn new(mailboxes: Vec<MailboxInfo>, subscriptions: Vec<MailboxName>) -> Hierarchy {
        let mut hierarchy = Hierarchy::default();
        for info in mailboxes {
            let name = info.name.clone();
            hierarchy.names.entry(name).or_default().info = Some(info);
        }
        for name in subscriptions {
            hierarchy.names.entry(name).or_default().subscribed = true;
        }
        hierarchy
    }

    /// The names that LIST answers: INBOX first, then sorted.
    pub fn list(mut self, patterns: &Patterns, selection: Selection) -> Vec<Listed> {
        self.look(patterns, selection);
        let all = selection == Selection::default();
        self.collect(|name| {
            let is_parent = if all { name.info.is_none() && name.below.exists_unmatched } else { false };
            let is_recursive_parent = selection.recursive && name.below.selected_unmatched;
            name.is_selected(selection) || is_parent || is_recursive_parent
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
        let Name { info, subscribed, below, .. } = self;
        Listed { name, info, subscribed, has_children: below.exists, child_info: below.selected }
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
