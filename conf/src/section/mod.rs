//! The sections of the file, one a file here, each with its type and its reading.

mod admin;
mod auth;
mod http;
mod imap;
mod limits;
mod lmtp;
mod log;
mod mta;
mod pop3;
mod search;
mod server;
mod sharing;
mod store;
mod tls;

pub use admin::Admin;
pub use auth::{Auth, Oauth};
pub use http::Http;
pub use imap::{Imap, Literal};
pub use limits::Limits;
pub use lmtp::{Lmtp, MissingMailbox, OverQuota};
pub use log::{Log, LogFormat};
pub use mta::Mta;
pub use pop3::{Implementation, Language, Pop3};
pub use search::Search;
pub use server::Server;
pub use sharing::Sharing;
pub use store::{NewMailbox, SpecialUse, Store};
pub use tls::{Acme, CertificatePair, Tls};

use crate::profile::{Profile, Surroundings};
use crate::reader::Reader;
use crate::{Config, Listen};

const AUTO: &str = "auto";

/// Reads every section. The result is worth something only if the reader noted no problem.
pub(crate) fn read(reader: &mut Reader, surroundings: &Surroundings, profile: Profile) -> Config {
    let server = Server::read(reader, surroundings, profile);
    Config {
        imap: Imap::read(reader, profile),
        pop3: Pop3::read(reader, profile),
        lmtp: Lmtp::read(reader, &server.runtime_dir, profile),
        http: Http::read(reader, &server.runtime_dir),
        mta: Mta::read(reader, &server.runtime_dir, profile),
        tls: Tls::read(reader),
        auth: Auth::read(reader),
        limits: Limits::read(reader),
        store: Store::read(reader),
        search: Search::read(reader),
        sharing: Sharing::read(reader),
        log: Log::read(reader),
        admin: Admin::read(reader, &server.runtime_dir),
        server,
    }
}

/// A list of addresses in which "auto" is this port on every address for a system service, else that one on loopback.
fn listen(reader: &mut Reader, key: &str, (system, user): (u16, u16), profile: Profile) -> Vec<Listen> {
    let parse = |text: &str| match (text, profile) {
        (AUTO, Profile::System) => Ok(Listen::Any { port: system }),
        (AUTO, Profile::User) => Ok(Listen::Localhost { port: user }),
        _ => Listen::tcp(text),
    };
    let listen = reader.list(key, parse);
    show_list(reader, key, &listen);
    listen
}

fn show_list(reader: &mut Reader, key: &str, values: &[impl ToString]) {
    let values: Vec<String> = values.iter().map(|value| format!("{:?}", value.to_string())).collect();
    reader.resolved(key, format!("[{}]", values.join(", ")));
}

/// What stands in a greeting: one line of printable text.
fn banner(reader: &mut Reader, key: &str) -> String {
    let banner = reader.text(key);
    if banner.chars().any(char::is_control) || banner.len() > 400 {
        reader.problem(key, "a banner is one line of at most 400 octets without control characters".into());
    }
    banner
}

/// A path that must be a file that can be read now.
fn readable(reader: &mut Reader, key: &str, path: &std::path::Path) {
    if let Err(error) = std::fs::File::open(path) {
        let remedy =
            "Correct the path, or let the server's user read the file (chgrp restante, chmod g+r).".into();
        reader.problem_with_remedy(key, format!("{} cannot be read: {error}", path.display()), remedy);
    }
}
