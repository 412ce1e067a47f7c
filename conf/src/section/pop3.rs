//! `[pop3]`

use std::time::Duration;

use super::{AUTO, banner, listen};
use crate::Listen;
use crate::profile::Profile;
use crate::reader::Reader;

/// POP3's addresses and manners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pop3 {
    pub listen: Vec<Listen>,
    pub tls_listen: Vec<Listen>,
    pub banner: String,
    pub login_timeout: Duration,
    pub idle_timeout: Duration,
    pub implementation: Implementation,
    pub language: Language,
    /// Zero: none.
    pub login_delay: Duration,
    /// Days; `None`: never.
    pub expire: Option<u32>,
    pub retr_sets_seen: bool,
    /// `expunge` or `keep in NAME`.
    pub delete: String,
}

/// RFC 2449 section 6.9.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Implementation {
    /// Name and version.
    #[default]
    Auto,
    Hidden,
    Text(String),
}

/// RFC 6856 section 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
    French,
}

const LANGUAGES: [(&str, Language); 3] =
    [("en", Language::English), ("de", Language::German), ("fr", Language::French)];

impl Pop3 {
    pub(super) fn read(reader: &mut Reader, profile: Profile) -> Pop3 {
        Pop3 {
            listen: listen(reader, "pop3.listen", (110, 1110), profile),
            tls_listen: listen(reader, "pop3.tls_listen", (995, 1995), profile),
            banner: banner(reader, "pop3.banner"),
            login_timeout: reader.duration("pop3.login_timeout", 1),
            idle_timeout: reader.duration("pop3.idle_timeout", 1),
            implementation: implementation(reader),
            language: reader.word("pop3.language", &LANGUAGES),
            login_delay: reader.duration("pop3.login_delay", 0),
            expire: expire(reader),
            retr_sets_seen: reader.boolean("pop3.retr_sets_seen"),
            delete: banner(reader, "pop3.delete"),
        }
    }
}

fn implementation(reader: &mut Reader) -> Implementation {
    match banner(reader, "pop3.implementation").as_str() {
        AUTO => Implementation::Auto,
        "" => Implementation::Hidden,
        text => Implementation::Text(text.to_owned()),
    }
}

fn expire(reader: &mut Reader) -> Option<u32> {
    reader.read("pop3.expire", |value| match crate::reader::text(value)?.as_str() {
        "never" => Ok(None),
        days => {
            days.parse().map(Some).map_err(|_| format!("{days:?} is neither \"never\" nor a number of days"))
        }
    })
}
