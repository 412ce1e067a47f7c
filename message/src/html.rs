//! HTML to the text that a reader would see first. For previews only: SEARCH looks at the source.
//!
//! One pass, no tree. Tags are white space where a browser breaks the line; comments and the contents of elements that
//! are not shown are dropped. mail-parser's own conversion is not used, since it shows a style sheet whose tag has
//! attributes; its table of entities is.

use mail_parser::decoders::html::add_html_token;

/// Elements whose contents are not text of the page.
const HIDDEN: [&str; 7] = ["head", "style", "script", "template", "title", "noframes", "svg"];

/// Elements that stand in a line of text.
const INLINE: [&str; 22] = [
    "a", "abbr", "b", "bdi", "big", "code", "em", "font", "i", "ins", "kbd", "mark", "o:p", "q", "s",
    "small", "span", "strong", "sub", "sup", "u", "wbr",
];

/// No entity of HTML has a longer name.
const LONGEST_ENTITY: usize = 40;

/// The text of a page, at most about `enough` octets of it.
pub(crate) fn text(page: &str, enough: usize) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        if text.len() >= enough {
            return text;
        }
        rest = if rest[at..].starts_with('<') {
            markup(&rest[at..], &mut text)
        } else {
            entity(&rest[at..], &mut text)
        };
    }
    text.push_str(rest);
    text
}

/// Takes a tag or comment; what is after it.
fn markup<'a>(html: &'a str, text: &mut String) -> &'a str {
    if let Some(comment) = html.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    if !html[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        text.push('<');
        return &html[1..];
    }
    let Some(end) = html.find('>') else { return "" };
    let (tag, after) = (&html[1..end], &html[end + 1..]);
    let closing = tag.starts_with('/');
    let name =
        tag.trim_start_matches('/').split(|c: char| c.is_ascii_whitespace() || c == '/').next().unwrap_or("");
    if !INLINE.iter().any(|inline| name.eq_ignore_ascii_case(inline)) {
        text.push(' ');
    }
    match HIDDEN.iter().find(|hidden| name.eq_ignore_ascii_case(hidden)) {
        Some(hidden) if !closing && !tag.ends_with('/') => after_element(after, hidden),
        _ => after,
    }
}

/// What follows the end tag of a hidden element. A head that does not end does so where the body starts.
fn after_element<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let starts =
            |prefix: &str| rest.get(..prefix.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(prefix));
        if name == "head" && starts("body") {
            return tag_end(rest);
        }
        if starts("/") && rest.get(1..=name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name)) {
            return tag_end(rest);
        }
    }
    ""
}

fn tag_end(rest: &str) -> &str {
    rest.find('>').map_or("", |end| &rest[end + 1..])
}

/// Takes a character reference, or the ampersand alone where it is none.
fn entity<'a>(html: &'a str, text: &mut String) -> &'a str {
    let name = html[1..]
        .bytes()
        .take(LONGEST_ENTITY)
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'#')
        .count();
    let end = name + 2;
    if name == 0 || html.as_bytes().get(end - 1) != Some(&b';') {
        text.push('&');
        return &html[1..];
    }
    add_html_token(text, &html.as_bytes()[..end], false);
    &html[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(page: &str) -> String {
        text(page, 10_000).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_and_entities() {
        assert_eq!(
            words("<p>Hello<br>W<b>or</b>ld</p>&amp; &lt;b&gt; &#228;&#xE4; &eacute;"),
            "Hello World & <b> ää é"
        );
        assert_eq!(words("a < b & c &unknown; &; &#xffffffff; <3"), "a < b & c &unknown; &; \u{fffd} <3");
        assert_eq!(words("a<a href=\"x\">b</a><DIV>c</DIV>d"), "ab c d");
        assert_eq!(words("open <b"), "open");
    }

    #[test]
    fn what_is_not_shown_is_dropped() {
        let page = "<!DOCTYPE html><html><head><title>T</title><style type=\"text/css\">p {color: red}</style></head>\
                    <body><script>if (a < b) { x() }</script>Text<!-- <b>no</b> --> more<STYLE>b{}</STYLE ></body></html>";
        assert_eq!(words(page), "Text more");
        assert_eq!(words("<head><meta x><body>Text"), "Text");
        assert_eq!(words("<style>never ends"), "");
        assert_eq!(words("a<!-- never ends"), "a");
        assert_eq!(words("<header>a</header>"), "a");
    }

    #[test]
    fn hostile_pages_are_linear() {
        for piece in
            ["<", "<!--", "&", "&#", "<style>", "<head><", "<b", "</", "&aaaaaaaaaa", "<script>a</", "<svg><"]
        {
            // Quadratic work on these would not end in reasonable time.
            let page = piece.repeat(1 << 19);
            assert!(text(&page, usize::MAX).len() <= page.len());
        }
    }
}
