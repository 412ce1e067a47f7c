//! What SORT and THREAD compare of a message, taken from its header once.

use std::collections::HashSet;

use crate::date::sent_date;
use crate::header::field_values;
use crate::subject::BaseSubject;
use crate::summary::{Address, Envelope};
use crate::text::decode_header;
use crate::thread;

/// Octets of each text that are kept: with longer ones a mailbox full of them could not be sorted in memory.
pub const MAX_TEXT: usize = 1024;

/// The texts are decoded, and empty where the message has none. At most [`MAX_TEXT`] octets of each are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortKeys {
    /// Seconds since 1970, in UTC. `None`: the Date field is absent or names no day. RFC 5256 section 2.2
    pub sent: Option<i64>,
    // RFC 5256 section 2.1
    pub subject: BaseSubject,
    /// addr-mailbox of the first address of From, To and Cc. RFC 5256 section 3
    pub from: String,
    pub to: String,
    pub cc: String,
    /// What is shown of the first address of From and To. RFC 5957 section 3
    pub display_from: String,
    pub display_to: String,
    /// Without angle brackets, white space and quotes.
    pub message_id: Option<Vec<u8>>,
    /// The ids of References, or the first one of In-Reply-To where there are none; at most 100. RFC 5256 section 3
    pub references: Vec<Vec<u8>>,
}

impl SortKeys {
    /// From a message's header and the envelope that was made of it.
    pub fn new(header: &[u8], envelope: &Envelope) -> SortKeys {
        let mut subject = envelope.subject.as_deref().map(BaseSubject::new).unwrap_or_default();
        subject.text = bounded(subject.text);
        SortKeys {
            sent: envelope.date.as_deref().and_then(sent_date),
            subject,
            from: mailbox(&envelope.from),
            to: mailbox(&envelope.to),
            cc: mailbox(&envelope.cc),
            display_from: display(&envelope.from),
            display_to: display(&envelope.to),
            message_id: field_values(header, b"message-id").next().and_then(thread::message_id).map(unquoted),
            references: references(header),
        }
    }
}

/// ENVELOPE's addr-mailbox of the first address: for a group it is the group's name. RFC 9051 section 7.5.2
fn mailbox(addresses: &[Address]) -> String {
    bounded(match addresses.first() {
        Some(Address::Mailbox { local, .. }) => String::from_utf8_lossy(local).into_owned(),
        Some(Address::GroupStart(name)) => decode_header(name),
        Some(Address::GroupEnd) | None => String::new(),
    })
}

// RFC 5957 section 3: the decoded name; else mailbox@host; else the mailbox, which is the name of a group
fn display(addresses: &[Address]) -> String {
    let Some(Address::Mailbox { name, host, .. }) = addresses.first() else { return mailbox(addresses) };
    let name = name.as_deref().map(decode_header).unwrap_or_default();
    if !name.is_empty() {
        return bounded(name);
    }
    let host = String::from_utf8_lossy(host);
    let at = if host.is_empty() { "" } else { "@" };
    bounded(format!("{}{at}{host}", mailbox(addresses)))
}

// RFC 5256 section 3: "If a message contains a References header line, then use the Message IDs in the References header
// line as the references. If a message does not contain a References header line, or the References header line does not
// contain any valid Message IDs, then use the first (if any) valid Message ID found in the In-Reply-To header line."
fn references(header: &[u8]) -> Vec<Vec<u8>> {
    let value = |name| field_values(header, name).next().unwrap_or_default();
    let mut seen = HashSet::new();
    let mut references: Vec<Vec<u8>> =
        thread::ids(value(b"references")).map(unquoted).filter(|id| seen.insert(id.clone())).collect();
    if references.is_empty() {
        return thread::ids(value(b"in-reply-to")).map(unquoted).take(1).collect();
    }
    thread::forget_excess(&mut references);
    references
}

// RFC 5256 section 3: <"01KF8JCEOCBS0045PS"@xxx.yyy.com> and <01KF8JCEOCBS0045PS@xxx.yyy.com> "MUST be interpreted as
// being the same Message ID".
fn unquoted(id: Vec<u8>) -> Vec<u8> {
    if !id.contains(&b'"') {
        return id;
    }
    let mut plain = Vec::with_capacity(id.len());
    let mut octets = id.into_iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => {}
            b'\\' => plain.extend(octets.next()),
            _ => plain.push(octet),
        }
    }
    plain
}

fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Summary;

    fn keys(header: &str) -> SortKeys {
        SortKeys::new(header.as_bytes(), &Summary::parse(header.as_bytes()).envelope)
    }

    #[test]
    fn a_message_and_its_keys() {
        let found = keys(
            "From: =?utf-8?Q?J=C3=B6rg?= <Joe@example.test>, x@y\r\nTo: plain@example.test\r\nCc: Team: a@b, c@d;\r\n\
             Subject: Re: [list] =?koi8-r?Q?=F0=D2?=\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\
             Message-ID: <\"one two\"@example.test>\r\nReferences: <a@b> junk <\"c\"@d> <a@b>\r\n\
             In-Reply-To: <no@where>\r\n\r\n",
        );
        assert_eq!(found.sent, Some(880_127_706));
        assert_eq!(found.subject, BaseSubject { text: "Пр".into(), reply: true });
        assert_eq!((&*found.from, &*found.to, &*found.cc), ("Joe", "plain", "Team"));
        assert_eq!((&*found.display_from, &*found.display_to), ("Jörg", "plain@example.test"));
        assert_eq!(found.message_id.as_deref(), Some(&b"onetwo@example.test"[..]));
        assert_eq!(found.references, [&b"a@b"[..], b"c@d"]);
    }

    // RFC 5256 section 3
    #[test]
    fn in_reply_to_serves_where_references_has_no_id() {
        assert_eq!(keys("References: none\r\nIn-Reply-To: Your <a@b> of <c@d>\r\n\r\n").references, [b"a@b"]);
        assert_eq!(keys("In-Reply-To: yours\r\n\r\n").references, Vec::<Vec<u8>>::new());
    }

    // RFC 5957 section 3
    #[test]
    fn what_is_displayed() {
        assert_eq!(keys("From: undisclosed:;\r\n\r\n").display_from, "undisclosed");
        assert_eq!(keys("From: \"\" <a@b>\r\n\r\n").display_from, "a@b");
        assert_eq!(keys("From: root\r\n\r\n").display_from, "root");
        assert_eq!(keys("Subject: x\r\n\r\n").display_from, "");
    }

    #[test]
    fn texts_have_a_limit() {
        let found = keys(&format!("Subject: {}\r\n\r\n", "ä".repeat(3000)));
        assert_eq!(found.subject.text.len(), MAX_TEXT);
        assert_eq!(keys(&format!("Subject: x{}\r\n\r\n", "ä".repeat(3000))).subject.text.len(), MAX_TEXT - 1);
    }
}
