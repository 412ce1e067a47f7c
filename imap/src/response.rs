//! What the server writes: status texts, response codes, strings, literals, flags.
//!
//! A [`Writer`] writes responses straight into the output buffer; large octets are queued without a copy. Nothing that
//! a client or a message supplied can end a line: strings become literals when they must. It knows the session's mode, so
//! that here alone is decided what is UTF-8, what a mailbox name looks like and in what language a text is.

use std::fmt;

use bytes::{Bytes, BytesMut};
use common::stream::Stream;
use store::{Flags, MailboxId, MailboxName, ModSeq, Uid, UidSet, UidValidity};

use crate::error::Text;
use crate::language::Language;
use crate::session::Enabled;
use crate::translation::translated;

/// A command that was done. The session writes it as the tagged OK.
#[derive(Debug, Default)]
pub struct Reply {
    pub code: Option<Code>,
    /// Empty: `NAME completed`.
    pub text: Text,
    pub after: After,
}

/// What the session does once the tagged OK is sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum After {
    #[default]
    Next,
    StartTls,
    // RFC 4978 section 3
    Compress,
    // RFC 8437 section 4.1
    EndCompression,
    Close,
}

impl Reply {
    /// `OK NAME completed`
    pub fn completed() -> Reply {
        Reply::default()
    }

    /// `OK [code] NAME completed`
    pub fn code(code: Code) -> Reply {
        Reply { code: Some(code), ..Reply::default() }
    }

    pub fn text(text: impl Into<Text>) -> Reply {
        Reply { text: text.into(), ..Reply::default() }
    }
}

/// Response codes (RFC 9051 section 7.1, RFC 5530 and the extensions' own).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The names of the charsets that are known.
    BadCharset(&'static [&'static str]),
    /// The capabilities as [`crate::capability::list`] gives them.
    Capability(String),
    PermanentFlags(String),
    ReadOnly,
    ReadWrite,
    TryCreate,
    UidNext(Uid),
    UidValidity(UidValidity),
    /// Message sequence number of the first message without \Seen.
    Unseen(u32),
    // RFC 4315 section 3
    AppendUid(UidValidity, UidSet),
    CopyUid(UidValidity, UidSet, UidSet),
    // RFC 7162 section 3.1.2.1, section 3.2.11
    HighestModSeq(ModSeq),
    Closed,
    /// A sequence set (STORE) or UID set (UID STORE). RFC 7162 section 3.1.3
    Modified(String),
    /// The URL that cannot be resolved. RFC 4469 section 4.1
    BadUrl(String),
    // RFC 5255 section 4.9
    BadComparator,
    // RFC 4469 section 4.2
    TooBig,
    // RFC 8474 section 4.1, section 4.2
    MailboxId(MailboxId),
    // RFC 3516 section 4.3
    UnknownCte,
    /// The size of the largest value that was left out. RFC 5464 section 4.2.1
    LongEntries(u64),
    /// The largest value that is taken. RFC 5464 section 4.3
    MetadataMaxSize(u64),
    MetadataTooMany,
    /// The name of a filter. RFC 5466 section 3.1
    UndefinedFilter(String),
    // RFC 6154 section 3
    UseAttr,
    // RFC 4978 section 3
    CompressionActive,
    /// The events that are supported. RFC 5465 section 5.8
    BadEvent(&'static str),
    // RFC 5465 section 5.9
    NotificationOverflow,
    // RFC 9586 section 3.2
    UidRequired,
    /// The limit, and the lowest UID that was worked on. RFC 9738 section 3.2
    MessageLimit(u32, Option<Uid>),
    // RFC 10022 section 3.1
    TooFew,
    TooMany,
    // RFC 5530 section 3
    ClientBug,
    // RFC 5530 section 3
    Unavailable,
    AuthenticationFailed,
    AuthorizationFailed,
    Expired,
    PrivacyRequired,
    ContactAdmin,
    NoPerm,
    ExpungeIssued,
    Corruption,
    ServerBug,
    Cannot,
    Limit,
    OverQuota,
    AlreadyExists,
    NonExistent,
    // RFC 5182 section 2.5
    NotSaved,
    /// RFC 5267 section 4.3.1: the tag of the command whose result will not be kept up to date.
    NoUpdate(String),
    /// The tag of the command at work, and how far it is, if that is known. RFC 9585 section 5
    InProgress {
        tag: String,
        done: Option<(usize, usize)>,
    },
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::BadCharset(charsets) => write!(f, "BADCHARSET ({})", charsets.join(" ")),
            Code::Capability(list) => write!(f, "CAPABILITY {list}"),
            Code::PermanentFlags(flags) => write!(f, "PERMANENTFLAGS ({flags})"),
            Code::UidNext(uid) => write!(f, "UIDNEXT {uid}"),
            Code::UidValidity(validity) => write!(f, "UIDVALIDITY {validity}"),
            Code::Unseen(seq) => write!(f, "UNSEEN {seq}"),
            Code::AppendUid(validity, uids) => write!(f, "APPENDUID {validity} {uids}"),
            Code::CopyUid(validity, from, to) => write!(f, "COPYUID {validity} {from} {to}"),
            Code::HighestModSeq(modseq) => write!(f, "HIGHESTMODSEQ {modseq}"),
            Code::Modified(set) => write!(f, "MODIFIED {set}"),
            Code::LongEntries(size) => write!(f, "METADATA LONGENTRIES {size}"),
            Code::MetadataMaxSize(size) => write!(f, "METADATA MAXSIZE {size}"),
            Code::UndefinedFilter(name) => write!(f, "UNDEFINED-FILTER {name}"),
            Code::MailboxId(id) => write!(f, "MAILBOXID ({})", mailbox_id(*id)),
            Code::NoUpdate(tag) => write!(f, "NOUPDATE {}", Quoted(tag)),
            Code::BadUrl(url) => {
                f.write_str("BADURL ")?;
                url.bytes().try_for_each(|octet| write_url_octet(f, octet))
            }
            Code::BadEvent(events) => write!(f, "BADEVENT ({events})"),
            Code::MessageLimit(limit, None) => write!(f, "MESSAGELIMIT {limit}"),
            Code::MessageLimit(limit, Some(lowest)) => write!(f, "MESSAGELIMIT {limit} {lowest}"),
            Code::InProgress { tag, done: Some((done, of)) } => {
                write!(f, "INPROGRESS ({} {done} {of})", Quoted(tag))
            }
            Code::InProgress { tag, done: None } => write!(f, "INPROGRESS ({} NIL NIL)", Quoted(tag)),
            plain => f.write_str(plain.word()),
        }
    }
}

