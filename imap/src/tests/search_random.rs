//! Random searches in random mail, against a plain answer from what the mail was made of. RFC 9051 section 6.4.4

use store::{DateTime, Flags, Keyword, NewMessage};
use unicode_normalization::UnicodeNormalization as _;

use super::client::{Client, Server};
use super::garbage::Chance;
use super::random_mail::{Day, KEYWORDS, Mail, WORDS, day, in_charset};

const MAILS: usize = 40;
const SEARCHES: usize = 250;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_is_what_was_written() {
    for seed in 1..=6 {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mails: Vec<Mail> = (0..MAILS).map(|_| Mail::random(&mut chance)).collect();
        let server = Server::new();
        server
            .mailbox("INBOX")
            .append(mails.iter().map(|mail| stored(&server, mail)).collect())
            .await
            .unwrap();
        let mut client = server.select().await;
        let world = World::new(mails, &mut client).await;
        let mut telling = 0;
        for _ in 0..SEARCHES {
            let found = world.search(&mut chance, &mut client).await;
            telling += usize::from(found > 0 && found < world.mails.len());
        }
        assert!(telling > SEARCHES / 5, "{telling}: too many find all or nothing");
    }
}

fn stored(server: &Server, mail: &Mail) -> NewMessage {
    NewMessage {
        internal_date: Some(DateTime { seconds: mail.seconds, offset: mail.offset }),
        flags: mail.flags,
        keywords: mail.keywords.iter().map(|&keyword| Keyword(keyword.into())).collect(),
        ..server.message("", &mail.octets)
    }
}

/// A mailbox from which some messages are gone, so that UIDs are no message numbers.
struct World {
    /// By message number, with their UIDs.
    mails: Vec<(usize, Mail)>,
}

/// A search key, and which of the messages it matches.
type Asked = (Vec<u8>, Vec<bool>);

impl World {
    async fn new(mails: Vec<Mail>, client: &mut Client) -> World {
        client.ok("UID STORE 4,9:11,17 +FLAGS.SILENT (\\Deleted)").await;
        client.ok("UID EXPUNGE 4,9:11,17").await;
        let there = |(uid, _): &(usize, Mail)| ![4, 9, 10, 11, 17].contains(uid);
        World { mails: (1..).zip(mails).filter(there).collect() }
    }

    /// Asks in several ways; how many messages match.
    async fn search(&self, chance: &mut Chance, client: &mut Client) -> usize {
        let charset = ["", "", "utf-8", "iso-8859-1", "koi8-r", "shift_jis"][chance.below(6)];
        let (wire, matches) = self.keys(chance, charset, 3);
        let keys = match charset {
            "" => wire,
            charset => [format!("CHARSET {charset} ").as_bytes(), &wire].concat(),
        };
        let found = (1..).zip(&matches).filter(|(_, matches)| **matches);
        let uids = self.mails.iter().zip(&matches).filter(|(_, matches)| **matches);
        let numbers: Vec<String> = found.map(|(seq, _): (usize, _)| format!(" {seq}")).collect();
        let uids: Vec<usize> = uids.map(|((uid, _), _)| *uid).collect();
        let answer = ask(client, "SEARCH", &keys).await;
        assert_eq!(answer, format!("* SEARCH{}", numbers.concat()), "{}", String::from_utf8_lossy(&keys));
        let ends = match (uids.first(), uids.last()) {
            (Some(first), Some(last)) => format!(" MIN {first} MAX {last}"),
            _ => String::new(),
        };
        let command = ["UID SEARCH RETURN (MIN MAX)", "UID SEARCH RETURN (MIN COUNT MAX)"][chance.below(2)];
        let count = if command.contains("COUNT") { format!(" COUNT {}", uids.len()) } else { String::new() };
        let answer = ask(client, command, &keys).await;
        let (_, data) = answer.split_once(" UID").unwrap();
        assert_eq!(data, format!("{ends}{count}"), "{command} {}", String::from_utf8_lossy(&keys));
        uids.len()
    }

    /// `search-key *(SP search-key)`
    fn keys(&self, chance: &mut Chance, charset: &str, depth: usize) -> Asked {
        let (mut wire, mut matches) = self.key(chance, charset, depth);
        for _ in 0..chance.below(3) {
            let (more, also) = self.key(chance, charset, depth);
            wire = [&wire[..], b" ", &more].concat();
            matches = both(&matches, &also, |one, other| one && other);
        }
        (wire, matches)
    }

