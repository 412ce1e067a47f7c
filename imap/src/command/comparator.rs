//! COMPARATOR. RFC 5255 section 4.7

use crate::collation::Collation;
use crate::error::Error;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

/// More are nobody's.
const PATTERNS: usize = 32;

/// `"COMPARATOR" *(SP comp-order-quoted)`
pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let mut patterns = Vec::new();
    while arguments.more() {
        patterns.push(arguments.astring()?);
        if patterns.len() > PATTERNS {
            return Err(Error::no(Code::Limit, format!("More than {PATTERNS} comparators; name fewer")));
        }
    }
    arguments.end()?;
    let mut found: Vec<Collation> = Vec::new();
    for collation in patterns.iter().flat_map(|pattern| Collation::matching(pattern)) {
        if !found.contains(&collation) {
            found.push(collation);
        }
    }
    match found.first() {
        Some(&first) => session.collation = first,
        None if patterns.is_empty() => {}
        None => {
            let known = Collation::ALL.map(Collation::name).join(" ");
            return Err(Error::no(Code::BadComparator, format!("No such comparator; there are {known}")));
        }
    }
    write(session, &found);
    Ok(Reply::completed())
}

/// `"COMPARATOR" SP comp-sel-quoted [SP "(" comp-id-quoted *(SP comp-id-quoted) ")"]`, the list where several match.
// RFC 5255 section 4.8
fn write(session: &mut Session, found: &[Collation]) {
    let active = session.collation.name();
    let mut out = session.writer();
    out.raw("* COMPARATOR ").raw(active);
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|collation| collation.name()).collect();
        out.raw(" (").raw(names.join(" ")).raw(")");
    }
    out.crlf();
}
