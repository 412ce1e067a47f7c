//! The preview of a message: its first words (RFC 8970).
//!
//! Made at delivery from a bounded piece of the first part that has something to read: plain text before HTML where
//! there is a choice, never an attachment, of a forwarded message only where there is nothing else.

use crate::html;
use crate::parameter;
use crate::summary::{Kind, Part};
use crate::transfer;

/// RFC 8970 section 3.1: a preview has at most so many characters.
const MAX_CHARACTERS: usize = 200;

/// How many parts are tried before the preview stays empty.
const MAX_CANDIDATES: usize = 8;

/// How many octets of a plain text are read.
const PLAIN: usize = 16 << 10;

/// How many octets of a page are read; style sheets come first and are long.
const PAGE: usize = 128 << 10;

/// The first readable words of a message.
pub(crate) fn preview(structure: &Part, raw: &[u8]) -> String {
    let mut candidates = Vec::new();
    collect(structure, &mut candidates);
    candidates.iter().map(|part| words_of(part, raw)).find(|words| !words.is_empty()).unwrap_or_default()
}

/// Lists the texts of a part in the order in which they serve.
fn collect<'a>(part: &'a Part, found: &mut Vec<&'a Part>) {
    if found.len() >= MAX_CANDIDATES || is_attachment(part) {
        return;
    }
    match &part.kind {
        Kind::Text => found.push(part),
        Kind::Multipart(parts) if part.subtype.eq_ignore_ascii_case(b"alternative") => {
            let is_plain = |part: &&Part| part.kind == Kind::Text && !is_page(part);
            parts.iter().filter(is_plain).for_each(|child| collect(child, found));
            parts.iter().filter(|part| !is_plain(part)).for_each(|child| collect(child, found));
        }
        Kind::Multipart(parts) => {
            let is_message = |part: &&Part| matches!(part.kind, Kind::Message { .. });
            parts.iter().filter(|part| !is_message(part)).for_each(|child| collect(child, found));
            parts.iter().filter(is_message).for_each(|child| collect(child, found));
        }
        Kind::Message { structure, .. } => collect(structure, found),
        Kind::Basic => {}
    }
}

fn is_attachment(part: &Part) -> bool {
    part.disposition.as_ref().is_some_and(|disposition| disposition.value.eq_ignore_ascii_case(b"attachment"))
}

fn is_page(part: &Part) -> bool {
    part.subtype.eq_ignore_ascii_case(b"html") || part.subtype.eq_ignore_ascii_case(b"xhtml")
}

fn words_of(part: &Part, raw: &[u8]) -> String {
    if is_page(part) {
        // Twice the characters in octets, and again for the white space that goes.
        return fold(html::text(&start_of_text(part, raw, PAGE), 8 * MAX_CHARACTERS).split_whitespace());
    }
    let text = start_of_text(part, raw, PLAIN);
    if is_encrypted(&text) {
        return String::new();
    }
    let own = fold(own_lines(&text).flat_map(str::split_whitespace));
    if own.is_empty() { fold(text.split_whitespace()) } else { own }
}

/// OpenPGP's armor (RFC 9580 section 6.2), with nothing before it to read.
fn is_encrypted(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN PGP MESSAGE-----")
}

/// The decoded text of a part, of its first `limit` octets.
fn start_of_text(part: &Part, raw: &[u8], limit: usize) -> String {
    let body = crate::text::slice(raw, part.body, part.end);
    let start = body.get(..limit).unwrap_or(body);
    let octets = transfer::decode(part.encoding.as_deref(), start);
    let charset = parameter::value_of(&part.parameters, b"charset").unwrap_or_default();
    crate::charset::decode(&charset, &octets)
}

/// The lines that the sender wrote: not those quoted, and none after the signature's mark.
fn own_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| *line != "-- ").filter(|line| !line.starts_with('>'))
}

/// Words with one space between them, cut to the length of a preview.
fn fold<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut folded = String::new();
    let mut length = 0;
    for word in words.filter(|word| word.contains(is_visible)) {
        let space = usize::from(length > 0);
        if length + space >= MAX_CHARACTERS {
            break;
        }
        folded.extend(std::iter::repeat_n(' ', space));
        for character in word.chars().filter(|c| is_visible(*c)).take(MAX_CHARACTERS - length - space) {
            folded.push(character);
            length += 1;
        }
        length += space;
    }
    folded
}

/// Mailings fill the preview with characters that show nothing.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
        && !matches!(character, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffc}')
}

#[cfg(test)]
mod tests {
    use crate::summary::Summary;

    fn preview(message: &str) -> String {
        Summary::parse(message.as_bytes()).preview
    }

    #[test]
    fn plain_text_is_folded_and_cut() {
        assert_eq!(preview("Subject: x\r\n\r\n  Hello,\r\n\r\n\tWorld \r\n"), "Hello, World");
        let long = preview(&format!("\r\n{}", "ä ".repeat(500)));
        assert_eq!(long.chars().count(), 199);
        assert_eq!(preview(&format!("\r\n{}", "ä".repeat(500))), "ä".repeat(200));
        assert_eq!(preview(""), "");
    }

    #[test]
    fn quotes_and_signatures_are_skipped() {
        assert_eq!(preview("\r\n> old\r\n> text\r\nnew\r\n-- \r\nname\r\n"), "new");
        assert_eq!(preview("\r\n> only\r\n> old\r\n"), "> only > old");
    }

    #[test]
    fn plain_text_before_html_in_an_alternative() {
        let parts = "--b\r\nContent-Type: text/html\r\n\r\n<p>page</p>\r\n--b\r\n\r\nplain\r\n--b--\r\n";
        assert_eq!(
            preview(&format!("Content-Type: multipart/alternative; boundary=b\r\n\r\n{parts}")),
            "plain"
        );
        assert_eq!(preview(&format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}")), "page");
    }

    #[test]
    fn empty_texts_and_attachments_are_passed_over() {
        let message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n\
            Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nlog\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nforwarded\r\n--b\r\n\
            Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            <style x=y>p</style>Gr=FC=DFe&nbsp;&zwnj;&#847; aus<br>Bonn\r\n--b--\r\n";
        assert_eq!(preview(message), "Grüße aus Bonn");
        let message = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nforwarded\r\n";
        assert_eq!(preview(message), "forwarded");
    }

    #[test]
    fn encrypted_text_says_nothing() {
        let armor = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----\r\n";
        assert_eq!(preview(&format!("Subject: x\r\n\r\n\r\n{armor}")), "");
        assert!(preview(&format!("Subject: x\r\n\r\nHello\r\n{armor}")).starts_with("Hello"));
    }

    #[test]
    fn encoded_text_is_decoded() {
        let message = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5pel5pys6Kqe\r\n";
        assert_eq!(preview(message), "日本語");
    }
}
