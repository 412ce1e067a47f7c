//! How an order is told: `* SORT` (RFC 5256 section 4) or `* ESEARCH` (RFC 5267 section 3).

use std::fmt;
use std::ops::Range;

use common::stream::Stream;
use store::ModSeq;

use crate::error::Error;
use crate::response::Writer;
use crate::search::options::{Options, Partial};
use crate::search::result::{Correlator, write_scores};
use crate::view::Numbering;

/// What an answer is written from.
pub struct Answer<'a> {
    /// The messages that match, in order.
    pub numbers: &'a [u32],
    /// The highest MODSEQ among those that are told, where it is to be told.
    pub modseq: Option<ModSeq>,
    /// The relevancy of those that are told, in order, where it is to be told.
    pub scores: Option<Vec<u8>>,
}

impl Answer<'_> {
    /// `"SORT" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]`
    // RFC 7162 section 3.1.6
    pub async fn write_sort(&self, stream: &mut Stream) -> Result<(), Error> {
        Writer::new(stream).raw("* SORT");
        for number in self.numbers {
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

    /// MIN and MAX are the first and the last in the order, and places are counted in it.
    // RFC 5267 section 3.1
    pub async fn write_esearch(
        &self,
        options: Options,
        (correlator, numbering): (&Correlator<'_>, Numbering),
        stream: &mut Stream,
    ) -> Result<(), Error> {
        let mut out = Writer::new(stream);
        correlator.write(numbering, &mut out);
        if let Some(min) = self.numbers.first().filter(|_| options.min) {
            out.raw(" MIN ").show(min);
        }
        if let Some(max) = self.numbers.last().filter(|_| options.max) {
            out.raw(" MAX ").show(max);
        }
        if options.all && !self.numbers.is_empty() {
            out.raw(" ALL ");
            write_set(self.numbers, stream).await?;
        }
        if options.count {
            Writer::new(stream).raw(" COUNT ").show(self.numbers.len());
        }
        if let Some(partial) = options.partial {
            self.write_partial(partial, stream).await?;
        }
        write_scores(self.scores.as_deref(), stream).await?;
        let mut out = Writer::new(stream);
        // RFC 4731 section 3.2
        if let Some(modseq) = self.modseq {
            out.raw(" MODSEQ ").show(modseq);
        }
        out.crlf();
        Ok(())
    }

    // RFC 5267 section 4.4, RFC 9394 section 3.1
    async fn write_partial(&self, partial: Partial, stream: &mut Stream) -> Result<(), Error> {
        let Range { start, end } = partial.indices(self.numbers.len());
        let part = self.numbers.get(start..end).unwrap_or_default();
        Writer::new(stream).raw(" PARTIAL (").show(partial).raw(" ");
        if part.is_empty() {
            Writer::new(stream).raw("NIL");
        } else {
            write_set(part, stream).await?;
        }
        Writer::new(stream).raw(")");
        Ok(())
    }
}

async fn write_set(numbers: &[u32], stream: &mut Stream) -> Result<(), Error> {
    let mut comma = "";
    for part in ordered_set(numbers) {
        Writer::new(stream).raw(comma).show(part);
        comma = ",";
        stream.flush_batch().await?;
    }
    Ok(())
}

/// The parts of a sequence-set in the order of the numbers. Only numbers that ascend one by one make a range.
// RFC 5267 section 3.2
pub fn ordered_set(numbers: &[u32]) -> impl Iterator<Item = Part> + '_ {
    let runs = numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    runs.filter_map(|run| Some(Part(*run.first()?, *run.last()?)))
}

/// `7` or `7:9`
pub struct Part(u32, u32);

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part(first, last) if first == last => write!(f, "{first}"),
            Part(first, last) => write!(f, "{first}:{last}"),
        }
    }
}
