//! Real clients and a real MTA, from Debian, PyPI and npm, against the real binary over TLS.
//!
//! Each test has a server, mail and a home directory of its own. What a client fetched is compared with what was
//! delivered, octet for octet where the client keeps octets.

mod aerc;
mod alpine;
mod curl;
pub mod fetchmail;
pub mod getmail;
mod inside;
pub mod mbsync;
pub mod mpop;
mod mutt;
pub mod offlineimap;
pub mod postfix;
mod python;
pub mod site;
pub mod terminal;
mod together;

use libtest_mimic::Trial;

use crate::support::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("clients::aerc", aerc::test),
        trial("clients::alpine", alpine::test),
        trial("clients::curl", curl::test),
        trial("clients::fetchmail", fetchmail::test),
        trial("clients::getmail", getmail::test),
        trial("clients::imapclient", python::imapclient),
        trial("clients::imapflow", python::imapflow),
        trial("clients::mbsync", mbsync::test),
        trial("clients::mpop", mpop::test),
        trial("clients::mutt", mutt::mutt),
        trial("clients::neomutt", mutt::neomutt),
        trial("clients::offlineimap", offlineimap::test),
        trial("clients::postfix", postfix::test),
        trial("clients::python", python::test),
        trial("clients::python_switches_protocols", python::switching),
        trial("clients::python_authentication", python::authentication),
        trial("clients::python_utf8", python::utf8),
        trial("clients::together", together::test),
    ]
}
