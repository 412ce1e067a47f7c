//! What a session has asked to be told of by NOTIFY, and the telling. RFC 5465
//!
//! - A session holds the groups, a receiver of its account's changes, and three numbers a watched mailbox: no thread.
//! - The first group that a mailbox is in decides what is told of it.
//! - A session that falls behind is never left in silence: the STATUS of what changed is made anew, or, where names may
//!   have changed, the client is told NOTIFICATIONOVERFLOW.

use std::collections::{HashMap, HashSet};

use common::block;
use store::{Account, Change, MailboxId, MailboxInfo, MailboxName, ModSeq, Uid};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::error::Error;
use crate::fetch::Item;
use crate::response::Writer;
use crate::session::{Selected, Session};

/// event-group
pub struct Group {
    pub filter: Filter,
    pub events: Events,
}

/// filter-mailboxes
#[derive(Debug, PartialEq, Eq)]
pub enum Filter {
    Selected,
    SelectedDelayed,
    /// Also `inboxes`: mail may be delivered to any mailbox here, by its sub-address. RFC 5465 section 6.3
    Personal,
    Subscribed,
    Subtree(Vec<MailboxName>),
    Mailboxes(Vec<MailboxName>),
}

/// What is asked for; `NONE` is nothing.
#[derive(Debug, Default)]
pub struct Events {
    /// MessageNew and MessageExpunge, which come together. RFC 5465 section 5
    pub messages: bool,
    /// What is fetched of a new message in the selected mailbox.
    pub items: Vec<Item>,
    pub flags: bool,
    pub names: bool,
    pub subscriptions: bool,
}

/// A mailbox as the client was last told of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    uid_next: Uid,
    messages: u32,
    modseq: ModSeq,
}

pub struct Notify {
    account: Account,
    groups: Vec<Group>,
    changes: Receiver<Change>,
    /// Changes that have been received and not told.
    received: Vec<Change>,
    lags: bool,
    told: HashMap<MailboxId, Told>,
    /// The mailboxes that the command in work names: what it does to them itself is not told. RFC 5465 section 5
    pub own: Vec<MailboxName>,
}

/// How the telling ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Told,
    /// There is more than can be told. RFC 5465 section 5.9
    Overflow,
}

impl Filter {
    fn holds(&self, name: &MailboxName, subscribed: bool) -> bool {
        match self {
            Filter::Selected | Filter::SelectedDelayed => false,
            Filter::Personal => true,
            Filter::Subscribed => subscribed,
            Filter::Mailboxes(names) => names.contains(name),
            Filter::Subtree(roots) => roots.iter().any(|root| root == name || is_below(name, root)),
        }
    }
}

fn is_below(name: &MailboxName, root: &MailboxName) -> bool {
    name.as_str().strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with(MailboxName::SEPARATOR))
}

impl Notify {
    /// Begins to listen, before anything is looked at.
    pub fn new(account: Account, groups: Vec<Group>) -> Notify {
        let changes = account.changes();
        let (received, told, own) = (Vec::new(), HashMap::new(), Vec::new());
        Notify { account, groups, changes, received, lags: false, told, own }
    }

    /// Notes how the watched mailboxes are now; with `status` the client is told (RFC 5465 section 3.1). Blocks.
    pub fn begin(
        &mut self,
        status: bool,
        selected: Option<MailboxId>,
        condstore: bool,
        out: &mut Writer<'_>,
    ) -> Result<(), Error> {
        for info in self.account.mailboxes()? {
            let Some(events) = self.events(&info.name, info.subscribed) else { continue };
            if !events.messages {
                continue;
            }
            if status && selected != Some(info.id) {
                write_status(out, &info, events, condstore);
            }
            self.told.insert(info.id, Told::of(&info));
        }
        Ok(())
    }

    /// What is asked for of the selected mailbox, and whether its expunges wait for a command that allows them. `None`: as
    /// without NOTIFY.
    pub fn selected(&self) -> Option<(&Events, bool)> {
        self.groups.iter().find_map(|group| match group.filter {
            Filter::Selected => Some((&group.events, false)),
            Filter::SelectedDelayed => Some((&group.events, true)),
            _ => None,
        })
    }

    fn events(&self, name: &MailboxName, subscribed: bool) -> Option<&Events> {
        let group = self.groups.iter().find(|group| group.filter.holds(name, subscribed));
        group.map(|group| &group.events)
    }

