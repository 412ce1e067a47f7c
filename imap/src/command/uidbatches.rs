//! UIDBATCHES: ranges of UIDs that cut the mailbox into batches of equally many messages. RFC 10022

use std::ops::RangeInclusive;

use crate::error::Error;
use crate::limit;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;
use crate::view::Known;

/// Smaller batches are refused.
const LEAST: u32 = 500;
/// A range of batches that spans more messages is refused.
const MOST_MESSAGES: u64 = 100_000;

struct Request {
    size: u32,
    /// Which batches, from 1; all of them where none are named.
    batches: Option<RangeInclusive<u32>>,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let Request { size, batches } = parse(arguments)?;
    let size = limit::smaller(size, session.service.options.message_limit);
    let tag = session.tag.clone();
    session.writer().raw("* UIDBATCHES (TAG ").string(&tag).raw(")");
    let batches = batches.unwrap_or(1..=u32::MAX);
    let mut gap = " ";
    let mut number = *batches.start();
    while number <= *batches.end()
        && let Some((high, low)) = batch(session.selected()?.0.view.known(), number, size)
    {
        session.writer().raw(gap).show(high).raw(":").show(low);
        session.flush_batch().await?;
        gap = ",";
        number = number.saturating_add(1);
    }
    session.writer().crlf();
    Ok(Reply::completed())
}

/// `"UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]`
fn parse(arguments: &mut Parser<'_>) -> Result<Request, Error> {
    arguments.space()?;
    let size = arguments.nz_number()?;
    let mut batches = None;
    if arguments.more() {
        let first = arguments.nz_number()?;
        arguments.expect(b':')?;
        batches = Some(first..=arguments.nz_number()?);
    }
    arguments.end()?;
    if size < LEAST {
        return Err(Error::no(Code::TooFew, format!("A batch has at least {LEAST} messages")));
    }
    if let Some(batches) = &batches {
        if batches.is_empty() {
            let text = "The first number of the range is the greater one";
            return Err(Error::BadCode { code: Code::ClientBug, text: text.into() });
        }
        let count = u64::from(batches.end() - batches.start()) + 1;
        if count.saturating_mul(size.into()) > MOST_MESSAGES {
            let text = format!("The batches span more than {MOST_MESSAGES} messages; ask for fewer");
            return Err(Error::no(Code::TooMany, text));
        }
    }
    Ok(Request { size, batches })
}

/// The UIDs of a batch, the newest messages being the first one. The batches leave no UID out: each begins below the one
/// before, and the last ends at 1.
fn batch(view: &Known, number: u32, size: u32) -> Option<(u32, u32)> {
    let (size, before) = (usize::try_from(size).ok()?, usize::try_from(number.checked_sub(1)?).ok()?);
    let end = view.exists().checked_sub(before.checked_mul(size)?).filter(|&end| end > 0)?;
    let high = match view.at(end) {
        Some((_, above)) => above.uid.0 - 1,
        None => view.at(end - 1)?.1.uid.0,
    };
    let low = match end.checked_sub(size).filter(|&start| start > 0) {
        Some(start) => view.at(start)?.1.uid.0,
        None => 1,
    };
    // A batch that begins in a gap is told from the message above it down.
    Some((high.max(low), low))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::{Flags, KeywordBits, ModSeq, Row, State, Uid};

    use super::*;
    use crate::syntax::Limits;

    fn parsed(text: &str) -> Result<Request, Error> {
        parse(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    #[test]
    fn arguments() {
        let request = parsed(" 2000").unwrap();
        assert_eq!((request.size, request.batches), (2000, None));
        assert_eq!(parsed(" 500 10:20").unwrap().batches, Some(10..=20));
        for text in ["", " ", " 0", " 500 1", " 500 1:", " 500 1:2 x", " 500 0:1", " 500 1:*", " x"] {
            assert!(matches!(parsed(text), Err(Error::Bad(_))), "{text}");
        }
        let code = |text| match parsed(text) {
            Err(Error::No { code, .. }) => code,
            Err(Error::BadCode { code, .. }) => Some(code),
            _ => None,
        };
        assert_eq!(code(" 499"), Some(Code::TooFew));
        assert_eq!(code(" 500 20:10"), Some(Code::ClientBug));
        assert_eq!(code(" 500 1:201"), Some(Code::TooMany));
        assert_eq!(code(" 500 1:200"), None);
    }

    #[test]
    fn batches_are_of_equal_size_and_leave_nothing_out() {
        let rows: Vec<Row> = (1..=11u32)
            .map(|n| Row {
                uid: Uid(n * 10),
                flags: Flags::default(),
                keywords: KeywordBits(0),
                modseq: ModSeq(1),
            })
            .collect();
        let state = Arc::new(State::of_rows(Uid(200), ModSeq(1), &[], &rows));
        let known = Known::new(state, store::Rights::READ, Uid(200));
        let all: Vec<_> = (1..).map_while(|number| batch(&known, number, 4)).collect();
        assert_eq!(all, [(110, 80), (79, 40), (39, 1)]);
        assert_eq!(batch(&known, 1, 11), Some((110, 1)));
        assert_eq!(batch(&known, 2, 11), None);
        assert_eq!(batch(&known, u32::MAX, u32::MAX), None);
        let empty =
            Known::new(Arc::new(State::of_rows(Uid(1), ModSeq(1), &[], &[])), store::Rights::READ, Uid(1));
        assert_eq!(batch(&empty, 1, 4), None);
    }
}
