//! Messages made to cost much: delivered, then read in every way by IMAP and POP3.
//!
//! Each is taken or refused with a 5yz reply; each answer to reading it comes within the client's patience, and what
//! comes is the message that was delivered.

use libtest_mimic::Trial;

use super::client::{ALICE, Client};
use super::memory::Watch;
use super::{survived, warm};
use crate::support::server::PASSWORD;
use crate::support::{Outcome, fail};

const MEBI: usize = 1 << 20;

/// Name, message, whether it is mail that must be taken, how many MiB reading it may cost.
struct Hostile {
    name: &'static str,
    make: fn() -> Vec<u8>,
    taken: bool,
}

const fn taken(name: &'static str, make: fn() -> Vec<u8>) -> Hostile {
    Hostile { name, make, taken: true }
}

const fn refused(name: &'static str, make: fn() -> Vec<u8>) -> Hostile {
    Hostile { name, make, taken: false }
}

static MESSAGES: &[Hostile] = &[
    taken("many_headers", || repeated("X: y\r\n", 300_000, "")),
    taken("one_large_header", || format!("Subject: {}\r\n\r\nx\r\n", "x".repeat(20 * MEBI)).into_bytes()),
    taken("one_folded_header", || repeated("Subject: x\r\n", 1, &" more\r\n".repeat(3 * MEBI))),
    taken("parameters", || {
        let parameters: String = (0..100_000).map(|number| format!(";\r\n name*{number}*=a%20b")).collect();
        typed(&format!("text/plain{parameters}"), "x")
    }),
    taken("same_parameter", || typed(&format!("text/plain{}", "; a*0=\"x\"; a*1=y".repeat(100_000)), "x")),
    taken("charset_parameters", || {
        typed(&format!("text/plain{}", "; n*=utf-8'en'%E2%82%AC".repeat(100_000)), "x")
    }),
    taken("encoded_words", || {
        repeated(&format!("Subject: {}\r\n", "=?utf-8?q?=E9?= ".repeat(60)), 10_000, "")
    }),
    taken("one_subject_of_encoded_words", || {
        format!("Subject: {}\r\n\r\nx\r\n", "=?iso-2022-jp?b?GyRC?=\r\n ".repeat(200_000)).into_bytes()
    }),
    taken("addresses", || format!("To: {}\r\n\r\nx\r\n", "a@b.example,\r\n ".repeat(300_000)).into_bytes()),
    taken("groups", || format!("To: {}\r\n\r\nx\r\n", "g:a@b;,\r\n ".repeat(200_000)).into_bytes()),
    taken("comments", || {
        let deep = "(".repeat(MEBI);
        format!("From: {deep}\r\nTo: {deep}a@b{deep}\r\nDate: {deep}\r\nMessage-ID: {deep}\r\nReferences: {deep}\r\nContent-Type: {deep}\r\n\r\nx\r\n")
            .into_bytes()
    }),
    taken("unclosed", || {
        let open = "\"\\<[".repeat(MEBI / 4);
        format!("From: {open}\r\nTo: <@a,@b:{open}\r\nContent-Type: text/plain; a={open}\r\nContent-Disposition: {open}\r\n\r\nx\r\n")
            .into_bytes()
    }),
    taken("references", || {
        format!(
            "References: {}\r\n\r\nx\r\n",
            (0..300_000).map(|id| format!("<{id}@e>\r\n ")).collect::<String>()
        )
        .into_bytes()
    }),
    taken("fifty_thousand_parts", || {
        typed(
            "multipart/mixed; boundary=b",
            &("--b\r\nContent-Type: text/plain; a=b\r\n\r\nx\r\n".repeat(50_000) + "--b--"),
        )
    }),
    taken("parts_without_end", || typed("multipart/mixed; boundary=b", &"--b\r\n".repeat(500_000))),
    taken("thousand_deep", || nested(1_000, false)),
    taken("thousand_deep_closed", || nested(1_000, true)),
    taken("twenty_thousand_deep", || nested(20_000, false)),
    taken("deep_of_one_boundary", || {
        typed(
            "multipart/mixed; boundary=b",
            &"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".repeat(20_000),
        )
    }),
    taken("boundaries_that_begin_alike", || {
        let levels: String = (1..3_000)
            .map(|level| {
                format!(
                    "--{}\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n",
                    "b".repeat(level),
                    "b".repeat(level + 1)
                )
            })
            .collect();
        typed("multipart/mixed; boundary=b", &levels)
    }),
    taken("long_boundary", || {
        let boundary = "b".repeat(MEBI);
        typed(
            &format!("multipart/mixed; boundary={boundary}"),
            &format!("--{boundary}\r\n\r\nx\r\n").repeat(5),
        )
    }),
    taken("empty_boundary", || typed("multipart/mixed; boundary=\"\"", &"--\r\n----\r\n".repeat(100_000))),
    taken("messages_in_messages", || {
        repeated("Content-Type: message/rfc822\r\n\r\n", 20_000, "Subject: deepest\r\n\r\nx")
    }),
    taken("dashes", || typed("multipart/mixed; boundary=b", &"--".repeat(5 * MEBI))),
    taken("angle_brackets", || typed("text/html; charset=utf-8", &"<!--<a<".repeat(MEBI))),
    taken("entities", || typed("text/html", &"&amp&#x;&#99999999999;".repeat(MEBI / 4))),
    taken("broken_base64", || {
        typed("text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64", &"=A\r\n*Z==".repeat(MEBI))
    }),
    taken("broken_quoted_printable", || {
        typed(
            "text/plain; charset=iso-2022-kr\r\nContent-Transfer-Encoding: quoted-printable",
            &"=\r\n=0=ZZ".repeat(MEBI),
        )
    }),
    taken("no_colons", || "no colon here\r\n".repeat(500_000).into_bytes()),
    taken("colons", || ":\r\n: :\r\n".repeat(500_000).into_bytes()),
    taken("no_header", || b"\r\n".repeat(2 * MEBI)),
    taken("bare_lf", || b"\n".repeat(4 * MEBI)),
    taken("bare_cr", || [b"Subject: a\r".repeat(100_000), b"\r".repeat(MEBI)].concat()),
    taken("eight_bit", || {
        [
            b"Subject: \xff\xfe\x80\xc0\xaf\r\nFrom: \xf0\x9f <\xe9@\xe8>\r\n\r\n".to_vec(),
            (1..=255).cycle().take(4 * MEBI).filter(|octet| !b"\r\n.".contains(octet)).collect(),
        ]
        .concat()
    }),
    refused("nul", || b"Subject: \0\r\n\r\nx\r\n".to_vec()),
    refused("received_fields", || repeated("Received: from a by b; now\r\n", 50_000, "")),
];

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = MESSAGES
        .chunks(MESSAGES.len().div_ceil(6))
        .enumerate()
        .map(|(number, some)| {
            Trial::test(format!("hostile::mail::{}_and_others", some[0].name), move || {
                several(some, number).map_err(|failure| failure.to_string().into())
            })
        })
        .collect();
    trials.push(crate::support::trial("hostile::mail::many_readers_of_a_large_header", many_readers));
    trials
}