impl Code {
    fn word(&self) -> &'static str {
        match self {
            Code::BadComparator => "BADCOMPARATOR",
            Code::BadCharset(_) => "BADCHARSET",
            Code::Capability(_) => "CAPABILITY",
            Code::PermanentFlags(_) => "PERMANENTFLAGS",
            Code::UidNext(_) => "UIDNEXT",
            Code::UidValidity(_) => "UIDVALIDITY",
            Code::Unseen(_) => "UNSEEN",
            Code::AppendUid(..) => "APPENDUID",
            Code::CopyUid(..) => "COPYUID",
            Code::HighestModSeq(_) => "HIGHESTMODSEQ",
            Code::Modified(_) => "MODIFIED",
            Code::MailboxId(_) => "MAILBOXID",
            Code::LongEntries(_) => "METADATA LONGENTRIES",
            Code::MetadataMaxSize(_) => "METADATA MAXSIZE",
            Code::MetadataTooMany => "METADATA TOOMANY",
            Code::UndefinedFilter(_) => "UNDEFINED-FILTER",
            Code::ReadOnly => "READ-ONLY",
            Code::ReadWrite => "READ-WRITE",
            Code::TryCreate => "TRYCREATE",
            Code::Closed => "CLOSED",
            Code::BadUrl(_) => "BADURL",
            Code::TooBig => "TOOBIG",
            Code::UnknownCte => "UNKNOWN-CTE",
            Code::UseAttr => "USEATTR",
            Code::BadEvent(_) => "BADEVENT",
            Code::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Code::UidRequired => "UIDREQUIRED",
            Code::MessageLimit(..) => "MESSAGELIMIT",
            Code::TooFew => "TOOFEW",
            Code::TooMany => "TOOMANY",
            Code::ClientBug => "CLIENTBUG",
            Code::CompressionActive => "COMPRESSIONACTIVE",
            Code::Unavailable => "UNAVAILABLE",
            Code::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Code::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Code::Expired => "EXPIRED",
            Code::PrivacyRequired => "PRIVACYREQUIRED",
            Code::ContactAdmin => "CONTACTADMIN",
            Code::NoPerm => "NOPERM",
            Code::ExpungeIssued => "EXPUNGEISSUED",
            Code::Corruption => "CORRUPTION",
            Code::ServerBug => "SERVERBUG",
            Code::Cannot => "CANNOT",
            Code::Limit => "LIMIT",
            Code::OverQuota => "OVERQUOTA",
            Code::AlreadyExists => "ALREADYEXISTS",
            Code::NonExistent => "NONEXISTENT",
            Code::NoUpdate(_) => "NOUPDATE",
            Code::NotSaved => "NOTSAVED",
            Code::InProgress { .. } => "INPROGRESS",
        }
    }
}

