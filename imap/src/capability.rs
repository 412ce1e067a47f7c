//! The one table of extensions, and what CAPABILITY prints for a session, computed from it.

use std::fmt::Write as _;

use crate::Literals;
use crate::command::States;
use crate::session::Session;

/// A row of [`EXTENSIONS`].
pub struct Extension {
    /// As CAPABILITY prints it; `AUTH=` stands for one capability a mechanism.
    pub capability: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers, and for the tests that check the table"))]
    pub rfc: u16,
    pub shown: Shown,
    /// What ENABLE does with it; `None`: ENABLE ignores it.
    pub enable: Option<fn(&mut Session)>,
    /// Has no row in COMMANDS: it changes what other commands do.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers, and for the tests that check the table"))]
    pub passive: bool,
}

/// When CAPABILITY prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Always,
    BeforeLogin,
    AfterLogin,
    /// Before login, in plain text, where there are certificates.
    WhereTlsCanStart,
    /// Before login, where LOGIN would be refused.
    WhereLoginIsRefused,
    /// Before login, one capability a SASL mechanism.
    AsMechanisms,
    /// Where the setting says so.
    With(Literals),
    /// Always, with the largest message behind it. RFC 7889 section 2
    WithAppendLimit,
    /// After login, where `imap.jmap_url` is set. RFC 9698 section 3
    WhereJmapIs,
    /// Where it is set, with the number behind it. RFC 9738 section 3
    WithMessageLimit,
    WithSaveLimit,
}

impl Extension {
    const fn new(capability: &'static str, rfc: u16, shown: Shown) -> Extension {
        Extension { capability, rfc, shown, enable: None, passive: false }
    }

    const fn passive(self) -> Extension {
        Extension { passive: true, ..self }
    }

    const fn enabled_by(self, enable: fn(&mut Session)) -> Extension {
        Extension { enable: Some(enable), ..self }
    }
}

/// In the order in which they are printed.
#[rustfmt::skip]
pub static EXTENSIONS: &[Extension] = &[
    //             capability           RFC   shown
    Extension::new("IMAP4rev1",         3501, Shown::Always),
    Extension::new("IMAP4rev2",         9051, Shown::Always).passive().enabled_by(Session::enable_rev2),
    Extension::new("STARTTLS",          3501, Shown::WhereTlsCanStart),
    Extension::new("LOGINDISABLED",     3501, Shown::WhereLoginIsRefused).passive(),
    Extension::new("AUTH=",             3501, Shown::AsMechanisms),
    Extension::new("SASL-IR",           4959, Shown::BeforeLogin).passive(),
    Extension::new("LITERAL+",          7888, Shown::With(Literals::Plus)).passive(),
    Extension::new("LITERAL-",          7888, Shown::With(Literals::Minus)).passive(),
    Extension::new("ID",                2971, Shown::Always),
    Extension::new("ENABLE",            5161, Shown::Always),
    Extension::new("IDLE",              2177, Shown::Always),
    Extension::new("NAMESPACE",         2342, Shown::Always),
    Extension::new("ACL",               4314, Shown::Always),
    Extension::new("RIGHTS=texk",       4314, Shown::Always).passive(),
    Extension::new("UIDPLUS",           4315, Shown::Always),
    Extension::new("UNSELECT",          3691, Shown::Always),
    Extension::new("CHILDREN",          3348, Shown::Always).passive(),
    Extension::new("SPECIAL-USE",       6154, Shown::Always).passive(),
    Extension::new("CREATE-SPECIAL-USE",6154, Shown::Always).passive(),
    Extension::new("LIST-EXTENDED",     5258, Shown::Always).passive(),
    Extension::new("LIST-MYRIGHTS",     8440, Shown::Always).passive(),
    Extension::new("LIST-STATUS",       5819, Shown::Always).passive(),
    Extension::new("BINARY",            3516, Shown::Always).passive(),
    Extension::new("MULTIAPPEND",       3502, Shown::Always).passive(),
    Extension::new("CATENATE",          4469, Shown::Always).passive(),
    Extension::new("REPLACE",           8508, Shown::Always),
    Extension::new("PREVIEW",           8970, Shown::Always).passive(),
    Extension::new("MOVE",              6851, Shown::Always),
    Extension::new("ESEARCH",           4731, Shown::Always).passive(),
    Extension::new("SEARCHRES",         5182, Shown::Always).passive(),
    Extension::new("PARTIAL",           9394, Shown::Always).passive(),
    Extension::new("WITHIN",            5032, Shown::Always).passive(),
    Extension::new("SAVEDATE",          8514, Shown::Always).passive(),
    Extension::new("OBJECTID",          8474, Shown::Always).passive(),
    Extension::new("CONTEXT=SEARCH",    5267, Shown::Always),
    Extension::new("CONTEXT=SORT",      5267, Shown::Always).passive(),
    Extension::new("MULTISEARCH",       7377, Shown::Always),
    Extension::new("SEARCH=FUZZY",      6203, Shown::Always).passive(),
    Extension::new("INPROGRESS",        9585, Shown::Always).passive(),
    Extension::new("SORT",              5256, Shown::Always),
    Extension::new("SORT=DISPLAY",      5957, Shown::Always).passive(),
    Extension::new("ESORT",             5267, Shown::Always).passive(),
    Extension::new("THREAD=ORDEREDSUBJECT", 5256, Shown::Always).passive(),
    Extension::new("THREAD=REFERENCES", 5256, Shown::Always),
    Extension::new("THREAD=REFS",       5256, Shown::Always).passive(),
    Extension::new("I18NLEVEL=2",       5255, Shown::Always),
    Extension::new("CONDSTORE",         7162, Shown::Always).passive().enabled_by(Session::enable_condstore),
    Extension::new("QRESYNC",           7162, Shown::Always).passive().enabled_by(Session::enable_qresync),
    Extension::new("QUOTA",             9208, Shown::Always),
    Extension::new("QUOTA=RES-STORAGE", 9208, Shown::Always).passive(),
    Extension::new("QUOTA=RES-MESSAGE", 9208, Shown::Always).passive(),
    Extension::new("QUOTA=RES-MAILBOX", 9208, Shown::Always).passive(),
    Extension::new("QUOTASET",          9208, Shown::Always),
    Extension::new("JMAPACCESS",        9698, Shown::WhereJmapIs),
    Extension::new("METADATA",          5464, Shown::Always),
    Extension::new("LIST-METADATA",     9590, Shown::Always).passive(),
    Extension::new("FILTERS",           5466, Shown::Always).passive(),
    Extension::new("STATUS=SIZE",       8438, Shown::Always).passive(),
    Extension::new("APPENDLIMIT",       7889, Shown::WithAppendLimit).passive(),
    Extension::new("UTF8=ACCEPT",       9755, Shown::Always).passive().enabled_by(Session::enable_utf8_accept),
    Extension::new("UNAUTHENTICATE",    8437, Shown::AfterLogin),
    Extension::new("LANGUAGE",          5255, Shown::Always),
    Extension::new("COMPRESS=DEFLATE",  4978, Shown::AfterLogin),
    Extension::new("NOTIFY",            5465, Shown::AfterLogin),
    Extension::new("UIDONLY",           9586, Shown::Always).passive().enabled_by(Session::enable_uidonly),
    Extension::new("UIDBATCHES",        10022, Shown::Always),
    Extension::new("MESSAGELIMIT",     9738, Shown::WithMessageLimit).passive(),
    Extension::new("SAVELIMIT",        9738, Shown::WithSaveLimit).passive(),
];

