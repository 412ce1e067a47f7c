//! The mail that is measured with: the same sequence every time, sizes like real mail (mean about 22 KB, many small,
//! few large), text that compresses like text and attachments that do not.

/// A message with CRLF line ends. Equal numbers give equal octets.
pub fn message(number: usize) -> Vec<u8> {
    let mut random = Random(number as u64 * 2 + 1);
    let header = format!(
        "From: Sender {0} <sender{0}@example.test>\r\nTo: Reader <reader@example.test>\r\nSubject: Measured message {0}\r\n\
         Date: Sun, 01 Feb 2026 11:00:00 +0000\r\nMessage-ID: <bench-{0}@example.test>\r\nMIME-Version: 1.0\r\n",
        number
    );
    let mut octets = header.into_bytes();
    if number.is_multiple_of(4) {
        octets.extend(b"Content-Type: multipart/mixed; boundary=\"bench\"\r\n\r\n--bench\r\nContent-Type: text/plain\r\n\r\n");
        text(&mut octets, 20, &mut random);
        octets.extend(b"\r\n--bench\r\nContent-Type: application/octet-stream; name=\"a.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        base64(&mut octets, 300 + random.below(1600), &mut random);
        octets.extend(b"--bench--\r\n");
    } else {
        octets.extend(b"Content-Type: text/plain; charset=us-ascii\r\n\r\n");
        text(&mut octets, 10 + random.below(80), &mut random);
    }
    octets
}

/// In few letters.
pub const RARE: &str = "zanzibar";
/// In every second letter.
pub const COMMON: &str = "lantern";

pub fn is_rare(number: usize) -> bool {
    number % 10_000 == 7
}

pub fn is_common(number: usize) -> bool {
    number.is_multiple_of(2)
}

/// When a letter was sent: the second of a day, in an order that is not that of the numbers.
pub fn sent(number: usize) -> usize {
    number * 7919 % 86_400
}

/// The letter that begins the thread of this one. Each thread has four, of which three answer the first.
pub fn thread(number: usize) -> usize {
    number - number % 4
}

/// A short message, of about 2 KB.
pub fn letter(number: usize) -> Vec<u8> {
    let mut random = Random(number as u64 * 2 + 1);
    let mut octets = format!(
        "From: Sender {0} <sender{0}@example.test>\r\nTo: Reader <reader@example.test>\r\nSubject: Letter {0}\r\n\
         Date: Sun, 01 Feb 2026 {1:02}:{2:02}:{3:02} +0000\r\nMessage-ID: <letter-{0}@example.test>\r\n",
        number,
        sent(number) / 3600,
        sent(number) / 60 % 60,
        sent(number) % 60,
    )
    .into_bytes();
    if thread(number) != number {
        octets.extend(format!("References: <letter-{}@example.test>\r\n", thread(number)).as_bytes());
    }
    octets.extend(b"\r\n");
    text(&mut octets, 10 + random.below(20), &mut random);
    for (word, has) in [(RARE, is_rare(number)), (COMMON, is_common(number))] {
        if has {
            octets.extend(format!("the {word} of the owner\r\n").as_bytes());
        }
    }
    text(&mut octets, 5, &mut random);
    octets
}

const WORDS: [&str; 16] = [
    "the", "mailbox", "of", "a", "reader", "holds", "letters", "until", "their", "owner", "collects", "them",
    "and", "sorts", "what", "came",
];

fn text(octets: &mut Vec<u8>, lines: usize, random: &mut Random) {
    for _ in 0..lines {
        for _ in 0..11 {
            octets.extend(WORDS[random.below(WORDS.len())].as_bytes());
            octets.push(b' ');
        }
        octets.extend(b"\r\n");
    }
}

fn base64(octets: &mut Vec<u8>, lines: usize, random: &mut Random) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for _ in 0..lines {
        octets.extend((0..76).map(|_| ALPHABET[random.below(64)]));
        octets.extend(b"\r\n");
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % limit
    }
}
