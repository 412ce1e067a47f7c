//! The plain model: what RFC 9051, RFC 7162 and the store's documentation promise, in maps.
#![expect(clippy::too_many_arguments, reason = "a verb's arguments and its answer")]

use std::collections::{BTreeMap, BTreeSet};

use store::*;

/// Names that may be made. No INBOX among those that are deleted.
pub const NAMES: [&str; 8] = ["INBOX", "a", "a/b", "a/b/c", "d", "INBOX/x", "d/e/f", "ö"];
/// What the second account may have.
pub const MESSAGES: u64 = 25;
const KEYWORDS: [&str; 4] = ["$Forwarded", "$MDNSent", "NonJunk", "$Label1"];

/// A mailbox, by the account's number and its place in the order of names.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub account: u8,
    pub mailbox: u8,
}

/// Some contents are the same for the store, some are large.
pub fn octets(content: u8) -> Vec<u8> {
    let text = "Some words. ".repeat(usize::from(content % 5) * 40);
    format!("Subject: {}\r\n\r\n{text}\r\n", content % 8).into_bytes()
}

pub fn trace(content: u8) -> Vec<u8> {
    if content.is_multiple_of(2) { format!("Delivered-To: {content}\r\n").into_bytes() } else { Vec::new() }
}

pub fn keywords(keyword: Option<u8>) -> Vec<Keyword> {
    keyword.map(|keyword| Keyword(KEYWORDS[usize::from(keyword)].into())).into_iter().collect()
}

#[derive(Debug, Clone, PartialEq)]
struct Message {
    content: u8,
    flags: u8,
    keywords: BTreeSet<String>,
    modseq: u64,
}

impl Message {
    fn size(&self) -> u64 {
        (octets(self.content).len() + trace(self.content).len()) as u64
    }
}

#[derive(Debug, Clone)]
struct MailboxModel {
    id: MailboxId,
    uid_validity: UidValidity,
    uid_next: u32,
    highest_modseq: u64,
    recent_from: u32,
    messages: BTreeMap<u32, Message>,
    vanished: Vec<(u64, u32)>,
}

#[derive(Debug, Default)]
struct AccountModel {
    mailboxes: BTreeMap<String, MailboxModel>,
    subscriptions: BTreeSet<String>,
    retained: Vec<Message>,
}

pub struct Model {
    accounts: [AccountModel; 2],
    uid_validities: BTreeSet<(u8, u32)>,
    ids: BTreeSet<u64>,
}

impl Model {
    pub fn new() -> Model {
        Model { accounts: Default::default(), uid_validities: BTreeSet::new(), ids: BTreeSet::new() }
    }

    /// A mailbox that the store made: its numbers must never have been used before.
    pub fn adopt(&mut self, account: u8, info: &MailboxInfo) {
        assert!(self.ids.insert(info.id.0), "mailbox id {} is used again", info.id);
        assert!(self.uid_validities.insert((account, info.uid_validity.0)), "a UIDVALIDITY is used again");
        if info.name.is_inbox() {
            self.accounts[usize::from(account)].subscriptions.insert("INBOX".to_owned());
        }
        let mailbox = MailboxModel {
            id: info.id,
            uid_validity: info.uid_validity,
            uid_next: 1,
            highest_modseq: 1,
            recent_from: 1,
            messages: BTreeMap::new(),
            vanished: Vec::new(),
        };
        self.accounts[usize::from(account)].mailboxes.insert(info.name.to_string(), mailbox);
    }

    pub fn name(&self, place: Place) -> String {
        let mailboxes = &self.accounts[usize::from(place.account)].mailboxes;
        mailboxes.keys().nth(usize::from(place.mailbox) % mailboxes.len()).unwrap().clone()
    }

    fn mailbox(&mut self, place: Place) -> &mut MailboxModel {
        let name = self.name(place);
        self.accounts[usize::from(place.account)].mailboxes.get_mut(&name).unwrap()
    }

    pub fn has(&self, account: u8, id: MailboxId) -> bool {
        self.accounts[usize::from(account)].mailboxes.values().any(|mailbox| mailbox.id == id)
    }

    /// Those with the bit of their last four bits, among the UIDs there were and two that never were.
    pub fn uids(&mut self, place: Place, mask: u16) -> UidSet {
        let uid_next = self.mailbox(place).uid_next;
        (1..uid_next + 2).filter(|uid| mask >> (uid % 16) & 1 == 1).map(Uid).collect()
    }

