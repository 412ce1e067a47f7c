//! The parameters of MAIL (RFC 5321 section 4.1.2, Mail-parameters). RCPT has none here: DSN is the MTA's work.

use crate::reply::Reply;

/// What MAIL told of the message.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MailParameters {
    /// RFC 1870: what the message will have, or 0 for "unknown".
    pub size: u64,
    /// RFC 6531
    pub utf8: bool,
}

impl MailParameters {
    pub fn parse(text: &str) -> Result<MailParameters, Reply> {
        let mut parameters = MailParameters::default();
        let mut seen = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let (keyword, value) =
                word.split_once('=').map_or((word, None), |(keyword, value)| (keyword, Some(value)));
            let keyword = keyword.to_ascii_uppercase();
            if seen.contains(&keyword) {
                return Err(Reply::new(501, "5.5.4", "a parameter is given twice"));
            }
            parameters.set(&keyword, value)?;
            seen.push(keyword);
        }
        Ok(parameters)
    }

    fn set(&mut self, keyword: &str, value: Option<&str>) -> Result<(), Reply> {
        match (keyword, value) {
            // RFC 1870 section 3: up to 20 digits; what does not fit is certainly too large.
            ("SIZE", Some(digits)) if is_number(digits) => self.size = digits.parse().unwrap_or(u64::MAX),
            // RFC 6152 section 2. Both are stored as they come.
            ("BODY", Some(body)) if is_one_of(body, &["7BIT", "8BITMIME"]) => {}
            ("BODY", Some(body)) if is_one_of(body, &["BINARYMIME"]) => return Err(unknown()),
            ("SMTPUTF8", None) => self.utf8 = true,
            ("SIZE" | "BODY" | "SMTPUTF8", _) => {
                return Err(Reply::new(501, "5.5.4", "a parameter has a wrong value"));
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

/// RFC 5321 section 4.1.1.11
pub(crate) fn unknown() -> Reply {
    Reply::new(555, "5.5.4", "a parameter of an extension that is not announced here")
}

fn is_number(digits: &str) -> bool {
    (1..=20).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_one_of(value: &str, values: &[&str]) -> bool {
    values.iter().any(|other| value.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let read = MailParameters::parse;
        assert_eq!(read(""), Ok(MailParameters::default()));
        assert_eq!(read(" size=500  body=8bitmime SMTPUTF8"), Ok(MailParameters { size: 500, utf8: true }));
        assert_eq!(read(" SIZE=99999999999999999999").unwrap().size, u64::MAX);
        let code = |text| read(text).unwrap_err().code();
        for bad in ["SIZE", "SIZE=", "SIZE=-1", "SIZE=1x", "BODY=9BIT", "BODY", "SMTPUTF8=1", "SIZE=1 SIZE=1"]
        {
            assert_eq!(code(bad), 501, "{bad}");
        }
        for unknown in ["RET=FULL", "ENVID=x", "AUTH=<>", "BODY=BINARYMIME", "XYZ", "="] {
            assert_eq!(code(unknown), 555, "{unknown}");
        }
    }
}
