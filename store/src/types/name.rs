//! Names of mailboxes and accounts: what is refused, and what is made equal.
//!
//! Both are normalized when they are made, so that names which look the same are the same.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A mailbox name in Unicode (NFC), levels separated by `/`. `INBOX` in any case is `INBOX`.
///
/// Made only by [`MailboxName::new`], which refuses what no mailbox may be called: empty names or levels, control
/// characters, `%` and `*`, more than 1,000 octets, more than 32 levels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(Arc<str>);

impl MailboxName {
    /// Between the levels of a name.
    pub const SEPARATOR: char = '/';

    const OCTETS_MAX: usize = 1000;
    const LEVELS_MAX: usize = 32;

    /// Normalized to NFC, `inbox` in any case to `INBOX`. The error says which rule the name breaks.
    pub fn new(name: &str) -> Result<MailboxName, InvalidName> {
        if name.is_empty() {
            return refuse("a mailbox name must not be empty");
        }
        // Normalizing can only shrink a name by so much; what is far too long is not worth looking at.
        if name.len() > 4 * Self::OCTETS_MAX {
            return refuse("a mailbox name must not be longer than 1,000 octets");
        }
        let name = fold_inbox(normalize(name));
        match problem(&name) {
            Some(problem) => refuse(format!("{problem}: {}", printable(&name))),
            None => Ok(MailboxName(name.into())),
        }
    }

    pub fn inbox() -> MailboxName {
        MailboxName("INBOX".into())
    }

    /// What stands before the names of a namespace: this level and the separator. No mailbox is called so.
    pub fn prefix(level: &str) -> MailboxName {
        MailboxName(format!("{level}{}", Self::SEPARATOR).into())
    }