    fn fits(&self, account: u8, more: usize) -> bool {
        let used: usize =
            self.accounts[usize::from(account)].mailboxes.values().map(|m| m.messages.len()).sum();
        account == 0 || more == 0 || (used + more) as u64 <= MESSAGES
    }

    pub fn append(
        &mut self,
        place: Place,
        contents: &[u8],
        flags: Flags,
        keyword: Option<u8>,
        answer: Result<Appended>,
    ) {
        if !self.fits(place.account, contents.len()) {
            return assert!(matches!(answer, Err(Error::OverQuota(_))), "{answer:?}");
        }
        let mailbox = self.mailbox(place);
        mailbox.highest_modseq += 1;
        let mut uids = Vec::new();
        for content in contents {
            let keywords = keywords(keyword).iter().map(|keyword| keyword.0.to_string()).collect();
            uids.push(mailbox.insert(Message { content: *content, flags: flags.0, keywords, modseq: 0 }));
        }
        let modseq = ModSeq(mailbox.highest_modseq);
        assert_eq!(answer.unwrap(), Appended { uid_validity: mailbox.uid_validity, uids, modseq });
    }

    pub fn copy(&mut self, from: Place, uids: &UidSet, to: Place, moved: bool, answer: Result<Copied>) {
        let source = self.mailbox(from);
        let same = source.id;
        let found: Vec<(u32, Message)> = source.take(uids, |_| true, false);
        let charged = !moved || from.account != to.account;
        if charged && !self.fits(to.account, found.len()) {
            return assert!(matches!(answer, Err(Error::OverQuota(_))), "{answer:?}");
        }
        let answer = answer.unwrap();
        assert_eq!(answer.uid_validity, self.mailbox(to).uid_validity);
        let within = self.mailbox(to).id == same;
        if !found.is_empty() {
            self.mailbox(to).highest_modseq += 1;
            if moved {
                let source = self.mailbox(from);
                source.highest_modseq += u64::from(!within);
                source.take(uids, |_| true, true);
            }
        }
        let target = self.mailbox(to);
        let new: Vec<Uid> = found.iter().map(|(_, message)| target.insert(message.clone())).collect();
        assert_eq!(answer.from, found.iter().map(|(uid, _)| Uid(*uid)).collect::<Vec<_>>());
        assert_eq!(answer.to, new);
        assert_eq!(answer.modseq.0, self.mailbox(from).highest_modseq);
    }

    /// One of the UIDs there were, or one that never was.
    pub fn uid(&mut self, place: Place, pick: u8) -> Uid {
        Uid(1 + u32::from(pick) % self.mailbox(place).uid_next)
    }

    pub fn replace(
        &mut self,
        (from, uid): (Place, Uid),
        to: Place,
        (content, flags, keyword): (u8, u8, Option<u8>),
        answer: Result<Replaced>,
    ) {
        let old = UidSet::from_ranges([uid.0..=uid.0]);
        if self.mailbox(from).take(&old, |_| true, false).is_empty() {
            return assert!(matches!(answer, Err(Error::Expunged)), "{answer:?}");
        }
        if from.account != to.account && !self.fits(to.account, 1) {
            return assert!(matches!(answer, Err(Error::OverQuota(_))), "{answer:?}");
        }
        let target = self.mailbox(to);
        target.highest_modseq += 1;
        let keywords = keywords(keyword).iter().map(|keyword| keyword.0.to_string()).collect();
        let uids = vec![target.insert(Message { content, flags, keywords, modseq: 0 })];
        let appended =
            Appended { uid_validity: target.uid_validity, uids, modseq: ModSeq(target.highest_modseq) };
        let source = self.mailbox(from);
        source.highest_modseq += 1;
        let gone = source.take(&old, |_| true, true);
        let modseq = ModSeq(source.highest_modseq);
        assert_eq!(answer.unwrap(), Replaced { appended, modseq });
        self.retain(from.account, gone);
    }

