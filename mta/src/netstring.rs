//! Netstrings: the length in decimal digits, a colon, so many octets, a comma.

use bytes::{Bytes, BytesMut};
use common::stream::Stream;
use tokio::time::timeout;

use crate::error::{Error, Result};

/// Digits of the largest length that is looked at.
const DIGITS: usize = 6;

/// The next netstring of at most `limit` octets. It must come whole within `patience`.
pub(crate) async fn read(stream: &mut Stream, limit: usize, patience: std::time::Duration) -> Result<Bytes> {
    let whole = async {
        let length = length(stream).await?;
        if length > limit {
            return Err(Error::Malformed("the request is longer than any address"));
        }
        let mut octets = BytesMut::with_capacity(length);
        while octets.len() < length {
            octets.extend_from_slice(&stream.read_some(length - octets.len()).await?);
        }
        match stream.read_some(1).await?.as_ref() {
            b"," => Ok(octets.freeze()),
            _ => Err(Error::Malformed("the comma behind a netstring is missing")),
        }
    };
    timeout(patience, whole).await.unwrap_or(Err(Error::Stream(common::stream::StreamError::Timeout)))
}

async fn length(stream: &mut Stream) -> Result<usize> {
    let mut digits = Vec::with_capacity(DIGITS);
    loop {
        let octet = stream.read_some(1).await?;
        match octet.as_ref() {
            b":" => break,
            [digit @ b'0'..=b'9'] if digits.len() < DIGITS => digits.push(*digit),
            _ => return Err(Error::Malformed("a request begins with its length and a colon")),
        }
    }
    let number = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
    // No leading zeros: one spelling for one length.
    let canonical = digits.len() == 1 || digits.first() != Some(&b'0');
    number.filter(|_| canonical).ok_or(Error::Malformed("a request begins with its length and a colon"))
}

pub(crate) fn write(out: &mut BytesMut, text: &str) {
    out.extend_from_slice(text.len().to_string().as_bytes());
    out.extend_from_slice(b":");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b",");
}