    /// The name as it stands in someone else's namespace: with this before it. May be longer and deeper than an own one.
    #[must_use]
    pub fn under(&self, prefix: &str) -> MailboxName {
        MailboxName(format!("{prefix}{}", self.0).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// The name one level up, if there is one.
    pub fn parent(&self) -> Option<MailboxName> {
        self.0.rsplit_once(Self::SEPARATOR).map(|(up, _)| MailboxName(up.into()))
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn problem(name: &str) -> Option<&'static str> {
    if name.len() > MailboxName::OCTETS_MAX {
        return Some("a mailbox name must not be longer than 1,000 octets");
    }
    if name.split(MailboxName::SEPARATOR).any(str::is_empty) {
        return Some("a mailbox name must not begin or end with / or have two of them in a row");
    }
    if name.split(MailboxName::SEPARATOR).count() > MailboxName::LEVELS_MAX {
        return Some("a mailbox name must not have more than 32 levels");
    }
    if name.contains(['%', '*']) {
        return Some("a mailbox name must not contain % or *, which LIST takes for wildcards");
    }
    name.contains(is_control).then_some("a mailbox name must not contain control characters")
}

// RFC 9051 section 5.1: INBOX in any case is INBOX; only its first level is meant.
fn fold_inbox(name: String) -> String {
    let (first, rest) = name.split_at(name.find(MailboxName::SEPARATOR).unwrap_or(name.len()));
    if first.eq_ignore_ascii_case("INBOX") { format!("INBOX{rest}") } else { name }
}

/// Why a name was refused, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub String);

/// An account's name: `user@domain` or `user`; lower case, NFC, no white space, `/`, `%`, `*` or control characters, at most 255 octets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(Arc<str>);

impl AccountName {
    const OCTETS_MAX: usize = 255;

    /// Normalized to NFC and lower case. The error says which rule the name breaks.
    pub fn new(name: &str) -> Result<AccountName, InvalidName> {
        if name.len() > 4 * Self::OCTETS_MAX {
            return refuse("an account name must not be longer than 255 octets");
        }
        // Lower-casing may take a name out of NFC, so it comes first and last.
        let name = normalize(&normalize(name).to_lowercase());
        match account_problem(&name) {
            Some(problem) => refuse(format!("{problem}: {}", printable(&name))),
            None => Ok(AccountName(name.into())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        AccountName::new(&name)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> String {
        name.0.to_string()
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address that is no account: what an account could be called, or `@domain` for whatever is nobody's in the domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AliasName(Arc<str>);

impl AliasName {
    /// Normalized as accounts' names are. The error says which rule the name breaks.
    pub fn new(name: &str) -> Result<AliasName, InvalidName> {
        let reworded = |why: InvalidName| InvalidName(why.0.replace("an account name", "an alias"));
        if !name.starts_with('@') {
            return AccountName::new(name).map(|name| AliasName(name.0)).map_err(reworded);
        }
        // A domain is checked and normalized as that of an account.
        let account = AccountName::new(&format!("x{name}")).map_err(reworded)?;
        Ok(AliasName(account.as_str().trim_start_matches('x').into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AliasName {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        AliasName::new(&name)
    }
}

impl From<AliasName> for String {
    fn from(name: AliasName) -> String {
        name.0.to_string()
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group's name: what an account could be called. In access control lists it stands behind a `$`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(AccountName);

impl GroupName {
    /// Normalized as accounts' names are. The error says which rule the name breaks.
    pub fn new(name: &str) -> Result<GroupName, InvalidName> {
        let name = AccountName::new(name);
        name.map(GroupName).map_err(|why| InvalidName(why.0.replace("an account name", "a group name")))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for GroupName {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        GroupName::new(&name)
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> String {
        name.0.into()
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn account_problem(name: &str) -> Option<&'static str> {
    if name.len() > AccountName::OCTETS_MAX {
        return Some("an account name must not be longer than 255 octets");
    }
    let (user, domain) = name.split_once('@').unwrap_or((name, "domain"));
    if user.is_empty() || domain.is_empty() || domain.contains('@') {
        return Some("an account name is user or user@domain");
    }
    if name.contains(['/', '%', '*']) {
        return Some("an account name must not contain /, % or *");
    }
    let unseen = |c: char| c.is_whitespace() || is_control(c);
    name.contains(unseen).then_some("an account name must not contain white space or control characters")
}

fn normalize(name: &str) -> String {
    if is_nfc(name) { name.to_owned() } else { name.nfc().collect() }
}

// RFC 5198 section 2: C0, DEL, C1; and the separators of lines and paragraphs, as RFC 9051 section 5.1 wants.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// The name in a message: nothing in it can move a terminal's cursor or fill the screen.
fn printable(name: &str) -> String {
    let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    if name.chars().nth(80).is_some() { format!("{shown}...") } else { shown }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, InvalidName> {
    Err(InvalidName(reason.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mailbox(name: &str) -> String {
        MailboxName::new(name).unwrap().to_string()
    }

    fn refused(name: &str) -> String {
        MailboxName::new(name).unwrap_err().to_string()
    }

    // RFC 9051 section 5.1
    #[test]
    fn inbox_is_known_in_any_case() {
        assert_eq!(mailbox("inbox"), "INBOX");
        assert_eq!(mailbox("InBox/x"), "INBOX/x");
        assert_eq!(mailbox("Inboxes"), "Inboxes");
        assert_eq!(mailbox("a/inbox"), "a/inbox");
        assert!(MailboxName::new("iNBOX").unwrap().is_inbox());
        assert!(!MailboxName::new("INBOX/x").unwrap().is_inbox());
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        assert_eq!(mailbox("Entwu\u{0308}rfe"), "Entw\u{00fc}rfe");
        assert_eq!(mailbox("\u{212b}"), "\u{00c5}");
    }

    #[test]
    fn what_no_mailbox_may_be_called() {
        for name in ["", "/", "/a", "a/", "a//b", "a%", "*", "a\tb", "a\u{7f}", "a\u{85}", "a\u{2028}b"] {
            refused(name);
        }
        assert!(refused("a/").contains("begin or end"));
        assert!(refused("a\x1b[2J").ends_with("a\\u{1b}[2J"));
        assert!(refused(&"ab%".repeat(300)).len() < 400);
    }

    #[test]
    fn lengths_and_levels_are_bounded() {
        mailbox(&"a".repeat(1000));
        assert!(refused(&"a".repeat(1001)).contains("1,000"));
        assert!(refused(&"a".repeat(100_000)).contains("1,000"));
        mailbox(&vec!["a"; 32].join("/"));
        assert!(refused(&vec!["a"; 33].join("/")).contains("32"));
    }

    #[test]
    fn a_parent_is_one_level_up() {
        let name = MailboxName::new("a/b/c").unwrap();
        assert_eq!(name.parent().unwrap().as_str(), "a/b");
        assert_eq!(MailboxName::new("a").unwrap().parent(), None);
    }

    #[test]
    fn account_names_are_folded() {
        let name = |name| AccountName::new(name).unwrap().to_string();
        assert_eq!(name("Alice@Example.TEST"), "alice@example.test");
        assert_eq!(name("\u{00dc}ser"), "\u{00fc}ser");
        assert_eq!(name("U\u{0308}ser"), "\u{00fc}ser");
        assert_eq!(name("public"), "public");
        assert_eq!(name("a+b@c"), "a+b@c");
    }

    #[test]
    fn what_no_account_may_be_called() {
        for name in ["", "@", "a@", "@b", "a@b@c", "a b", "a\u{a0}b", "a/b", "a%", "a*", "a\0", "a\r\n"] {
            assert!(AccountName::new(name).is_err(), "{name:?}");
        }
        assert!(AccountName::new(&"a".repeat(255)).is_ok());
        assert!(AccountName::new(&"a".repeat(256)).is_err());
    }

    #[test]
    fn an_account_name_is_checked_when_it_is_read() {
        let read = |json| serde_json::from_str::<AccountName>(json);
        assert_eq!(read("\"Bob@D\"").unwrap().as_str(), "bob@d");
        assert!(read("\"b b\"").is_err());
        assert_eq!(serde_json::to_string(&AccountName::new("bob").unwrap()).unwrap(), "\"bob\"");
    }

    proptest! {
        #[test]
        fn making_a_name_again_changes_nothing(name in "\\PC{0,20}") {
            if let Ok(made) = MailboxName::new(&name) {
                prop_assert_eq!(MailboxName::new(made.as_str()), Ok(made));
            }
            if let Ok(made) = AccountName::new(&name) {
                prop_assert_eq!(AccountName::new(made.as_str()), Ok(made));
            }
        }
    }
}
