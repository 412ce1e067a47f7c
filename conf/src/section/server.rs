//! `[server]`

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::AUTO;
use crate::profile::{Profile, Surroundings};
use crate::reader::Reader;

/// Where things are and who runs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Mail and accounts.
    pub data: PathBuf,
    /// Sockets.
    pub runtime_dir: PathBuf,
    pub hostname: String,
    /// Whom to become when started by root. `None`: "restante" if there is such a user.
    pub user: Option<String>,
    /// `None`: the user's own.
    pub group: Option<String>,
    pub shutdown_timeout: Duration,
}

impl Server {
    pub(super) fn read(reader: &mut Reader, surroundings: &Surroundings, profile: Profile) -> Server {
        let data = data(reader, surroundings, profile);
        Server {
            runtime_dir: runtime_dir(reader, surroundings, profile, &data),
            hostname: hostname(reader, surroundings),
            user: reader.optional("server.user").filter(|user| user != AUTO),
            group: reader.optional("server.group").filter(|group| group != AUTO),
            shutdown_timeout: reader.duration("server.shutdown_timeout", 1),
            data,
        }
    }
}

fn data(reader: &mut Reader, surroundings: &Surroundings, profile: Profile) -> PathBuf {
    let key = "server.data";
    let asked = reader.text(key);
    let data = match asked.as_str() {
        AUTO => surroundings
            .data(profile)
            .map_err(|reason| format!("no default directory for the data: {reason}")),
        "" => Err("the data directory's path is empty".into()),
        path => std::path::absolute(path).map_err(|error| format!("{path:?} is no path: {error}")),
    };
    match data {
        Ok(path) => show_path(reader, key, path),
        Err(reason) => {
            reader.problem(key, reason);
            PathBuf::new()
        }
    }
}

fn runtime_dir(reader: &mut Reader, surroundings: &Surroundings, profile: Profile, data: &Path) -> PathBuf {
    let key = "server.runtime_dir";
    let asked = reader.text(key);
    if asked != AUTO {
        return show_path(reader, key, std::path::absolute(&asked).unwrap_or_else(|_| asked.into()));
    }
    // One system service has the well-known place; servers with a data directory of their own must not meet there.
    let own_data = reader.is_set("server.data") && !reader.is_set_by_system_file("server.data", surroundings);
    let path = match surroundings.path("RUNTIME_DIRECTORY") {
        Some(path) => path,
        None if profile == Profile::System && !own_data => "/run/restante".into(),
        None => data.join("run"),
    };
    show_path(reader, key, path)
}

fn show_path(reader: &mut Reader, key: &str, path: PathBuf) -> PathBuf {
    reader.resolved(key, format!("{:?}", path.display().to_string()));
    path
}

fn hostname(reader: &mut Reader, surroundings: &Surroundings) -> String {
    let key = "server.hostname";
    let asked = reader.text(key);
    if asked == AUTO {
        // The kernel's name can be anything, so one that is no host name gives way.
        let name = surroundings.hostname.clone().filter(|name| is_host_name(name));
        let name = name.unwrap_or_else(|| "localhost".into());
        reader.resolved(key, format!("{name:?}"));
        return name;
    }
    if !is_host_name(&asked) {
        reader.problem(key, format!("{asked:?} is no host name; write one such as \"mail.example.org\""));
    }
    asked
}

/// RFC 1123 section 2.1: letters, digits and hyphens in labels of at most 63 octets.
pub(super) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
