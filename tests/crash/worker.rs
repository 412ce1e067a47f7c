//! One client under whose hands the server is killed, and its model of what must be there afterwards.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::server::Server;
use crate::support::{Outcome, fail};

use super::Random;
use super::client::{Answer, Imap, Lmtp};

/// A message by its number: flagged, deleted.
type Contents = BTreeMap<u32, Held>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    number: u64,
    flagged: bool,
    deleted: bool,
}

/// The operation that was not acknowledged when the server died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Append(u64),
    Flag(u32),
    Delete(u32),
    Move(u32),
    Expunge(u32),
    Deliver(u64),
}

pub struct Worker {
    index: usize,
    random: Random,
    next: u64,
    /// By UID.
    inbox: Contents,
    /// Message numbers.
    moved: Vec<u64>,
    delivered: Vec<u64>,
    pending: Option<Pending>,
}

impl Worker {
    pub fn new(index: usize, seed: u64) -> Worker {
        Worker {
            index,
            random: Random(seed),
            next: 1,
            inbox: Contents::new(),
            moved: Vec::new(),
            delivered: Vec::new(),
            pending: None,
        }
    }

    /// The last two workers deliver, the others work over IMAP.
    fn delivers(&self) -> bool {
        self.index >= 3
    }

    fn mailbox(&self) -> String {
        format!("w{}", self.index)
    }

    pub fn prepare(&mut self, server: &Server) -> Outcome {
        let mut imap = Imap::open(server.address("imap")?)?.ok_or("the server is gone")?;
        imap.command(&format!("CREATE {}", self.mailbox()))?;
        imap.command(&format!("CREATE {}-moved", self.mailbox())).map(drop)
    }

    /// Works until the server is gone or the time is over.
    pub fn load(&mut self, addresses: (SocketAddr, SocketAddr), running: &AtomicBool) -> Outcome {
        match self.delivers() {
            true => {
                self.load_lmtp(addresses.1, running);
                Ok(())
            }
            false => self.load_imap(addresses.0, running),
        }
    }

    fn load_lmtp(&mut self, address: SocketAddr, running: &AtomicBool) {
        let Some(mut lmtp) = Lmtp::open(address) else { return };
        while running.load(Ordering::SeqCst) {
            let number = self.number();
            let recipient = format!("alice+{}@example.test", self.mailbox());
            self.pending = Some(Pending::Deliver(number));
            match lmtp.deliver(&recipient, &self.message(number)) {
                Some(reply) if reply.starts_with("250") => {
                    self.delivered.push(number);
                    self.pending = None;
                }
                _ => return,
            }
        }
    }

