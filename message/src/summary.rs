//! What is known of a message without reading its body again.

/// All that FETCH needs of a message except its octets. Parsed once, at delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub envelope: Envelope,
    /// The message's own body structure. Its offsets count octets from the start of the message.
    pub structure: Part,
    /// The first words of the readable text, decoded, white space folded, at most 200 characters (RFC 8970).
    pub preview: String,
}

/// RFC 9051 section 7.5.2, "ENVELOPE". Values are raw: unfolded and trimmed, not decoded; `None` where the field is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    pub date: Option<Vec<u8>>,
    pub subject: Option<Vec<u8>>,
    pub from: Vec<Address>,
    /// As the field stands; the rule that an absent Sender or Reply-To means From is applied by `parse` already.
    pub sender: Vec<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub in_reply_to: Option<Vec<u8>>,
    pub message_id: Option<Vec<u8>>,
}

/// One element of an address list. `host` is empty where the address has none (it is not NIL, which marks a group in
/// ENVELOPE); `local` and `name` are without their quotes. Groups keep RFC 3501's form: a start with the group's name, members, an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Mailbox { name: Option<Vec<u8>>, route: Option<Vec<u8>>, local: Vec<u8>, host: Vec<u8> },
    GroupStart(Vec<u8>),
    GroupEnd,
}

/// One body part with its header and where its octets are. By default an empty text/plain (RFC 2045 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Media type and subtype as written, or the default (`TEXT`/`PLAIN`, in a digest `MESSAGE`/`RFC822`).
    pub media_type: Vec<u8>,
    pub subtype: Vec<u8>,
    pub parameters: Vec<Parameter>,
    pub id: Option<Vec<u8>>,
    pub description: Option<Vec<u8>>,
    /// Content-Transfer-Encoding as written; `None` where absent (means `7BIT`).
    pub encoding: Option<Vec<u8>>,
    pub md5: Option<Vec<u8>>,
    pub disposition: Option<Disposition>,
    pub language: Vec<Vec<u8>>,
    pub location: Option<Vec<u8>>,
    /// Octet offsets in the message: the part's header, its body, and the end of its body (the CRLF before the next
    /// boundary is not of the part). `header..body` includes the blank line.
    pub header: u64,
    pub body: u64,
    pub end: u64,
    /// Lines of the body, as BODYSTRUCTURE counts them.
    pub lines: u32,
    pub kind: Kind,
}

/// What a part holds, and with it which form BODYSTRUCTURE gives it (RFC 9051 section 7.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Neither text, nor message/rfc822 or message/global, nor multipart.
    Basic,
    Text,
    /// message/rfc822 or message/global. Where its octets are encoded (which RFC 2046 section 5.2.1 forbids) or nested
    /// too deep, the envelope is empty and the structure a text/plain of all of them: BODYSTRUCTURE must have both.
    Message {
        envelope: Box<Envelope>,
        structure: Box<Part>,
    },
    /// Never empty: a multipart without parts has one empty text/plain, one whose boundary never comes has one
    /// text/plain that is all of its body.
    Multipart(Vec<Part>),
}

/// A `name=value` of Content-Type or Content-Disposition; RFC 2231 pieces are joined, values stay undecoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

/// Content-Disposition (RFC 2183): `attachment` or `inline` as written, and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    pub value: Vec<u8>,
    pub parameters: Vec<Parameter>,
}

impl Summary {
    /// Reads a whole message. Never fails: what cannot be understood as MIME is text/plain.
    pub fn parse(raw: &[u8]) -> Summary {
        let (envelope, structure) = crate::structure::parse(raw);
        let preview = crate::preview::preview(&structure, raw);
        Summary { envelope, structure, preview }
    }
}
