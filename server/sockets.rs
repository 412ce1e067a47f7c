//! Sockets to listen on: bound here, or handed over by systemd.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use conf::{Config, Listen};
use listenfd::ListenFd;
use mta::Interface;
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, sockopt};

use crate::privileges::Target;

/// What is spoken at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Imap,
    Imaps,
    Pop3,
    Pop3s,
    Lmtp,
    Http,
    Mta(mta::Interface),
}

impl Speaks {
    const ALL: [Speaks; 9] = [
        Speaks::Imap,
        Speaks::Imaps,
        Speaks::Pop3,
        Speaks::Pop3s,
        Speaks::Lmtp,
        Speaks::Http,
        Speaks::Mta(Interface::Socketmap),
        Speaks::Mta(Interface::Policy),
        Speaks::Mta(Interface::Sasl),
    ];

    /// As in /etc/services, and the name of a socket from systemd (`FileDescriptorName=`).
    pub fn name(self) -> &'static str {
        match self {
            Speaks::Imap => "imap",
            Speaks::Imaps => "imaps",
            Speaks::Pop3 => "pop3",
            Speaks::Pop3s => "pop3s",
            Speaks::Lmtp => "lmtp",
            Speaks::Http => "http",
            Speaks::Mta(interface) => interface.name(),
        }
    }

    /// The setting that says where.
    fn setting(self) -> &'static str {
        match self {
            Speaks::Imap => "imap.listen",
            Speaks::Imaps => "imap.tls_listen",
            Speaks::Pop3 => "pop3.listen",
            Speaks::Pop3s => "pop3.tls_listen",
            Speaks::Lmtp => "lmtp.listen",
            Speaks::Http => "http.listen",
            Speaks::Mta(Interface::Socketmap) => "mta.socketmap_listen",
            Speaks::Mta(Interface::Policy) => "mta.policy_listen",
            Speaks::Mta(Interface::Sasl) => "mta.sasl_listen",
        }
    }

    fn places(self, config: &Config) -> &[Listen] {
        match self {
            Speaks::Imap => &config.imap.listen,
            Speaks::Imaps => &config.imap.tls_listen,
            Speaks::Pop3 => &config.pop3.listen,
            Speaks::Pop3s => &config.pop3.tls_listen,
            Speaks::Lmtp => &config.lmtp.listen,
            Speaks::Http => &config.http.listen,
            Speaks::Mta(Interface::Socketmap) => &config.mta.socketmap_listen,
            Speaks::Mta(Interface::Policy) => &config.mta.policy_listen,
            Speaks::Mta(Interface::Sasl) => &config.mta.sasl_listen,
        }
    }
}

/// A socket that listens.
pub struct Bound {
    pub speaks: Speaks,
    pub socket: Socket,
}

pub enum Socket {
    Tcp(TcpListener),
    /// With the path to remove at the end, if we made it.
    Unix(UnixListener, Option<PathBuf>),
}

impl Bound {
    /// `127.0.0.1:143`, `unix:/path`
    pub fn address(&self) -> String {
        match &self.socket {
            Socket::Tcp(listener) => {
                listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
            }
            Socket::Unix(listener, _) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("unix:{}", path.map(|path| path.display().to_string()).unwrap_or_default())
            }
        }
    }

    pub fn port(&self) -> Option<u16> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Socket::Unix(..) => None,
        }
    }
}

/// Binds everything. What systemd hands over for a protocol takes the place of its setting.
pub fn bind(config: &Config, target: Option<&Target>, hint: &str) -> Result<Vec<Bound>> {
    let mut bound = from_systemd()?;
    for speaks in Speaks::ALL {
        if bound.iter().any(|one| one.speaks == speaks) {
            continue;
        }
        for place in speaks.places(config) {
            let binder = Binder { speaks, target, hint };
            bound.extend(binder.bind(place)?);
        }
    }
    if bound.iter().all(|one| one.speaks == Speaks::Http) {
        bail!(
            "there is nothing to listen on for mail: every listen setting is empty\n  Set at least one of imap.listen, imap.tls_listen, pop3.listen, pop3.tls_listen, lmtp.listen."
        );
    }
    Ok(bound)
}

struct Binder<'a> {
    speaks: Speaks,
    target: Option<&'a Target>,
    /// One more remedy for a taken port.
    hint: &'a str,
}

