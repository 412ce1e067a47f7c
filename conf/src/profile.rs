//! How the server runs, as far as defaults depend on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file of a system service.
pub const SYSTEM_FILE: &str = "/etc/restante/restante.toml";

/// What "auto" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `/var/lib/restante`, the protocols' own ports.
    System,
    /// A person's own server: in the home directory, high ports, loopback alone.
    User,
}

/// What the process finds around it. A value, so that tests can set it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Started by root.
    pub root: bool,
    pub variables: BTreeMap<String, String>,
    /// The host's name.
    pub hostname: Option<String>,
    /// Another place for [`SYSTEM_FILE`], for tests.
    pub system_file: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process. Variables that are not Unicode are no settings and left out.
    pub fn of_process(root: bool) -> Surroundings {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Surroundings {
            root,
            variables: std::env::vars_os().filter_map(text).collect(),
            hostname: host_name(),
            system_file: None,
        }
    }

    /// Nothing but what is set on the command line: no file, no variables.
    pub fn nothing() -> Surroundings {
        Surroundings { system_file: Some("/nonexistent/restante.toml".into()), ..Surroundings::default() }
    }

    /// A user with this home directory and nothing else.
    #[cfg(test)]
    pub(crate) fn of_user(home: &str) -> Surroundings {
        Surroundings { variables: BTreeMap::from([("HOME".into(), home.into())]), ..Surroundings::nothing() }
    }

    /// The file to read: the one asked for, that of `RESTANTE_CONFIG`, the user's own, the system's.
    pub(crate) fn find_file(&self, asked: Option<&Path>) -> Option<PathBuf> {
        let asked = asked.map(Path::to_owned).or_else(|| self.path("RESTANTE_CONFIG"));
        asked
            .or_else(|| self.user_file().filter(|file| file.exists()))
            .or_else(|| Some(self.system_file()).filter(|file| file.exists()))
    }

    pub(crate) fn profile(&self, file: Option<&Path>) -> Profile {
        let system = self.root || self.path("STATE_DIRECTORY").is_some() || self.is_system_file(file);
        if system { Profile::System } else { Profile::User }
    }

    pub(crate) fn is_system_file(&self, file: Option<&Path>) -> bool {
        file.is_some_and(|file| file == self.system_file())
    }

    /// Where the mail is when nothing is set.
    pub(crate) fn data(&self, profile: Profile) -> Result<PathBuf, String> {
        if profile == Profile::System {
            return Ok(self.path("STATE_DIRECTORY").unwrap_or_else(|| "/var/lib/restante".into()));
        }
        let home = || Some(self.path("HOME")?.join(".local/share"));
        let base = self.path("XDG_DATA_HOME").or_else(home);
        base.map(|base| base.join("restante")).ok_or_else(|| "neither XDG_DATA_HOME nor HOME is set".into())
    }

    /// systemd may name several directories, with colons between; the first is ours.
    pub(crate) fn path(&self, variable: &str) -> Option<PathBuf> {
        let value = self.variables.get(variable).filter(|value| !value.is_empty())?;
        let first = if variable.ends_with("_DIRECTORY") { value.split(':').next()? } else { value };
        Some(first.into())
    }

    fn user_file(&self) -> Option<PathBuf> {
        if self.root {
            return None;
        }
        let base = self.path("XDG_CONFIG_HOME").or_else(|| Some(self.path("HOME")?.join(".config")))?;
        Some(base.join("restante/restante.toml"))
    }

    fn system_file(&self) -> PathBuf {
        self.system_file.clone().unwrap_or_else(|| SYSTEM_FILE.into())
    }
}

fn host_name() -> Option<String> {
    let read = |path: &str| {
        let name = std::fs::read_to_string(path).ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty() && name != "(none)")
    };
    read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_server_at_home() {
        let surroundings = Surroundings::of_user("/home/alice");
        assert_eq!(surroundings.find_file(None), None);
        assert_eq!(surroundings.profile(None), Profile::User);
        assert_eq!(surroundings.data(Profile::User).unwrap(), Path::new("/home/alice/.local/share/restante"));
    }

    #[test]
    fn root_and_systemd_have_the_systems() {
        let mut surroundings = Surroundings { root: true, ..Surroundings::of_user("/root") };
        assert_eq!(surroundings.profile(None), Profile::System);
        assert_eq!(surroundings.data(Profile::System).unwrap(), Path::new("/var/lib/restante"));
        surroundings.root = false;
        surroundings.variables.insert("STATE_DIRECTORY".into(), "/srv/state:/srv/other".into());
        assert_eq!(surroundings.profile(None), Profile::System);
        assert_eq!(surroundings.data(Profile::System).unwrap(), Path::new("/srv/state"));
    }

    #[test]
    fn the_systems_file_makes_the_systems_profile() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("restante.toml");
        std::fs::write(&file, "").unwrap();
        let surroundings =
            Surroundings { system_file: Some(file.clone()), ..Surroundings::of_user("/home/alice") };
        assert_eq!(surroundings.find_file(None).as_deref(), Some(file.as_path()));
        assert_eq!(surroundings.profile(Some(&file)), Profile::System);
        assert_eq!(surroundings.profile(Some(Path::new("/tmp/other.toml"))), Profile::User);
    }
}
