//! What a session has asked to be told of by NOTIFY, and the telling. RFC 5465
//!
//! - A session holds the groups, a receiver of the changes of each account they reach, and three numbers a watched mailbox: no
//!   thread.
//! - All groups that a mailbox is in count, as far as the user has the rights: `l` for its name, `l` and `r` for its messages.
//!   Rights are looked at when there is something to tell.
//! - A session that falls behind is never left in silence: the STATUS of what changed is made anew, or, where names may
//!   have changed, the client is told NOTIFICATIONOVERFLOW.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::task::Poll;

use common::block;
use store::{Account, AccountId, Change, MailboxId, MailboxInfo, MailboxName, ModSeq, Rights, Uid};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::error::Error;
use crate::fetch::Item;
use crate::name;
use crate::response::{Code, Writer};
use crate::session::{Selected, Session, User};
use crate::sharing::Namespace;

/// To how many accounts a session listens.
const MOST_ACCOUNTS: usize = 32;
/// NONE
static NOTHING: Events =
    Events { messages: false, items: Vec::new(), flags: false, names: false, subscriptions: false };

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

/// Listens to one account.
struct Watch {
    account: Account,
    /// What stands before the names of its mailboxes; nothing for the user's own.
    prefix: String,
    changes: Receiver<Change>,
    /// Changes that have been received and not told.
    received: Vec<Change>,
    lags: bool,
}

/// A mailbox's ids are its account's.
type Id = (AccountId, MailboxId);

pub struct Notify {
    groups: Vec<Group>,
    /// The user's own account, and those of others that the groups name.
    watches: Vec<Watch>,
    /// The watched mailboxes that the user may know of.
    told: HashMap<Id, Told>,
    /// The mailboxes that the command in work names, as the user calls them: what it does to them itself is not told. RFC
    /// 5465 section 5
    pub own: Vec<MailboxName>,
}

/// Who is told, and in what mode.
pub struct Reader<'a> {
    pub user: &'a User,
    pub selected: Option<Id>,
    pub condstore: bool,
}

/// What is told of one mailbox: what was asked for, as far as the user has the right to it.
#[derive(Default)]
struct Asked {
    messages: bool,
    flags: bool,
    names: bool,
    subscriptions: bool,
    /// The user may know of it.
    visible: bool,
    /// Messages were asked for, which the user must not read.
    no_access: bool,
}

/// How the telling ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Told,
    /// There is more than can be told. RFC 5465 section 5.9
    Overflow,
}

impl Filter {
    fn holds(&self, name: &MailboxName, subscribed: bool, is_own: bool) -> bool {
        match self {
            Filter::Selected | Filter::SelectedDelayed => false,
            Filter::Personal => is_own,
            Filter::Subscribed => subscribed,
            Filter::Mailboxes(names) => names.contains(name),
            Filter::Subtree(roots) => roots.iter().any(|root| root == name || is_below(name, root)),
        }
    }
}

fn is_below(name: &MailboxName, root: &MailboxName) -> bool {
    name.as_str().strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with(MailboxName::SEPARATOR))
}

impl Watch {
    fn is_own(&self) -> bool {
        self.prefix.is_empty()
    }

    /// As the user calls it.
    fn shown(&self, name: &MailboxName) -> MailboxName {
        if self.is_own() { name.clone() } else { name.under(&self.prefix) }
    }

    fn id(&self, mailbox: MailboxId) -> Id {
        (self.account.id(), mailbox)
    }