impl Binder<'_> {
    fn bind(&self, place: &Listen) -> Result<Vec<Bound>> {
        if let Listen::Unix { path, mode } = place {
            let socket = Socket::Unix(self.unix(path, *mode)?, Some(path.clone()));
            return Ok(vec![Bound { speaks: self.speaks, socket }]);
        }
        let both = !matches!(place, Listen::Tcp(_));
        let mut bound = vec![];
        for address in place.addresses() {
            match tcp(address) {
                Ok(listener) => bound.push(Bound { speaks: self.speaks, socket: Socket::Tcp(listener) }),
                // A host without IPv6 has no such address; the names for both families do not insist on it.
                Err(Errno::EADDRNOTAVAIL | Errno::EAFNOSUPPORT) if both && address.is_ipv6() => {}
                Err(error) => return Err(self.refusal(address, error)),
            }
        }
        Ok(bound)
    }

    fn unix(&self, path: &Path, mode: u32) -> Result<UnixListener> {
        let setting = self.speaks.setting();
        remove_dead(path, setting)?;
        let listener = UnixListener::bind(path).with_context(|| {
            format!("{setting}: the socket {} cannot be made; does its directory exist, and may this user write there?", path.display())
        })?;
        let permissions = fs::set_permissions(path, PermissionsExt::from_mode(mode));
        permissions
            .with_context(|| format!("{setting}: the permissions of {} cannot be set", path.display()))?;
        if let Some(target) = self.target {
            // Best effort: the owner is of no use but for removing the socket at the end.
            let _ = std::os::unix::fs::lchown(path, Some(target.uid.as_raw()), Some(target.gid.as_raw()));
        }
        Ok(listener)
    }

    fn refusal(&self, address: SocketAddr, error: Errno) -> anyhow::Error {
        let setting = self.speaks.setting();
        let port = address.port();
        let reason = match error {
            Errno::EADDRINUSE => format!(
                "port {port} is taken: another program listens on it\n  `ss -ltnp 'sport = :{port}'` shows which; stop it, or change {setting}.{}",
                self.hint
            ),
            Errno::EACCES => format!(
                "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE\n  Start it as root (it becomes server.user afterwards), use the systemd unit, or change {setting} to a port from 1024 on."
            ),
            Errno::EADDRNOTAVAIL => format!(
                "this host has no address {}\n  Change {setting}; \"*:{port}\" is every address.",
                address.ip()
            ),
            other => format!("{}\n  Change {setting}.", other.desc()),
        };
        anyhow::anyhow!("cannot listen on {address} for {}: {reason}", self.speaks.name())
    }
}

/// IPv6 sockets take IPv6 alone, so that "*" and "[::]" do not get in each other's way.
fn tcp(address: SocketAddr) -> Result<TcpListener, Errno> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket::socket(family, SockType::Stream, flags, None)?;
    // A restarted server must not wait for the old one's connections to be forgotten.
    socket::setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        socket::setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    socket::listen(&socket, Backlog::new(1024)?)?;
    Ok(TcpListener::from(socket))
}

/// A socket that a dead server left is in the way; one that answers is not ours to take.
fn remove_dead(path: &Path, setting: &str) -> Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("{setting}: {} cannot be looked at", path.display()))?,
    };
    if !metadata.file_type().is_socket() {
        bail!(
            "{setting}: {} exists and is no socket\n  Remove it, or set {setting} to another path.",
            path.display()
        );
    }
    if UnixStream::connect(path).is_ok() {
        bail!(
            "{setting}: another server answers at {}\n  Stop it, or set {setting} to another path.",
            path.display()
        );
    }
    fs::remove_file(path)
        .with_context(|| format!("{setting}: the dead socket {} cannot be removed", path.display()))
}

/// Sockets of a systemd `.socket` unit, told apart by `FileDescriptorName=`.
fn from_systemd() -> Result<Vec<Bound>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut passed = ListenFd::from_env();
    let names: Vec<&str> = names.split(':').collect();
    (0..passed.len()).map(|index| one_from_systemd(&mut passed, index, names.get(index).copied())).collect()
}

fn one_from_systemd(passed: &mut ListenFd, index: usize, name: Option<&str>) -> Result<Bound> {
    let speaks = Speaks::ALL.into_iter().find(|speaks| Some(speaks.name()) == name);
    let Some(speaks) = speaks else {
        bail!(
            "systemd hands over a socket named {:?}, and nobody knows what to speak there\n  Set FileDescriptorName= in its unit to imap, imaps, pop3, pop3s, lmtp, http, socketmap, policy or sasl.",
            name.unwrap_or_default()
        );
    };
    let what = || format!("the socket that systemd hands over for {}", speaks.name());
    if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
        listener.set_nonblocking(true).with_context(what)?;
        return Ok(Bound { speaks, socket: Socket::Tcp(listener) });
    }
    match passed.take_unix_listener(index).with_context(what)? {
        Some(listener) => {
            listener.set_nonblocking(true).with_context(what)?;
            Ok(Bound { speaks, socket: Socket::Unix(listener, None) })
        }
        None => bail!("{} is of no use: it is neither TCP nor a unix stream", what()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binder(hint: &str) -> Binder<'_> {
        Binder { speaks: Speaks::Imap, target: None, hint }
    }

    #[test]
    fn a_taken_port_is_named_with_the_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let Err(error) = binder(" Or say --ports auto.").bind(&Listen::Tcp(address)) else {
            panic!("bound twice")
        };
        let text = error.to_string();
        for part in [&address.to_string(), "is taken", "imap.listen", "--ports auto"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_two_families_do_not_get_in_each_others_way() {
        let first = binder("").bind(&Listen::Any { port: 0 }).unwrap();
        let port = first[0].port().unwrap();
        // The IPv6 wildcard of the same port is still free for another socket.
        let v6 = SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), port);
        assert!(!matches!(tcp(v6), Err(Errno::EADDRINUSE)));
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lmtp.sock");
        let place = Listen::Unix { path: path.clone(), mode: 0o600 };
        let living = binder("").bind(&place).unwrap();
        assert!(binder("").bind(&place).is_err());
        drop(living);
        assert!(path.exists());
        assert_eq!(binder("").bind(&place).unwrap().len(), 1);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(binder("").bind(&place).is_err());
    }
}
