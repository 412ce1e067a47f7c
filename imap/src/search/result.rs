//! How a result is told: `* SEARCH` (RFC 3501 section 7.2.5) or `* ESEARCH` (RFC 4731 section 3.1).

use common::stream::Stream;
use store::ModSeq;

use crate::error::Error;
use crate::response::Writer;
use crate::seqset::Compact;
use crate::syntax::Parser;
use crate::view::Numbering;

/// The messages that match, ascending, as numbers of the kind that the command is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub numbers: Vec<u32>,
    /// The highest MODSEQ among them, where it is to be told.
    pub modseq: Option<ModSeq>,
}

/// What RETURN asks for. RFC 4731 section 3.1
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    pub min: bool,
    pub max: bool,
    pub all: bool,
    pub count: bool,
}

impl Options {
    /// `"(" [search-return-opt *(SP search-return-opt)] ")"`. An empty list means ALL.
    pub fn parse(parser: &mut Parser<'_>) -> Result<Options, Error> {
        parser.expect(b'(')?;
        if parser.take(b')') {
            return Ok(Options { all: true, ..Options::default() });
        }
        let mut options = Options::default();
        loop {
            let name = parser.atom()?;
            match &*name.to_ascii_uppercase() {
                "MIN" => options.min = true,
                "MAX" => options.max = true,
                "ALL" => options.all = true,
                "COUNT" => options.count = true,
                _ => return Err(Error::bad(format!("Unknown search return option {name}"))),
            }
            if !parser.take(b' ') {
                break;
            }
        }
        parser.expect(b')')?;
        Ok(options)
    }

    /// Neither the whole result nor its size is asked for: the search may stop at the first or the last match.
    pub fn ends_only(self) -> bool {
        !self.all && !self.count
    }
}

/// `"SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]`
pub async fn write_search(found: &Found, stream: &mut Stream) -> Result<(), Error> {
    Writer::new(stream).raw("* SEARCH");
    for number in &found.numbers {
        Writer::new(stream).raw(" ").show(number);
        stream.flush_batch().await?;
    }
    let mut out = Writer::new(stream);
    if let Some(modseq) = found.modseq {
        out.raw(" (MODSEQ ").show(modseq).raw(")");
    }
    out.crlf();
    Ok(())
}

/// `"ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`. RFC 4466 section 2.6.2
pub async fn write_esearch(
    found: &Found,
    options: Options,
    numbering: Numbering,
    tag: &[u8],
    stream: &mut Stream,
) -> Result<(), Error> {
    write_head(&mut Writer::new(stream), found, options, numbering, tag);
    if options.all && !found.numbers.is_empty() {
        Writer::new(stream).raw(" ALL ");
        write_set(&found.numbers, stream).await?;
    }
    let mut out = Writer::new(stream);
    if options.count {
        out.raw(" COUNT ").show(found.numbers.len());
    }
    // RFC 4731 section 3.2
    if let Some(modseq) = found.modseq {
        out.raw(" MODSEQ ").show(modseq);
    }
    out.crlf();
    Ok(())
}

fn write_head(out: &mut Writer<'_>, found: &Found, options: Options, numbering: Numbering, tag: &[u8]) {
    out.raw("* ESEARCH (TAG ").string(tag).raw(")");
    if numbering == Numbering::Uid {
        out.raw(" UID");
    }
    // RFC 4731 section 3.1: MIN, MAX and ALL are left out when nothing matches
    if let (true, Some(min)) = (options.min, found.numbers.first()) {
        out.raw(" MIN ").show(min);
    }
    if let (true, Some(max)) = (options.max, found.numbers.last()) {
        out.raw(" MAX ").show(max);
    }
}

async fn write_set(numbers: &[u32], stream: &mut Stream) -> Result<(), Error> {
    let mut compact = Compact::default();
    for &number in numbers {
        // Writing to a growing buffer cannot fail.
        let _ = compact.push(number..=number, stream.out());
        stream.flush_batch().await?;
    }
    let _ = compact.close(stream.out());
    Ok(())
}