    fn key(&self, chance: &mut Chance, charset: &str, depth: usize) -> Asked {
        match chance.below(if depth > 0 { 9 } else { 6 }) {
            0..=2 => self.text_key(chance, charset),
            3..=5 => self.other_key(chance),
            6 => {
                let (wire, matches) = self.keys(chance, charset, depth - 1);
                ([b"(", &wire[..], b")"].concat(), matches)
            }
            7 => {
                let (wire, matches) = self.key(chance, charset, depth - 1);
                ([b"NOT ", &wire[..]].concat(), matches.into_iter().map(|matches| !matches).collect())
            }
            _ => {
                let (one, first) = self.key(chance, charset, depth - 1);
                let (other, second) = self.key(chance, charset, depth - 1);
                let wire = [b"OR ", &one[..], b" ", &other].concat();
                (wire, both(&first, &second, |one, other| one || other))
            }
        }
    }

    fn where_that(&self, wire: impl Into<Vec<u8>>, holds: impl Fn(&Mail) -> bool) -> Asked {
        (wire.into(), self.mails.iter().map(|(_, mail)| holds(mail)).collect())
    }

    fn text_key(&self, chance: &mut Chance, charset: &str) -> Asked {
        let needle = self.needle(chance, charset);
        let string = string(chance, charset, &needle);
        let wire = |name: &str| [name.as_bytes(), b" ", &string].concat();
        let within = |text: &str| fold(text).contains(&fold(&needle));
        let in_body = |mail: &Mail| needle.is_empty() || mail.texts.iter().any(|text| within(text));
        match chance.below(8) {
            0 | 1 => self.where_that(wire("BODY"), in_body),
            2 | 3 => self.where_that(wire("text"), |mail| {
                in_body(mail) || mail.fields.iter().any(|(name, value)| within(&format!("{name}: {value}")))
            }),
            4 => self.where_that(wire("SUBJECT"), |mail| {
                needle.is_empty()
                    || mail.fields.iter().any(|(name, value)| name == "Subject" && within(value))
            }),
            5 => {
                let asked =
                    ["X-Tag", "x-other", "COMMENTS", "subject", "From", "X-Absent", "Date"][chance.below(7)];
                self.where_that(wire(&format!("HEADER {asked}")), |mail| {
                    let named = |name: &str| name.eq_ignore_ascii_case(asked);
                    mail.fields.iter().any(|(name, value)| named(name) && within(value))
                })
            }
            _ => {
                let field = ["From", "To", "Cc", "Bcc"][chance.below(4)];
                self.where_that(wire(field), |mail| {
                    mail.addresses.iter().any(|(name, said)| *name == field && within(said))
                })
            }
        }
    }

    /// A piece of what some message says, a word, or nothing.
    fn needle(&self, chance: &mut Chance, charset: &str) -> String {
        let (_, mail) = &self.mails[chance.below(self.mails.len())];
        let fields = mail.fields.iter().map(|(_, value)| value.as_str());
        let lines: Vec<&str> = fields.chain(mail.texts.iter().flat_map(|text| text.split("\r\n"))).collect();
        let said: Vec<char> = lines[chance.below(lines.len())].chars().collect();
        let start = chance.below(said.len() + 1);
        let length = 1 + chance.below(9);
        let piece: String = match chance.below(8) {
            0 => WORDS[chance.below(WORDS.len())].to_owned(),
            1 => String::new(),
            _ => said.into_iter().skip(start).take(length).collect(),
        };
        let charset = if charset.is_empty() { "utf-8" } else { charset };
        let recased = piece.chars().map(|c| other_case(chance, c)).collect();
        [recased, piece].into_iter().find(|text| in_charset(charset, text).is_some()).unwrap_or("E".into())
    }

    fn other_key(&self, chance: &mut Chance) -> Asked {
        match chance.below(7) {
            0 => self.flag_key(chance),
            1 => {
                let keyword = *KEYWORDS.get(chance.below(4)).unwrap_or(&"unknown");
                let has = |mail: &Mail| mail.keywords.contains(&keyword);
                match chance.below(2) {
                    0 => self.where_that(format!("KEYWORD {}", keyword.to_uppercase()), has),
                    _ => self.where_that(format!("unkeyword {keyword}"), |mail| !has(mail)),
                }
            }
            2 | 3 => self.date_key(chance),
            4 => {
                let size = self.mails[chance.below(self.mails.len())].1.octets.len();
                match chance.below(2) {
                    0 => self.where_that(format!("LARGER {size}"), |mail| mail.octets.len() > size),
                    _ => self.where_that(format!("SMALLER {size}"), |mail| mail.octets.len() < size),
                }
            }
            5 => self.age_key(chance),
            _ => self.set_key(chance),
        }
    }

