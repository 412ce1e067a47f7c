//! `[pop3]`

use std::time::Duration;

use super::{banner, listen};
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
}

impl Pop3 {
    pub(super) fn read(reader: &mut Reader, profile: Profile) -> Pop3 {
        Pop3 {
            listen: listen(reader, "pop3.listen", (110, 1110), profile),
            tls_listen: listen(reader, "pop3.tls_listen", (995, 1995), profile),
            banner: banner(reader, "pop3.banner"),
            login_timeout: reader.duration("pop3.login_timeout", 1),
            idle_timeout: reader.duration("pop3.idle_timeout", 1),
        }
    }
}
