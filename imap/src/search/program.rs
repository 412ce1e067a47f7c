//! What a SEARCH, SORT, THREAD or ESEARCH looks for: its keys, parsed, and not yet bound to a mailbox.

use super::charset::Charset;
use super::eval;
use super::fuzzy;
use super::key::Key;
use super::parse::{Context, parse_keys};
use crate::error::Error;
use crate::filters::{self, Filters};
use crate::session::Session;
use crate::syntax::Parser;
use crate::view::Known;

/// Search keys that can be run over any mailbox, by [`super::find::find`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    key: Key,
    /// It has a MODSEQ key: the answer tells the highest MODSEQ. RFC 7162 section 3.1.5
    pub modseq: bool,
    /// It has message sequence numbers: they must not move meanwhile. RFC 7162 section 3.2.10.2
    pub numbered: bool,
    /// It has a FUZZY key.
    fuzzy: bool,
}

impl Program {
    /// `["CHARSET" SP charset SP] search-key *(SP search-key)` up to the end of the command. RFC 9051 section 6.4.4
    pub fn parse(arguments: &mut Parser<'_>, session: &Session) -> Result<Program, Error> {
        let mut charset = Charset::default();
        if arguments.word("CHARSET") {
            if arguments.enabled().utf8_accept {
                // RFC 9755 section 3: "due to the conflicting charset labels"
                return Err(Error::bad("No CHARSET after ENABLE UTF8=ACCEPT: search strings are UTF-8"));
            }
            arguments.space()?;
            charset = Charset::named(&arguments.astring()?)?;
            arguments.space()?;
        }
        Program::parse_keys(arguments, charset, session)
    }

    /// `charset 1*(SP search-key)`, the search-criteria of SORT and THREAD. RFC 5256 section 5
    pub fn parse_criteria(arguments: &mut Parser<'_>, session: &Session) -> Result<Program, Error> {
        let charset = arguments.astring()?;
        arguments.space()?;
        Program::parse_keys(arguments, Charset::named(&charset)?, session)
    }

    /// `search-key *(SP search-key)` up to the end of the command, its strings in this charset, to be compared by the session's
    /// collation.
    fn parse_keys(arguments: &mut Parser<'_>, charset: Charset, session: &Session) -> Result<Program, Error> {
        let (collation, nesting) = (session.collation, session.syntax_limits().nesting);
        let find = |name: &str| filters::find(session, name);
        let filters = Filters::found_by(&find);
        let mut context = Context { charset, collation, nesting, filters, ..Context::default() };
        let mut key = parse_keys(arguments, &mut context)?;
        fuzzy::check(&mut key)?;
        eval::sort(&mut key);
        Ok(Program { key, modseq: context.modseq, numbered: context.numbered, fuzzy: context.fuzzy })
    }

    /// RELEVANCY, as a return option or as a sort key, "MUST NOT be used unless a FUZZY search key is also given".
    // RFC 6203 section 4, RFC 6203 section 6
    pub fn check_relevancy(&self, asked: bool) -> Result<(), Error> {
        if asked && !self.fuzzy {
            return Err(Error::bad("RELEVANCY is for searches with a FUZZY key"));
        }
        Ok(())
    }

    /// The same, with the messages that it names by number or by `$` now, whatever becomes of the numbers.
    // RFC 5267 section 4.3
    pub fn frozen(&self, view: &Known) -> Program {
        let mut frozen = self.clone();
        frozen.key.freeze(view);
        frozen
    }

    /// The keys for the messages of this mailbox.
    pub fn bound(&self, view: &Known) -> Key {
        let mut key = self.key.clone();
        key.bind(view);
        key
    }
}
