//! ID. RFC 2971

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

/// RFC 2971 section 3.3: "Strings are not more than 30 (fields) or 1024 (values) octets", at most 30 pairs.
const MOST_PAIRS: usize = 30;
/// Characters of the client's name that are kept for the list of sessions.
const SHOWN: usize = 100;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let client = parameters(arguments)?;
    arguments.end()?;
    if let Some(client) = client {
        tracing::info!(client, "client");
        session.entry.update(|info| info.client = Some(client));
    }
    let version = env!("CARGO_PKG_VERSION");
    session.writer().untagged(format_args!("ID (\"name\" \"Restante\" \"version\" \"{version}\")"));
    Ok(Reply::completed())
}

/// `id-params-list = "(" *(string SP nstring) ")" / nil`: the client's name and version, if it tells them.
fn parameters(arguments: &mut Parser<'_>) -> Result<Option<String>, Error> {
    if arguments.word("NIL") {
        return Ok(None);
    }
    arguments.expect(b'(')?;
    let (mut name, mut version) = (None, None);
    let mut pairs = 0;
    while !arguments.take(b')') {
        if pairs > 0 {
            arguments.space()?;
        }
        pairs += 1;
        if pairs > MOST_PAIRS {
            return Err(Error::bad(format!("More than {MOST_PAIRS} fields")));
        }
        let field = arguments.string()?;
        arguments.space()?;
        let value = arguments.nstring()?.map(|value| printable(&value));
        match field.to_ascii_lowercase().as_slice() {
            b"name" => name = value,
            b"version" => version = value,
            _ => {}
        }
    }
    let words: Vec<String> = name.into_iter().chain(version).collect();
    Ok((!words.is_empty()).then(|| words.join(" ")))
}

fn printable(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.chars().take(SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn client(text: &str) -> Result<Option<String>, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let client = parameters(&mut parser)?;
        parser.end()?;
        Ok(client)
    }

    #[test]
    fn rfc_examples() {
        // RFC 2971 section 3.1
        let list = r#"("name" "sodr" "version" "19.34" "vendor" "Pink Floyd Music Limited")"#;
        assert_eq!(client(list).unwrap().unwrap(), "sodr 19.34");
        assert_eq!(client("NIL").unwrap(), None);
        assert_eq!(client("()").unwrap(), None);
        assert_eq!(client(r#"("os" NIL)"#).unwrap(), None);
    }

    #[test]
    fn refuses_what_is_no_list() {
        for text in ["", "(", r#"("name")"#, r#"("name" "a" )"#, r#"(name "a")"#, r#"("a" "b""c" "d")"#] {
            assert!(client(text).is_err(), "{text}");
        }
        let many = format!("({})", vec![r#""a" "b""#; 31].join(" "));
        assert!(client(&many).is_err());
    }

    #[test]
    fn what_is_kept_is_short_and_printable() {
        let long = format!("(\"name\" {{1020}}\r\n\u{7}{})", "x".repeat(1019));
        assert_eq!(client(&long).unwrap().unwrap(), format!("?{}", "x".repeat(99)));
    }
}