/// The objectid of a mailbox: a letter first, so that it is neither taken for a number nor for an EMAILID or a THREADID.
/// RFC 8474 section 8.1
pub fn mailbox_id(id: MailboxId) -> String {
    format!("F{id}")
}

/// `url-resp-text` has no `]`, and here nothing that a URL must not have. RFC 4469 section 5
fn write_url_octet(f: &mut fmt::Formatter<'_>, octet: u8) -> fmt::Result {
    match octet {
        b'!'..=b'~' if !matches!(octet, b']' | b'[' | b'"' | b'\\') => write!(f, "{}", char::from(octet)),
        _ => write!(f, "%{octet:02X}"),
    }
}

/// A tag as a quoted string: it has no octet that would end it but `"` and `\\`.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Where responses go: the connection, or a plain buffer in tests.
pub trait Sink: Send {
    fn out(&mut self) -> &mut BytesMut;
    /// Queues octets in order with what is in [`Sink::out`]; large ones without a copy.
    fn put(&mut self, octets: Bytes);
    /// How many octets wait to be sent.
    fn queued(&mut self) -> usize {
        self.out().len()
    }
}

impl Sink for Stream {
    fn out(&mut self) -> &mut BytesMut {
        Stream::out(self)
    }
    fn put(&mut self, octets: Bytes) {
        Stream::put(self, octets);
    }
    fn queued(&mut self) -> usize {
        Stream::queued(self)
    }
}

impl Sink for BytesMut {
    fn out(&mut self) -> &mut BytesMut {
        self
    }
    fn put(&mut self, octets: Bytes) {
        self.extend_from_slice(&octets);
    }
}

/// Writes responses. Cheap to make; makes no copies of its own.
pub struct Writer<'a> {
    sink: &'a mut dyn Sink,
    enabled: Enabled,
}

