//! PREVIEW. RFC 8970
//!
//! Every message has had its preview since it came, so LAZY changes nothing: the answer is never NIL.

use super::Item;
use crate::error::Error;
use crate::syntax::Parser;

/// `[SP "(" "LAZY" ")"]` behind the name. Where a FETCH of this item alone has fetch modifiers behind it, they look alike
/// up to their first word.
pub fn parse(parser: &mut Parser<'_>) -> Result<Item, Error> {
    const LAZY: &[u8] = b" (LAZY";
    let rest = parser.rest();
    let starts = rest.get(..LAZY.len()).is_some_and(|start| start.eq_ignore_ascii_case(LAZY));
    if !starts || !matches!(rest.get(LAZY.len()), Some(b' ' | b')')) {
        return Ok(Item::Preview);
    }
    parser.space()?;
    parser.expect(b'(')?;
    while parser.word("LAZY") {
        if !parser.take(b' ') {
            parser.expect(b')')?;
            return Ok(Item::Preview);
        }
    }
    Err(parser.expected("LAZY, the one modifier of PREVIEW"))
}

#[cfg(test)]
mod tests {
    use super::super::parse_items;
    use super::*;
    use crate::syntax::Limits;

    fn parsed(text: &str) -> Result<(Vec<Item>, String), Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let items = parse_items(&mut parser)?;
        Ok((items, String::from_utf8_lossy(parser.rest()).into_owned()))
    }

    // RFC 8970 section 3.1, section 6
    #[test]
    fn with_and_without_lazy() {
        for (text, rest) in [
            ("PREVIEW", ""),
            ("preview (lazy)", ""),
            ("PREVIEW (LAZY LAZY)", ""),
            ("(PREVIEW (LAZY))", ""),
            ("PREVIEW (CHANGEDSINCE 5)", " (CHANGEDSINCE 5)"),
            ("PREVIEW (LAZY) (CHANGEDSINCE 5)", " (CHANGEDSINCE 5)"),
        ] {
            let (items, left) = parsed(text).unwrap();
            assert_eq!((items.as_slice(), left.as_str()), (&[Item::Preview][..], rest), "{text}");
        }
        for text in
            ["(PREVIEW (LAZY", "(PREVIEW (EAGER))", "PREVIEW (LAZY EAGER)", "(PREVIEW ())", "PREVIEW (LAZY )"]
        {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
