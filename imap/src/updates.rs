//! What a view has to tell, and how it is written: EXISTS, EXPUNGE, VANISHED, unsolicited FETCH.

use std::sync::Arc;

use bytes::Bytes;
use common::stream::{BATCH, Stream};
use store::{Keyword, ModSeq, Rights, Row, UidSet};

use crate::error::Error;
use crate::fetch::{self, flags};
use crate::response::{Code, SYSTEM_FLAGS, Sink, Writer};
use crate::search::result::Correlator;
use crate::session::Enabled;
use crate::view::{Numbering, SeqNum};

/// One untagged response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// FLAGS and PERMANENTFLAGS: a keyword is new.
    Keywords,
    Vanished(UidSet),
    Expunge(SeqNum),
    Exists(usize),
    Recent(usize),
    Fetch {
        seq: SeqNum,
        row: Row,
        items: FetchItems,
        recent: bool,
    },
    HighestModSeq(ModSeq),
    /// Messages of a result that go, before they go. RFC 5267 section 4.3.4
    RemoveFrom(ResultChange),
}

/// A change of a result that is kept up to date. RFC 5267 section 4.3.2
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultChange {
    /// Of the command that asked for it.
    pub tag: Bytes,
    pub numbering: Numbering,
    /// Places in the result and messages as numbers of that kind, in set syntax: `0 3:5`, `7 4,2 1 9`.
    pub pairs: String,
}

impl ResultChange {
    /// `* ESEARCH (TAG "tag") UID ADDTO (0 3:5)`. RFC 5267 section 5
    pub fn write(&self, item: &str, out: &mut Writer<'_>) {
        Correlator { tag: &self.tag, mailbox: None }.write(self.numbering, out);
        out.show(format_args!(" {item} ({})", self.pairs)).crlf();
    }
}

/// What an unsolicited FETCH shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchItems {
    pub uid: bool,
    pub flags: bool,
    pub modseq: bool,
    // RFC 9586 section 3.3
    pub uidfetch: bool,
}

impl FetchItems {
    /// RFC 7162 section 3.2.4: once a CONDSTORE enabling command was seen, UID and MODSEQ come with the flags.
    /// RFC 9051 section 7.5.2: under IMAP4rev2 the UID comes always.
    pub fn changed(enabled: Enabled) -> FetchItems {
        FetchItems {
            uid: (enabled.condstore || enabled.rev2) && !enabled.uidonly,
            flags: true,
            modseq: enabled.condstore,
            uidfetch: enabled.uidonly,
        }
    }

    /// The MODSEQ alone, for those who want to know it.
    pub fn modseq(enabled: Enabled) -> Option<FetchItems> {
        let uidfetch = enabled.uidonly;
        enabled.condstore.then_some(FetchItems { uid: !uidfetch, flags: false, modseq: true, uidfetch })
    }
}

/// Responses in the order in which they must be sent.
pub struct Updates {
    list: Vec<Update>,
    /// How many are written already.
    written: usize,
    keywords: Arc<[Keyword]>,
    rights: Rights,
    enabled: Enabled,
}

impl Updates {
    pub fn new(keywords: Arc<[Keyword]>, rights: Rights, enabled: Enabled) -> Updates {
        Updates { list: Vec::new(), written: 0, keywords, rights, enabled }
    }

    pub fn push(&mut self, update: Update) {
        self.list.push(update);
    }

    pub fn has_modseqs(&self) -> bool {
        self.list.iter().any(|update| matches!(update, Update::Fetch { items, .. } if items.modseq))
    }

    /// Drops the flag changes of messages whose flags are about to be told anyway.
    pub fn forget_flags_of(&mut self, uids: &UidSet) {
        self.list.retain(|update| !matches!(update, Update::Fetch { row, .. } if uids.contains(row.uid)));
    }

    /// Drops all flag changes: the client does not want them.
    pub fn forget_flags(&mut self) {
        self.list.retain(|update| !matches!(update, Update::Fetch { .. }));
    }

