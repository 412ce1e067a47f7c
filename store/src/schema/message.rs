//! A message's row: what never changes while it is in its mailbox.

use bytes::Bytes;

use super::Fields;
use crate::*;

const VERSION: u8 = 1;

/// | octets | |
/// |---|---|
/// | 0 | version, 1 |
/// | 1..9 | u64 body |
/// | 9..17 | u64 octets, trace and body |
/// | 17..25, 25..27 | i64 seconds, i16 minutes east: INTERNALDATE |
/// | 27..35 | i64 seconds: SAVEDATE, in UTC |
/// | 35..43 | u64 EMAILID |
/// | 43..51 | u64 THREADID |
/// | 51.. | the trace: header lines of this copy alone, before the shared octets |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageRow {
    pub body: BodyId,
    pub size: u64,
    pub internal_date: DateTime,
    pub save_date: i64,
    pub email_id: EmailId,
    pub thread_id: ThreadId,
    pub trace: Bytes,
}

impl MessageRow {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(51 + self.trace.len());
        out.push(VERSION);
        out.extend_from_slice(&self.body.0.to_be_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.internal_date.seconds.to_be_bytes());
        out.extend_from_slice(&self.internal_date.offset.to_be_bytes());
        out.extend_from_slice(&self.save_date.to_be_bytes());
        out.extend_from_slice(&self.email_id.0.to_be_bytes());
        out.extend_from_slice(&self.thread_id.0.to_be_bytes());
        out.extend_from_slice(&self.trace);
        out
    }

    /// The body and the trace alone.
    pub fn body_and_trace(octets: &[u8]) -> Result<(BodyId, &[u8])> {
        let mut fields = Fields::new("message", octets);
        fields.version(VERSION)?;
        let body = BodyId(fields.u64()?);
        fields.octets(42)?;
        Ok((body, fields.rest()))
    }

    pub fn decode(octets: &[u8]) -> Result<MessageRow> {
        let mut fields = Fields::new("message", octets);
        fields.version(VERSION)?;
        Ok(MessageRow {
            body: BodyId(fields.u64()?),
            size: fields.u64()?,
            internal_date: DateTime { seconds: fields.i64()?, offset: fields.i16()? },
            save_date: fields.i64()?,
            email_id: EmailId(fields.u64()?),
            thread_id: ThreadId(fields.u64()?),
            trace: Bytes::copy_from_slice(fields.rest()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_and_a_cut_one_does_not() {
        let row = MessageRow {
            body: BodyId(1),
            size: 2,
            internal_date: DateTime { seconds: -3, offset: -90 },
            save_date: 4,
            email_id: EmailId(5),
            thread_id: ThreadId(6),
            trace: Bytes::from_static(b"Return-Path: <>\r\n"),
        };
        let encoded = row.encode();
        assert_eq!(MessageRow::decode(&encoded).unwrap(), row);
        assert_eq!(&encoded[51..], &row.trace[..]);
        for length in 0..51 {
            assert!(MessageRow::decode(&encoded[..length]).is_err());
        }
    }
}