    pub fn store_flags(&mut self, place: Place, uids: &UidSet, change: &StoreFlags, answer: Stored) {
        let mailbox = self.mailbox(place);
        let (mut changed, mut modified, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let next = mailbox.highest_modseq + 1;
        for uid in uids.iter() {
            let Some(message) = mailbox.messages.get_mut(&uid.0) else {
                missing.push(uid);
                continue;
            };
            if change.unchanged_since.is_some_and(|since| message.modseq > since.0) {
                modified.push(uid);
                continue;
            }
            let before = message.clone();
            message.apply(change);
            if *message != before {
                message.modseq = next;
                changed.push(uid);
            }
        }
        if !changed.is_empty() {
            mailbox.highest_modseq = next;
        }
        let right = Stored {
            changed: changed.into_iter().collect(),
            modified: modified.into_iter().collect(),
            missing: missing.into_iter().collect(),
            modseq: ModSeq(mailbox.highest_modseq),
        };
        assert_eq!(answer, right);
    }

    pub fn expunge(&mut self, place: Place, uids: Option<&UidSet>, deleted: bool, answer: Expunged) {
        let mailbox = self.mailbox(place);
        let all = UidSet::from_ranges([1..=u32::MAX]);
        let wanted = |message: &Message| !deleted || Flags(message.flags).contains(Flags::DELETED);
        let uids = uids.unwrap_or(&all);
        if !mailbox.take(uids, wanted, false).is_empty() {
            mailbox.highest_modseq += 1;
        }
        let gone = mailbox.take(uids, wanted, true);
        assert_eq!(answer.uids, gone.iter().map(|(uid, _)| Uid(*uid)).collect());
        assert_eq!(answer.modseq.0, mailbox.highest_modseq);
        self.retain(place.account, gone);
    }

    fn retain(&mut self, account: u8, gone: Vec<(u32, Message)>) {
        self.accounts[usize::from(account)].retained.extend(gone.into_iter().map(|(_, message)| message));
    }

    pub fn restore(&mut self, place: Place, chosen: &[usize], answer: Result<Appended>) {
        if !self.fits(place.account, chosen.len()) {
            return assert!(matches!(answer, Err(Error::OverQuota(_))), "{answer:?}");
        }
        let retained = &mut self.accounts[usize::from(place.account)].retained;
        let restored: Vec<Message> = chosen.iter().map(|at| retained[*at].clone()).collect();
        for at in chosen.iter().rev() {
            retained.remove(*at);
        }
        let mailbox = self.mailbox(place);
        mailbox.highest_modseq += u64::from(!restored.is_empty());
        let uids = restored.into_iter().map(|message| {
            let flags = Flags(message.flags).without(Flags::DELETED).0;
            mailbox.insert(Message { flags, ..message })
        });
        assert_eq!(answer.unwrap().uids, uids.collect::<Vec<_>>());
    }

    pub fn claim_recent(&mut self, place: Place, answer: Uid) {
        let mailbox = self.mailbox(place);
        assert_eq!(answer.0, mailbox.recent_from);
        mailbox.recent_from = mailbox.uid_next;
    }

    pub fn create(&mut self, account: u8, name: &str, answer: Result<MailboxInfo>, infos: &[MailboxInfo]) {
        if self.accounts[usize::from(account)].mailboxes.contains_key(name) {
            return assert!(matches!(answer, Err(Error::MailboxExists(_))), "{answer:?}");
        }
        let info = answer.unwrap();
        assert_eq!(info.name.as_str(), name);
        self.make(account, name, infos);
    }

    /// The mailbox and those above it that are missing.
    fn make(&mut self, account: u8, name: &str, infos: &[MailboxInfo]) {
        let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
        for end in ends {
            if !self.accounts[usize::from(account)].mailboxes.contains_key(&name[..end]) {
                let info = infos.iter().find(|info| info.name.as_str() == &name[..end]).unwrap();
                self.adopt(account, info);
            }
        }
    }

    pub fn rename(&mut self, account: u8, from: &str, to: &str, answer: Result<()>, infos: &[MailboxInfo]) {
        let mailboxes = &mut self.accounts[usize::from(account)].mailboxes;
        let below = format!("{from}/");
        if from != "INBOX" && to.starts_with(&below) {
            return assert!(matches!(answer, Err(Error::InvalidName(_))), "{answer:?}");
        }
        if mailboxes.contains_key(to) {
            return assert!(matches!(answer, Err(Error::MailboxExists(_))), "{answer:?}");
        }
        if from == "INBOX" {
            answer.unwrap();
            self.make(account, to, infos);
            return self.move_inbox(account, to);
        }
        let affected: Vec<String> =
            mailboxes.keys().filter(|name| *name == from || name.starts_with(&below)).cloned().collect();
        if affected.is_empty() {
            return assert!(matches!(answer, Err(Error::NoSuchMailbox(_))), "{answer:?}");
        }
        let renamed = |name: &String| format!("{to}{}", &name[from.len()..]);
        if affected.iter().any(|name| mailboxes.contains_key(&renamed(name))) {
            return assert!(matches!(answer, Err(Error::MailboxExists(_))), "{answer:?}");
        }
        answer.unwrap();
        for name in &affected {
            let mailbox = mailboxes.remove(name).unwrap();
            mailboxes.insert(renamed(name), mailbox);
        }
        if let Some((parent, _)) = to.rsplit_once('/') {
            self.make(account, parent, infos);
        }
    }

    fn move_inbox(&mut self, account: u8, to: &str) {
        let mailboxes = &mut self.accounts[usize::from(account)].mailboxes;
        let inbox = mailboxes.get_mut("INBOX").unwrap();
        let moved = !inbox.messages.is_empty();
        inbox.highest_modseq += u64::from(moved);
        let all = UidSet::from_ranges([1..=u32::MAX]);
        let messages = inbox.take(&all, |_| true, true);
        let target = mailboxes.get_mut(to).unwrap();
        target.highest_modseq += u64::from(moved);
        for (_, message) in messages {
            target.insert(message);
        }
    }

    pub fn delete(&mut self, account: u8, name: &str, answer: Result<()>) {
        if name == "INBOX" {
            return assert!(matches!(answer, Err(Error::InvalidName(_))), "{answer:?}");
        }
        let Some(mailbox) = self.accounts[usize::from(account)].mailboxes.remove(name) else {
            return assert!(matches!(answer, Err(Error::NoSuchMailbox(_))), "{answer:?}");
        };
        answer.unwrap();
        self.retain(account, mailbox.messages.into_iter().collect());
    }

    pub fn subscribe(&mut self, account: u8, name: &str, subscribed: bool) {
        let subscriptions = &mut self.accounts[usize::from(account)].subscriptions;
        if subscribed {
            subscriptions.insert(name.to_owned());
        } else {
            subscriptions.remove(name);
        }
    }

    pub fn purge(&mut self) {
        self.accounts.iter_mut().for_each(|account| account.retained.clear());
    }

    pub fn compare_account(&self, number: u8, account: &Account, infos: &[MailboxInfo]) {
        let model = &self.accounts[usize::from(number)];
        let names: BTreeSet<&str> = infos.iter().map(|info| info.name.as_str()).collect();
        assert_eq!(names, model.mailboxes.keys().map(String::as_str).collect());
        assert!(infos[0].name.is_inbox());
        let subscriptions: Vec<String> =
            account.subscriptions().unwrap().iter().map(|name| name.to_string()).collect();
        assert_eq!(subscriptions, model.subscriptions.iter().cloned().collect::<Vec<_>>());
        let messages = || model.mailboxes.values().flat_map(|mailbox| mailbox.messages.values());
        let usage = Usage {
            bytes: messages().map(Message::size).sum(),
            messages: messages().count() as u64,
            mailboxes: model.mailboxes.len() as u32,
        };
        assert_eq!(account.usage().unwrap(), usage);
        let retained: Vec<u64> = account.retained().unwrap().iter().map(|message| message.size).collect();
        assert_eq!(retained, model.retained.iter().map(Message::size).collect::<Vec<_>>());
    }

    pub fn compare_mailbox(&self, number: u8, info: &MailboxInfo, mailbox: &Mailbox, state: &State) {
        let account = &self.accounts[usize::from(number)];
        let model = &account.mailboxes[info.name.as_str()];
        assert_eq!(*info, model.info(info.name.clone(), account.subscriptions.contains(info.name.as_str())));
        assert_eq!(mailbox.info().unwrap(), *info);
        model.compare_state(state);
        model.compare_messages(mailbox);
        for since in 0..=model.highest_modseq {
            let vanished = model.vanished.iter().filter(|(modseq, _)| *modseq > since);
            let vanished: UidSet = vanished.map(|(_, uid)| Uid(*uid)).collect();
            assert_eq!(mailbox.vanished_since(ModSeq(since)).unwrap(), vanished);
        }
    }
}

impl MailboxModel {
    fn insert(&mut self, message: Message) -> Uid {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.messages.insert(uid, Message { modseq: self.highest_modseq, ..message });
        Uid(uid)
    }

