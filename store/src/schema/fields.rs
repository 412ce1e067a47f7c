//! Reading and writing the fields of a row, big-endian, with length checks: damaged bytes are an error, never a panic.

use crate::{Error, Result};

/// What is left of a row to read.
pub(crate) struct Fields<'a> {
    /// For the error.
    row: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(row: &'static str, octets: &'a [u8]) -> Fields<'a> {
        Fields { row, rest: octets }
    }

    /// The row's first octet says how the rest is laid out.
    pub fn version(&mut self, known: u8) -> Result<()> {
        let version = self.u8()?;
        if version == known { Ok(()) } else { Err(self.damaged("its version is unknown")) }
    }

    pub fn octets(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((octets, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.damaged("it is too short"));
        };
        self.rest = rest;
        Ok(octets)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((octets, rest)) = self.rest.split_first_chunk() else {
            return Err(self.damaged("it is too short"));
        };
        self.rest = rest;
        Ok(*octets)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn u128(&mut self) -> Result<u128> {
        Ok(u128::from_be_bytes(self.array()?))
    }

    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub fn hash(&mut self) -> Result<[u8; 32]> {
        self.array()
    }

    /// Seven bits an octet, the lowest first; the top bit says that more follow.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let octet = self.u8()?;
            value |= u64::from(octet & 0x7f) << shift;
            if octet < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number in it has no end"))
    }

    /// Its length as u8, then the text.
    pub fn short_text(&mut self) -> Result<&'a str> {
        let length = self.u8()?;
        self.text_of(usize::from(length))
    }

    /// Its length as u16, then the text.
    pub fn text(&mut self) -> Result<&'a str> {
        let length = self.u16()?;
        self.text_of(usize::from(length))
    }

    pub fn text_of(&mut self, length: usize) -> Result<&'a str> {
        let octets = self.octets(length)?;
        std::str::from_utf8(octets).map_err(|_| self.damaged("a text in it is not UTF-8"))
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// What is left, which stays to be read.
    pub fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may follow.
    pub fn end(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged("it is too long")) }
    }

    pub fn damaged(&self, reason: &str) -> Error {
        Error::Damaged(format!("a {} row cannot be read, {reason}: run `restante check`", self.row))
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Longer than 255 octets is cut: callers refuse such names before.
pub(crate) fn put_short_text(out: &mut Vec<u8>, text: &str) {
    let octets = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
    out.push(octets.len() as u8);
    out.extend_from_slice(octets);
}

/// Longer than 65,535 octets is cut: callers refuse such texts before.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let octets = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&(octets.len() as u16).to_be_bytes());
    out.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut fields = Fields::new("test", &out);
            assert_eq!(fields.varint().unwrap(), value);
            assert!(fields.is_empty());
        }
        assert!(Fields::new("test", &[0xff; 11]).varint().is_err());
    }

    #[test]
    fn a_short_row_is_damaged_and_not_a_panic() {
        assert!(matches!(Fields::new("test", &[1, 2, 3]).u32(), Err(Error::Damaged(_))));
        assert!(Fields::new("test", &[5, b'a']).short_text().is_err());
        assert!(Fields::new("test", &[1, 0xff]).short_text().is_err());
    }
}