    /// Waits until there is something to tell. Cancel-safe.
    pub async fn changed(&mut self) {
        if !self.received.is_empty() || self.lags {
            return;
        }
        match self.changes.recv().await {
            Ok(change) => self.received.push(change),
            Err(RecvError::Lagged(_)) => self.lags = true,
            // The account is gone; the session learns it by its next command.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    fn receive(&mut self) -> Vec<Change> {
        loop {
            match self.changes.try_recv() {
                Ok(change) => self.received.push(change),
                Err(TryRecvError::Lagged(_)) => self.lags = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return std::mem::take(&mut self.received),
            }
        }
    }

    /// Tells all that has happened. Blocks.
    pub fn tell(
        &mut self,
        selected: Option<MailboxId>,
        condstore: bool,
        out: &mut Writer<'_>,
    ) -> Result<Outcome, Error> {
        let changes = self.receive();
        let own = std::mem::take(&mut self.own);
        let names = self.groups.iter().any(|group| group.events.names || group.events.subscriptions);
        if std::mem::take(&mut self.lags) {
            if names {
                return Ok(Outcome::Overflow);
            }
            self.tell_all(selected, condstore, out)?;
            return Ok(Outcome::Told);
        }
        let mut mailboxes = HashSet::new();
        for change in changes {
            match change {
                Change::Messages { mailbox, .. } => drop(mailboxes.insert(mailbox)),
                name => self.tell_name(&name, &own, out)?,
            }
        }
        for mailbox in mailboxes {
            // It may be gone by now: that is told by its name.
            match self.account.mailbox_by_id(mailbox).and_then(|mailbox| mailbox.info()) {
                Ok(info) => self.tell_status(&info, selected, condstore, out),
                Err(store::Error::NoSuchMailbox(_)) => drop(self.told.remove(&mailbox)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Outcome::Told)
    }

    fn tell_all(
        &mut self,
        selected: Option<MailboxId>,
        condstore: bool,
        out: &mut Writer<'_>,
    ) -> Result<(), Error> {
        let infos = self.account.mailboxes()?;
        self.told.retain(|id, _| infos.iter().any(|info| info.id == *id));
        infos.iter().for_each(|info| self.tell_status(info, selected, condstore, out));
        Ok(())
    }

    /// RFC 5465 section 5.1 to section 5.3: STATUS, for a mailbox that is not selected.
    fn tell_status(
        &mut self,
        info: &MailboxInfo,
        selected: Option<MailboxId>,
        condstore: bool,
        out: &mut Writer<'_>,
    ) {
        let Some(events) = self.events(&info.name, info.subscribed).filter(|events| events.messages) else {
            return;
        };
        let (now, before) = (Told::of(info), self.told.get(&info.id).copied());
        let counts = |told: Told| (told.uid_next, told.messages);
        let differs = match before {
            None => now.messages > 0,
            Some(before) if counts(before) != counts(now) => true,
            Some(before) => events.flags && before != now,
        };
        if differs && selected != Some(info.id) {
            write_status(out, info, events, condstore);
        }
        self.told.insert(info.id, now);
    }

    /// RFC 5465 section 5.4, section 5.5: LIST.
    fn tell_name(&mut self, change: &Change, own: &[MailboxName], out: &mut Writer<'_>) -> Result<(), Error> {
        let subscribed: HashSet<MailboxName> = self.account.subscriptions()?.into_iter().collect();
        let is_own = |name: &MailboxName| {
            own.iter().any(|own| own == name || is_below(own, name) || is_below(name, own))
        };
        let asks = |name: &MailboxName| {
            self.events(name, subscribed.contains(name)).is_some_and(|events| events.names)
        };
        match change {
            Change::Created { name, .. } if asks(name) && !is_own(name) => write_list(out, "", name, None),
            Change::Deleted { mailbox, name } => {
                if asks(name) && !is_own(name) {
                    write_list(out, "\\NonExistent", name, None);
                }
                self.told.remove(mailbox);
            }
            Change::Renamed { from, to, .. } if !is_own(to) => match (asks(from), asks(to)) {
                (_, true) => write_list(out, "", to, Some(from)),
                (true, false) => write_list(out, "\\NonExistent", from, None),
                (false, false) => {}
            },
            Change::Subscribed { name, subscribed: now } if !is_own(name) => {
                // What is no longer subscribed was in the filter until just now.
                let events = self.events(name, true).filter(|events| events.subscriptions);
                if events.is_some() {
                    write_list(out, if *now { "\\Subscribed" } else { "" }, name, None);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Told {
    fn of(info: &MailboxInfo) -> Told {
        Told { uid_next: info.uid_next, messages: info.messages, modseq: info.highest_modseq }
    }
}

fn write_status(out: &mut Writer<'_>, info: &MailboxInfo, events: &Events, condstore: bool) {
    out.raw("* STATUS ").mailbox(&info.name).raw(" (MESSAGES ").show(info.messages);
    out.raw(" UIDNEXT ").show(info.uid_next).raw(" UIDVALIDITY ").show(info.uid_validity);
    if events.flags {
        out.raw(" UNSEEN ").show(info.unseen);
    }
    // RFC 5465 section 5.3
    if condstore {
        out.raw(" HIGHESTMODSEQ ").show(info.highest_modseq);
    }
    out.raw(")\r\n");
}

fn write_list(out: &mut Writer<'_>, attribute: &str, name: &MailboxName, old: Option<&MailboxName>) {
    out.raw("* LIST (").raw(attribute).raw(") \"/\" ").mailbox(name);
    if let Some(old) = old {
        out.raw(" (\"OLDNAME\" (").mailbox(old).raw("))");
    }
    out.crlf();
}

/// Reads what is to be told from the store.
pub fn tell(session: &mut Session) -> Result<Outcome, Error> {
    let selected = session.selected.as_ref().map(|selected| selected.mailbox.id());
    let condstore = session.enabled.condstore;
    let Some(notify) = &mut session.notify else { return Ok(Outcome::Told) };
    let out = &mut Writer::in_mode(&mut session.stream, session.enabled);
    block(|| notify.tell(selected, condstore, out))
}

/// Waits for a change that is to be told at once: in IDLE all of the selected mailbox, else what NOTIFY asked for. Cancel-safe.
pub async fn changed(selected: Option<&mut Selected>, notify: Option<&mut Notify>, idle: bool) {
    let asked = notify.as_deref().and_then(Notify::selected);
    let watches = asked.map_or(idle, |(events, _)| events.messages);
    let view = async {
        match selected.filter(|_| watches) {
            Some(selected) => selected.view.changed().await,
            None => std::future::pending().await,
        }
    };
    let account = async {
        match notify {
            Some(notify) => notify.changed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = view => {}
        () = account => {}
    }
}