    /// The wanted messages of the set; taken out, they vanish at the highest MODSEQ.
    fn take(&mut self, uids: &UidSet, wanted: impl Fn(&Message) -> bool, out: bool) -> Vec<(u32, Message)> {
        let found: Vec<(u32, Message)> = self
            .messages
            .iter()
            .filter(|(uid, message)| uids.contains(Uid(**uid)) && wanted(message))
            .map(|(uid, message)| (*uid, message.clone()))
            .collect();
        if out {
            for (uid, _) in &found {
                self.messages.remove(uid);
                self.vanished.push((self.highest_modseq, *uid));
            }
        }
        found
    }

    fn info(&self, name: MailboxName, subscribed: bool) -> MailboxInfo {
        let count = |wanted: &dyn Fn(&(&u32, &Message)) -> bool| {
            self.messages.iter().filter(|message| wanted(message)).count() as u32
        };
        let deleted = |message: &Message| Flags(message.flags).contains(Flags::DELETED);
        MailboxInfo {
            id: self.id,
            name,
            uid_validity: self.uid_validity,
            uid_next: Uid(self.uid_next),
            highest_modseq: ModSeq(self.highest_modseq),
            messages: self.messages.len() as u32,
            unseen: count(&|(_, message)| !Flags(message.flags).contains(Flags::SEEN)),
            deleted: count(&|(_, message)| deleted(message)),
            bytes: self.messages.values().map(Message::size).sum(),
            deleted_bytes: self.messages.values().filter(|message| deleted(message)).map(Message::size).sum(),
            recent: count(&|(uid, _)| **uid >= self.recent_from),
            special_use: None,
            subscribed,
            acl: None,
        }
    }

