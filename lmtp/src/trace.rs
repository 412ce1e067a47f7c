//! The header lines that final delivery puts before a message, for one recipient each: Return-Path, Delivered-To and
//! Received (RFC 5321 section 4.4). They are kept beside the message, so that it is still stored once.

use std::fmt::Write;

use common::time;

use crate::address::Address;

/// Where a message came from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Lmtp {
        /// What the client said with LHLO.
        client: String,
        /// TCP-info: the address; `None` for a unix socket.
        peer: Option<std::net::IpAddr>,
        tls: bool,
        utf8: bool,
    },
    Pipe,
}

/// What the trace lines of all recipients of a message have in common.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub reverse_path: Option<Address>,
    pub origin: Origin,
    pub hostname: String,
    /// Of this delivery, as the log has it.
    pub id: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Trace {
    /// The lines for one recipient, each with its CRLF.
    pub fn lines(&self, recipient: &Address) -> String {
        let sender = self.reverse_path.as_ref().map(Address::to_string).unwrap_or_default();
        let mut lines = format!("Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\nReceived: ");
        let (hostname, id) = (&self.hostname, &self.id);
        // Writing to a string cannot fail.
        let _ = match &self.origin {
            Origin::Lmtp { client, peer, tls, utf8 } => write!(
                lines,
                "from {client} ({})\r\n\tby {hostname} with {} id {id}",
                tcp_info(*peer),
                protocol(*tls, *utf8)
            ),
            Origin::Pipe => write!(lines, "by {hostname} (restante deliver)\r\n\tid {id}"),
        };
        let _ = write!(lines, "\r\n\tfor <{recipient}>; {}\r\n", time::rfc5322(self.time));
        lines
    }
}

/// TCP-info = address-literal / ( Domain FWS address-literal )
fn tcp_info(peer: Option<std::net::IpAddr>) -> String {
    match peer {
        None => "unix socket".to_owned(),
        Some(std::net::IpAddr::V4(address)) => format!("[{address}]"),
        Some(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
    }
}

/// RFC 3848 section 4, RFC 6531 section 4.3
fn protocol(tls: bool, utf8: bool) -> &'static str {
    match (tls, utf8) {
        (false, false) => "LMTP",
        (true, false) => "LMTPS",
        (false, true) => "UTF8LMTP",
        (true, true) => "UTF8LMTPS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_lines() {
        let mut trace = Trace {
            reverse_path: Address::parse("chris@bar.com").ok(),
            origin: Origin::Lmtp {
                client: "foo.edu".into(),
                peer: "192.0.2.1".parse().ok(),
                tls: false,
                utf8: false,
            },
            hostname: "mail.foo.edu".into(),
            id: "2a.1".into(),
            time: 0,
        };
        let recipient = Address::parse("pat+lists@foo.edu").unwrap();
        assert_eq!(
            trace.lines(&recipient),
            "Return-Path: <chris@bar.com>\r\nDelivered-To: pat+lists@foo.edu\r\n\
             Received: from foo.edu ([192.0.2.1])\r\n\tby mail.foo.edu with LMTP id 2a.1\r\n\
             \tfor <pat+lists@foo.edu>; Thu, 1 Jan 1970 00:00:00 +0000\r\n"
        );
        trace.reverse_path = None;
        trace.origin =
            Origin::Lmtp { client: "x".into(), peer: "2001:db8::1".parse().ok(), tls: true, utf8: true };
        let lines = trace.lines(&recipient);
        assert!(lines.starts_with("Return-Path: <>\r\n"));
        assert!(
            lines.contains("from x ([IPv6:2001:db8::1])\r\n\tby mail.foo.edu with UTF8LMTPS id 2a.1\r\n")
        );
    }
}