    /// `None` where there is no such mailbox any more: that is told by its name.
    fn info(&self, mailbox: MailboxId) -> Result<Option<MailboxInfo>, Error> {
        match self.account.mailbox_by_id(mailbox).and_then(|mailbox| mailbox.info()) {
            Ok(info) => Ok(Some(info)),
            Err(store::Error::NoSuchMailbox(_) | store::Error::NoSuchAccount(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn received(&mut self, received: Result<Change, RecvError>) {
        match received {
            Ok(change) => self.received.push(change),
            Err(RecvError::Lagged(_) | RecvError::Closed) => self.lags = true,
        }
    }

    fn receive(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(change) => self.received.push(change),
                Err(TryRecvError::Lagged(_)) => self.lags = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

impl Notify {
    /// Nothing is told: NOTIFY NONE.
    pub fn none() -> Notify {
        Notify { groups: Vec::new(), watches: Vec::new(), told: HashMap::new(), own: Vec::new() }
    }

    /// Begins to listen, before anything is looked at.
    pub fn new(user: &User, groups: Vec<Group>) -> Result<Notify, Error> {
        let mut notify = Notify { groups, ..Notify::none() };
        notify.watch(user)?;
        Ok(notify)
    }

    /// Listens to the accounts that the groups reach, as far as it does not yet.
    fn watch(&mut self, user: &User) -> Result<(), Error> {
        let mut names = Vec::new();
        for group in &self.groups {
            match &group.filter {
                Filter::Selected | Filter::SelectedDelayed => continue,
                Filter::Personal => {}
                Filter::Subscribed => names.extend(block(|| user.account.subscriptions())?),
                Filter::Subtree(roots) => names.extend_from_slice(roots),
                Filter::Mailboxes(mailboxes) => names.extend_from_slice(mailboxes),
            }
            listen(&mut self.watches, user, &user.account);
        }
        for name in names {
            if user.sharing().locate(name.as_str()).namespace == Namespace::Personal {
                continue;
            }
            match name::resolve(user, name.as_str()) {
                Ok(place) => listen(&mut self.watches, user, &place.account),
                // RFC 5465 section 3.1: what is no mailbox is passed over.
                Err(Error::No { .. }) => {}
                Err(error) => return Err(error),
            }
            if self.watches.len() > MOST_ACCOUNTS {
                let text = format!("NOTIFY watches the mailboxes of at most {MOST_ACCOUNTS} users");
                return Err(Error::no(Code::NotificationOverflow, text));
            }
        }
        Ok(())
    }

    /// Notes how the watched mailboxes are now; with `status` the client is told (RFC 5465 section 3.1). Blocks.
    pub fn begin(&mut self, status: bool, reader: &Reader<'_>, out: &mut Writer<'_>) -> Result<(), Error> {
        let subscribed = reader.subscribed()?;
        for watch in &self.watches {
            for info in watch.account.mailboxes()? {
                let (info, asked) = self.asked(watch, info, &subscribed, reader.user);
                if asked.no_access {
                    write_list(out, "\\NoAccess", &info.name, None);
                }
                if asked.messages && status && reader.selected != Some(watch.id(info.id)) {
                    write_status(out, &info, &asked, reader.condstore);
                }
                if asked.is_followed() {
                    self.told.insert(watch.id(info.id), Told::of(&info));
                }
            }
        }
        Ok(())
    }

    /// What is asked for of the selected mailbox, and whether its expunges wait for a command that allows them. Without a
    /// group for it nothing is. RFC 5465 section 3.1
    pub fn selected(&self) -> (&Events, bool) {
        let group = self.groups.iter().find_map(|group| match group.filter {
            Filter::Selected => Some((&group.events, false)),
            Filter::SelectedDelayed => Some((&group.events, true)),
            _ => None,
        });
        group.unwrap_or((&NOTHING, false))
    }

    /// The mailbox by the name that the user has for it, and what all groups together ask for. RFC 5465 section 6
    fn asked(
        &self,
        watch: &Watch,
        info: MailboxInfo,
        subscribed: &HashSet<MailboxName>,
        user: &User,
    ) -> (MailboxInfo, Asked) {
        let info = MailboxInfo { name: watch.shown(&info.name), ..info };
        let mut asked = self.events(watch, &info.name, subscribed.contains(&info.name));
        let rights = user.rights(&watch.account, info.acl.as_deref());
        // RFC 5465 section 3.1, section 5
        asked.visible = rights.contains(Rights::LOOKUP);
        asked.no_access = asked.messages && asked.visible && !rights.contains(Rights::READ);
        asked.names &= asked.visible;
        asked.messages &= asked.visible && !asked.no_access;
        (info, asked)
    }

    /// Whatever the rights are.
    fn events(&self, watch: &Watch, name: &MailboxName, subscribed: bool) -> Asked {
        let mut asked = Asked::default();
        let holding = |group: &&Group| group.filter.holds(name, subscribed, watch.is_own());
        for Group { events, .. } in self.groups.iter().filter(holding) {
            asked.messages |= events.messages;
            asked.flags |= events.flags;
            asked.names |= events.names;
            asked.subscriptions |= events.subscriptions;
        }
        asked
    }

    /// Waits until there is something to tell. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.watches.iter().any(|watch| watch.lags || !watch.received.is_empty()) {
            return;
        }
        let mut waits: Vec<_> = self.watches.iter_mut().map(|watch| Box::pin(watch.changes.recv())).collect();
        let (at, received) = poll_fn(|context| {
            for (at, wait) in waits.iter_mut().enumerate() {
                if let Poll::Ready(received) = wait.as_mut().poll(context) {
                    return Poll::Ready((at, received));
                }
            }
            Poll::Pending
        })
        .await;
        drop(waits);
        match received {
            // The account is gone; its user learns it by the next command.
            Err(RecvError::Closed) => drop(self.watches.remove(at)),
            received => self.watches[at].received(received),
        }
    }

    /// Tells all that has happened. Blocks.
    pub fn tell(&mut self, reader: &Reader<'_>, out: &mut Writer<'_>) -> Result<Outcome, Error> {
        let own = std::mem::take(&mut self.own);
        let mut watches = std::mem::take(&mut self.watches);
        watches.iter_mut().for_each(Watch::receive);
        let told = self.tell_changes(&mut watches, &own, reader, out);
        self.watches = watches;
        let resubscribed = told?;
        if resubscribed == Some(true) && self.groups.iter().any(|group| group.filter == Filter::Subscribed) {
            // RFC 5465 section 6.4
            self.watch(reader.user)?;
        }
        Ok(if resubscribed.is_none() { Outcome::Overflow } else { Outcome::Told })
    }

    /// `None`: there is more than can be told; else whether subscriptions changed.
    fn tell_changes(
        &mut self,
        watches: &mut [Watch],
        own: &[MailboxName],
        reader: &Reader<'_>,
        out: &mut Writer<'_>,
    ) -> Result<Option<bool>, Error> {
        let names = self.groups.iter().any(|group| group.events.names || group.events.subscriptions);
        let lags = watches.iter().any(|watch| watch.lags);
        if lags && names {
            return Ok(None);
        }
        if watches.iter().all(|watch| watch.received.is_empty() && !watch.lags) {
            return Ok(Some(false));
        }
        let subscribed = reader.subscribed()?;
        let mut resubscribed = false;
        for watch in watches {
            let changes = std::mem::take(&mut watch.received);
            if std::mem::take(&mut watch.lags) {
                self.tell_all(watch, &subscribed, reader, out)?;
                continue;
            }
            let mut mailboxes = HashSet::new();
            for change in changes {
                match change {
                    Change::Messages { mailbox, .. } => drop(mailboxes.insert(mailbox)),
                    change => {
                        resubscribed |= matches!(change, Change::Subscribed { .. });
                        self.tell_name(watch, &change, (own, &subscribed, reader), out)?;
                    }
                }
            }
            for mailbox in mailboxes {
                match watch.info(mailbox)? {
                    Some(info) => self.tell_status(watch, info, (&subscribed, reader), out),
                    None => drop(self.told.remove(&watch.id(mailbox))),
                }
            }
        }
        Ok(Some(resubscribed))
    }

    fn tell_all(
        &mut self,
        watch: &Watch,
        subscribed: &HashSet<MailboxName>,
        reader: &Reader<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Error> {
        let infos = watch.account.mailboxes()?;
        let exists = |id: &Id| id.0 != watch.account.id() || infos.iter().any(|info| info.id == id.1);
        self.told.retain(|id, _| exists(id));
        infos.into_iter().for_each(|info| self.tell_status(watch, info, (subscribed, reader), out));
        Ok(())
    }

    /// RFC 5465 section 5.1 to section 5.3: STATUS, for a mailbox that is not selected.
    fn tell_status(
        &mut self,
        watch: &Watch,
        info: MailboxInfo,
        (subscribed, reader): (&HashSet<MailboxName>, &Reader<'_>),
        out: &mut Writer<'_>,
    ) {
        let id = watch.id(info.id);
        let (info, asked) = self.asked(watch, info, subscribed, reader.user);
        if !asked.messages {
            return;
        }
        let (now, before) = (Told::of(&info), self.told.get(&id).copied());
        let counts = |told: Told| (told.uid_next, told.messages);
        let differs = match before {
            None => now.messages > 0,
            Some(before) if counts(before) != counts(now) => true,
            Some(before) => asked.flags && before != now,
        };
        if differs && reader.selected != Some(id) {
            write_status(out, &info, &asked, reader.condstore);
        }
        self.told.insert(id, now);
    }

    /// RFC 5465 section 5.4, section 5.5: LIST.
    fn tell_name(
        &mut self,
        watch: &Watch,
        change: &Change,
        (own, subscribed, reader): (&[MailboxName], &HashSet<MailboxName>, &Reader<'_>),
        out: &mut Writer<'_>,
    ) -> Result<(), Error> {
        let is_own = |name: &MailboxName| {
            own.iter().any(|own| own == name || is_below(own, name) || is_below(name, own))
        };
        let asks = |name: &MailboxName| self.events(watch, name, subscribed.contains(name)).names;
        let look = |mailbox| -> Result<Option<(MailboxInfo, Asked)>, Error> {
            let info = watch.info(mailbox)?;
            Ok(info.map(|info| self.asked(watch, info, subscribed, reader.user)))
        };
        match change {
            Change::Created { mailbox, name } => {
                let name = watch.shown(name);
                let Some((info, asked)) = look(*mailbox)? else { return Ok(()) };
                if asks(&name) && asked.visible && !is_own(&name) {
                    write_list(out, "", &name, None);
                }
                if asked.is_followed() {
                    self.told.entry(watch.id(*mailbox)).or_insert(Told::empty(&info));
                }
            }
            Change::Deleted { mailbox, name } => {
                let name = watch.shown(name);
                let was_visible = watch.is_own() || self.told.contains_key(&watch.id(*mailbox));
                if was_visible && asks(&name) && !is_own(&name) {
                    write_list(out, "\\NonExistent", &name, None);
                }
                self.told.remove(&watch.id(*mailbox));
            }
            Change::Renamed { mailbox, from, to } => {
                let (from, to) = (watch.shown(from), watch.shown(to));
                let was_visible = watch.is_own() || self.told.contains_key(&watch.id(*mailbox));
                let is_visible = look(*mailbox)?.is_some_and(|(_, asked)| asked.visible);
                match (was_visible && asks(&from), is_visible && asks(&to)) {
                    _ if is_own(&to) => {}
                    // What the user did not know of has no old name for him.
                    (_, true) => write_list(out, "", &to, Some(&from).filter(|_| was_visible)),
                    (true, false) => write_list(out, "\\NonExistent", &from, None),
                    (false, false) => {}
                }
            }
            Change::Acl { mailbox } => {
                let Some((info, asked)) = look(*mailbox)? else { return Ok(()) };
                let id = watch.id(*mailbox);
                let was_visible = watch.is_own() || self.told.contains_key(&id);
                if asks(&info.name) && was_visible != asked.visible {
                    write_list(out, if asked.visible { "" } else { "\\NonExistent" }, &info.name, None);
                }
                if asked.is_followed() {
                    self.told.entry(id).or_insert(Told::of(&info));
                } else {
                    self.told.remove(&id);
                }
            }
            // Another's subscriptions are his own.
            Change::Subscribed { name, subscribed: now }
                // What is no longer subscribed was in the filter until just now.
                if watch.is_own() && !is_own(name) && self.subscriptions_asked(name) =>
            {
                write_list(out, if *now { "\\Subscribed" } else { "" }, name, None);
            }
            _ => {}
        }
        Ok(())
    }

    fn subscriptions_asked(&self, name: &MailboxName) -> bool {
        let holds = |group: &&Group| group.filter.holds(name, true, true);
        self.groups.iter().filter(holds).any(|group| group.events.subscriptions)
    }
}

impl Asked {
    fn is_followed(&self) -> bool {
        self.messages || self.names
    }
}

impl Reader<'_> {
    fn subscribed(&self) -> Result<HashSet<MailboxName>, Error> {
        Ok(self.user.account.subscriptions()?.into_iter().collect())
    }
}

fn listen(watches: &mut Vec<Watch>, user: &User, account: &Account) {
    if watches.iter().any(|watch| watch.account.id() == account.id()) {
        return;
    }
    let is_own = account.id() == user.account.id();
    let prefix = if is_own { String::new() } else { user.sharing().prefix(account.name()) };
    let (account, changes) = (account.clone(), account.changes());
    watches.push(Watch { account, prefix, changes, received: Vec::new(), lags: false });
}

impl Told {
    /// Before the first message came.
    fn empty(info: &MailboxInfo) -> Told {
        Told { uid_next: Uid(1), messages: 0, modseq: info.highest_modseq }
    }

    fn of(info: &MailboxInfo) -> Told {
        Told { uid_next: info.uid_next, messages: info.messages, modseq: info.highest_modseq }
    }
}

fn write_status(out: &mut Writer<'_>, info: &MailboxInfo, asked: &Asked, condstore: bool) {
    out.raw("* STATUS ").mailbox(&info.name).raw(" (MESSAGES ").show(info.messages);
    out.raw(" UIDNEXT ").show(info.uid_next).raw(" UIDVALIDITY ").show(info.uid_validity);
    if asked.flags {
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
    let Session { stream, enabled, user, selected, notify, .. } = session;
    let (Some(user), Some(notify)) = (user.as_deref(), notify.as_deref_mut()) else {
        return Ok(Outcome::Told);
    };
    let reader = Reader { user, selected: selected.as_deref().map(id_of), condstore: enabled.condstore };
    let out = &mut Writer::in_mode(stream, *enabled);
    block(|| notify.tell(&reader, out))
}

pub fn id_of(selected: &Selected) -> Id {
    (selected.mailbox.account().id(), selected.mailbox.id())
}

/// Waits for a change that is to be told at once: in IDLE all of the selected mailbox, else what NOTIFY asked for. Cancel-safe.
pub async fn changed(selected: Option<&mut Selected>, notify: Option<&mut Notify>, idle: bool) {
    let asked = notify.as_deref().map(Notify::selected);
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
