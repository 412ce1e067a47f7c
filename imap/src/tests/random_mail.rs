//! Mail made of known words, with the text that it says beside the octets that say it: charsets, encodings and structures
//! are chosen by chance, and what they hide is known without a parser.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use encoding_rs::Encoding;
use store::Flags;

use super::garbage::Chance;

/// Year, month, day: of all days only those that each month has.
pub(super) type Day = (i64, i64, i64);

pub(super) const WORDS: [&str; 24] = [
    "alpha",
    "Beta",
    "gamma",
    "x",
    "re:",
    "hello",
    "don't",
    "a=b",
    "50%",
    "under_score",
    "?",
    "Mary",
    "grüße",
    "ÉCOLE",
    "straße",
    "naïve",
    "Ünïted",
    "crème",
    "привет",
    "МИР",
    "день",
    "日本",
    "東京",
    "語",
];
const CHARSETS: [&str; 9] = [
    "utf-8",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1252",
    "koi8-r",
    "windows-1251",
    "iso-2022-jp",
    "shift_jis",
    "gb18030",
];
pub(super) const KEYWORDS: [&str; 3] = ["$Junk", "work", "$Forwarded"];
const ADDRESSES: [&str; 4] =
    ["fred@example.test", "mary@Other.test", "a.b@example.test", "postmaster@x.test"];

#[derive(Debug, Default)]
pub(super) struct Mail {
    pub octets: Vec<u8>,
    /// The fields of its header, decoded.
    pub fields: Vec<(String, String)>,
    /// What its body says: the lines of the headers of parts, and the texts.
    pub texts: Vec<String>,
    /// The elements of address lists by the name of their field.
    pub addresses: Vec<(&'static str, String)>,
    pub sent: Option<Day>,
    /// As its own zone counts days.
    pub arrived: Day,
    /// Since 1970, in UTC; a whole number of minutes.
    pub seconds: i64,
    /// Minutes.
    pub offset: i16,
    pub flags: Flags,
    pub keywords: Vec<&'static str>,
}

impl Mail {
    pub fn random(chance: &mut Chance) -> Mail {
        let mut mail = Mail::default();
        mail.header(chance);
        let entity = Entity::random(chance, 3);
        for (name, value) in &entity.fields {
            mail.field(name, value.as_bytes(), value);
        }
        mail.octets.extend(b"\r\n");
        mail.octets.extend(&entity.body);
        mail.texts = entity.texts;
        mail.arrived = day(chance);
        mail.offset = [0, -720, 330, 840][chance.below(4)];
        let (year, month, day) = mail.arrived;
        let minute = i64::try_from(chance.below(1440)).unwrap();
        let days = common::time::days(year, month, day).unwrap();
        mail.seconds = days * 86_400 + (minute - i64::from(mail.offset)) * 60;
        mail.flags = Flags(u8::try_from(chance.below(32)).unwrap());
        mail.keywords = KEYWORDS.into_iter().filter(|_| chance.below(2) == 0).collect();
        mail
    }

    fn header(&mut self, chance: &mut Chance) {
        for name in ["From", "To", "Cc", "Bcc"] {
            if chance.below(3) > 0 {
                self.address_field(chance, name);
            }
        }
        if chance.below(5) > 0 {
            let (raw, decoded) = value(chance);
            self.field("Subject", &raw, &decoded);
        }
        for _ in 0..chance.below(3) {
            let (raw, decoded) = value(chance);
            let name = ["X-Tag", "X-Other", "Comments"][chance.below(3)];
            self.field(name, &raw, &decoded);
        }
        if chance.below(6) == 0 {
            self.field("X-Tag", b"", "");
        }
        if chance.below(5) > 0 {
            self.date_field(chance);
        }
    }

    fn date_field(&mut self, chance: &mut Chance) {
        let sent = day(chance);
        let (year, month, day) = sent;
        let zone = ["+0000", "-1200", "+1400", "GMT"][chance.below(4)];
        let comment = ["", " (comment)"][chance.below(2)];
        let hour = chance.below(24);
        let date =
            format!("{day} {} {year} {hour:02}:10:00 {zone}{comment}", common::time::month_name(month));
        self.field("Date", date.as_bytes(), &date);
        self.sent = Some(sent);
    }

