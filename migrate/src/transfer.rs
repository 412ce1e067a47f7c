//! From a source to a sink: what is missing there is brought, and what was brought is looked at again.

use std::collections::HashMap;

use store::MailboxName;

use crate::octets::{hash, without_nul};
use crate::{
    Batch, Item, Listed, Mailbox, MailboxReport, Message, Numbers, Opened, Opening, Put, Refused, Report,
    Result, Sink, Source,
};

/// Messages go together until they have so many octets, or are so many.
const OCTETS: usize = 8 << 20;
const ITEMS: usize = 250;

/// The most that is sent together: below [`OCTETS`] and one message more.
pub const PARCEL_LIMIT: usize = 256 << 20;
/// Larger messages are not sent, whatever the limit of the store.
const MESSAGE_LIMIT: usize = PARCEL_LIMIT - (32 << 20);

/// What the administrator wants.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Only look.
    pub dry_run: bool,
    /// Bring messages again that were expunged here.
    pub again: bool,
    /// These mailboxes alone; empty: all.
    pub only: Vec<String>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    pub mailbox: &'a str,
    /// Messages of this mailbox.
    pub done: u64,
    pub total: u64,
}

/// Brings everything over. An error ends it; what was brought until then stays, and the next run goes on.
pub fn transfer(
    source: &dyn Source,
    sink: &mut dyn Sink,
    wishes: &Wishes,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Report> {
    let (mut listed, refused) = source.list()?;
    listed.retain(|one| wishes.only.is_empty() || wishes.only.contains(&one.name));
    let mut report = Report { dry_run: wishes.dry_run, refused, ..Report::default() };
    for wanted in wishes.only.iter().filter(|name| listed.iter().all(|one| one.name != **name)) {
        report
            .refused
            .push(Refused { what: wanted.clone(), reason: "the source has no such mailbox".to_owned() });
    }
    for one in &listed {
        if let Err(error) = MailboxName::new(&one.name) {
            report.refused.push(Refused { what: one.name.clone(), reason: error.0 });
            continue;
        }
        let mailbox = source.open(one)?;
        let copy = Copy { source, sink: &mut *sink, wishes, listed: one, progress };
        report.mailboxes.push(copy.run(&mailbox)?);
    }
    Ok(report)
}

/// The copy of one mailbox.
struct Copy<'a> {
    source: &'a dyn Source,
    sink: &'a mut dyn Sink,
    wishes: &'a Wishes,
    listed: &'a Listed,
    progress: &'a dyn Fn(Progress<'_>),
}

impl Copy<'_> {
    fn run(mut self, mailbox: &Mailbox) -> Result<MailboxReport> {
        // The last UIDs come last: a run that is cut off goes on after the last that is here.
        let numbers = mailbox.numbers.map(|numbers| Numbers { uid_next: 1, ..numbers });
        let opened = self.opened(numbers, self.wishes.dry_run)?;
        let kept = opened.as_ref().map_or(numbers.is_some(), |opened| opened.kept);
        let mut report = MailboxReport {
            name: self.listed.name.clone(),
            messages: mailbox.messages.len() as u64,
            uids_kept: kept,
            ..MailboxReport::default()
        };
        let here = Here::new(opened.unwrap_or_default(), self.wishes.again);
        let brought = self.bring(mailbox, here, &mut report)?;
        if !self.wishes.dry_run {
            let after = self.opened(mailbox.numbers, false)?.unwrap_or_default();
            verify(&brought, &after, &mut report);
        }
        Ok(report)
    }

    fn opened(&mut self, numbers: Option<Numbers>, look: bool) -> Result<Option<Opened>> {
        let Listed { name, subscribed, .. } = self.listed;
        self.sink.open(&Opening { mailbox: name.clone(), subscribed: *subscribed, numbers, look })
    }

    fn bring(
        &mut self,
        mailbox: &Mailbox,
        mut here: Here,
        report: &mut MailboxReport,
    ) -> Result<Vec<Brought>> {
        let (mut brought, mut parcel) = (Vec::new(), Parcel::default());
        for (done, message) in mailbox.messages.iter().enumerate() {
            (self.progress)(Progress {
                mailbox: &self.listed.name,
                done: done as u64,
                total: report.messages,
            });
            match self.wanted(message, &mut here, report)? {
                Some(item) if self.wishes.dry_run => {
                    report.imported += 1;
                    report.bytes += item.octets.len() as u64;
                }
                Some(item) => parcel.push(item, message),
                None => {}
            }
            if parcel.is_full() {
                self.send(&mut parcel, &mut brought, report)?;
            }
        }
        self.send(&mut parcel, &mut brought, report)?;
        Ok(brought)
    }

    /// `None`: it is not to be brought, and counted.
    fn wanted(&self, message: &Message, here: &mut Here, report: &mut MailboxReport) -> Result<Option<Item>> {
        let uid = match here.place(message.meta.uid) {
            Place::Present => {
                report.present += 1;
                return Ok(None);
            }
            Place::Gone => {
                report.gone += 1;
                return Ok(None);
            }
            Place::Missing(uid) => uid,
        };
        let Some(mut octets) = self.source.read(message)? else {
            report.vanished += 1;
            return Ok(None);
        };
        if octets.len() > MESSAGE_LIMIT {
            let reason = format!("it has {} octets, more than {MESSAGE_LIMIT}", octets.len());
            report.refused.push(Refused { what: message.place(), reason });
            return Ok(None);
        }
        let altered = without_nul(&mut octets);
        if here.has_content(&octets, message) {
            report.present += 1;
            return Ok(None);
        }
        report.altered += u64::from(altered);
        let mut meta = message.meta.clone();
        meta.uid = uid;
        let refused = meta.unique_id.take_if(|unique_id| !is_unique_id(unique_id));
        if let Some(unique_id) = refused {
            let reason =
                format!("its unique-id {unique_id:?} is not of 1 to 70 visible characters (RFC 1939)");
            report.refused.push(Refused { what: message.place(), reason });
        }
        Ok(Some(Item { meta, octets }))
    }

    fn send(
        &mut self,
        parcel: &mut Parcel,
        brought: &mut Vec<Brought>,
        report: &mut MailboxReport,
    ) -> Result<()> {
        let Parcel { items, paths, .. } = std::mem::take(parcel);
        if items.is_empty() {
            return Ok(());
        }
        let facts: Vec<_> = items.iter().map(|item| (hash(&item.octets), item.octets.len() as u64)).collect();
        let puts = self.sink.put(Batch { mailbox: self.listed.name.clone(), items })?;
        for ((put, (hash, bytes)), path) in puts.into_iter().zip(facts).zip(paths) {
            match put {
                Put::Stored { uid } => {
                    report.imported += 1;
                    report.bytes += bytes;
                    brought.push(Brought { uid, hash, path });
                }
                Put::Refused { reason } => report.refused.push(Refused { what: path, reason }),
            }
        }
        Ok(())
    }
}