    /// A response that a UID command caused shows UIDs. RFC 9051 section 6.4.9
    pub fn with_uids(mut self) -> Updates {
        for update in &mut self.list {
            if let Update::Fetch { items, .. } = update {
                items.uid = !items.uidfetch;
            }
        }
        self
    }

    /// Writes and sends everything, a batch at a time; the last batch stays in the buffer.
    pub async fn send(mut self, stream: &mut Stream) -> Result<(), Error> {
        while !self.write(stream) {
            stream.flush().await?;
        }
        Ok(())
    }

    /// Writes up to one batch; true when everything is written.
    pub fn write(&mut self, sink: &mut dyn Sink) -> bool {
        while let Some(update) = self.list.get(self.written) {
            if sink.queued() >= BATCH {
                return false;
            }
            self.written += 1;
            let out = &mut Writer::in_mode(sink, self.enabled);
            write_update(out, update, &self.keywords, self.rights);
        }
        true
    }
}

fn write_update(out: &mut Writer<'_>, update: &Update, keywords: &[Keyword], rights: Rights) {
    match update {
        Update::Keywords => write_keywords(out, keywords, rights),
        Update::Vanished(uids) => drop(out.raw("* VANISHED ").show(uids).crlf()),
        Update::Expunge(SeqNum(seq)) => drop(out.raw("* ").show(seq).raw(" EXPUNGE\r\n")),
        Update::Exists(count) => drop(out.raw("* ").show(count).raw(" EXISTS\r\n")),
        // RFC 9051 appendix E: there is no RECENT
        Update::Recent(_) if out.enabled().rev2 => {}
        Update::Recent(count) => drop(out.raw("* ").show(count).raw(" RECENT\r\n")),
        Update::HighestModSeq(modseq) => {
            out.status(b"*", "OK", Some(&Code::HighestModSeq(*modseq)), "Expunges are still to come");
        }
        Update::RemoveFrom(change) => change.write("REMOVEFROM", out),
        Update::Fetch { seq, row, items, recent } => {
            fetch::write_head(out, *seq, row.uid, items.uidfetch).raw("(");
            write_items(out, row, *items, *recent, keywords);
            out.raw(")\r\n");
        }
    }
}

fn write_items(out: &mut Writer<'_>, row: &Row, items: FetchItems, recent: bool, keywords: &[Keyword]) {
    let mut gap = "";
    if items.uid {
        out.raw("UID ").show(row.uid);
        gap = " ";
    }
    if items.flags {
        out.raw(gap).raw("FLAGS ");
        flags::write(out, row, keywords, recent);
        gap = " ";
    }
    if items.modseq {
        out.raw(gap).raw("MODSEQ (").show(row.modseq).raw(")");
    }
}

/// RFC 9051 section 7.3.5, and section 7.1 for PERMANENTFLAGS.
pub fn write_keywords(out: &mut Writer<'_>, keywords: &[Keyword], rights: Rights) {
    let system = SYSTEM_FLAGS.iter().map(|(_, word)| *word);
    let all = system.chain(keywords.iter().map(|keyword| &*keyword.0)).collect::<Vec<_>>().join(" ");
    out.untagged(format_args!("FLAGS ({all})"));
    let permanent = permanent_flags(keywords, rights);
    let text = if permanent.is_empty() { "No permanent flags permitted" } else { "Flags permitted" };
    out.status(b"*", "OK", Some(&Code::PermanentFlags(permanent)), text);
}

/// What STORE would keep. RFC 4314 section 5.1.1
fn permanent_flags(keywords: &[Keyword], rights: Rights) -> String {
    let system =
        SYSTEM_FLAGS.iter().filter(|(flag, _)| rights.allowed(*flag) == *flag).map(|(_, word)| *word);
    if !rights.contains(Rights::WRITE) {
        return system.collect::<Vec<_>>().join(" ");
    }
    let keywords = keywords.iter().map(|keyword| &*keyword.0);
    system.chain(keywords).chain(["\\*"]).collect::<Vec<_>>().join(" ")
}
