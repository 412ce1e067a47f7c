//! THE table of commands: dispatch, state checks, capabilities and the rule of EXPUNGE come from its rows.
//!
//! A command is a file in `command/` with `pub async fn run(&mut Session, &mut Parser) -> Result<Reply, Error>` that begins
//! behind the command's name (so with [`Parser::space`] or [`Parser::end`]), and a row here.

mod announce;
mod append;
mod authenticate;
mod cancelupdate;
mod capability;
mod close;
mod comparator;
mod compress;
mod copy;
mod create;
mod delete;
mod enable;
mod esearch;
mod expunge;
mod fetch;
mod getacl;
mod getjmapaccess;
mod getmetadata;
mod getquota;
mod getquotaroot;
mod id;
mod idle;
mod language;
mod list;
mod listrights;
mod login;
mod logout;
mod lsub;
mod r#move;
mod myrights;
mod namespace;
mod noop;
mod notify;
mod rename;
mod replace;
mod search;
mod select;
mod setacl;
mod setmetadata;
mod setquota;
mod sort;
mod starttls;
mod status;
mod store;
mod subscribe;
mod thread;
mod uidbatches;
mod unauthenticate;

pub use fetch::write_new;

use std::fmt;
use std::pin::Pin;

use crate::error::Error;
use crate::response::Reply;
use crate::seqset::SequenceSet;
use crate::session::Session;
use crate::syntax::{self, Parser};
use crate::view::Numbering;

/// A row of [`COMMANDS`].
pub struct Command {
    /// In capitals; UID commands with their prefix.
    pub name: &'static str,
    /// States in which it is allowed.
    pub states: States,
    pub numbers: Numbers,
    /// Whether EXPUNGE may be sent while it runs. RFC 9051 section 7.5.1
    pub allow_expunge: bool,
    /// The extension that brings it, a row of [`crate::capability::EXTENSIONS`].
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers, and for the tests that check the table"))]
    pub capability: &'static str,
    /// Its handler reads the literals behind the first argument itself.
    pub streamed: bool,
    pub run: Run,
}

pub type Run = for<'s, 'p> fn(&'s mut Session, &'s mut Parser<'p>) -> Running<'s>;

/// A handler at work.
pub type Running<'s> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 's>>;

/// What a command's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// It has none.
    None,
    Seq,
    Uid,
}

impl Numbers {
    /// How the numbers in arguments and answers are to be read.
    pub fn numbering(self) -> Numbering {
        if self == Numbers::Uid { Numbering::Uid } else { Numbering::Seq }
    }
}

/// A set of states (RFC 9051 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u8);

impl States {
    pub const NOT_AUTHENTICATED: States = States(1);
    pub const AUTHENTICATED: States = States(2);
    pub const SELECTED: States = States(4);
    /// After login.
    pub const LOGGED_IN: States = States(6);
    pub const ANY: States = States(7);

    pub fn contains(self, state: States) -> bool {
        self.0 & state.0 == state.0
    }

    /// For "X is not allowed ...".
    pub fn describe(self) -> &'static str {
        match self {
            States::NOT_AUTHENTICATED => "before login",
            States::AUTHENTICATED => "while no mailbox is selected",
            _ => "after login",
        }
    }
}

macro_rules! table {
    ($($name:literal $states:ident $numbers:ident $expunge:ident $capability:literal $run:path $([$streamed:ident])?;)*) => {
        &[$(Command {
            name: $name,
            states: States::$states,
            numbers: Numbers::$numbers,
            allow_expunge: table!(@ $expunge),
            capability: $capability,
            streamed: false $(|| table!(@ $streamed))?,
            run: |session, arguments| Box::pin($run(session, arguments)),
        }),*]
    };
    (@ Allow) => { true };
    (@ Forbid) => { false };
    (@ Streamed) => { true };
}