    fn flag_key(&self, chance: &mut Chance) -> Asked {
        let names = [
            ("SEEN", Flags::SEEN),
            ("ANSWERED", Flags::ANSWERED),
            ("FLAGGED", Flags::FLAGGED),
            ("DELETED", Flags::DELETED),
            ("DRAFT", Flags::DRAFT),
        ];
        let (name, flag) = names[chance.below(names.len())];
        // The session is the first that sees the messages: all are recent.
        match chance.below(6) {
            0 | 1 => self.where_that(name, |mail| mail.flags.contains(flag)),
            2 | 3 => self.where_that(format!("UN{name}"), |mail| !mail.flags.contains(flag)),
            4 => self.where_that("NEW", |mail| !mail.flags.contains(Flags::SEEN)),
            _ => {
                let (name, all) = [("ALL", true), ("RECENT", true), ("OLD", false)][chance.below(3)];
                self.where_that(name, |_| all)
            }
        }
    }

    fn date_key(&self, chance: &mut Chance) -> Asked {
        let than = day(chance);
        let (name, holds): (&str, fn(Day, Day) -> bool) = [
            ("BEFORE", (|is, than| is < than) as fn(Day, Day) -> bool),
            ("ON", |is, than| is == than),
            ("SINCE", |is, than| is >= than),
        ][chance.below(3)];
        let (year, month, day) = than;
        let date = format!("{day}-{}-{year}", common::time::month_name(month));
        match chance.below(5) {
            0 | 1 => self.where_that(format!("{name} {date}"), |mail| holds(mail.arrived, than)),
            // RFC 8514 section 4.3: all were saved just now
            2 => self.where_that(format!("SAVED{name} {date}"), |_| name == "SINCE"),
            _ => self.where_that(format!("SENT{name} \"{date}\""), |mail| {
                mail.sent.is_some_and(|sent| holds(sent, than))
            }),
        }
    }

    /// No message is of these months: nothing depends on the moment.
    fn age_key(&self, chance: &mut Chance) -> Asked {
        let now = common::time::now();
        let than = common::time::days(2017 + i64::try_from(chance.below(4)).unwrap(), 7, 1).unwrap() * 86_400;
        let interval = now - than;
        match chance.below(2) {
            0 => self.where_that(format!("OLDER {interval}"), |mail| mail.seconds <= than),
            _ => self.where_that(format!("YOUNGER {interval}"), |mail| mail.seconds >= than),
        }
    }

    fn set_key(&self, chance: &mut Chance) -> Asked {
        let (one, other) = (1 + chance.below(MAILS + 5), 1 + chance.below(MAILS + 5));
        let range = one.min(other)..=one.max(other);
        match chance.below(2) {
            0 => {
                let matches = self.mails.iter().map(|(uid, _)| range.contains(uid)).collect();
                (format!("UID {one}:{other}").into_bytes(), matches)
            }
            _ => {
                let matches = (1..=self.mails.len()).map(|seq| range.contains(&seq)).collect();
                (format!("{one}:{other}").into_bytes(), matches)
            }
        }
    }
}

/// The one untagged response.
async fn ask(client: &mut Client, command: &str, keys: &[u8]) -> String {
    client.send([b"s ", command.as_bytes(), b" ", keys, b"\r\n"].concat()).await;
    let answer = client.answer("s").await;
    assert!(answer.tagged.starts_with("OK "), "{command} {}: {answer:?}", String::from_utf8_lossy(keys));
    let [response] = answer.untagged.as_slice() else { panic!("{answer:?}") };
    response.clone()
}

fn both(one: &[bool], other: &[bool], join: fn(bool, bool) -> bool) -> Vec<bool> {
    one.iter().zip(other).map(|(&one, &other)| join(one, other)).collect()
}

/// An astring in this charset.
fn string(chance: &mut Chance, charset: &str, text: &str) -> Vec<u8> {
    let octets = in_charset(if charset.is_empty() { "utf-8" } else { charset }, text).unwrap();
    let is_plain = octets.iter().all(|octet| matches!(octet, b' '..=b'~') && !matches!(octet, b'"' | b'\\'));
    match is_plain && chance.below(3) > 0 {
        true => [b"\"", &octets[..], b"\""].concat(),
        false => [format!("{{{}+}}\r\n", octets.len()).as_bytes(), &octets].concat(),
    }
}

/// The other case where there is one of one character.
fn other_case(chance: &mut Chance, c: char) -> char {
    let mut upper = c.to_uppercase();
    match (chance.below(3), upper.next(), upper.next()) {
        (0, Some(upper), None) => upper,
        (1, ..) => c.to_lowercase().next().unwrap(),
        _ => c,
    }
}

/// RFC 5051 section 2, for words whose cases are of one character each: that both are lower is as good as that both are title.
fn fold(text: &str) -> String {
    text.to_lowercase().nfkd().collect()
}
