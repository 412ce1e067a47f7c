//! Sample mail that is made rather than stored: a long discussion, and a message with a large attachment.

use std::fmt::Write;

use store::Flags;

use super::sample::Sample;

const HOUR: i64 = 3600;

/// Who says what, and to which earlier post.
const POSTS: [(&str, Option<usize>, &str); 11] = [
    ("Jon <jon@example.net>", None, "My mast is grey after the winter. Varnish or oil?"),
    ("Ada <ada@example.net>", Some(0), "Oil, every spring. Varnish peels after two years."),
    ("Kim <kim@example.net>", Some(0), "Varnish, seven coats, and then leave it alone for five years."),
    ("Jon <jon@example.net>", Some(1), "Which oil? Linseed goes black here."),
    ("Ada <ada@example.net>", Some(3), "Tung oil. Thin the first coat by half."),
    ("Alice <alice@example.test>", Some(4), "I can confirm tung oil. Mine is in its third year."),
    ("Kim <kim@example.net>", Some(5), "Does it stay sticky when it is cold?"),
    ("Alice <alice@example.test>", Some(6), "For two days. Do it in June."),
    ("Noor <noor@example.org>", Some(2), "Seven coats! Do you sand between all of them?"),
    ("Kim <kim@example.net>", Some(8), "Between all of them."),
    ("Jon <jon@example.net>", Some(7), "Tung oil in June, then. Thank you all."),
];

/// One discussion on a list, each post with the References of RFC 5322 section 3.6.4.
pub fn messages(account: &'static str, mailbox: &'static str) -> Vec<Sample> {
    let last = POSTS.len() as i64 - 1;
    let sample = |(number, post): (usize, &(&str, Option<usize>, &str))| Sample {
        account,
        mailbox,
        age: (last - number as i64) * 9 * HOUR + 14 * HOUR,
        flags: if number < 8 { Flags::SEEN } else { Flags::default() },
        keywords: &[],
        octets: self::post(number, post).into_bytes(),
    };
    POSTS.iter().enumerate().map(sample).collect()
}

fn post(number: usize, (from, parent, text): &(&str, Option<usize>, &str)) -> String {
    let id = |number: usize| format!("<mast.{number}@lists.example.org>");
    let mut head = format!("From: {from}\nTo: boats@lists.example.org\n");
    head += if parent.is_some() {
        "Subject: Re: [boats] Varnish or oil?\n"
    } else {
        "Subject: [boats] Varnish or oil?\n"
    };
    head += &format!("Date: @DATE@\nMessage-ID: {}\n", id(number));
    let mut body = String::new();
    if let Some(parent) = parent {
        let ancestors: Vec<String> = ancestors(*parent).into_iter().map(id).collect();
        head += &format!("In-Reply-To: {}\nReferences: {}\n", id(*parent), ancestors.join("\n "));
        body += &format!("> {}\n\n", POSTS[*parent].2);
    }
    head += "List-Id: All about small boats <boats.lists.example.org>\n\
             List-Post: <mailto:boats@lists.example.org>\n\
             List-Unsubscribe: <mailto:boats-leave@lists.example.org>\n\
             Precedence: list\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n";
    format!("{head}\n{body}{text}\n")
}

/// From the first post to this one.
fn ancestors(number: usize) -> Vec<usize> {
    let mut chain = vec![number];
    while let Some(parent) = POSTS[chain[0]].1 {
        chain.insert(0, parent);
    }
    chain
}

/// A message with measurements of more than 2 MiB.
pub fn large(account: &'static str, mailbox: &'static str) -> Sample {
    let mut text = String::from(
        "From: Weather station <station@harbour.example.com>\n\
         To: alice@example.test\n\
         Subject: The measurements of the year, 2 MB\n\
         Date: @DATE@\n\
         Message-ID: <measurements@harbour.example.com>\n\
         MIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"-- measurements --\"\n\n\
         ---- measurements --\n\
         Content-Type: text/plain; charset=us-ascii\n\n\
         Every ten minutes: wind, gusts, temperature, pressure.\n\n\
         ---- measurements --\n\
         Content-Type: text/csv; charset=us-ascii; header=present\n\
         Content-Disposition: attachment; filename=\"measurements.csv\"; size=2116234\n\n\
         number,wind,gusts,temperature,pressure\n",
    );
    // A generator with a fixed start (Knuth's constants): the demo is the same every time.
    let mut state = 2_463_534_242_u64;
    for number in 0..78_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (wind, gust) = (state >> 33 & 15, state >> 37 & 31);
        let (temperature, pressure) = (state >> 42 & 31, 980 + (state >> 47 & 63));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{number:06},{wind}.{},{gust}.{},{temperature}.{},{pressure}.0",
            state >> 53 & 7,
            state >> 56 & 7,
            state >> 59 & 7
        );
    }
    text += "\n---- measurements ----\n";
    Sample {
        account,
        mailbox,
        age: 7 * 24 * HOUR,
        flags: Flags::SEEN,
        keywords: &[],
        octets: text.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_every_ancestor() {
        assert_eq!(ancestors(0), [0]);
        assert_eq!(ancestors(7), [0, 1, 3, 4, 5, 6, 7]);
        let last = post(10, &POSTS[10]);
        assert!(last.contains("In-Reply-To: <mast.7@lists.example.org>\n"));
        assert!(last.contains("References: <mast.0@lists.example.org>\n <mast.1@"));
    }

    #[test]
    fn the_large_attachment_is_large() {
        assert!(large("alice", "INBOX").octets.len() > 2 << 20);
    }
}