/// `lines` so many times, then a body.
fn repeated(lines: &str, count: usize, more: &str) -> Vec<u8> {
    format!("{}{more}\r\nbody\r\n", lines.repeat(count)).into_bytes()
}

fn typed(content_type: &str, body: &str) -> Vec<u8> {
    format!("Subject: hostile\r\nMIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n{body}\r\n")
        .into_bytes()
}

/// Multiparts within multiparts, each with a boundary of its own.
fn nested(depth: usize, closed: bool) -> Vec<u8> {
    let open: String = (1..depth)
        .map(|level| format!("--b{}\r\nContent-Type: multipart/mixed; boundary=b{level}\r\n\r\n", level - 1))
        .collect();
    let close: String = if closed {
        (0..depth).rev().map(|level| format!("--b{level}--\r\n")).collect()
    } else {
        String::new()
    };
    typed("multipart/mixed; boundary=b0", &format!("{open}--b{}\r\n\r\ndeepest\r\n{close}", depth - 1))
}

/// Delivers some of the messages to one server and reads them.
fn several(messages: &[Hostile], number: usize) -> Outcome {
    let server = warm("limits.rate_per_address = 0")?;
    let watch = Watch::start(&server)?;
    let mut lmtp = Client::lmtp(&server)?;
    for hostile in messages {
        let message = (hostile.make)();
        let begun = std::time::Instant::now();
        let reply = lmtp.deliver(ALICE, &message).map_err(|error| format!("{}: {error}", hostile.name))?;
        if reply.starts_with("250") != hostile.taken || !reply.starts_with(['2', '5']) {
            return fail(format!("{}: {reply}", hostile.name));
        }
        eprintln!("{} delivered {:?}", hostile.name, begun.elapsed());
        if hostile.taken {
            read(&server, &message).map_err(|error| format!("{}: {error}", hostile.name))?;
        }
        eprintln!("{} read {:?}", hostile.name, begun.elapsed());
        watch.peak_within(hostile.name, 200)?;
    }
    search_all(&server)?;
    // Large messages may take 256 MiB while they are searched, and the index's thread may read them at the same time.
    watch.peak_within(&format!("hostile mail {number}"), 384)?;
    survived(server)
}

