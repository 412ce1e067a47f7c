//! The shard's own rows, and an account's.

use super::Fields;
use crate::*;

/// The version of everything in `schema`. A change of any layout raises it and adds a step to `upgrade`.
pub(crate) const FORMAT: u32 = 1;

/// Which shard this is. Written once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub format: u32,
    pub shard: u16,
    pub made: i64,
}

impl Identity {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.format.to_be_bytes().to_vec();
        out.extend_from_slice(&self.shard.to_be_bytes());
        out.extend_from_slice(&self.made.to_be_bytes());
        out
    }

    /// What follows the format's number may differ in a newer one, so that is looked at first.
    pub fn decode(octets: &[u8]) -> Result<Identity> {
        let mut fields = Fields::new("meta", octets);
        let format = fields.u32()?;
        if format > FORMAT {
            return Err(Error::NewerFormat(format!(
                "the store has format {format}, this version reads up to {FORMAT}: use the version that wrote it, or a newer one"
            )));
        }
        Ok(Identity { format, shard: fields.u16()?, made: fields.i64()? })
    }
}

/// What never goes back, and what belongs to a commit as a whole.
///
/// | octets | |
/// |---|---|
/// | 0..8 | u64 number of this commit |
/// | 8..16 | u64 next mailbox (48 bits; the shard's number is put before it) |
/// | 16..24 | u64 next body |
/// | 24..32 | u64 next EMAILID |
/// | 32..40 | u64 next THREADID |
/// | 40..48 | u64 next number of a retained message |
/// | 48..52 | u32 next UIDVALIDITY |
/// | 52..56, 56..64 | u32 segment, u64 offset: the body log's tail; what is behind it is garbage |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub commit: u64,
    pub mailbox: u64,
    pub body: u64,
    pub email: u64,
    pub thread: u64,
    pub retained: u64,
    pub uid_validity: u32,
    pub tail: (u32, u64),
}

impl Counters {
    /// Of a new shard. The first UIDVALIDITY is the only one that a clock has a say in.
    pub fn first(seconds: i64, tail: (u32, u64)) -> Counters {
        let uid_validity = u32::try_from(seconds).unwrap_or(1).max(1);
        Counters { commit: 0, mailbox: 1, body: 1, email: 1, thread: 1, retained: 1, uid_validity, tail }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        for number in [self.commit, self.mailbox, self.body, self.email, self.thread, self.retained] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.uid_validity.to_be_bytes());
        out.extend_from_slice(&self.tail.0.to_be_bytes());
        out.extend_from_slice(&self.tail.1.to_be_bytes());
        out
    }

    pub fn decode(octets: &[u8]) -> Result<Counters> {
        let mut fields = Fields::new("meta", octets);
        let counters = Counters {
            commit: fields.u64()?,
            mailbox: fields.u64()?,
            body: fields.u64()?,
            email: fields.u64()?,
            thread: fields.u64()?,
            retained: fields.u64()?,
            uid_validity: fields.u32()?,
            tail: (fields.u32()?, fields.u64()?),
        };
        fields.end()?;
        Ok(counters)
    }
}

/// | octets | |
/// |---|---|
/// | 0 | version, 1 |
/// | 1..9 | u64 octets of all messages, traces included |
/// | 9..17 | u64 messages |
/// | 17..21 | u32 mailboxes |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UsageRow {
    pub bytes: u64,
    pub messages: u64,
    pub mailboxes: u32,
}

impl UsageRow {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![1];
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out.extend_from_slice(&self.messages.to_be_bytes());
        out.extend_from_slice(&self.mailboxes.to_be_bytes());
        out
    }

    pub fn decode(octets: &[u8]) -> Result<UsageRow> {
        let mut fields = Fields::new("usage", octets);
        fields.version(1)?;
        let row = UsageRow { bytes: fields.u64()?, messages: fields.u64()?, mailboxes: fields.u32()? };
        fields.end()?;
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let counters = Counters { commit: 9, tail: (3, 4), ..Counters::first(1_700_000_000, (1, 2)) };
        assert_eq!(Counters::decode(&counters.encode()).unwrap(), counters);
        assert_eq!(counters.encode().len(), 64);
        let usage = UsageRow { bytes: 1, messages: 2, mailboxes: 3 };
        assert_eq!(UsageRow::decode(&usage.encode()).unwrap(), usage);
        let identity = Identity { format: FORMAT, shard: 2, made: -1 };
        assert_eq!(Identity::decode(&identity.encode()).unwrap(), identity);
    }

    #[test]
    fn a_newer_format_is_refused_whatever_follows() {
        let newer = (FORMAT + 1).to_be_bytes();
        assert!(matches!(Identity::decode(&newer), Err(Error::NewerFormat(_))));
    }

    #[test]
    fn the_first_uidvalidity_is_never_zero() {
        assert_eq!(Counters::first(-5, (0, 0)).uid_validity, 1);
        assert_eq!(Counters::first(1_700_000_000, (0, 0)).uid_validity, 1_700_000_000);
    }
}
