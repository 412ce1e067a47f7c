//! Root binds the ports and makes the directories; then the process becomes the server's user for good.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use conf::Config;
use nix::unistd::{self, Gid, Group, Uid, User};

/// The name that "auto" looks for.
const USER: &str = "restante";

/// Whom to become.
#[derive(Debug, Clone)]
pub struct Target {
    pub name: String,
    pub uid: Uid,
    pub gid: Gid,
}

/// The user to become. `None`: not started by root, or "auto" and there is no such user.
pub fn target(config: &Config) -> Result<Option<Target>> {
    if !unistd::geteuid().is_root() {
        return Ok(None);
    }
    let name = config.server.user.as_deref();
    let user =
        User::from_name(name.unwrap_or(USER)).context("the users of this system cannot be looked up")?;
    let Some(user) = user else {
        let Some(name) = name else { return Ok(None) };
        bail!(
            "server.user: there is no user {name:?}\n  Make it: useradd --system --home-dir {} --shell /usr/sbin/nologin {name}",
            config.server.data.display()
        );
    };
    let gid = match &config.server.group {
        None => user.gid,
        Some(name) => {
            match Group::from_name(name).context("the groups of this system cannot be looked up")? {
                Some(group) => group.gid,
                None => {
                    bail!("server.group: there is no group {name:?}\n  Make it: groupadd --system {name}")
                }
            }
        }
    };
    Ok(Some(Target { name: user.name, uid: user.uid, gid }))
}

/// Makes a directory for the server alone (0700) or for all to pass through (0755), owned by its user.
pub fn make_directory(path: &Path, mode: u32, target: Option<&Target>) -> Result<()> {
    let made = !path.is_dir();
    if made {
        let made = fs::DirBuilder::new().recursive(true).create(path);
        made.with_context(|| {
            format!(
                "the directory {} cannot be made; make it, or set server.data and server.runtime_dir",
                path.display()
            )
        })?;
        let permissions = fs::set_permissions(path, PermissionsExt::from_mode(mode));
        permissions.with_context(|| format!("the permissions of {} cannot be set", path.display()))?;
    }
    match target {
        Some(target) if made || is_ours_but_roots(path) => own(path, target),
        _ => Ok(()),
    }
}

/// Whether root made it for the server, before its first start or by a command. Only such a directory is given away, and
/// only while it is root's, so that nobody else can have put anything into it.
fn is_ours_but_roots(path: &Path) -> bool {
    let of_root = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.uid() == 0);
    let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    of_root && (empty || path.join("store.json").exists() || path.join("directory.redb").exists())
}

/// Gives a directory and all that is in it to the server's user; itself at last, when the rest is done.
fn own(path: &Path, target: &Target) -> Result<()> {
    let metadata =
        fs::symlink_metadata(path).with_context(|| format!("{} cannot be looked at", path.display()))?;
    if metadata.is_dir() {
        let listed = || format!("{} cannot be listed", path.display());
        for entry in fs::read_dir(path).with_context(listed)? {
            own(&entry.with_context(listed)?.path(), target)?;
        }
    }
    std::os::unix::fs::lchown(path, Some(target.uid.as_raw()), Some(target.gid.as_raw()))
        .with_context(|| format!("{} cannot be given to user {}", path.display(), target.name))
}

/// What this process makes is for itself alone, unless it says otherwise.
pub fn keep_private() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
}

/// Becomes the user, with no way back. Must run while the process has one thread.
pub fn drop_to(target: &Target) -> Result<()> {
    let what = || format!("the process cannot become user {}; start it as root or as that user", target.name);
    unistd::setgroups(&[target.gid]).with_context(what)?;
    unistd::setgid(target.gid).with_context(what)?;
    unistd::setuid(target.uid).with_context(what)?;
    if !target.uid.is_root() && unistd::setuid(Uid::from_raw(0)).is_ok() {
        bail!(
            "the process could become root again after becoming {}: this system cannot be trusted with it",
            target.name
        );
    }
    Ok(())
}

/// For commands that open the store themselves.
pub fn become_server_user(config: &Config) -> Result<()> {
    keep_private();
    let target = target(config)?;
    make_directory(&config.server.data, 0o700, target.as_ref())?;
    match target {
        Some(target) => drop_to(&target),
        None => Ok(()),
    }
}
