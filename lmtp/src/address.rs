//! Addresses of the envelope: Path and Mailbox of RFC 5321 section 4.1.2, with the UTF-8 of RFC 6531 section 3.3.
//!
//! More is read than RFC 5321 lets a client write, since MTAs pass on what they were given: paths without brackets, dots
//! anywhere in a local part. What is written back is quoted where the grammar wants it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// RFC 5321 section 4.5.3.1.3 has 256 octets in a path as the least that must be taken; this still fits in a header line.
const LIMIT: usize = 512;

/// An envelope address. The local part is unquoted; the domain is absent in `<postmaster>` and local senders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    local: String,
    domain: Option<String>,
}

/// Why something is no address, in words for the postmaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub &'static str);

impl Address {
    /// Reads `local@domain` or `local`, without brackets.
    pub fn parse(text: &str) -> Result<Address, BadAddress> {
        if text.len() > LIMIT {
            return Err(BadAddress("longer than an address may be"));
        }
        let (local, rest) = local_part(text)?;
        let domain = match rest.strip_prefix('@') {
            Some(domain) => Some(self::domain(domain)?.to_owned()),
            None if rest.is_empty() => None,
            None => return Err(BadAddress("a character that an address may not have, outside quotes")),
        };
        Ok(Address { local, domain })
    }

    /// Without quotes.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What follows the `@`, a name or an address literal in its brackets; `None`: a bare local part.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Whether it can be written without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii() && self.domain.as_ref().is_none_or(|domain| domain.is_ascii())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local) {
            f.write_str(&self.local)?;
        } else {
            let quoted = self.local.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "\"{quoted}\"")?;
        }
        self.domain.as_ref().map_or(Ok(()), |domain| write!(f, "@{domain}"))
    }
}

/// Path, and what follows it. `None`: the null path `<>`. A source route is read and ignored.
// RFC 5321 section 4.1.1.3: servers "SHOULD ignore source routing information"
pub(crate) fn path(argument: &str) -> Result<(Option<Address>, &str), BadAddress> {
    let argument = argument.trim_start_matches(' ');
    let (inside, rest) = match argument.strip_prefix('<') {
        Some(inside) => {
            let end = outside_quotes(inside, '>').ok_or(BadAddress("a bracket that is not closed"))?;
            (&inside[..end], &inside[end + 1..])
        }
        None => argument.split_at(outside_quotes(argument, ' ').unwrap_or(argument.len())),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(BadAddress("something follows the address without a space"));
    }
    let bracketed = argument.starts_with('<');
    if inside.is_empty() && bracketed {
        return Ok((None, rest));
    }
    let address = Address::parse(without_route(inside)?)?;
    if !bracketed && address.domain.is_none() {
        return Err(BadAddress("neither brackets nor a domain"));
    }
    Ok((Some(address), rest))
}

/// A-d-l = At-domain *( "," At-domain )
fn without_route(inside: &str) -> Result<&str, BadAddress> {
    if !inside.starts_with('@') {
        return Ok(inside);
    }
    let (route, mailbox) = inside.split_once(':').ok_or(BadAddress("a source route without an address"))?;
    for hop in route.split(',') {
        domain(hop.strip_prefix('@').ok_or(BadAddress("a source route that is none"))?)?;
    }
    Ok(mailbox)
}

/// Where the character first stands outside a quoted string.
fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Local-part = Dot-string / Quoted-string
fn local_part(text: &str) -> Result<(String, &str), BadAddress> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_string(quoted);
    }
    let end = text.find(|c: char| !is_atext(c) && c != '.').unwrap_or(text.len());
    if end == 0 {
        return Err(BadAddress("the part before the @ is missing or has a character that it may not have"));
    }
    Ok((text[..end].to_owned(), &text[end..]))
}

/// QcontentSMTP = qtextSMTP / quoted-pairSMTP, then DQUOTE
fn quoted_string(text: &str) -> Result<(String, &str), BadAddress> {
    let mut local = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let literal = match character {
            '"' if local.is_empty() => return Err(BadAddress("the part before the @ is empty")),
            '"' => return Ok((local, &text[at + 1..])),
            '\\' => characters.next().map_or('\0', |(_, character)| character),
            _ => character,
        };
        if literal.is_control() {
            return Err(BadAddress("a control character in quotes"));
        }
        local.push(literal);
    }
    Err(BadAddress("a quotation mark that is not closed"))
}

