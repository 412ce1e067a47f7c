//! Where to listen.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// One place to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address of this host; port 0 takes a free one.
    Tcp(SocketAddr),
    /// Every address of this host, IPv4 and, where there is any, IPv6.
    Any { port: u16 },
    /// The loopback addresses, IPv4 and, where there is any, IPv6.
    Localhost { port: u16 },
    /// A unix socket with its permissions.
    Unix { path: PathBuf, mode: u32 },
}

impl Listen {
    /// `127.0.0.1:143`, `[::1]:143`, `*:143`, `localhost:143`.
    pub(crate) fn tcp(text: &str) -> Result<Listen, String> {
        let refusal = || {
            format!(
                "{text:?} is no address to listen on; write \"127.0.0.1:143\", \"[::1]:143\", \"*:143\" or \"localhost:143\""
            )
        };
        if let Ok(address) = text.parse() {
            return Ok(Listen::Tcp(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(refusal)?;
        let port = port.parse().map_err(|_| refusal())?;
        match host {
            "*" => Ok(Listen::Any { port }),
            "localhost" => Ok(Listen::Localhost { port }),
            _ => Err(refusal()),
        }
    }

    /// As [`Listen::tcp`], and `unix:/path`, `unix:name.sock mode=0660`. A relative path counts from `runtime_dir`.
    pub(crate) fn tcp_or_unix(text: &str, runtime_dir: &Path) -> Result<Listen, String> {
        let Some(rest) = text.strip_prefix("unix:") else {
            return Listen::tcp(text)
                .map_err(|reason| format!("{reason}, or \"unix:/path/to/socket mode=0660\""));
        };
        let (path, mode) = rest.split_once(" mode=").unwrap_or((rest, "0666"));
        let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o777);
        let mode = mode.ok_or_else(|| format!("{text:?}: the mode is no octal number such as 0660"))?;
        let path = runtime_dir.join(path.trim());
        fits(&path)?;
        Ok(Listen::Unix { path, mode })
    }

    /// The address families to try; a missing IPv6 is no fault of the names that stand for both.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let both = |v4: Ipv4Addr, v6: Ipv6Addr, port| {
            vec![SocketAddr::new(IpAddr::V4(v4), port), SocketAddr::new(IpAddr::V6(v6), port)]
        };
        match self {
            Listen::Tcp(address) => vec![*address],
            Listen::Any { port } => both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED, *port),
            Listen::Localhost { port } => both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST, *port),
            Listen::Unix { .. } => vec![],
        }
    }
}

/// The kernel keeps a unix socket's path in 108 octets, one of them the end.
pub(crate) fn fits(path: &Path) -> Result<(), String> {
    let length = path.as_os_str().len();
    if length < 108 {
        return Ok(());
    }
    Err(format!(
        "the socket's path {} has {length} octets, but a unix socket's can have 107 at most",
        path.display()
    ))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Any { port } => write!(f, "*:{port}"),
            Listen::Localhost { port } => write!(f, "localhost:{port}"),
            Listen::Unix { path, mode } => write!(f, "unix:{} mode={mode:04o}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        for text in ["127.0.0.1:143", "[::1]:143", "*:143", "localhost:0"] {
            assert_eq!(Listen::tcp(text).unwrap().to_string(), text);
        }
        for text in ["", "143", "mail.example.test:143", "127.0.0.1", "::1:143:", "*:99999", "unix:/x"] {
            assert!(Listen::tcp(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_unix_sockets() {
        let directory = Path::new("/run/restante");
        let socket = Listen::tcp_or_unix("unix:lmtp.sock mode=0660", directory).unwrap();
        assert_eq!(socket, Listen::Unix { path: "/run/restante/lmtp.sock".into(), mode: 0o660 });
        let socket = Listen::tcp_or_unix("unix:/var/spool/lmtp", directory).unwrap();
        assert_eq!(socket, Listen::Unix { path: "/var/spool/lmtp".into(), mode: 0o666 });
        assert!(Listen::tcp_or_unix("unix:/x mode=9", directory).is_err());
        assert!(Listen::tcp_or_unix(&format!("unix:/{}", "x".repeat(107)), directory).is_err());
    }

    #[test]
    fn names_stand_for_both_families() {
        let addresses = Listen::Localhost { port: 1143 }.addresses();
        assert_eq!(
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1:1143", "[::1]:1143"]
        );
    }
}