    fn compare_state(&self, state: &State) {
        assert_eq!(state.len(), self.messages.len());
        assert_eq!(state.highest_modseq().0, self.highest_modseq);
        assert_eq!(state.uid_next().0, self.uid_next);
        for (index, (uid, message)) in self.messages.iter().enumerate() {
            let row = state.nth(index).unwrap();
            let names = state.keywords().iter().enumerate();
            let names = names.filter(|(bit, _)| row.keywords.0 >> bit & 1 == 1);
            let keywords: BTreeSet<String> = names.map(|(_, keyword)| keyword.0.to_string()).collect();
            assert_eq!((row.uid.0, row.flags.0, row.modseq.0), (*uid, message.flags, message.modseq));
            assert_eq!(keywords, message.keywords);
        }
    }

    fn compare_messages(&self, mailbox: &Mailbox) {
        let snapshot = mailbox.snapshot().unwrap();
        let mut seen = Vec::new();
        let all = UidSet::from_ranges([1..=u32::MAX]);
        snapshot
            .messages(&all, &mut |message| {
                let model = &self.messages[&message.uid.0];
                let body = message.body()?;
                let right = [trace(model.content), octets(model.content)].concat();
                assert_eq!(body.read(0..body.len())?, right);
                assert_eq!(message.size, right.len() as u64);
                assert_eq!(message.internal_date.seconds, i64::from(model.content));
                let subject = (model.content % 8).to_string().into_bytes();
                assert_eq!(message.summary()?.envelope.subject, Some(subject));
                seen.push(message.uid.0);
                Ok(std::ops::ControlFlow::Continue(()))
            })
            .unwrap();
        assert_eq!(seen, self.messages.keys().copied().collect::<Vec<_>>());
    }
}

impl Message {
    fn apply(&mut self, change: &StoreFlags) {
        let named = change.keywords.iter().map(|keyword| keyword.0.to_string());
        match change.operation {
            FlagsOperation::Add => {
                self.flags |= change.flags.0;
                self.keywords.extend(named);
            }
            FlagsOperation::Remove => {
                self.flags &= !change.flags.0;
                let named: BTreeSet<String> = named.collect();
                self.keywords.retain(|name| !named.contains(name));
            }
            FlagsOperation::Replace => {
                self.flags = change.flags.0;
                self.keywords = named.collect();
            }
            FlagsOperation::ReplaceWithin(rights) => {
                let bits = [(Rights::SEEN, 1), (Rights::DELETE_MESSAGES, 8), (Rights::WRITE, 2 | 4 | 16)];
                for (right, bits) in bits.into_iter().filter(|(right, _)| rights.contains(*right)) {
                    self.flags = self.flags & !bits | change.flags.0 & bits;
                    if right == Rights::WRITE {
                        self.keywords = change.keywords.iter().map(|keyword| keyword.0.to_string()).collect();
                    }
                }
            }
        }
    }
}