impl<'a> Writer<'a> {
    /// For syntax alone, which is the same in every mode: numbers, sets, atoms.
    pub fn new(sink: &'a mut dyn Sink) -> Writer<'a> {
        Writer::in_mode(sink, Enabled::default())
    }

    /// For a client that has switched that on.
    pub fn in_mode(sink: &'a mut dyn Sink, enabled: Enabled) -> Writer<'a> {
        Writer { sink, enabled }
    }

    /// What the client has switched on.
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// How many octets wait to be sent.
    pub fn buffered(&mut self) -> usize {
        self.sink.queued()
    }

    /// Octets as they are: syntax of ours, never a client's or a message's.
    pub fn raw(&mut self, octets: impl AsRef<[u8]>) -> &mut Self {
        self.sink.out().extend_from_slice(octets.as_ref());
        self
    }

    /// Anything that displays as syntax: numbers, sets, codes.
    pub fn show(&mut self, value: impl fmt::Display) -> &mut Self {
        // Writing to a growing buffer cannot fail.
        let _ = fmt::Write::write_fmt(self.sink.out(), format_args!("{value}"));
        self
    }

    pub fn crlf(&mut self) -> &mut Self {
        self.raw("\r\n")
    }

    /// `* line`
    pub fn untagged(&mut self, line: impl fmt::Display) -> &mut Self {
        self.raw("* ").show(line).crlf()
    }

    /// `tag OK [code] text`. RFC 9051 section 7.1
    pub fn status(&mut self, tag: &[u8], word: &str, code: Option<&Code>, text: &str) -> &mut Self {
        self.raw(tag).raw(" ").raw(word).raw(" ");
        if let Some(code) = code {
            self.raw("[").show(code).raw("] ");
        }
        let text = translated(text, self.enabled.language);
        self.text(&text).crlf()
    }

    /// resp-text: one line, never empty. RFC 9051 section 9: "Non-ASCII text can only be returned after ENABLE IMAP4rev2
    /// command"; RFC 5255 section 3.2: after LANGUAGE too.
    fn text(&mut self, text: &str) -> &mut Self {
        let utf8 = self.enabled.utf8() || self.enabled.language != Language::Default;
        let out = self.sink.out();
        if text.is_empty() {
            out.extend_from_slice(b"-");
        }
        for c in text.chars() {
            let shown = if matches!(c, ' '..='~') || (utf8 && !c.is_control()) { c } else { '?' };
            out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self
    }

    /// string = quoted / literal
    pub fn string(&mut self, octets: &[u8]) -> &mut Self {
        if is_quotable(octets, self.enabled.utf8()) {
            return self.quoted(octets);
        }
        self.literal_header(octets.len() as u64).raw(octets)
    }

    /// nstring = string / nil
    pub fn nstring(&mut self, octets: Option<&[u8]>) -> &mut Self {
        match octets {
            Some(octets) => self.string(octets),
            None => self.raw("NIL"),
        }
    }

    /// astring = 1*ASTRING-CHAR / string. Used where brevity is the custom: mailbox names stay quoted, see [`Writer::mailbox`].
    pub fn astring(&mut self, octets: &[u8]) -> &mut Self {
        let plain = !octets.is_empty() && octets.iter().all(|&c| crate::syntax::is_astring_char(c));
        if plain && !octets.eq_ignore_ascii_case(b"NIL") { self.raw(octets) } else { self.string(octets) }
    }

    /// A literal; large octets are queued without a copy.
    pub fn literal(&mut self, octets: Bytes) -> &mut Self {
        self.literal_header(octets.len() as u64);
        self.octets(octets)
    }

    /// `{size}` CRLF: exactly so many octets must follow, by [`Writer::octets`].
    pub fn literal_header(&mut self, size: u64) -> &mut Self {
        self.raw("{").show(size).raw("}\r\n")
    }

    /// The octets of a literal, or a piece of them.
    pub fn octets(&mut self, octets: Bytes) -> &mut Self {
        const COPY_BELOW: usize = 4096;
        if octets.len() < COPY_BELOW {
            return self.raw(&octets);
        }
        self.sink.put(octets);
        self
    }

    /// mailbox, in UTF-8 (RFC 9051 section 5.1) or in modified UTF-7 (RFC 3501 section 5.1.3).
    pub fn mailbox(&mut self, name: &MailboxName) -> &mut Self {
        self.mailbox_text(name.as_str())
    }

    /// What is written like a mailbox name: the prefix of a namespace, the name as a client gave it.
    pub fn mailbox_text(&mut self, name: &str) -> &mut Self {
        if self.enabled.utf8() {
            return self.string(name.as_bytes());
        }
        let name = crate::name::encode(name);
        self.string(name.as_bytes())
    }

    fn quoted(&mut self, octets: &[u8]) -> &mut Self {
        let out = self.sink.out();
        out.extend_from_slice(b"\"");
        for &octet in octets {
            if matches!(octet, b'"' | b'\\') {
                out.extend_from_slice(b"\\");
            }
            out.extend_from_slice(&[octet]);
        }
        out.extend_from_slice(b"\"");
        self
    }
}

/// Whether the octets may stand in a quoted string: no line end, no NUL, 7 bits or UTF-8 where the client takes it, and not
/// so long that a client's line buffer might suffer. RFC 9051 section 4.3
fn is_quotable(octets: &[u8], utf8: bool) -> bool {
    const LONGEST: usize = 1000;
    octets.len() <= LONGEST
        && !octets.iter().any(|&c| matches!(c, 0 | b'\r' | b'\n'))
        && (octets.is_ascii() || (utf8 && std::str::from_utf8(octets).is_ok()))
}

/// The system flags and their words. RFC 9051 section 2.3.2
pub const SYSTEM_FLAGS: [(Flags, &str); 5] = [
    (Flags::ANSWERED, "\\Answered"),
    (Flags::FLAGGED, "\\Flagged"),
    (Flags::DELETED, "\\Deleted"),
    (Flags::SEEN, "\\Seen"),
    (Flags::DRAFT, "\\Draft"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = BytesMut::new();
        write(&mut Writer::new(&mut out));
        out.to_vec()
    }

    fn string(octets: &[u8]) -> Vec<u8> {
        written(|out| {
            out.string(octets);
        })
    }

    #[test]
    fn strings_are_quoted_or_literals() {
        assert_eq!(string(b""), b"\"\"");
        assert_eq!(string(br#"a "b" \c"#), br#""a \"b\" \\c""#);
        assert_eq!(string(b"a\r\nb"), b"{4}\r\na\r\nb");
        assert_eq!(string("\u{e4}".as_bytes()), b"{2}\r\n\xc3\xa4");
        assert!(string(&[b'x'; 1001]).starts_with(b"{1001}\r\nxxx"));
        let nil = written(|out| {
            out.nstring(None);
        });
        assert_eq!(nil, b"NIL");
    }

    #[test]
    fn status_lines_are_one_line_of_ascii() {
        let line = written(|out| {
            out.status(b"a1", "NO", Some(&Code::TryCreate), "no \r\n* OK \u{e4}\0");
        });
        assert_eq!(line, b"a1 NO [TRYCREATE] no ??* OK ??\r\n");
        let line = written(|out| {
            out.status(b"*", "OK", None, "");
        });
        assert_eq!(line, b"* OK -\r\n");
    }

    #[test]
    fn codes() {
        let uids = |from, to| UidSet::from_ranges([from..=to]);
        for (code, expected) in [
            // RFC 4315 section 3
            (Code::AppendUid(UidValidity(38505), uids(3955, 3955)), "APPENDUID 38505 3955"),
            (
                Code::CopyUid(UidValidity(38505), uids(304, 319), uids(3956, 3971)),
                "COPYUID 38505 304:319 3956:3971",
            ),
            // RFC 7162 section 3.1.3
            (Code::Modified("7,9".into()), "MODIFIED 7,9"),
            // RFC 4469 section 4.1, the example
            (
                Code::BadUrl("/INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9".into()),
                "BADURL /INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9",
            ),
            (Code::BadUrl("a] \r\nb\u{e4}".into()), "BADURL a%5D%20%0D%0Ab%C3%A4"),
            (Code::BadCharset(&["UTF-8", "US-ASCII"]), "BADCHARSET (UTF-8 US-ASCII)"),
            (Code::ReadOnly, "READ-ONLY"),
            (
                Code::InProgress { tag: "A001".into(), done: Some((454, 1000)) },
                "INPROGRESS (\"A001\" 454 1000)",
            ),
            (Code::InProgress { tag: "A\"1".into(), done: None }, "INPROGRESS (\"A\\\"1\" NIL NIL)"),
            (Code::MailboxId(MailboxId(7)), "MAILBOXID (F7)"),
            (Code::PermanentFlags("\\Seen \\*".into()), "PERMANENTFLAGS (\\Seen \\*)"),
        ] {
            assert_eq!(code.to_string(), expected);
        }
    }

    #[test]
    fn large_literals_keep_their_place() {
        let octets = Bytes::from(vec![b'x'; 10_000]);
        let line = written(|out| {
            out.raw("a ").literal(octets.clone()).raw(" b");
        });
        assert_eq!(line, [b"a {10000}\r\n", &octets[..], b" b"].concat());
    }
}
