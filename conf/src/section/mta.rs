//! `[mta]`

use std::path::Path;
use std::time::Duration;

use super::{AUTO, show_list};
use crate::Listen;
use crate::profile::Profile;
use crate::reader::Reader;

/// Where the MTA's questions are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mta {
    pub socketmap_listen: Vec<Listen>,
    pub policy_listen: Vec<Listen>,
    pub sasl_listen: Vec<Listen>,
    pub idle_timeout: Duration,
}

impl Mta {
    pub(super) fn read(reader: &mut Reader, runtime_dir: &Path, profile: Profile) -> Mta {
        let mut listen = |name: &str| {
            let key = format!("mta.{name}_listen");
            listen(reader, &key, &format!("unix:{name}.sock mode=0666"), (runtime_dir, profile))
        };
        Mta {
            socketmap_listen: listen("socketmap"),
            policy_listen: listen("policy"),
            sasl_listen: listen("sasl"),
            idle_timeout: reader.duration("mta.idle_timeout", 1),
        }
    }
}

/// "auto" is this socket for a system service, and nothing otherwise.
fn listen(
    reader: &mut Reader,
    key: &str,
    system: &str,
    (runtime_dir, profile): (&Path, Profile),
) -> Vec<Listen> {
    let parse = |text: &str| match (text, profile) {
        (AUTO, Profile::System) => Listen::tcp_or_unix(system, runtime_dir).map(Some),
        (AUTO, Profile::User) => Ok(None),
        _ => private(text, runtime_dir).map(Some),
    };
    let listen: Vec<Listen> = reader.list(key, parse).into_iter().flatten().collect();
    show_list(reader, key, &listen);
    listen
}

/// Who exists, who is over the limit and whether a password is right is for this host's MTA alone.
fn private(text: &str, runtime_dir: &Path) -> Result<Listen, String> {
    let listen = Listen::tcp_or_unix(text, runtime_dir)?;
    let private = match &listen {
        Listen::Tcp(address) => address.ip().is_loopback(),
        Listen::Any { .. } => false,
        Listen::Localhost { .. } | Listen::Unix { .. } => true,
    };
    match private {
        true => Ok(listen),
        false => Err(format!(
            "{text:?} can be reached by other hosts, but these answers are for the MTA of this one; write \"unix:name.sock\" or an address of loopback such as \"127.0.0.1:2425\""
        )),
    }
}
