//! Keys of annotations. The value is the annotation's, octet by octet.

use super::{Fields, mailbox_key};
use crate::*;

/// u32 account, u64 mailbox (0: the account itself), u32 the user whose it is (0: shared), the entry's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MetadataKey<'a> {
    pub account: AccountId,
    pub mailbox: Option<MailboxId>,
    /// `None`: shared.
    pub user: Option<AccountId>,
    pub entry: &'a str,
}

impl<'a> MetadataKey<'a> {
    pub fn of(key: &'a [u8]) -> Result<MetadataKey<'a>> {
        let mut fields = Fields::new("metadata", key);
        let account = AccountId(fields.u32()?);
        let mailbox = Some(MailboxId(fields.u64()?)).filter(|id| id.0 != 0);
        let user = Some(AccountId(fields.u32()?)).filter(|id| id.0 != 0);
        let entry = fields.text_of(key.len() - 16)?;
        Ok(MetadataKey { account, mailbox, user, entry })
    }
}

/// `/private/...` is the user's, anything else is shared.
pub(crate) fn metadata_key(
    account: AccountId,
    mailbox: Option<MailboxId>,
    user: AccountId,
    entry: &str,
) -> Vec<u8> {
    let user = if entry.starts_with("/private/") { user.0 } else { 0 };
    let place = mailbox_key(account, mailbox.unwrap_or(MailboxId(0)));
    [&place[..], &user.to_be_bytes(), entry.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_apart_again() {
        let (account, mailbox, user) = (AccountId(7), Some(MailboxId(9)), AccountId(3));
        let key = metadata_key(account, mailbox, user, "/private/comment");
        let expected = MetadataKey { account, mailbox, user: Some(user), entry: "/private/comment" };
        assert_eq!(MetadataKey::of(&key).unwrap(), expected);
        let key = metadata_key(account, None, user, "/shared/comment");
        let expected = MetadataKey { account, mailbox: None, user: None, entry: "/shared/comment" };
        assert_eq!(MetadataKey::of(&key).unwrap(), expected);
        for length in 0..16 {
            assert!(MetadataKey::of(&key[..length]).is_err());
        }
    }
}