/// Sorted by name.
pub static COMMANDS: &[Command] = table![
    // name         states            numbers  EXPUNGE  capability   run
    "APPEND"        LOGGED_IN         None     Allow    "IMAP4rev1"  append::run [Streamed];
    "AUTHENTICATE"  NOT_AUTHENTICATED None     Forbid   "AUTH="      authenticate::run;
    "CANCELUPDATE"  SELECTED          None     Allow    "CONTEXT=SEARCH" cancelupdate::run;
    "CAPABILITY"    ANY               None     Allow    "IMAP4rev1"  capability::run;
    "CHECK"         SELECTED          None     Allow    "IMAP4rev1"  noop::run;
    "CLOSE"         SELECTED          None     Forbid   "IMAP4rev1"  close::run;
    "COMPARATOR"    LOGGED_IN         None     Allow    "I18NLEVEL=2" comparator::run;
    "COMPRESS"      LOGGED_IN         None     Allow    "COMPRESS=DEFLATE"  compress::run;
    "COPY"          SELECTED          Seq      Allow    "IMAP4rev1"  copy::run;
    "CREATE"        LOGGED_IN         None     Allow    "IMAP4rev1"  create::run;
    "DELETE"        LOGGED_IN         None     Allow    "IMAP4rev1"  delete::run;
    "DELETEACL"     LOGGED_IN         None     Allow    "ACL"        setacl::run;
    "ENABLE"        LOGGED_IN         None     Allow    "ENABLE"     enable::run;
    "ESEARCH"       LOGGED_IN         None     Allow    "MULTISEARCH" esearch::run;
    "EXAMINE"       LOGGED_IN         None     Allow    "IMAP4rev1"  select::run;
    "EXPUNGE"       SELECTED          None     Allow    "IMAP4rev1"  expunge::run;
    "FETCH"         SELECTED          Seq      Forbid   "IMAP4rev1"  fetch::run;
    "GETACL"        LOGGED_IN         None     Allow    "ACL"        getacl::run;
    "GETJMAPACCESS" LOGGED_IN         None     Allow    "JMAPACCESS" getjmapaccess::run;
    "GETMETADATA"   LOGGED_IN         None     Allow    "METADATA"   getmetadata::run;
    "GETQUOTA"      LOGGED_IN         None     Allow    "QUOTA"      getquota::run;
    "GETQUOTAROOT"  LOGGED_IN         None     Allow    "QUOTA"      getquotaroot::run;
    "ID"            ANY               None     Allow    "ID"         id::run;
    "IDLE"          LOGGED_IN         None     Allow    "IDLE"       idle::run;
    "LANGUAGE"      ANY               None     Allow    "LANGUAGE"   language::run;
    "LIST"          LOGGED_IN         None     Allow    "IMAP4rev1"  list::run;
    "LISTRIGHTS"    LOGGED_IN         None     Allow    "ACL"        listrights::run;
    "LOGIN"         NOT_AUTHENTICATED None     Forbid   "IMAP4rev1"  login::run;
    "LOGOUT"        ANY               None     Allow    "IMAP4rev1"  logout::run;
    "LSUB"          LOGGED_IN         None     Allow    "IMAP4rev1"  lsub::run;
    "MOVE"          SELECTED          Seq      Allow    "MOVE"       r#move::run;
    "MYRIGHTS"      LOGGED_IN         None     Allow    "ACL"        myrights::run;
    "NAMESPACE"     LOGGED_IN         None     Allow    "NAMESPACE"  namespace::run;
    "NOOP"          ANY               None     Allow    "IMAP4rev1"  noop::run;
    "NOTIFY"        LOGGED_IN         None     Allow    "NOTIFY"     notify::run;
    "RENAME"        LOGGED_IN         None     Allow    "IMAP4rev1"  rename::run;
    "REPLACE"       SELECTED          Seq      Allow    "REPLACE"    replace::run [Streamed];
    "SEARCH"        SELECTED          Seq      Forbid   "IMAP4rev1"  search::run;
    "SELECT"        LOGGED_IN         None     Allow    "IMAP4rev1"  select::run;
    "SETACL"        LOGGED_IN         None     Allow    "ACL"        setacl::run;
    "SETMETADATA"   LOGGED_IN         None     Allow    "METADATA"   setmetadata::run;
    "SETQUOTA"      LOGGED_IN         None     Allow    "QUOTASET"   setquota::run;
    "SORT"          SELECTED          Seq      Forbid   "SORT"       sort::run;
    "STARTTLS"      NOT_AUTHENTICATED None     Forbid   "STARTTLS"   starttls::run;
    "STATUS"        LOGGED_IN         None     Allow    "IMAP4rev1"  status::run;
    "STORE"         SELECTED          Seq      Forbid   "IMAP4rev1"  store::run;
    "SUBSCRIBE"     LOGGED_IN         None     Allow    "IMAP4rev1"  subscribe::run;
    "THREAD"        SELECTED          Seq      Forbid   "THREAD=REFERENCES" thread::run;
    "UID COPY"      SELECTED          Uid      Allow    "IMAP4rev1"  copy::run;
    "UID EXPUNGE"   SELECTED          Uid      Allow    "UIDPLUS"    expunge::run;
    "UID FETCH"     SELECTED          Uid      Allow    "IMAP4rev1"  fetch::run;
    "UID MOVE"      SELECTED          Uid      Allow    "MOVE"       r#move::run;
    "UID REPLACE"   SELECTED          Uid      Allow    "REPLACE"    replace::run [Streamed];
    "UID SEARCH"    SELECTED          Uid      Allow    "IMAP4rev1"  search::run;
    "UID SORT"      SELECTED          Uid      Allow    "SORT"       sort::run;
    "UID STORE"     SELECTED          Uid      Allow    "IMAP4rev1"  store::run;
    "UID THREAD"    SELECTED          Uid      Allow    "THREAD=REFERENCES" thread::run;
    "UIDBATCHES"    SELECTED          None     Allow    "UIDBATCHES" uidbatches::run;
    "UNAUTHENTICATE" LOGGED_IN        None     Forbid   "UNAUTHENTICATE" unauthenticate::run;
    "UNSELECT"      SELECTED          None     Forbid   "UNSELECT"   close::run;
    "UNSUBSCRIBE"   LOGGED_IN         None     Allow    "IMAP4rev1"  subscribe::run;
];

