//! How a result is told: `* SEARCH` (RFC 3501 section 7.2.5) or `* ESEARCH` (RFC 4731 section 3.1).

use std::ops::RangeInclusive;

use common::stream::Stream;
use store::{MailboxName, ModSeq, UidSet, UidValidity};

use super::options::Options;
use crate::error::Error;
use crate::response::Writer;
use crate::seqset::Compact;
use crate::session::Enabled;
use crate::view::{Known, Numbering, SeqNum};

/// What an answer is written from.
pub struct Answer<'a> {
    pub view: &'a Known,
    pub numbering: Numbering,
    /// The messages that match, or what of them is needed.
    pub found: &'a UidSet,
    /// The highest MODSEQ among those that are told, where it is to be told.
    pub modseq: Option<ModSeq>,
    /// The relevancy of those that are told, where it is to be told.
    pub scores: Option<Vec<u8>>,
}

/// Which command an ESEARCH answers, and which mailbox it is about. RFC 4466 section 2.6.2, RFC 7377 section 2.1
pub struct Correlator<'a> {
    pub tag: &'a [u8],
    pub mailbox: Option<Origin<'a>>,
}

/// The mailbox that an answer is about.
pub struct Origin<'a> {
    pub name: &'a MailboxName,
    pub validity: UidValidity,
    /// How the client reads names.
    pub enabled: Enabled,
}

impl Correlator<'_> {
    /// `* ESEARCH (TAG "...") UID`
    pub fn write(&self, numbering: Numbering, out: &mut Writer<'_>) {
        out.raw("* ESEARCH (TAG ").string(self.tag);
        if let Some(Origin { name, validity, .. }) = &self.mailbox {
            out.raw(" MAILBOX ").mailbox(name).raw(" UIDVALIDITY ").show(validity);
        }
        out.raw(")");
        if numbering == Numbering::Uid {
            out.raw(" UID");
        }
    }
}

/// `"RELEVANCY" SP "(" [score *(SP score)] ")"`. RFC 6203 section 7
pub async fn write_scores(scores: Option<&[u8]>, stream: &mut Stream) -> Result<(), Error> {
    let Some(scores) = scores else { return Ok(()) };
    Writer::new(stream).raw(" RELEVANCY (");
    let mut space = "";
    for score in scores {
        Writer::new(stream).raw(space).show(score);
        space = " ";
        stream.flush_batch().await?;
    }
    Writer::new(stream).raw(")");
    Ok(())
}

impl Answer<'_> {
    /// `"SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]`
    pub async fn write_search(&self, stream: &mut Stream) -> Result<(), Error> {
        Writer::new(stream).raw("* SEARCH");
        for number in self.numbers(self.found).flatten() {
            Writer::new(stream).raw(" ").show(number);
            stream.flush_batch().await?;
        }
        let mut out = Writer::new(stream);
        if let Some(modseq) = self.modseq {
            out.raw(" (MODSEQ ").show(modseq).raw(")");
        }
        out.crlf();
        Ok(())
    }

    /// `"ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`. RFC 4466 section 2.6.2
    pub async fn write_esearch(
        &self,
        options: Options,
        correlator: &Correlator<'_>,
        stream: &mut Stream,
    ) -> Result<(), Error> {
        let enabled = correlator.mailbox.as_ref().map_or_else(Enabled::default, |origin| origin.enabled);
        correlator.write(self.numbering, &mut Writer::in_mode(stream, enabled));
        self.write_ends(options, stream);
        if options.all && !self.found.is_empty() {
            Writer::new(stream).raw(" ALL ");
            self.write_set(self.found, stream).await?;
        }
        if options.count {
            Writer::new(stream).raw(" COUNT ").show(self.found.len());
        }
        self.write_partial(options, stream).await?;
        write_scores(self.scores.as_deref(), stream).await?;
        let mut out = Writer::new(stream);
        // RFC 4731 section 3.2
        if let Some(modseq) = self.modseq {
            out.raw(" MODSEQ ").show(modseq);
        }
        out.crlf();
        Ok(())
    }

    /// RFC 4731 section 3.1: MIN, MAX and ALL are left out when nothing matches.
    fn write_ends(&self, options: Options, stream: &mut Stream) {
        let number = |uid| match self.numbering {
            Numbering::Uid => Some(uid),
            Numbering::Seq => self.view.seq(store::Uid(uid)).map(|SeqNum(seq)| seq),
        };
        let mut out = Writer::new(stream);
        if let Some(min) = self.found.first().filter(|_| options.min).and_then(|uid| number(uid.0)) {
            out.raw(" MIN ").show(min);
        }
        if let Some(max) = self.found.last().filter(|_| options.max).and_then(|uid| number(uid.0)) {
            out.raw(" MAX ").show(max);
        }
    }

    /// `"PARTIAL" SP "(" partial-range SP partial-results ")"`. RFC 9394 section 4
    async fn write_partial(&self, options: Options, stream: &mut Stream) -> Result<(), Error> {
        let Some(partial) = options.partial else { return Ok(()) };
        let part = partial.of(self.found);
        Writer::new(stream).raw(" PARTIAL (").show(partial).raw(" ");
        if part.is_empty() {
            Writer::new(stream).raw("NIL");
        } else {
            self.write_set(&part, stream).await?;
        }
        Writer::new(stream).raw(")");
        Ok(())
    }

    async fn write_set(&self, uids: &UidSet, stream: &mut Stream) -> Result<(), Error> {
        let mut compact = Compact::default();
        for numbers in self.numbers(uids) {
            // Writing to a growing buffer cannot fail.
            let _ = compact.push(numbers, stream.out());
            stream.flush_batch().await?;
        }
        let _ = compact.close(stream.out());
        Ok(())
    }

    /// The messages as numbers of the kind that the command is about, ascending.
    fn numbers<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = RangeInclusive<u32>> + Send + 'a {
        let by_uid = (self.numbering == Numbering::Uid).then(|| uids.ranges().iter().cloned());
        let by_seq = (self.numbering == Numbering::Seq).then(|| self.view.seqs(uids));
        by_uid.into_iter().flatten().chain(by_seq.into_iter().flatten())
    }
}
