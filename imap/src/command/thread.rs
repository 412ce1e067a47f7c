//! THREAD and UID THREAD. RFC 5256 section 3

use store::Uid;

use super::search::prepare;
use crate::collation::Collation;
use crate::error::Error;
use crate::limit;
use crate::response::Reply;
use crate::search::find::{Scope, find};
use crate::search::options::Need;
use crate::search::program::Program;
use crate::session::Session;
use crate::sort::facts::{self, Facts};
use crate::syntax::Parser;
use crate::thread::{self, Item, Threads};

type Algorithm = fn(&[Item]) -> Threads;

/// thread-alg, by name.
const ALGORITHMS: [(&str, Algorithm); 3] =
    [("ORDEREDSUBJECT", thread::ordered_subject), ("REFERENCES", thread::references), ("REFS", thread::refs)];

/// `SP thread-alg SP search-criteria`
pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let algorithm = algorithm(arguments)?;
    arguments.space()?;
    let program = Program::parse_criteria(arguments, session)?;
    prepare(session, &program).await?;
    let (collation, limit) = (session.collation, session.service.options.message_limit);
    let numbering = session.numbers().numbering();
    let (selected, mut progress) = session.selected_with_progress()?;
    let (mailbox, view) = (&selected.mailbox, selected.view.known());
    let found = find(Scope { mailbox, view, limit }, &program, Need::All, &mut progress).await?;
    let (mut items, mut numbers) = (Vec::new(), Vec::new());
    let mut add = |facts: Facts| {
        numbers.push(view.number(Uid(facts.uid), numbering).unwrap_or(0));
        items.push(item(facts, collation));
    };
    let unread = progress.during(facts::for_each(mailbox, view, &found.uids, true, &mut add)).await??;
    let threads = common::block(|| algorithm(&items));
    thread::result::write(&threads, &numbers, &mut session.stream).await?;
    match found.failure.or(unread) {
        None => Ok(limit::tell(Reply::completed(), found.cut, &mut session.writer())),
        Some(failure) => Err(failure.into()),
    }
}

fn algorithm(arguments: &mut Parser<'_>) -> Result<Algorithm, Error> {
    let name = arguments.atom()?;
    match ALGORITHMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, algorithm)) => Ok(*algorithm),
        None => Err(Error::bad(format!("Unknown threading algorithm {name}"))),
    }
}

fn item(facts: Facts, collation: Collation) -> Item {
    let subject = (!facts.keys.subject.is_empty()).then(|| {
        let mut key = Vec::new();
        collation.key(&facts.keys.subject, &mut key);
        key.into_boxed_slice()
    });
    Item {
        sent: facts.sent(),
        arrival: facts.arrival,
        subject,
        reply: facts.keys.reply,
        id: facts.keys.message_id,
        references: facts.keys.references.into_boxed_slice(),
    }
}
