//! Staging: from a spool to a message that is ready to insert.
//!
//! Rules:
//! - All that costs time happens here, on the caller's thread; the writer only appends the finished record.
//! - Memory for messages in work is bounded by one budget for the store; who finds it used up waits his turn.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::bodies::{Builder, Codec, FinishedRecord};
use crate::budget::Budget;
use crate::disk::disk_error;
use crate::*;

/// Octets of messages in work at a time, for the whole store.
const BUDGET: u64 = 256 << 20;

/// A message ready to insert: normalized to CRLF, hashed, compressed, summarized. Made once however many
/// recipients it has. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Staged {
    /// BLAKE3 of the normalized octets.
    pub(crate) hash: [u8; 32],
    /// Octets after normalization.
    pub(crate) size: u64,
    /// What [`crate::bodies::Bodies::append`] appends.
    pub(crate) record: FinishedRecord,
    pub(crate) summary: Arc<::message::Summary>,
    /// [`::message::Summary::encode`]d.
    pub(crate) encoded_summary: Bytes,
    pub(crate) thread_keys: Arc<::message::ThreadKeys>,
    /// [`SortKeys::encode`]d.
    pub(crate) sort_keys: Bytes,
}

impl Staged {
    /// Octets after normalization.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// BLAKE3 of the octets after normalization.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    pub fn summary(&self) -> &::message::Summary {
        &self.summary
    }
}

/// Normalizes, hashes, compresses and summarizes. Blocks while other messages use up the budget.
///
/// # Errors
/// What the spool refused: [`Error::TooLarge`], [`Error::InvalidMessage`] for NUL, in a binary spool only for one that
/// cannot be encoded; the disk's for temporary files.
pub(crate) fn stage(spool: Spool) -> Result<Staged> {
    if let Some(refused) = spool.refusal() {
        return Err(refused.clone());
    }
    let staging = Arc::clone(spool.staging());
    if spool.is_binary() {
        return stage_binary(spool, &staging);
    }
    let _turn = staging.budget.take(spool.normalized());
    staging.finish(&spool.into_octets()?)
}

/// Octets as they came: parts that could not be kept so are encoded, the rest is normalized like any other message.
fn stage_binary(spool: Spool, staging: &Staging) -> Result<Staged> {
    // The octets, and what becomes of them: encoded they are a third more and a line end in 76.
    let _turn = staging.budget.take(spool.normalized().saturating_mul(4));
    let octets = spool.into_octets()?;
    let encoded = ::message::encode_binary(&octets).map_err(|why| Error::InvalidMessage(why.to_string()))?;
    let mut normalized = Vec::with_capacity(encoded.len());
    crate::normalize::Normalizer::default().push(&encoded, &mut normalized);
    let (size, limit) = (normalized.len() as u64, staging.limit());
    if size > limit {
        return Err(Error::TooLarge { size, limit });
    }
    staging.finish(&normalized)
}

/// What staging needs of the store.
#[derive(Debug)]
pub(crate) struct Staging {
    directory: PathBuf,
    limit: u64,
    codec: Codec,
    budget: Budget,
}

impl Staging {
    /// Makes `tmp/` in the data directory if it is missing.
    pub(crate) fn new(options: &Options) -> Result<Staging> {
        let directory = options.path.join("tmp");
        crate::disk::make_directory(&directory)?;
        Ok(Staging {
            directory,
            limit: options.message_limit,
            codec: Codec::new(options.compression),
            budget: Budget::new(BUDGET),
        })
    }