/// atext of RFC 5322 section 3.2.3, and UTF-8 (RFC 6531 section 3.3)
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn is_dot_string(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// Domain / address-literal
pub(crate) fn domain(text: &str) -> Result<&str, BadAddress> {
    const BAD: BadAddress = BadAddress("the part after the @ is no domain");
    if let Some(literal) = text.strip_prefix('[') {
        let literal = literal.strip_suffix(']').ok_or(BadAddress("an address literal that is not closed"))?;
        return if is_literal(literal) {
            Ok(text)
        } else {
            Err(BadAddress("an address literal that is none"))
        };
    }
    // Underscores are in no domain of RFC 5321, but in host names that people have.
    let octet =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (!c.is_ascii() && !c.is_control());
    let label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(octet)
    };
    if text.len() <= 255 && text.split('.').all(label) { Ok(text) } else { Err(BAD) }
}

/// IPv4-address-literal / IPv6-address-literal / General-address-literal
fn is_literal(literal: &str) -> bool {
    match literal.split_once(':') {
        None => literal.parse::<Ipv4Addr>().is_ok(),
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => address.parse::<Ipv6Addr>().is_ok(),
        Some((tag, content)) => {
            let tag_octets = tag.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
            let dcontent = content.bytes().all(|octet| octet.is_ascii_graphic() && !b"[\\]".contains(&octet));
            tag_octets && !tag.is_empty() && !tag.ends_with('-') && dcontent && !content.is_empty()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let address = Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (address.local, address.domain)
    }

    #[test]
    fn addresses_of_the_rfcs() {
        assert_eq!(parts("Smith@bar.com"), ("Smith".into(), Some("bar.com".into())));
        assert_eq!(parts("Postmaster"), ("Postmaster".into(), None));
        // RFC 5321 section 4.1.2: equivalent forms
        assert_eq!(parts("\"Joe.\\,Smith\"@x.org"), parts("\"Joe.,Smith\"@x.org"));
        assert_eq!(parts("\"Joe\\ Smith\"@x.org").0, "Joe Smith");
        // RFC 5321 section 4.1.3
        assert_eq!(parts("a@[192.0.2.1]").1.unwrap(), "[192.0.2.1]");
        assert_eq!(parts("a@[IPv6:2001:db8::1]").1.unwrap(), "[IPv6:2001:db8::1]");
        assert_eq!(parts("user+box@x.org").0, "user+box");
        assert_eq!(parts("\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{5e7f}\u{544a}").0, "\u{7528}\u{6237}");
    }

    #[test]
    fn what_is_no_address() {
        for bad in [
            "",
            "@",
            "@x.org",
            "a@",
            "a@-x.org",
            "a@x-.org",
            "a@x..org",
            "a@.org",
            "a@x.org.",
            "a b@x.org",
            "a@x org",
            "\"\"@x.org",
            "\"a@x.org",
            "\"a\"b@x.org",
            "\"a\\",
            "a@[1.2.3]",
            "a@[1.2.3.4",
            "a@[IPv6:1.2.3.4]",
            "a@[]",
            "a@b@c",
            "a<b@x.org",
            "a,b@x.org",
            "a\"b\"@x.org",
            "\"a\u{7}\"@x.org",
            "a\u{85}@x.org",
            "a@x\0.org",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        for text in [
            "a@x",
            "\"a b\"@x",
            "\"a\\\\b\\\"c\"@x",
            "\"a..b\"@x",
            "\".a\"@x",
            "\"a@b\"@x",
            "\"<>\"@x",
            "a.b",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), text);
        }
        assert_eq!(Address::parse("a..b@x").unwrap().to_string(), "\"a..b\"@x");
    }

    #[test]
    fn paths() {
        let read =
            |text: &'static str| path(text).map(|(address, rest)| (address.map(|a| a.to_string()), rest));
        assert_eq!(read("<>"), Ok((None, "")));
        assert_eq!(read("<> SIZE=5"), Ok((None, " SIZE=5")));
        assert_eq!(read(" <a@x.org> BODY=7BIT"), Ok((Some("a@x.org".into()), " BODY=7BIT")));
        assert_eq!(read("a@x.org SIZE=5"), Ok((Some("a@x.org".into()), " SIZE=5")));
        // RFC 5321 appendix C
        assert_eq!(read("<@hosta.int,@jkl.org:userc@d.bar.org>"), Ok((Some("userc@d.bar.org".into()), "")));
        assert_eq!(read("<\"a>b\"@x.org> X"), Ok((Some("\"a>b\"@x.org".into()), " X")));
        for bad in ["", " ", "a", "a b", "<a@x.org", "<a@x.org>x", "<@a@b>", "<@a:>", "<a:b@x>", "<a@x.org>>"]
        {
            assert!(path(bad).is_err(), "{bad:?}");
        }
    }
}
