//! `[imap]`

use std::time::Duration;

use super::{banner, listen};
use crate::Listen;
use crate::profile::Profile;
use crate::reader::Reader;

/// IMAP's addresses and manners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imap {
    pub listen: Vec<Listen>,
    pub tls_listen: Vec<Listen>,
    pub banner: String,
    pub login_timeout: Duration,
    pub idle_timeout: Duration,
    /// Octets.
    pub command_limit_before_login: usize,
    pub command_limit: usize,
    /// Empty: not told.
    pub jmap_url: String,
    /// Messages in one command; 0: any number.
    pub message_limit: u32,
    /// Messages in one COPY or APPEND; 0: any number.
    pub save_limit: u32,
    pub literal: Literal,
    /// Octets.
    pub metadata_value: u64,
    pub metadata_entries: u64,
    /// Octets.
    pub metadata_total: u64,
    /// A URI; empty: not told.
    pub admin_contact: String,
}

/// RFC 7888: which literals a client may send without waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Literal {
    #[default]
    Plus,
    Minus,
}

const LITERALS: [(&str, Literal); 2] = [("+", Literal::Plus), ("-", Literal::Minus)];

impl Imap {
    pub(super) fn read(reader: &mut Reader, profile: Profile) -> Imap {
        Imap {
            listen: listen(reader, "imap.listen", (143, 1143), profile),
            tls_listen: listen(reader, "imap.tls_listen", (993, 1993), profile),
            banner: banner(reader, "imap.banner"),
            login_timeout: reader.duration("imap.login_timeout", 1),
            idle_timeout: reader.duration("imap.idle_timeout", 1),
            command_limit_before_login: command_limit(reader, "imap.command_limit_before_login"),
            command_limit: command_limit(reader, "imap.command_limit"),
            jmap_url: jmap_url(reader),
            message_limit: limit(reader, "imap.message_limit"),
            save_limit: limit(reader, "imap.save_limit"),
            literal: reader.word("imap.literal", &LITERALS),
            metadata_value: metadata_value(reader),
            metadata_entries: reader.number("imap.metadata_entries", 10, 100_000),
            metadata_total: reader.size("imap.metadata_total"),
            admin_contact: reader.text("imap.admin_contact"),
        }
    }
}

/// RFC 5464 section 4.1: at least 1,024 octets.
fn metadata_value(reader: &mut Reader) -> u64 {
    let key = "imap.metadata_value";
    let size = reader.size(key);
    if !(1024..=1 << 20).contains(&size) {
        reader.problem(key, "an annotation's limit must be from 1 KiB to 1 MiB".into());
    }
    size
}

/// It goes into a quoted string as it is.
fn jmap_url(reader: &mut Reader) -> String {
    let key = "imap.jmap_url";
    let url = reader.text(key);
    let is_plain = url.bytes().all(|c| c.is_ascii_graphic() && !matches!(c, b'"' | b'\\'));
    let is_good = is_plain && url.starts_with("https://");
    if !is_good && !url.is_empty() {
        reader.problem(key, format!("{url:?} is no https URL: write https://host/path, in ASCII"));
    }
    url
}

/// Long enough for a login, short enough that memory stays flat with thousands of connections.
fn command_limit(reader: &mut Reader, key: &str) -> usize {
    let size = reader.size(key);
    if !(1 << 10..=16 << 20).contains(&size) {
        reader.problem(key, "a command's limit must be from 1 KiB to 16 MiB".into());
    }
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn limit(reader: &mut Reader, key: &str) -> u32 {
    u32::try_from(reader.number(key, 0, u32::MAX.into())).unwrap_or(u32::MAX)
}