    fn address_field(&mut self, chance: &mut Chance, field: &'static str) {
        let (mut raw, mut decoded) = (Vec::new(), String::new());
        for index in 0..=chance.below(2) {
            if index > 0 {
                raw.extend(b", ");
                decoded.push_str(", ");
            }
            let address = ADDRESSES[chance.below(ADDRESSES.len())];
            let name = match chance.below(4) {
                0 => None,
                1 => Some((
                    b"\"Jones, Mary\"".to_vec(),
                    "\"Jones, Mary\"".to_owned(),
                    "Jones, Mary".to_owned(),
                )),
                2 => Some((b"Fred Smith".to_vec(), "Fred Smith".to_owned(), "Fred Smith".to_owned())),
                _ => {
                    let (raw, decoded) = words(chance, Some(true));
                    Some((raw, decoded.clone(), decoded))
                }
            };
            let said = match name {
                None => {
                    raw.extend(address.as_bytes());
                    decoded.push_str(address);
                    format!(" <{address}>")
                }
                Some((octets, text, name)) => {
                    raw.extend(octets);
                    raw.extend(format!(" <{address}>").as_bytes());
                    decoded.push_str(&format!("{text} <{address}>"));
                    format!("{name} <{address}>")
                }
            };
            self.addresses.push((field, said));
        }
        self.field(field, &raw, &decoded);
    }

    fn field(&mut self, name: &str, raw: &[u8], decoded: &str) {
        self.octets.extend(name.as_bytes());
        self.octets.extend(b": ");
        self.octets.extend(raw);
        self.octets.extend(b"\r\n");
        self.fields.push((name.to_owned(), decoded.to_owned()));
    }
}

pub(super) fn day(chance: &mut Chance) -> Day {
    let mut number = |from: usize, to: usize| i64::try_from(from + chance.below(to - from + 1)).unwrap();
    (number(2018, 2020), number(1, 3), number(1, 28))
}

/// The value of an unstructured field, and what it says.
fn value(chance: &mut Chance) -> (Vec<u8>, String) {
    words(chance, None)
}

/// One to four words, as encoded words or as they are (and then folded anywhere).
fn words(chance: &mut Chance, encode: Option<bool>) -> (Vec<u8>, String) {
    let (mut raw, mut said) = (Vec::new(), String::new());
    let mut after_encoded = false;
    for index in 0..=chance.below(4) {
        let word = WORDS[chance.below(WORDS.len())];
        let is_encoded = encode.unwrap_or_else(|| match word.is_ascii() {
            true => chance.below(4) == 0,
            // RFC 6532 section 3.2: or as it is
            false => chance.below(4) > 0,
        });
        if index > 0 {
            raw.extend_from_slice([&b" "[..], b"\r\n "][chance.below(2)]);
            said.push(' ');
        }
        // RFC 2047 section 6.2: the space between two encoded words is not shown
        let text =
            if index > 0 && after_encoded && is_encoded { format!(" {word}") } else { word.to_owned() };
        match is_encoded {
            true => raw.extend(encoded_word(chance, &text).as_bytes()),
            false => raw.extend(word.as_bytes()),
        }
        said.push_str(word);
        after_encoded = is_encoded;
    }
    (raw, said)
}

/// RFC 2047 section 2
fn encoded_word(chance: &mut Chance, text: &str) -> String {
    let (charset, octets) = in_some_charset(chance, text);
    if chance.below(2) == 0 {
        return format!("=?{charset}?b?{}?=", BASE64.encode(octets));
    }
    let octet = |octet: u8| match octet {
        b' ' => "_".to_owned(),
        octet if octet.is_ascii_alphanumeric() => char::from(octet).to_string(),
        octet => format!("={octet:02X}"),
    };
    format!("=?{charset}?Q?{}?=", octets.into_iter().map(octet).collect::<String>())
}

fn in_some_charset(chance: &mut Chance, text: &str) -> (&'static str, Vec<u8>) {
    loop {
        let charset = CHARSETS[chance.below(CHARSETS.len())];
        if let Some(octets) = in_charset(charset, text) {
            return (charset, octets);
        }
    }
}

/// `None`: it has not all of the characters.
pub(super) fn in_charset(charset: &str, text: &str) -> Option<Vec<u8>> {
    let (octets, _, missing) = Encoding::for_label(charset.as_bytes()).unwrap().encode(text);
    (!missing).then(|| octets.into_owned())
}

/// A part: its MIME fields, its octets, and what can be found in it, its own header left out.
struct Entity {
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    texts: Vec<String>,
}

impl Entity {
    fn random(chance: &mut Chance, depth: usize) -> Entity {
        match chance.below(if depth > 0 { 8 } else { 4 }) {
            0..=2 => Entity::text(chance),
            3 => Entity::attachment(chance),
            4 => Entity::message(chance, depth - 1),
            _ => Entity::multipart(chance, depth - 1),
        }
    }

