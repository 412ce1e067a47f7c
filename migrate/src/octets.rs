//! The octets of a message as the store will have them.

use std::io::Read;

use crate::{Error, Result};

/// More than any message; what a compressed file may become.
const LIMIT: u64 = 1 << 30;

/// The octets of a file as the old server kept it: plain, or compressed by Dovecot's plugin, which leaves the name as it is.
/// No mail begins with these octets.
pub fn plain(octets: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match octets.get(..4) {
        Some([0x1f, 0x8b, ..]) => {
            flate2::read::MultiGzDecoder::new(&octets[..]).take(LIMIT).read_to_end(&mut out)?;
        }
        Some([0x28, 0xb5, 0x2f, 0xfd]) => {
            zstd::stream::read::Decoder::new(&octets[..])?.take(LIMIT).read_to_end(&mut out)?;
        }
        Some([b'B', b'Z', b'h', _] | [0xfd, b'7', b'z', b'X']) => {
            return Err(std::io::Error::other(
                "it is compressed with bzip2 or xz; bring it over by IMAP from the old server",
            ));
        }
        _ => return Ok(octets),
    }
    Ok(out)
}

/// NUL becomes 0x80, as Dovecot and Cyrus do: IMAP cannot carry it (RFC 9051 section 4.3). True when there was one.
pub fn without_nul(octets: &mut [u8]) -> bool {
    let mut altered = false;
    for octet in octets.iter_mut().filter(|octet| **octet == 0) {
        *octet = 0x80;
        altered = true;
    }
    altered
}

/// What [`crate::Held`] has.
pub fn hash(octets: &[u8]) -> [u8; 16] {
    short(&store::content_hash(octets))
}

/// The first half.
pub fn short(hash: &[u8; 32]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    first
}

/// The text of a small file of the old server; `None` when there is none.
pub fn text(path: &std::path::Path) -> Result<Option<String>> {
    match std::fs::read(path) {
        Ok(octets) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Names the file, the reason and the remedy.
pub fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Error {
    let remedy = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "run this as root while the server runs: then the files are read as root and written by the server"
        }
        std::io::ErrorKind::NotFound => "name the directory that has cur/ and new/ in it",
        _ => "look at the disk of the old server",
    };
    Error::Source(format!("{} cannot be read: {error}\n  Remedy: {remedy}.", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn compressed_files_are_unpacked() {
        let mail = b"Subject: x\n\ny\n".to_vec();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&mail).unwrap();
        for packed in [gzip.finish().unwrap(), zstd::encode_all(&mail[..], 1).unwrap(), mail.clone()] {
            assert_eq!(plain(packed).unwrap(), mail);
        }
        assert!(plain(b"BZh9...".to_vec()).is_err());
    }

    #[test]
    fn line_ends_and_nul() {
        assert_eq!(hash(b"a: b\n\nc\n"), hash(b"a: b\r\n\r\nc\r\n"));
        let mut octets = b"a\0b".to_vec();
        assert!(without_nul(&mut octets) && !without_nul(&mut octets));
        assert_eq!(octets, b"a\x80b");
    }
}
