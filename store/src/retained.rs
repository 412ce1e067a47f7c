//! Expunged messages that can still be restored.

use std::fmt;

use crate::*;

/// Names a retained message within its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RetainedId {
    /// When it was expunged, in seconds since 1970.
    pub seconds: u64,
    pub number: u64,
}

/// `1700000000-42`
impl fmt::Display for RetainedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seconds, self.number)
    }
}

impl std::str::FromStr for RetainedId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<RetainedId, InvalidName> {
        let parts = text.split_once('-').and_then(|(seconds, number)| {
            Some(RetainedId { seconds: seconds.parse().ok()?, number: number.parse().ok()? })
        });
        parts.ok_or_else(|| {
            InvalidName(format!("{text} is no id of a retained message: they look like 1700000000-42"))
        })
    }
}

/// A message that was expunged and is kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedMessage {
    pub id: RetainedId,
    /// The mailbox that it was in, by the name it had then.
    pub mailbox: String,
    pub mailbox_id: MailboxId,
    pub uid: Uid,
    pub flags: Flags,
    pub keywords: Vec<Keyword>,
    pub size: u64,
    pub internal_date: DateTime,
    pub email_id: EmailId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = RetainedId { seconds: 1_700_000_000, number: 42 };
        assert_eq!(id.to_string().parse::<RetainedId>().unwrap(), id);
        assert!("42".parse::<RetainedId>().unwrap_err().to_string().contains("1700000000-42"));
    }
}
