//! The header lines that final delivery puts before a message, for one recipient each: Return-Path, Delivered-To and
//! Received (RFC 5321 section 4.4). They are kept beside the message, so that it is still stored once.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

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
        let _ = write!(lines, "\r\n\tfor <{recipient}>; {}\r\n", date_time(self.time));
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

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64)
}

/// RFC 5322 section 3.3, in UTC.
fn date_time(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

/// Year, month and day of the Gregorian calendar, by counting days since 1970-01-01 from a 1 March in eras of 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_era_0 = days + 719_468;
    let (era, day_of_era) = (from_era_0.div_euclid(146_097), from_era_0.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date_time(0), "Thu, 1 Jan 1970 00:00:00 +0000");
        // RFC 5322 appendix A.1.1: Fri, 21 Nov 1997 09:55:06 -0600
        assert_eq!(date_time(880_127_706), "Fri, 21 Nov 1997 15:55:06 +0000");
        assert_eq!(date_time(951_782_399), "Mon, 28 Feb 2000 23:59:59 +0000");
        assert_eq!(date_time(951_782_400), "Tue, 29 Feb 2000 00:00:00 +0000");
        assert_eq!(date_time(4_107_542_399), "Sun, 28 Feb 2100 23:59:59 +0000");
        assert_eq!(date_time(4_107_542_400), "Mon, 1 Mar 2100 00:00:00 +0000");
    }

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
