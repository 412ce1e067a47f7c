//! Lines of a passwd-file: `user:{SCHEME}hash[:anything]`.

use store::AccountName;

/// A line that makes an account: its name, and its password's hash if it can log in with one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: AccountName,
    pub(crate) password: Option<String>,
}

/// `None` for an empty line and a comment. A field of `*` or one that begins with `!`, as system files have it for
/// locked accounts, makes an account without a password. Further fields (uid, home, ...) mean nothing here.
pub(crate) fn parse(line: &str) -> Result<Option<Entry>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (user, rest) =
        line.split_once(':').ok_or("there is no \":\" in the line; write user:{SCHEME}hash")?;
    let name =
        AccountName::new(user).map_err(|error| format!("{user:?} cannot be an account's name: {error}"))?;
    let password = rest.split(':').next().unwrap_or_default();
    if password.is_empty() {
        return Err(format!("{name} has no hash; write * for an account without a password"));
    }
    if password == "*" || password.starts_with('!') {
        return Ok(Some(Entry { name, password: None }));
    }
    common::password::acceptable(password).map_err(|reason| format!("{name}: {reason}"))?;
    Ok(Some(Entry { name, password: Some(password.to_owned()) }))
}

/// The scheme's name of a stored hash, for showing: `ARGON2ID`, `SSHA`, ...
pub(crate) fn scheme(stored: &str) -> String {
    let braced = stored.strip_prefix('{').and_then(|rest| rest.split('}').next());
    let phc = stored.strip_prefix('$').and_then(|rest| rest.split('$').next());
    let name = match (braced, phc) {
        (Some(name), _) => name,
        (None, Some("1")) => "MD5-CRYPT",
        (None, Some("5")) => "SHA256-CRYPT",
        (None, Some("6")) => "SHA512-CRYPT",
        (None, Some(name)) if name.starts_with('2') => "BLF-CRYPT",
        (None, Some(name)) => name,
        (None, None) => "CRYPT",
    };
    name.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_schemes() {
        for (stored, name) in [
            ("{SSHA}abc", "SSHA"),
            ("$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", "ARGON2ID"),
            ("$6$salt$hash", "SHA512-CRYPT"),
            ("$2y$05$abc", "BLF-CRYPT"),
            ("ab01FAX.bQRSU", "CRYPT"),
        ] {
            assert_eq!(scheme(stored), name);
        }
    }

    #[test]
    fn skips_comments_and_empty_lines() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("  # alice:{PLAIN}x").unwrap(), None);
    }

    #[test]
    fn reads_entries() {
        let name = AccountName::new("alice@example.test").unwrap();
        let entry = parse("alice@example.test:{PLAIN}secret:1000:1000::/home/alice::").unwrap();
        assert_eq!(entry, Some(Entry { name: name.clone(), password: Some("{PLAIN}secret".into()) }));
        let entry = parse("alice@example.test:!$6$salt$hash").unwrap();
        assert_eq!(entry, Some(Entry { name, password: None }));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(parse("alice").unwrap_err().contains("user:{SCHEME}hash"));
        assert!(parse("alice:").unwrap_err().contains("no hash"));
        assert!(parse("al ice:{PLAIN}x").unwrap_err().contains("al ice"));
        assert!(parse("alice:{NOSUCH}x").unwrap_err().starts_with("alice: "));
    }
}