/// Stands in while no command is known.
static NONE: Command = Command {
    name: "command",
    states: States::ANY,
    numbers: Numbers::None,
    allow_expunge: false,
    capability: "",
    streamed: false,
    run: |_, _| Box::pin(async { Err(Error::bad("Unknown command")) }),
};

impl Command {
    pub fn none() -> &'static Command {
        &NONE
    }

    /// Its arguments are for no log: what may be said before login only has passwords in it.
    pub fn has_secrets(&self) -> bool {
        self.states == States::NOT_AUTHENTICATED
    }

    /// The row that the line names at the offset `at`, and the offset of its arguments.
    pub fn find(line: &[u8], at: usize) -> Result<(&'static Command, usize), Error> {
        let mut parser = Parser::new(line, at, syntax::Limits::default());
        let mut name = parser.atom()?.to_ascii_uppercase();
        if name == "UID" {
            parser.space()?;
            name = format!("UID {}", parser.atom()?.to_ascii_uppercase());
        }
        let row = COMMANDS.binary_search_by(|row| row.name.cmp(name.as_str()));
        let command = row.ok().and_then(|row| COMMANDS.get(row));
        command.map(|command| (command, line.len() - parser.rest().len())).ok_or_else(|| unknown(&name))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `sequence-set`, for the commands that begin with one. RFC 9051 section 9
pub fn sequence_set(arguments: &mut Parser<'_>) -> Result<SequenceSet, Error> {
    let is_part = |c: u8| c.is_ascii_digit() || matches!(c, b':' | b',' | b'*' | b'$');
    let text = arguments.take_while(is_part);
    SequenceSet::parse(text).ok_or_else(|| arguments.expected("a set of message numbers"))
}

fn unknown(name: &str) -> Error {
    const SHOWN: usize = 32;
    Error::bad(format!("Unknown command {}", &name[..name.len().min(SHOWN)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::EXTENSIONS;

    #[test]
    fn the_table_is_sorted_and_its_capabilities_exist() {
        assert!(COMMANDS.windows(2).all(|two| two[0].name < two[1].name));
        for row in COMMANDS {
            assert!(EXTENSIONS.iter().any(|extension| extension.capability == row.capability), "{row:?}");
        }
    }

    #[test]
    fn only_commands_with_message_numbers_forbid_expunge() {
        // RFC 9051 section 7.5.1
        for row in
            COMMANDS.iter().filter(|row| row.states == States::SELECTED && row.numbers != Numbers::None)
        {
            let numbered = ["FETCH", "STORE", "SEARCH", "SORT", "THREAD"].contains(&row.name);
            assert_eq!(row.allow_expunge, !numbered, "{row:?}");
        }
    }

    #[test]
    fn passwords_are_kept_from_the_log() {
        let secret: Vec<_> = COMMANDS.iter().filter(|row| row.has_secrets()).map(|row| row.name).collect();
        assert_eq!(secret, ["AUTHENTICATE", "LOGIN", "STARTTLS"]);
    }

    #[test]
    fn uid_rows_say_so() {
        for row in COMMANDS {
            assert_eq!(row.name.starts_with("UID "), row.numbers == Numbers::Uid, "{row:?}");
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        let (command, at) = Command::find(b"a1 uid fetch 1 FLAGS", 3).unwrap();
        assert_eq!((command.name, at), ("UID FETCH", 12));
        let (command, at) = Command::find(b"a1 NOOP", 3).unwrap();
        assert_eq!((command.name, at), ("NOOP", 7));
        for line in ["a1 ", "a1 FETCHES 1", "a1 UID", "a1 UID  FETCH", "a1 UID NOOP", "a1 (", "a1 UIDFETCH"] {
            assert!(Command::find(line.as_bytes(), 3).is_err(), "{line}");
        }
    }
}
