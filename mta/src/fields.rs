//! Lines of Dovecot's authentication protocol: fields with TABs between them, in which TAB, LF, CR, NUL and the escape
//! itself are written with the escape octet 1.

const ESCAPE: char = '\x01';

/// The fields of a line; empty for what is not UTF-8, which no command is.
pub(crate) fn split(line: &[u8]) -> Vec<String> {
    let Ok(line) = std::str::from_utf8(line) else { return Vec::new() };
    line.split('\t').map(unescaped).collect()
}

fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != ESCAPE {
            text.push(c);
            continue;
        }
        text.extend(chars.next().map(|escaped| match escaped {
            '0' => '\0',
            '1' => ESCAPE,
            't' => '\t',
            'r' => '\r',
            'l' => '\n',
            other => other,
        }));
    }
    text
}

/// A field as it goes over the wire.
pub(crate) fn escaped(text: &str) -> String {
    let mut field = String::with_capacity(text.len());
    for c in text.chars() {
        let letter = match c {
            '\0' => '0',
            ESCAPE => '1',
            '\t' => 't',
            '\r' => 'r',
            '\n' => 'l',
            plain => {
                field.push(plain);
                continue;
            }
        };
        field.extend([ESCAPE, letter]);
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_comes_back() {
        let odd = "a\tb\nc\rd\0e\x01f";
        assert_eq!(escaped(odd), "a\x01tb\x01lc\x01rd\x010e\x011f");
        assert_eq!(split(escaped(odd).as_bytes()), [odd]);
        assert_eq!(split(b"AUTH\t1\tPLAIN\tresp=="), ["AUTH", "1", "PLAIN", "resp=="]);
        // Anything else stands for itself, and an escape at the end for nothing.
        assert_eq!(split(b"\x01x\x01"), ["x"]);
        assert_eq!(split(b"\xff\t"), Vec::<String>::new());
        assert_eq!(split(b""), [""]);
    }
}