/// The capabilities of this session as it is now, separated by spaces.
pub fn list(session: &Session) -> String {
    let authenticator = &session.service.shared.authenticator;
    let context = session.auth_context();
    let offers = Offers {
        before_login: session.state() == States::NOT_AUTHENTICATED,
        tls_can_start: session.stream.tls().is_none() && session.service.shared.tls.is_some(),
        login_refused: !authenticator.plaintext_allowed(&context),
        mechanisms: authenticator.mechanisms(&context),
        message_limit: session.service.options.message_limit,
        save_limit: session.service.options.save_limit,
        literals: session.service.options.literals,
        append_limit: session.service.options.append_limit,
        has_jmap: !session.service.options.jmap_url.is_empty(),
    };
    offers.list()
}

/// What of the session decides which rows are shown.
struct Offers {
    before_login: bool,
    tls_can_start: bool,
    login_refused: bool,
    mechanisms: Vec<&'static str>,
    literals: Literals,
    append_limit: u64,
    has_jmap: bool,
    message_limit: u32,
    save_limit: u32,
}

impl Offers {
    fn list(&self) -> String {
        let mut list = String::new();
        for extension in EXTENSIONS.iter().filter(|extension| self.shows(extension)) {
            match extension.shown {
                Shown::AsMechanisms => {
                    for mechanism in &self.mechanisms {
                        push(&mut list, extension.capability, mechanism);
                    }
                }
                Shown::WithAppendLimit => {
                    push(&mut list, extension.capability, &format!("={}", self.append_limit));
                }
                Shown::WithMessageLimit => {
                    push(&mut list, extension.capability, &format!("={}", self.message_limit));
                }
                Shown::WithSaveLimit => {
                    push(&mut list, extension.capability, &format!("={}", self.save_limit));
                }
                _ => push(&mut list, extension.capability, ""),
            }
        }
        list
    }