    /// The largest message.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Where temporary files are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A new file without a name: it is gone when it is closed, whatever happens to the process.
    pub(crate) fn temporary_file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.directory)
            .map_err(|error| disk_error("create a temporary file in", &self.directory, &error))
    }

    fn finish(&self, octets: &[u8]) -> Result<Staged> {
        let hash = *blake3::hash(octets).as_bytes();
        let record = Builder { codec: &self.codec, staging: self }.build(octets, hash)?;
        let summary = ::message::Summary::parse(octets);
        let header = &octets[..::message::header::header_end(octets)];
        Ok(Staged {
            hash,
            size: octets.len() as u64,
            record,
            sort_keys: SortKeys::from(::message::SortKeys::new(header, &summary.envelope)).encode().into(),
            encoded_summary: Bytes::from(summary.encode()),
            summary: Arc::new(summary),
            thread_keys: Arc::new(::message::thread_keys(header)),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    pub(crate) fn staging(message_limit: u64) -> (tempfile::TempDir, Arc<Staging>) {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            path: directory.path().to_owned(),
            shards: 1,
            retain_expunged: Duration::ZERO,
            message_limit,
            limits: Limits::default(),
            compression: 1,
            index: true,
            new_account_mailboxes: Vec::new(),
        };
        let staging = Staging::new(&options).unwrap();
        (directory, Arc::new(staging))
    }

    fn staged(octets: &[u8]) -> Result<Staged> {
        let (_directory, staging) = staging(64 << 20);
        let mut spool = Spool::new(staging);
        spool.write(octets)?;
        stage(spool)
    }

    #[test]
    fn a_message_is_staged() {
        let message = staged(b"Subject: hello\nMessage-ID: <a@b>\n\nBody\n").unwrap();
        let octets = b"Subject: hello\r\nMessage-ID: <a@b>\r\n\r\nBody\r\n";
        assert_eq!(message.len(), octets.len() as u64);
        assert_eq!(message.hash, *blake3::hash(octets).as_bytes());
        assert_eq!(message.summary().envelope.subject.as_deref(), Some(&b"hello"[..]));
        let decoded = ::message::Summary::decode(&message.encoded_summary);
        assert_eq!(decoded.as_ref(), Some(message.summary()));
        assert!(message.thread_keys.message_id.is_some());
    }

    #[test]
    fn the_same_mail_with_other_line_ends_has_the_same_hash() {
        let (unix, net) = (staged(b"a: b\n\nc\n").unwrap(), staged(b"a: b\r\n\r\nc\r\n").unwrap());
        assert_eq!(unix.hash, net.hash);
    }

    #[test]
    fn a_large_message_is_staged_through_files() {
        let mut octets = b"Subject: large\r\n\r\n".to_vec();
        let mut noise = vec![0; 9 << 20];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        // Neither NUL nor LF, and it does not compress away.
        octets.extend(noise.into_iter().map(|octet| octet | 0x80));
        let message = staged(&octets).unwrap();
        assert_eq!((message.hash, message.len()), (*blake3::hash(&octets).as_bytes(), octets.len() as u64));
        assert!(matches!(message.record, FinishedRecord::File { .. }));
        assert_eq!(message.summary().envelope.subject.as_deref(), Some(&b"large"[..]));
    }

    #[test]
    fn a_binary_message_is_encoded_where_it_must_be() {
        let (_directory, staging) = staging(200);
        let staged = |octets: &[u8]| {
            let mut spool = Spool::binary(staging.clone());
            octets.chunks(7).for_each(|piece| spool.write(piece).unwrap());
            stage(spool)
        };
        let text = b"Subject: x\r\n\r\ntext\r\n";
        assert_eq!(staged(text).unwrap().hash, *blake3::hash(text).as_bytes());
        assert_eq!(staged(b"Subject: x\n\ntext\n").unwrap().hash, *blake3::hash(text).as_bytes());
        let header = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: ";
        let binary = [&header[..], b"binary\r\n\r\na\0\n"].concat();
        let encoded = [&header[..], b"base64\r\n\r\nYQAK"].concat();
        assert_eq!(staged(&binary).unwrap().hash, *blake3::hash(&encoded).as_bytes());
        assert!(matches!(staged(b"a: \0\r\n\r\n"), Err(Error::InvalidMessage(_))));
        let grows = [&header[..], b"binary\r\n\r\n", &[0; 130]].concat();
        assert!(
            grows.len() < 200 && matches!(staged(&grows), Err(Error::TooLarge { size: 200.., limit: 200 }))
        );
    }

    #[test]
    fn nothing_and_nul() {
        assert!(staged(b"").unwrap().is_empty());
        assert!(matches!(staged(b"a: b\n\n\0"), Err(Error::InvalidMessage(_))));
    }
}
