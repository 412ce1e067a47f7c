//! A message on its way into the spool: what an earlier hop put at its very top is taken off, its header is looked at for
//! loops, and the first fault is kept while the rest is thrown away.
//!
//! Memory stays flat: the octets are the spool's; here are at most the first [`HEAD`] octets of the header.

use store::{Spool, Staged, Store};

use crate::address::Address;
use crate::reply::Reply;

/// How much of the header is looked at for loops.
const HEAD: usize = 256 * 1024;
/// How long the first field may be and still be taken off.
const TOP: usize = 8 * 1024;
/// RFC 5321 section 6.3: the limit for Received fields is at least 100.
const HOPS: usize = 100;

pub(crate) struct Content {
    spool: Spool,
    /// The octets at the top of which it is not known yet whether they are kept; `None` when the top is passed.
    top: Option<Vec<u8>>,
    head: Vec<u8>,
    in_head: bool,
    /// Whether the line of the header has no octet yet other than CR.
    blank: bool,
    fault: Option<store::Error>,
}

impl Content {
    pub fn new(store: &Store) -> Content {
        Content {
            spool: store.spool(),
            top: Some(Vec::new()),
            head: Vec::new(),
            in_head: true,
            blank: true,
            fault: None,
        }
    }

    /// Takes octets of the message. Blocks. After a fault they are thrown away.
    pub fn write(&mut self, octets: &[u8]) {
        let Some(mut top) = self.top.take() else { return self.keep(octets) };
        top.extend_from_slice(octets);
        loop {
            match at_top(&top) {
                Top::Off(length) => drop(top.drain(..length)),
                Top::Kept => return self.keep(&top),
                Top::Unknown => break,
            }
        }
        self.top = Some(top);
    }

    /// Hashes, compresses and summarizes. Blocks and computes.
    pub fn stage(mut self, store: &Store) -> Result<Message, Reply> {
        if let Some(top) = self.top.take() {
            self.keep(&top);
        }
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        Ok(Message { staged: store.stage(self.spool)?, hops: Hops::count(&self.head) })
    }

    fn keep(&mut self, octets: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        self.look_at_head(octets);
        if let Err(fault) = self.spool.write(octets) {
            self.fault = Some(fault);
        }
    }

    /// Collects the header up to the blank line.
    fn look_at_head(&mut self, octets: &[u8]) {
        if !self.in_head {
            return;
        }
        let wanted = octets.len().min(HEAD - self.head.len());
        for (at, &octet) in octets[..wanted].iter().enumerate() {
            if octet == b'\n' && self.blank {
                self.in_head = false;
                return self.head.extend_from_slice(&octets[..at]);
            }
            self.blank = octet == b'\n' || (self.blank && octet == b'\r');
        }
        self.head.extend_from_slice(&octets[..wanted]);
        self.in_head = self.head.len() < HEAD;
    }
}

enum Top {
    /// So many octets are taken off.
    Off(usize),
    Kept,
    /// More must be seen.
    Unknown,
}

/// Return-Path fields at the very top are the last hop's, and ours replaces them; those further down are left alone. A
/// `From ` line is of the mbox format and not of the message.
// RFC 5321 section 4.4: servers making final delivery "MAY remove Return-path header fields before adding their own"
fn at_top(top: &[u8]) -> Top {
    let begins = |name: &[u8]| {
        let common = top.len().min(name.len());
        top[..common].eq_ignore_ascii_case(&name[..common])
    };
    let field = begins(b"Return-Path:");
    if !field && !begins(b"From ") && !begins(b">From ") {
        return Top::Kept;
    }
    for (at, _) in top.iter().enumerate().filter(|(_, octet)| **octet == b'\n') {
        match top.get(at + 1) {
            Some(b' ' | b'\t') if field => {}
            Some(_) => return Top::Off(at + 1),
            None => return Top::Unknown,
        }
    }
    if top.len() < TOP { Top::Unknown } else { Top::Kept }
}

/// A message ready to insert.
pub(crate) struct Message {
    pub staged: Staged,
    pub hops: Hops,
}

/// Where the message has been, by its header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hops {
    received: usize,
    delivered_to: Vec<String>,
}