/// The newest message, in every way.
fn read(server: &crate::support::server::Server, message: &[u8]) -> Outcome {
    let mut imap = Client::imap(server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    let deep = "1.".repeat(1_000);
    for items in [
        "ENVELOPE".to_owned(),
        "BODYSTRUCTURE".into(),
        "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)".into(),
        "(BODY.PEEK[HEADER.FIELDS (SUBJECT FROM TO DATE CONTENT-TYPE)])".into(),
        "BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)]<0.1000>".into(),
        format!("BODY.PEEK[{deep}1]"),
        format!("(BODY.PEEK[{deep}MIME] BODY.PEEK[1.1.1] BODY.PEEK[1.HEADER] BODY.PEEK[49999.1.TEXT])"),
        "(BODY.PEEK[1.MIME] BODY.PEEK[HEADER] BODY.PEEK[TEXT]<100.1000>)".into(),
    ] {
        let answer = imap.command(format!("FETCH * {items}"))?.must("OK")?;
        if answer.lines.is_empty() {
            return fail(format!("FETCH {items} answers nothing"));
        }
    }
    let whole = imap.command("FETCH * BODY.PEEK[]")?.must("OK")?.all();
    let wanted = normalized(message);
    if !contains(&whole, &wanted) {
        return fail("IMAP: what comes is not what was delivered");
    }
    // RFC 6856 section 2: UTF8 comes before the login
    let mut pop3 = Client::open(server.address("pop3")?)?;
    pop3.text()?;
    for command in ["UTF8".to_owned(), format!("USER {ALICE}"), format!("PASS {PASSWORD}")] {
        pop3.say_ok(&command)?;
    }
    let count = pop3.say_ok("STAT")?.split(' ').nth(1).unwrap_or_default().to_owned();
    pop3.retrieve(&format!("TOP {count} 1"))??;
    let whole = pop3.retrieve(&format!("RETR {count}"))??;
    if !contains(&whole, &wanted) {
        return fail("POP3: what comes is not what was delivered");
    }
    // As a client without UTF8 sees it.
    let mut pop3 = Client::pop3(server, ALICE)?;
    pop3.retrieve(&format!("RETR {count}"))??;
    Ok(())
}

/// A bare LF becomes CRLF on the way into the store; a bare CR stays what it is.
fn normalized(message: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(message.len());
    for (at, &octet) in message.iter().enumerate() {
        if octet == b'\n' && (at == 0 || message[at - 1] != b'\r') {
            octets.push(b'\r');
        }
        octets.push(octet);
    }
    octets
}

fn contains(whole: &[u8], wanted: &[u8]) -> bool {
    // The trace stands before it; a search from the front would be quadratic on what is hostile.
    let traces = whole.len().saturating_sub(wanted.len());
    (0..=traces.min(4096)).any(|at| whole[at..].starts_with(wanted))
}

fn search_all(server: &crate::support::server::Server) -> Outcome {
    let mut imap = Client::imap(server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    for keys in [
        "TEXT zzzz",
        "BODY zzzz",
        "SUBJECT zzzz",
        "FROM zzzz",
        "TO zzzz",
        "HEADER X zzzz",
        "HEADER References zzzz",
        "SENTSINCE 1-Jan-2020",
        "OR BODY aaaa NOT TEXT bbbb",
        "LARGER 1000000",
        "CHARSET UTF-8 TEXT x",
        "FUZZY TEXT zzzzz",
    ] {
        imap.command(format!("SEARCH {keys}"))?
            .must("OK")
            .map_err(|error| format!("SEARCH {keys}: {error}"))?;
    }
    Ok(())
}

/// Twenty clients at once ask for fields of a header of 20 MB, and search it.
fn many_readers() -> Outcome {
    let server = warm("limits.rate_per_address = 0")?;
    let message = format!("Subject: {}\r\n\r\nx\r\n", "x".repeat(20 * MEBI)).into_bytes();
    Client::lmtp(&server)?.deliver(ALICE, &message)?;
    let watch = Watch::start(&server)?;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..20)
            .map(|number| {
                let server = &server;
                scope.spawn(move || -> Outcome {
                    let mut imap = Client::imap(server, ALICE)?;
                    imap.command("EXAMINE INBOX")?.must("OK")?;
                    match number % 3 {
                        0 => imap.command("FETCH * BODY.PEEK[HEADER.FIELDS (FROM DATE)]")?.must("OK")?,
                        1 => imap.command("SEARCH TEXT zzzz")?.must("OK")?,
                        _ => imap.command("SEARCH HEADER X-Y z")?.must("OK")?,
                    };
                    Ok(())
                })
            })
            .collect();
        readers.into_iter().try_for_each(|reader| reader.join().map_err(|_| "panicked")?)
    })?;
    // 256 MB may be in work at a time.
    watch.peak_within("many readers of a large header", 320)?;
    survived(server)
}
