//! INTERNALDATE, SAVEDATE and RFC822.SIZE: items of one word.

use store::DateTime;

use crate::date::Written;
use crate::response::Writer;

/// `"INTERNALDATE" SP date-time`
pub fn write_internal_date(out: &mut Writer<'_>, when: DateTime) {
    out.raw("INTERNALDATE \"").show(Written(when)).raw("\"");
}

/// `"SAVEDATE" SP (date-time / nil)`; it is known of every message. RFC 8514 section 4.2
pub fn write_save_date(out: &mut Writer<'_>, when: DateTime) {
    out.raw("SAVEDATE \"").show(Written(when)).raw("\"");
}

/// `"RFC822.SIZE" SP number64`
pub fn write_size(out: &mut Writer<'_>, size: u64) {
    out.raw("RFC822.SIZE ").show(size);
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    // RFC 3501 section 9: date-day-fixed = (SP DIGIT) / 2DIGIT
    #[test]
    fn internal_date_has_a_fixed_width() {
        let line = |seconds, offset| {
            let mut out = BytesMut::new();
            write_internal_date(&mut Writer::new(&mut out), DateTime { seconds, offset });
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert_eq!(line(0, 0), "INTERNALDATE \" 1-Jan-1970 00:00:00 +0000\"");
        // RFC 3501 section 7.4.2's example
        assert_eq!(line(837_596_665, -420), "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\"");
    }
}
