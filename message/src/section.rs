//! Part numbers.

use crate::summary::{Kind, Part};

impl Part {
    /// The part that an IMAP section number names (RFC 9051 section 6.4.5.1), from this, the message's top part.
    /// An empty path is the top part. `1` of a part that is not a multipart is the part itself; numbers pass through
    /// message/rfc822 into what it holds.
    pub fn at(&self, path: &[u32]) -> Option<&Part> {
        let mut found = self;
        // Where the next number counts; none in a part that holds no other.
        let mut holder = Some(self);
        for &number in path {
            found = holder?.child(number)?;
            holder = found.holder();
        }
        Some(found)
    }

    fn child(&self, number: u32) -> Option<&Part> {
        match &self.kind {
            Kind::Multipart(parts) => parts.get(usize::try_from(number).ok()?.checked_sub(1)?),
            _ => (number == 1).then_some(self),
        }
    }

    fn holder(&self) -> Option<&Part> {
        match &self.kind {
            Kind::Multipart(_) => Some(self),
            Kind::Message { structure, .. } => Some(structure),
            Kind::Basic | Kind::Text => None,
        }
    }

    /// Size of the body in octets.
    pub fn octets(&self) -> u64 {
        self.end.saturating_sub(self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> Part {
        Part { id: Some(name.as_bytes().to_vec()), ..Part::default() }
    }

    fn multipart(name: &str, parts: Vec<Part>) -> Part {
        Part { kind: Kind::Multipart(parts), ..leaf(name) }
    }

    fn message(name: &str, structure: Part) -> Part {
        Part {
            kind: Kind::Message { envelope: Box::default(), structure: Box::new(structure) },
            ..leaf(name)
        }
    }

    fn name<'a>(top: &'a Part, path: &[u32]) -> Option<&'a str> {
        top.at(path).and_then(|part| std::str::from_utf8(part.id.as_deref()?).ok())
    }

    // The complex message of RFC 9051 section 6.4.5.1.
    #[test]
    fn the_example_of_rfc_9051() {
        let top = multipart(
            "multipart/mixed",
            vec![
                leaf("1 text/plain"),
                leaf("2 application/octet-stream"),
                message(
                    "3 message/rfc822",
                    multipart("3 holds", vec![leaf("3.1 text/plain"), leaf("3.2 octets")]),
                ),
                multipart(
                    "4 multipart/mixed",
                    vec![
                        leaf("4.1 image/gif"),
                        message(
                            "4.2 message/rfc822",
                            multipart(
                                "4.2 holds",
                                vec![
                                    leaf("4.2.1 text/plain"),
                                    multipart(
                                        "4.2.2",
                                        vec![leaf("4.2.2.1 text/plain"), leaf("4.2.2.2 richtext")],
                                    ),
                                ],
                            ),
                        ),
                    ],
                ),
            ],
        );
        for (path, expected) in [
            (&[][..], "multipart/mixed"),
            (&[1], "1 text/plain"),
            (&[3], "3 message/rfc822"),
            (&[3, 1], "3.1 text/plain"),
            (&[3, 2], "3.2 octets"),
            (&[4], "4 multipart/mixed"),
            (&[4, 1], "4.1 image/gif"),
            (&[4, 2], "4.2 message/rfc822"),
            (&[4, 2, 1], "4.2.1 text/plain"),
            (&[4, 2, 2], "4.2.2"),
            (&[4, 2, 2, 2], "4.2.2.2 richtext"),
        ] {
            assert_eq!(name(&top, path), Some(expected));
        }
        for path in [&[5][..], &[0], &[1, 1], &[3, 3], &[4, 1, 1], &[4, 2, 2, 3], &[u32::MAX]] {
            assert_eq!(name(&top, path), None, "{path:?}");
        }
    }

    #[test]
    fn part_one_of_a_message_without_multipart_is_its_body() {
        assert_eq!(name(&leaf("text"), &[1]), Some("text"));
        assert_eq!(name(&leaf("text"), &[2]), None);
        assert_eq!(name(&leaf("text"), &[1, 1]), None);
        let top = message("outer", message("inner", leaf("text")));
        assert_eq!(name(&top, &[1]), Some("outer"));
        assert_eq!(name(&top, &[1, 1]), Some("inner"));
        assert_eq!(name(&top, &[1, 1, 1]), Some("text"));
        assert_eq!(name(&top, &[1, 1, 1, 1]), None);
    }
}