impl Hops {
    /// Delivered-To above the first Received is what the MTA wrote for this very delivery; below it, or in a message that
    /// has no Received at all, it says that the message has been in that mailbox before and came back.
    fn count(head: &[u8]) -> Hops {
        let mut hops = Hops::default();
        let mut above = Vec::new();
        for line in head.split(|&octet| octet == b'\n') {
            let Some(colon) = line.iter().position(|&octet| octet == b':') else { continue };
            let name = line[..colon].trim_ascii_end();
            if name.eq_ignore_ascii_case(b"Received") {
                hops.received += 1;
            } else if name.eq_ignore_ascii_case(b"Delivered-To") {
                let address = String::from_utf8_lossy(line[colon + 1..].trim_ascii()).into_owned();
                if hops.received > 0 { hops.delivered_to.push(address) } else { above.push(address) }
            }
        }
        if hops.received == 0 {
            hops.delivered_to = above;
        }
        hops
    }

    /// RFC 5321 section 6.3
    pub fn refuse_loop(&self, recipient: &Address) -> Result<(), Reply> {
        let recipient = recipient.to_string();
        if self.received > HOPS {
            return Err(Reply::new(554, "5.4.6", format!("mail loop: more than {HOPS} Received fields")));
        }
        if self.delivered_to.iter().any(|address| address.eq_ignore_ascii_case(&recipient)) {
            let text = format!("mail loop: the message has been delivered to <{recipient}> before");
            return Err(Reply::new(554, "5.4.6", text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_top(message: &str, cut: usize) -> String {
        let (mut top, mut rest) = (message.as_bytes()[..cut].to_vec(), &message.as_bytes()[cut..]);
        loop {
            match at_top(&top) {
                Top::Off(length) => drop(top.drain(..length)),
                Top::Unknown if !rest.is_empty() => top.extend_from_slice(std::mem::take(&mut rest)),
                Top::Unknown | Top::Kept => break,
            }
        }
        top.extend_from_slice(rest);
        String::from_utf8(top).unwrap()
    }

    #[test]
    fn only_the_very_top_is_taken_off() {
        let mail = "Subject: x\r\nReturn-Path: <kept@x>\r\n\r\nReturn-Path: <kept@x>\r\n";
        for top in [
            "",
            "Return-Path: <a@x>\r\n",
            "return-path:\r\n <a@x>\r\n\t(folded)\r\n",
            "From a@x Thu Jan  1 00:00:00 1970\r\n",
            "From a@x Thu Jan  1 00:00:00 1970\nReturn-Path: <a@x>\r\n",
            "Return-Path: <a@x>\r\nReturn-Path: <b@x>\r\n",
        ] {
            let message = format!("{top}{mail}");
            for cut in 0..message.len() {
                assert_eq!(without_top(&message, cut), mail, "{top:?} cut at {cut}");
            }
        }
        for kept in ["Return-Paths: x\r\n", "From: a@x\r\n", "\r\nReturn-Path: <a@x>\r\n", "F"] {
            assert_eq!(without_top(kept, 1), kept);
        }
        let endless = format!("Return-Path: {}", "x".repeat(2 * TOP));
        assert!(matches!(at_top(endless.as_bytes()), Top::Kept));
    }

    #[test]
    fn loops() {
        let head = b"Delivered-To: first@x\r\nReceived: a\r\n\tDelivered-To: folded@x\r\nDelivered-To:  Pat@X.org \r\n";
        let hops = Hops::count(head);
        assert_eq!(hops, Hops { received: 1, delivered_to: vec!["Pat@X.org".into()] });
        let refused = |address: &str| hops.refuse_loop(&Address::parse(address).unwrap()).is_err();
        assert!(refused("pat@x.org") && !refused("first@x") && !refused("folded@x"));

        let without_received = Hops::count(b"Delivered-To: first@x\r\nSubject: a\r\n");
        assert!(without_received.refuse_loop(&Address::parse("first@x").unwrap()).is_err());

        let many = |count| Hops::count("received: x\n".repeat(count).as_bytes());
        let anyone = Address::parse("a@x").unwrap();
        assert!(many(100).refuse_loop(&anyone).is_ok());
        assert_eq!(many(101).refuse_loop(&anyone).unwrap_err().enhanced(), "5.4.6");
    }
}
