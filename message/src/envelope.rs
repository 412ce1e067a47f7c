//! The fields of a header that the summary remembers, and the ENVELOPE made of them.

use crate::address;
use crate::header::{fields, unfold};
use crate::limits::Limits;
use crate::summary::{Address, Envelope};

/// A field that ENVELOPE or BODYSTRUCTURE shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name {
    Date,
    Subject,
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
    InReplyTo,
    MessageId,
    ContentType,
    ContentTransferEncoding,
    ContentId,
    ContentDescription,
    ContentMd5,
    ContentDisposition,
    ContentLanguage,
    ContentLocation,
}

/// In the order of [`Name`].
const NAMES: [&[u8]; 18] = [
    b"date",
    b"subject",
    b"from",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"bcc",
    b"in-reply-to",
    b"message-id",
    b"content-type",
    b"content-transfer-encoding",
    b"content-id",
    b"content-description",
    b"content-md5",
    b"content-disposition",
    b"content-language",
    b"content-location",
];

/// The values of the known fields of one header; the first where a field is there more than once
/// (RFC 5322 section 3.6 and RFC 2045 section 3 allow one of each).
#[derive(Debug, Default)]
pub(crate) struct Known<'a>([Option<&'a [u8]>; NAMES.len()]);

impl<'a> Known<'a> {
    pub(crate) fn new(header: &'a [u8]) -> Known<'a> {
        let mut known = Known::default();
        for field in fields(header) {
            if let Some(index) = NAMES.iter().position(|name| field.is(name)) {
                known.0[index].get_or_insert(field.value);
            }
        }
        known
    }

    /// The raw value, still folded.
    pub(crate) fn raw(&self, name: Name) -> Option<&'a [u8]> {
        self.0[name as usize]
    }

    /// The unfolded value; empty where the field is present but empty.
    pub(crate) fn value(&self, name: Name) -> Option<Vec<u8>> {
        self.raw(name).map(|raw| unfold(raw).into_owned())
    }

    fn addresses(&self, name: Name, limits: &mut Limits) -> Vec<Address> {
        self.raw(name).map(|raw| address::parse(&unfold(raw), limits)).unwrap_or_default()
    }
}

impl Envelope {
    // RFC 9051 section 7.5.2, ENVELOPE.
    pub(crate) fn new(known: &Known<'_>, limits: &mut Limits) -> Envelope {
        let from = known.addresses(Name::From, limits);
        Envelope {
            date: known.value(Name::Date),
            subject: known.value(Name::Subject),
            sender: or_from(known.addresses(Name::Sender, limits), &from, limits),
            reply_to: or_from(known.addresses(Name::ReplyTo, limits), &from, limits),
            from,
            to: known.addresses(Name::To, limits),
            cc: known.addresses(Name::Cc, limits),
            bcc: known.addresses(Name::Bcc, limits),
            in_reply_to: known.value(Name::InReplyTo),
            message_id: known.value(Name::MessageId),
        }
    }
}

// RFC 9051 section 7.5.2: an absent or empty Sender or Reply-To is the From.
fn or_from(addresses: Vec<Address>, from: &[Address], limits: &mut Limits) -> Vec<Address> {
    if addresses.is_empty() && limits.items(from.len()) { from.to_vec() } else { addresses }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(header: &str) -> Envelope {
        Envelope::new(&Known::new(header.as_bytes()), &mut Limits::new())
    }

    fn mailbox(name: Option<&str>, local: &str, host: &str) -> Address {
        Address::Mailbox {
            name: name.map(|name| name.as_bytes().to_vec()),
            route: None,
            local: local.as_bytes().to_vec(),
            host: host.as_bytes().to_vec(),
        }
    }

    // RFC 3501 section 8, the message of the sample connection.
    #[test]
    fn the_example_of_rfc_3501() {
        let found = envelope(concat!(
            "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n",
            "From: Terry Gray <gray@cac.washington.edu>\r\n",
            "Subject: IMAP4rev1 WG mtg summary and minutes\r\n",
            "To: imap@cac.washington.edu\r\n",
            "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n",
            "Message-Id: <B27397-0100000@cac.washington.edu>\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
        ));
        let terry = vec![mailbox(Some("Terry Gray"), "gray", "cac.washington.edu")];
        let expected = Envelope {
            date: Some(b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)".to_vec()),
            subject: Some(b"IMAP4rev1 WG mtg summary and minutes".to_vec()),
            from: terry.clone(),
            sender: terry.clone(),
            reply_to: terry,
            to: vec![mailbox(None, "imap", "cac.washington.edu")],
            cc: vec![
                mailbox(None, "minutes", "CNRI.Reston.VA.US"),
                mailbox(Some("John Klensin"), "KLENSIN", "MIT.EDU"),
            ],
            bcc: vec![],
            in_reply_to: None,
            message_id: Some(b"<B27397-0100000@cac.washington.edu>".to_vec()),
        };
        assert_eq!(found, expected);
    }

    // RFC 3501 section 7.4.2: absent is not the same as empty.
    #[test]
    fn absent_and_empty_fields_differ() {
        let found = envelope("Subject:\r\nDate: \r\n\r\n");
        assert_eq!(found.subject, Some(vec![]));
        assert_eq!(found.date, Some(vec![]));
        assert_eq!(found.in_reply_to, None);
        assert_eq!(found.message_id, None);
    }

    #[test]
    fn an_empty_sender_is_the_from() {
        let found = envelope("From: a@b\r\nSender: \r\nReply-To: c@d\r\n\r\n");
        assert_eq!(found.sender, [mailbox(None, "a", "b")]);
        assert_eq!(found.reply_to, [mailbox(None, "c", "d")]);
    }

    #[test]
    fn the_first_of_several_fields_counts() {
        let found = envelope("Subject: one\nSubject: two\nTo: a@b\nTo: c@d\n\n");
        assert_eq!(found.subject, Some(b"one".to_vec()));
        assert_eq!(found.to, [mailbox(None, "a", "b")]);
    }

    #[test]
    fn values_are_unfolded_but_not_decoded() {
        let found = envelope("SUBJECT : =?utf-8?Q?=C3=A4?=\r\n =?utf-8?Q?b?=\r\n\r\n");
        assert_eq!(found.subject, Some(b"=?utf-8?Q?=C3=A4?= =?utf-8?Q?b?=".to_vec()));
    }

    // RFC 5322 appendix A.6.3: white space before the colon.
    #[test]
    fn obsolete_white_space() {
        let found = envelope(
            "From  : John Doe <jdoe@machine(comment).  example>\nTo    : Mary Smith\n  \n\t  <mary@example.net>\nSubject     : Saying Hello\nMessage-ID  : <1234   @   local(blah)  .machine .example>\n\n",
        );
        assert_eq!(found.from, [mailbox(Some("John Doe"), "jdoe", "machine.example")]);
        assert_eq!(found.to, [mailbox(Some("Mary Smith"), "mary", "example.net")]);
        assert_eq!(found.subject, Some(b"Saying Hello".to_vec()));
        assert_eq!(found.message_id, Some(b"<1234   @   local(blah)  .machine .example>".to_vec()));
    }
}