    fn text(chance: &mut Chance) -> Entity {
        let line = |chance: &mut Chance| {
            let words: Vec<&str> = (0..=chance.below(9)).map(|_| WORDS[chance.below(WORDS.len())]).collect();
            words.join(" ")
        };
        let lines: Vec<String> = (0..chance.below(5)).map(|_| line(chance)).collect();
        let text = lines.join("\r\n");
        let (charset, octets) = in_some_charset(chance, &text);
        let mut fields = Vec::new();
        let kind = ["plain", "html", "x-unknown"][chance.below(3)];
        if !text.is_ascii() || chance.below(2) == 0 || !octets.is_ascii() {
            fields.push(field("Content-Type", &format!("text/{kind}; charset=\"{charset}\"")));
        }
        let (encoding, body) = match chance.below(3) {
            0 if octets.is_ascii() => (["7bit", ""][chance.below(2)], octets),
            0 => ("8bit", octets),
            1 => ("quoted-printable", quoted_printable(chance, &octets)),
            _ => ("base64", base64_lines(&octets)),
        };
        if !encoding.is_empty() {
            fields.push(field("Content-Transfer-Encoding", encoding));
        }
        Entity { fields, body, texts: vec![text] }
    }

    /// What is in it is no text; what it is called is.
    fn attachment(chance: &mut Chance) -> Entity {
        let word = ["alpha", "日本", "naïve"][chance.below(3)];
        let escaped: String = word.bytes().map(|octet| format!("%{octet:02x}")).collect();
        let fields = vec![
            field("Content-Type", "application/octet-stream"),
            field("Content-Disposition", &format!("attachment; filename*=utf-8''{escaped}.bin")),
            field("Content-Transfer-Encoding", "base64"),
        ];
        let body = base64_lines(WORDS[chance.below(WORDS.len())].as_bytes());
        Entity { fields, body, texts: vec![format!("{word}.bin")] }
    }

    fn message(chance: &mut Chance, depth: usize) -> Entity {
        let inner = Entity::random(chance, depth);
        let (raw, said) = value(chance);
        let body = [b"Subject: ", raw.as_slice(), b"\r\n", &inner.with_header()].concat();
        let texts = [vec![format!("Subject: {said}")], inner.all_texts()].concat();
        Entity { fields: vec![field("Content-Type", "message/rfc822")], body, texts }
    }

    fn multipart(chance: &mut Chance, depth: usize) -> Entity {
        // No other one of the message has it, and no word begins like it.
        let boundary = format!("=_{depth}_{}", chance.below(1 << 40));
        let kind = ["mixed", "alternative", "related"][chance.below(3)];
        let (mut body, mut texts) = (Vec::new(), Vec::new());
        for _ in 0..=chance.below(3) {
            let part = Entity::random(chance, depth);
            body.extend(format!("--{boundary}\r\n").as_bytes());
            body.extend(part.with_header());
            body.extend(b"\r\n");
            texts.extend(part.all_texts());
        }
        body.extend(format!("--{boundary}--\r\n").as_bytes());
        Entity {
            fields: vec![field("Content-Type", &format!("multipart/{kind}; boundary=\"{boundary}\""))],
            body,
            texts,
        }
    }

    fn with_header(&self) -> Vec<u8> {
        let lines: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        [lines.as_bytes(), b"\r\n", &self.body].concat()
    }

    fn all_texts(&self) -> Vec<String> {
        let lines = self.fields.iter().map(|(name, value)| format!("{name}: {value}"));
        lines.chain(self.texts.iter().cloned()).collect()
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// RFC 2045 section 6.7, with soft line breaks anywhere.
fn quoted_printable(chance: &mut Chance, octets: &[u8]) -> Vec<u8> {
    let (mut encoded, mut length) = (Vec::new(), 0);
    for (index, &octet) in octets.iter().enumerate() {
        let is_break = octets[index..].starts_with(b"\r\n")
            || (octet == b'\n' && index > 0 && octets[index - 1] == b'\r');
        if !is_break && (length > 60 || chance.below(20) == 0) {
            encoded.extend(b"=\r\n");
            length = 0;
        }
        match octet {
            octet if is_break => encoded.push(octet),
            octet if octet.is_ascii_alphanumeric() => encoded.push(octet),
            b' ' if octets.get(index + 1).is_some_and(|next| next.is_ascii_alphanumeric()) => {
                encoded.push(octet)
            }
            octet => encoded.extend(format!("={octet:02X}").as_bytes()),
        }
        length = if octet == b'\n' { 0 } else { length + 3 };
    }
    encoded
}

fn base64_lines(octets: &[u8]) -> Vec<u8> {
    let encoded = BASE64.encode(octets);
    encoded.as_bytes().chunks(60).flat_map(|line| [line, b"\r\n"].concat()).collect()
}