    fn shows(&self, extension: &Extension) -> bool {
        match extension.shown {
            Shown::Always | Shown::WithAppendLimit => true,
            Shown::WithMessageLimit => self.message_limit > 0,
            Shown::WithSaveLimit => self.save_limit > 0,
            Shown::With(literals) => self.literals == literals,
            Shown::AfterLogin => !self.before_login,
            Shown::WhereJmapIs => !self.before_login && self.has_jmap,
            Shown::BeforeLogin | Shown::AsMechanisms => self.before_login,
            Shown::WhereTlsCanStart => self.before_login && self.tls_can_start,
            Shown::WhereLoginIsRefused => self.before_login && self.login_refused,
        }
    }
}

fn push(list: &mut String, capability: &str, mechanism: &str) {
    let space = if list.is_empty() { "" } else { " " };
    // Writing to a string cannot fail.
    let _ = write!(list, "{space}{capability}{mechanism}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::COMMANDS;

    fn offers() -> Offers {
        Offers {
            before_login: true,
            tls_can_start: true,
            login_refused: true,
            mechanisms: vec!["PLAIN", "SCRAM-SHA-256"],
            message_limit: 0,
            save_limit: 0,
            literals: Literals::Plus,
            append_limit: 1000,
            has_jmap: false,
        }
    }

    #[test]
    fn each_extension_is_used_or_passive() {
        for extension in EXTENSIONS {
            let used = COMMANDS.iter().any(|row| row.capability == extension.capability);
            assert_eq!(used, !extension.passive, "{}", extension.capability);
        }
    }

    #[test]
    fn each_extension_names_its_rfc() {
        assert!(EXTENSIONS.iter().all(|extension| (1730..20_000).contains(&extension.rfc)));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = EXTENSIONS.iter().map(|extension| extension.capability).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|two| two[0] != two[1]));
    }

    /// RFC 9051 appendix E, 2 and 3; appendix A: who announces both revisions announces what was folded into the second.
    #[test]
    fn what_imap4rev2_is_made_of_is_announced() {
        let before = offers().list();
        let after = Offers { before_login: false, ..offers() }.list();
        let names: Vec<_> = before.split(' ').chain(after.split(' ')).collect();
        for name in [
            "IMAP4rev1",
            "IMAP4rev2",
            "STARTTLS",
            "LOGINDISABLED",
            "AUTH=PLAIN",
            "NAMESPACE",
            "UNSELECT",
            "UIDPLUS",
            "ESEARCH",
            "SEARCHRES",
            "ENABLE",
            "IDLE",
            "SASL-IR",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "MOVE",
            "LITERAL+",
            "BINARY",
            "SPECIAL-USE",
            "CHILDREN",
            "STATUS=SIZE",
        ] {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_list_is_the_table_in_each_state() {
        let always = |extension: &&Extension| extension.shown == Shown::Always;
        let after_login = Offers { before_login: false, ..offers() }.list();
        for extension in EXTENSIONS.iter().filter(always) {
            assert!(after_login.split(' ').any(|name| name == extension.capability), "{after_login}");
        }
        // RFC 7889 section 2
        assert!(after_login.split(' ').any(|name| name == "APPENDLIMIT=1000"), "{after_login}");
        // RFC 9698 section 3
        assert!(!after_login.contains("JMAPACCESS"));
        assert!(!Offers { has_jmap: true, ..offers() }.list().contains("JMAPACCESS"));
        let with_jmap = Offers { has_jmap: true, before_login: false, ..offers() }.list();
        assert!(with_jmap.split(' ').any(|name| name == "JMAPACCESS"), "{with_jmap}");
        assert!(!after_login.contains("AUTH=") && !after_login.contains("STARTTLS"), "{after_login}");
        // RFC 9738 section 3: announced where there is a limit
        assert!(!after_login.contains("LIMIT=0"), "{after_login}");
        let limited = Offers { message_limit: 1000, save_limit: 200, ..offers() }.list();
        assert!(limited.contains(" MESSAGELIMIT=1000 SAVELIMIT=200"), "{limited}");
        assert!(!limited.contains("COMPRESS") && after_login.contains(" COMPRESS=DEFLATE"));
        let shown = |extension: &&Extension| {
            let there =
                [Shown::Always, Shown::AfterLogin, Shown::With(Literals::Plus), Shown::WithAppendLimit];
            there.contains(&extension.shown)
        };
        let rows: Vec<_> = EXTENSIONS.iter().filter(shown).map(|extension| extension.capability).collect();
        assert_eq!(after_login.replace("=1000", ""), rows.join(" "));

        let before = offers().list();
        assert!(
            before.starts_with(
                "IMAP4rev1 IMAP4rev2 STARTTLS LOGINDISABLED AUTH=PLAIN AUTH=SCRAM-SHA-256 SASL-IR "
            ),
            "{before}"
        );
        let in_tls = Offers { tls_can_start: false, login_refused: false, ..offers() }.list();
        assert!(in_tls.starts_with("IMAP4rev1 IMAP4rev2 AUTH=PLAIN "), "{in_tls}");
    }
}