    fn load_imap(&mut self, address: SocketAddr, running: &AtomicBool) -> Outcome {
        let Some(mut imap) = Imap::open(address)? else { return Ok(()) };
        if let Answer::Gone = imap.command(&format!("SELECT {}", self.mailbox()))? {
            return Ok(());
        }
        while running.load(Ordering::SeqCst) {
            let operation = self.choose();
            self.pending = Some(operation);
            let Answer::Ok(lines) = imap.command(&self.command(operation))? else { return Ok(()) };
            self.acknowledged(operation, &lines)?;
            self.pending = None;
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.index as u64 * 1_000_000 + self.next
    }

    fn choose(&mut self) -> Pending {
        let choice = self.random.below(10);
        let at = self.random.below(self.inbox.len().max(1) as u64) as usize;
        let uid = self.inbox.keys().nth(at).copied();
        match (choice, uid) {
            (4 | 5, Some(uid)) => Pending::Flag(uid),
            (6, Some(uid)) => Pending::Move(uid),
            (7 | 8, Some(uid)) if self.inbox[&uid].deleted => Pending::Expunge(uid),
            (7 | 8, Some(uid)) => Pending::Delete(uid),
            _ => Pending::Append(self.number()),
        }
    }

    fn message(&self, number: u64) -> String {
        let size = (number * 7919) % 9000;
        format!(
            "Message-ID: <n{number}@example.test>\r\nSubject: {number}\r\n\r\n{}\r\n",
            "x".repeat(size as usize)
        )
    }

    fn command(&self, operation: Pending) -> String {
        match operation {
            Pending::Append(number) | Pending::Deliver(number) => {
                let message = self.message(number);
                format!("APPEND {} {{{}+}}\r\n{message}", self.mailbox(), message.len())
            }
            Pending::Flag(uid) => format!("UID STORE {uid} +FLAGS.SILENT (\\Flagged)"),
            Pending::Delete(uid) => format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"),
            Pending::Move(uid) => format!("UID MOVE {uid} {}-moved", self.mailbox()),
            Pending::Expunge(uid) => format!("UID EXPUNGE {uid}"),
        }
    }

    fn acknowledged(&mut self, operation: Pending, lines: &[String]) -> Outcome {
        match operation {
            Pending::Append(number) => {
                let uid = appended_uid(lines).ok_or("no APPENDUID")?;
                self.inbox.insert(uid, Held { number, flagged: false, deleted: false });
            }
            Pending::Deliver(number) => self.delivered.push(number),
            Pending::Flag(uid) => self.held(uid)?.flagged = true,
            Pending::Delete(uid) => self.held(uid)?.deleted = true,
            Pending::Move(uid) => self.moved.extend(self.inbox.remove(&uid).map(|held| held.number)),
            Pending::Expunge(uid) => drop(self.inbox.remove(&uid)),
        }
        Ok(())
    }

    fn held(&mut self, uid: u32) -> Outcome<&mut Held> {
        self.inbox.get_mut(&uid).ok_or_else(|| "the model lost a message".into())
    }

    /// Holds the mailboxes against the model, after the pending operation has been given the benefit of the doubt.
    pub fn compare(&mut self, server: &Server) -> Outcome {
        let mut imap = Imap::open(server.address("imap")?)?.ok_or("the server is gone")?;
        let found = list(&mut imap, &self.mailbox())?;
        let moved = list(&mut imap, &format!("{}-moved", self.mailbox()))?;
        if self.delivers() {
            self.reconcile_delivery(&found);
            let mut numbers: Vec<u64> = found.values().map(|held| held.number).collect();
            numbers.sort_unstable();
            self.delivered.sort_unstable();
            return same(&self.mailbox(), &self.delivered, &numbers);
        }
        self.reconcile(&found, &moved);
        same(&self.mailbox(), &self.inbox, &found)?;
        let mut numbers: Vec<u64> = moved.values().map(|held| held.number).collect();
        numbers.sort_unstable();
        self.moved.sort_unstable();
        same("moved", &self.moved, &numbers)?;
        self.tidy(&mut imap)
    }

    fn reconcile_delivery(&mut self, found: &Contents) {
        if let Some(Pending::Deliver(number)) = self.pending.take()
            && found.values().any(|held| held.number == number)
        {
            self.delivered.push(number);
        }
    }

    fn reconcile(&mut self, found: &Contents, moved: &Contents) {
        match self.pending.take() {
            Some(Pending::Append(number)) => {
                let came = found.iter().find(|(_, held)| held.number == number);
                self.inbox.extend(came.map(|(uid, held)| (*uid, held.clone())));
            }
            Some(Pending::Flag(uid) | Pending::Delete(uid)) => {
                if let (Some(held), Some(now)) = (self.inbox.get_mut(&uid), found.get(&uid)) {
                    *held = Held { number: held.number, ..now.clone() };
                }
            }
            Some(Pending::Move(uid)) => {
                let number = self.inbox.get(&uid).map(|held| held.number);
                if moved.values().any(|held| Some(held.number) == number) {
                    self.moved.extend(self.inbox.remove(&uid).map(|held| held.number));
                }
            }
            Some(Pending::Expunge(uid)) if !found.contains_key(&uid) => drop(self.inbox.remove(&uid)),
            _ => {}
        }
    }

    /// Keeps the store small: what was moved has proved itself.
    fn tidy(&mut self, imap: &mut Imap) -> Outcome {
        if self.moved.len() > 60 {
            imap.command(&format!("SELECT {}-moved", self.mailbox()))?;
            imap.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
            imap.command("EXPUNGE")?;
            self.moved.clear();
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, want: &T, got: &T) -> Outcome {
    match want == got {
        true => Ok(()),
        false => fail(format!("{what}: acknowledged {want:?}\nfound {got:?}")),
    }
}

/// UID, number and flags of every message.
fn list(imap: &mut Imap, mailbox: &str) -> Outcome<Contents> {
    imap.command(&format!("EXAMINE {mailbox}"))?;
    let answer = imap.command("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")?;
    let Answer::Ok(lines) = answer else { return fail("the server is gone") };
    let mut found = Contents::new();
    let mut uid = 0;
    let mut held = Held { number: 0, flagged: false, deleted: false };
    for line in lines {
        if line.starts_with("* ") && line.contains(" FETCH ") {
            uid = word_after(&line, "UID ").ok_or("no UID")?;
            held.flagged = line.contains("\\Flagged");
            held.deleted = line.contains("\\Deleted");
        } else if let Some(number) = line.strip_prefix("Subject: ") {
            held.number = number.trim().parse()?;
            found.insert(uid, held.clone());
        }
    }
    Ok(found)
}

fn appended_uid(lines: &[String]) -> Option<u32> {
    let code = lines.last()?.split("APPENDUID ").nth(1)?;
    code.split_whitespace().nth(1)?.trim_end_matches(']').parse().ok()
}

fn word_after(line: &str, word: &str) -> Option<u32> {
    let rest = line.split(word).nth(1)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
