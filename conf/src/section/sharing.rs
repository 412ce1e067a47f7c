//! `[sharing]`

use crate::reader::Reader;

/// Public mailboxes and those of other users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// The level above other users' mailboxes. Empty: they are not shown.
    pub other_users: String,
    /// The level above the public mailboxes. Empty: they are not shown.
    pub public: String,
    /// Whose mailboxes are public.
    pub public_account: String,
    pub private_requires_subscription: bool,
    pub public_requires_subscription: bool,
}

impl Sharing {
    pub(super) fn read(reader: &mut Reader) -> Sharing {
        let sharing = Sharing {
            other_users: level(reader, "sharing.other_users"),
            public: level(reader, "sharing.public"),
            public_account: reader.text("sharing.public_account"),
            private_requires_subscription: reader.boolean("sharing.private_requires_subscription"),
            public_requires_subscription: reader.boolean("sharing.public_requires_subscription"),
        };
        if sharing.public == sharing.other_users && !sharing.public.is_empty() {
            let reason = "is the name of other users' mailboxes too; give them different names";
            reader.problem("sharing.public", format!("{:?} {reason}", sharing.public));
        }
        sharing
    }
}

/// One level of a mailbox's name, or nothing.
fn level(reader: &mut Reader, key: &str) -> String {
    let level = reader.text(key);
    let fits = |c: char| !c.is_control() && !matches!(c, '/' | '%' | '*');
    if level.eq_ignore_ascii_case("INBOX") || level != level.trim() || !level.chars().all(fits) {
        let reason = "cannot stand above mailboxes: take one word or more, not INBOX, without / % and *";
        reader.problem(key, format!("{level:?} {reason}"));
    }
    level
}
