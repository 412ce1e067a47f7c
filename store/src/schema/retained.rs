//! An expunged message that can still be restored.

use super::fields::{put_short_text, put_text};
use super::{Fields, MessageRow};
use crate::*;

const VERSION: u8 = 1;

/// | octets | |
/// |---|---|
/// | 0 | version, 1 |
/// | 1..9, 9..13 | u64 mailbox, u32 UID that it had |
/// | 13 | u8 flags |
/// | then | text16: the mailbox's name at that time |
/// | then | text8: the unique-id from an old server, or empty |
/// | then | u8 count, so many text8: keywords |
/// | then | [`MessageRow`] |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetainedRow {
    pub mailbox: MailboxId,
    pub uid: Uid,
    pub flags: Flags,
    pub name: String,
    pub unique_id: String,
    pub keywords: Vec<Keyword>,
    pub message: MessageRow,
}

impl RetainedRow {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.mailbox.0.to_be_bytes());
        out.extend_from_slice(&self.uid.0.to_be_bytes());
        out.push(self.flags.0);
        put_text(&mut out, &self.name);
        put_short_text(&mut out, &self.unique_id);
        out.push(self.keywords.len() as u8);
        for keyword in &self.keywords {
            put_short_text(&mut out, &keyword.0);
        }
        out.extend_from_slice(&self.message.encode());
        out
    }

    pub fn decode(octets: &[u8]) -> Result<RetainedRow> {
        let mut fields = Fields::new("retained", octets);
        fields.version(VERSION)?;
        let mailbox = MailboxId(fields.u64()?);
        let uid = Uid(fields.u32()?);
        let flags = Flags(fields.u8()?);
        let name = fields.text()?.to_owned();
        let unique_id = fields.short_text()?.to_owned();
        let mut keywords = Vec::new();
        for _ in 0..fields.u8()? {
            keywords.push(Keyword(fields.short_text()?.into()));
        }
        let message = MessageRow::decode(fields.rest())?;
        Ok(RetainedRow { mailbox, uid, flags, name, unique_id, keywords, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back() {
        let row = RetainedRow {
            mailbox: MailboxId(1),
            uid: Uid(2),
            flags: Flags::SEEN,
            name: "Drafts/Öl".to_owned(),
            unique_id: "0001.abc".to_owned(),
            keywords: vec![Keyword("$Junk".into())],
            message: MessageRow {
                body: BodyId(3),
                size: 4,
                internal_date: DateTime { seconds: 5, offset: 60 },
                save_date: 6,
                email_id: EmailId(7),
                thread_id: ThreadId(8),
                trace: bytes::Bytes::from_static(b"X: y\r\n"),
            },
        };
        let encoded = row.encode();
        assert_eq!(RetainedRow::decode(&encoded).unwrap(), row);
        assert!(RetainedRow::decode(&encoded[..60]).is_err());
    }
}