/// Messages that are sent together.
#[derive(Default)]
struct Parcel {
    items: Vec<Item>,
    paths: Vec<String>,
    octets: usize,
}

impl Parcel {
    fn push(&mut self, item: Item, message: &Message) {
        self.octets += item.octets.len();
        self.items.push(item);
        self.paths.push(message.place());
    }

    fn is_full(&self) -> bool {
        self.octets >= OCTETS || self.items.len() >= ITEMS
    }
}

/// A message that is here now, if all is well.
struct Brought {
    uid: u32,
    hash: [u8; 16],
    path: String,
}

/// What the mailbox here has.
struct Here {
    kept: bool,
    again: bool,
    uid_next: u32,
    by_uid: HashMap<u32, [u8; 16]>,
    /// How many there are with this content and date; only for mailboxes that have UIDs of their own.
    by_content: HashMap<([u8; 16], i64), u32>,
}

enum Place {
    Present,
    Gone,
    /// To be brought with this UID.
    Missing(Option<u32>),
}

impl Here {
    fn new(opened: Opened, again: bool) -> Here {
        let by_uid = opened.held.iter().map(|held| (held.uid, held.hash)).collect();
        let mut by_content = HashMap::new();
        for held in opened.held.iter().filter(|_| !opened.kept) {
            *by_content.entry((held.hash, held.date)).or_default() += 1;
        }
        Here { kept: opened.kept, again, uid_next: opened.uid_next, by_uid, by_content }
    }

    fn place(&self, uid: Option<u32>) -> Place {
        match uid {
            Some(uid) if self.kept => match self.by_uid.contains_key(&uid) {
                true => Place::Present,
                false if uid >= self.uid_next => Place::Missing(Some(uid)),
                false if self.again => Place::Missing(None),
                false => Place::Gone,
            },
            _ => Place::Missing(None),
        }
    }

    /// Each message here stands for one of the source.
    fn has_content(&mut self, octets: &[u8], message: &Message) -> bool {
        let Some(date) = message.meta.internal_date.filter(|_| !self.by_content.is_empty()) else {
            return false;
        };
        match self.by_content.get_mut(&(hash(octets), date)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }
}

fn verify(brought: &[Brought], after: &Opened, report: &mut MailboxReport) {
    let here: HashMap<u32, [u8; 16]> = after.held.iter().map(|held| (held.uid, held.hash)).collect();
    for one in brought {
        match here.get(&one.uid) {
            Some(hash) if *hash == one.hash => report.verified += 1,
            // The user may have expunged it since; that is told too, since nobody can know.
            _ => report.wrong.push(one.path.clone()),
        }
    }
}

/// RFC 1939 section 7
fn is_unique_id(text: &str) -> bool {
    (1..=70).contains(&text.len()) && text.bytes().all(|octet| (0x21..=0x7e).contains(&octet))
}
