//! The schemas that requests are held against and answers keep to.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::call::PAGE_MOST;
use super::schema::*;

/// Every schema by its name.
pub(super) fn all() -> &'static Value {
    static ALL: OnceLock<Value> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut schemas = Map::new();
        for (name, schema) in
            names().into_iter().chain(requests()).chain(answers()).chain(aliases()).chain(server())
        {
            schemas.insert(name.to_owned(), schema);
        }
        Value::Object(schemas)
    })
}

/// Rules that a schema cannot say are told in words, and by the answer to who breaks them.
fn names() -> Vec<(&'static str, Value)> {
    let mut account = text(
        1,
        255,
        "user or user@domain, 255 octets at most, without white space, control characters, /, % and *",
    );
    account["pattern"] = json!(r"^[^@/%*\s\x00-\x1f\x7f-\x9f]+(@[^@/%*\s\x00-\x1f\x7f-\x9f]+)?$");
    let mut mailbox = text(
        1,
        1000,
        "levels with / between, 32 at most, 1000 octets at most, without control characters, % and *",
    );
    mailbox["pattern"] = json!(r"^[^/%*\x00-\x1f\x7f-\x9f]+(/[^/%*\x00-\x1f\x7f-\x9f]+){0,31}$");
    let mut label = text(1, 100, "one line of at most 100 octets, such as phone");
    label["pattern"] = json!(r"^[^\x00-\x1f\x7f-\x9f]+$");
    let mut alias =
        text(1, 255, "an address that no account has, or @domain for whatever is nobody's in the domain");
    alias["pattern"] = json!(
        r"^([^@/%*\s\x00-\x1f\x7f-\x9f]+(@[^@/%*\s\x00-\x1f\x7f-\x9f]+)?|@[^@/%*\s\x00-\x1f\x7f-\x9f]+)$"
    );
    vec![
        ("AccountName", account.clone()),
        ("AliasName", alias),
        ("GroupName", account),
        ("MailboxName", mailbox),
        ("Password", text(1, 1024, "at most 1024 octets; stored as a hash")),
        ("Label", label),
    ]
}

fn switches() -> [(&'static str, Value); 6] {
    [
        ("imap", boolean("IMAP may be used")),
        ("pop3", boolean("POP3 may be used")),
        ("smtp", boolean("Mail may be handed in at the MTA")),
        ("delivery", boolean("mail is taken in")),
        ("login", boolean("any login is possible")),
        ("administrator", boolean("may log in to the web page, and set limits over IMAP")),
    ]
}

fn limits() -> [(&'static str, Value); 3] {
    [
        ("bytes", number("octets of all mail; 0: the configuration's limit")),
        ("messages", number("0: the configuration's limit")),
        ("mailboxes", number("INBOX counts too; 0: the configuration's limit")),
    ]
}

fn requests() -> Vec<(&'static str, Value)> {
    let changes: Vec<(&str, Value)> = switches().into_iter().chain(limits()).collect();
    let password = ("password", or_null(password()));
    let new: Vec<(&str, Value)> = changes.iter().cloned().chain([password]).collect();
    let name = ("name", reference("AccountName"));
    vec![
        ("NewAccount", object(std::slice::from_ref(&name), &new)),
        ("AccountChanges", object(&[], &changes)),
        ("NewName", object(&[name], &[])),
        ("NewPassword", object(&[("password", reference("Password"))], &[])),
        (
            "NewAppPassword",
            object(
                &[("label", reference("Label"))],
                &[
                    ("protocols", list(words(&["imap", "pop3", "smtp", "api"]), Some(4))),
                    ("expires", or_null(whole(0, LARGEST, "in seconds since 1970; null: never"))),
                ],
            ),
        ),
        (
            "NewMailbox",
            object(&[("name", reference("MailboxName"))], &[("special_use", or_null(special_use()))]),
        ),
        (
            "MailboxChanges",
            object(&[], &[("name", reference("MailboxName")), ("subscribed", boolean("shown by clients"))]),
        ),
        (
            "Restore",
            object(
                &[("mailbox", reference("MailboxName"))],
                &[("ids", list(retained_id(), Some(PAGE_MOST as u64)))],
            ),
        ),
        (
            "NewAlias",
            object(
                &[
                    ("name", reference("AliasName")),
                    ("accounts", list(reference("AccountName"), Some(PAGE_MOST as u64))),
                ],
                &[],
            ),
        ),
        ("NewGroup", object(&[("name", reference("GroupName"))], &[])),
        ("CheckRequest", object(&[], &[("repair", boolean("repair what can be repaired"))])),
        ("RebuildRequest", object(&[], &[("account", reference("AccountName"))])),
    ]
}

fn password() -> Value {
    text(1, 1024, "at most 1024 octets; stored as a hash; null: no login by password")
}

fn retained_id() -> Value {
    let mut id = text(3, 41, "as the list of retained messages has it");
    id["pattern"] = json!("^[0-9]{1,19}-[0-9]{1,19}$");
    id
}

fn special_use() -> Value {
    words(&store::SpecialUse::ALL.map(store::SpecialUse::as_str))
}

fn paged(name: &str, item: &str) -> Value {
    let next = or_null(any_text("`after` of the next page; null: this is the last one"));
    object(&[(name, list(reference(item), None)), ("next", next)], &[])
}

fn aliases() -> Vec<(&'static str, Value)> {
    vec![
        ("Aliases", paged("aliases", "Alias")),
        (
            "Alias",
            object(
                &[
                    ("name", any_text("")),
                    ("accounts", list(any_text(""), None)),
                    ("created", moment("made")),
                ],
                &[],
            ),
        ),
    ]
}

fn answers() -> Vec<(&'static str, Value)> {
    let moment_or_null = |about| or_null(moment(about));
    vec![
        ("Accounts", paged("accounts", "Account")),
        ("Account", account()),
        (
            "AppPassword",
            object(
                &[
                    ("label", any_text("")),
                    ("protocols", list(any_text(""), None)),
                    ("expires", moment_or_null("of no use from then on")),
                    ("created", moment("made")),
                    ("last_used", moment_or_null("to the hour")),
                ],
                &[],
            ),
        ),
        ("AppPasswords", object(&[("app_passwords", list(reference("AppPassword"), None))], &[])),
        (
            "MadeAppPassword",
            object(&[("label", any_text("")), ("password", any_text("shown this once"))], &[]),
        ),
        ("Mailboxes", paged("mailboxes", "Mailbox")),
        (
            "Mailbox",
            object(
                &[
                    ("id", any_text("never used again; it stays when the mailbox is renamed")),
                    ("name", any_text("")),
                    ("messages", number("")),
                    ("unseen", number("")),
                    ("bytes", number("")),
                    ("uid_validity", number("")),
                    ("uid_next", number("")),
                    ("highest_modseq", number("")),
                    ("special_use", or_null(any_text(""))),
                    ("subscribed", boolean("")),
                ],
                &[],
            ),
        ),
        ("History", history()),
        ("RetainedMessages", paged("messages", "RetainedMessage")),
        (
            "RetainedMessage",
            object(
                &[
                    ("id", any_text("")),
                    ("expunged", moment("")),
                    ("mailbox", any_text("by the name it had then")),
                    ("uid", number("")),
                    ("size", number("")),
                    ("internal_date", moment("")),
                ],
                &[],
            ),
        ),
        ("Groups", paged("groups", "Group")),
        (
            "Group",
            object(
                &[
                    ("id", number("")),
                    ("name", any_text("")),
                    ("members", list(any_text(""), None)),
                    ("created", moment("made")),
                ],
                &[],
            ),
        ),
        ("Done", object(&[("message", any_text(""))], &[])),
    ]
}

fn account() -> Value {
    let [imap, pop3, smtp, delivery, login, administrator] = switches();
    object(
        &[
            ("id", number("never used again")),
            ("name", any_text("")),
            ("shard", number("")),
            ("password", or_null(any_text("the scheme of the stored hash; null: no login by password"))),
            ("app_passwords", list(any_text("a label"), None)),
            ("switches", object(&[imap, pop3, smtp, delivery, login], &[])),
            ("limits", object(&limits(), &[])),
            ("limits_in_force", object(&limits(), &[])),
            ("bytes", number("octets of all mail")),
            ("messages", number("")),
            ("mailboxes", number("INBOX counts too")),
            administrator,
            ("created", moment("made")),
            (
                "pop3_policy",
                object(
                    &[
                        ("delete", or_null(any_text("expunge or keep in NAME; null: the site's"))),
                        (
                            "retr_sets_seen",
                            or_null(boolean("RETR marks mail as read; null: as the site has it")),
                        ),
                    ],
                    &[],
                ),
            ),
            ("last_login", object(&[("imap", or_null(moment(""))), ("pop3", or_null(moment("")))], &[])),
        ],
        &[],
    )
}

fn history() -> Value {
    let point = object(
        &[("day", whole(0, LARGEST, "since 1970-01-01")), ("bytes", number("")), ("messages", number(""))],
        &[],
    );
    let points = list(point, None);
    let mailbox = object(&[("name", any_text("")), ("points", points.clone())], &[]);
    object(&[("account", points), ("mailboxes", list(mailbox, None))], &[])
}

fn server() -> Vec<(&'static str, Value)> {
    vec![
        ("Status", status()),
        ("StoreStatus", store_status()),
        (
            "Login",
            object(
                &[
                    ("name", any_text("")),
                    ("csrf", or_null(any_text("for the header X-CSRF-Token; null: not needed"))),
                ],
                &[],
            ),
        ),
        ("Sessions", paged("sessions", "Session")),
        (
            "Session",
            object(
                &[
                    ("id", number("")),
                    ("protocol", any_text("")),
                    ("peer", any_text("")),
                    ("tls", boolean("")),
                    ("account", or_null(any_text(""))),
                    ("mailbox", or_null(any_text(""))),
                    ("activity", any_text("the command in work or last done")),
                    ("client", or_null(any_text("what it says it is"))),
                    ("since", moment("connected")),
                    ("commands", number("")),
                ],
                &[],
            ),
        ),
        ("Lockouts", paged("lockouts", "Lockout")),
        ("Lockout", object(&[("who", any_text("an address or an account")), ("seconds", number(""))], &[])),
        ("Settings", object(&[("settings", list(reference("Setting"), None))], &[])),
        ("Setting", object(&[("key", any_text("")), ("value", any_text("")), ("origin", any_text(""))], &[])),
        (
            "Check",
            object(
                &[
                    ("clean", boolean("nothing is wrong, and nothing was")),
                    ("repaired", boolean("nothing is wrong any more")),
                    ("findings", list(reference("Finding"), None)),
                    ("omitted", number("findings that are not in the list")),
                    ("accounts", number("")),
                    ("mailboxes", number("")),
                    ("messages", number("")),
                    ("bodies", number("")),
                ],
                &[],
            ),
        ),
        (
            "Finding",
            object(&[("place", any_text("")), ("problem", any_text("")), ("repaired", boolean(""))], &[]),
        ),
        ("Activity", activity()),
        ("Problem", problem()),
    ]
}

fn status() -> Value {
    let listener = object(&[("kind", any_text("")), ("address", any_text(""))], &[]);
    let acme = object(
        &[
            ("domains", list(any_text(""), None)),
            ("valid_until", or_null(moment("absent: still the self-signed one of the beginning"))),
            ("next_try", moment("")),
            ("error", or_null(any_text("why the last try failed"))),
        ],
        &[],
    );
    object(
        &[
            ("version", any_text("")),
            ("running", boolean("")),
            ("pid", or_null(number(""))),
            ("started", or_null(moment(""))),
            ("hostname", or_null(any_text(""))),
            ("listeners", list(listener, None)),
            ("imap_sessions", number("")),
            ("pop3_sessions", number("")),
            ("lmtp_sessions", number("")),
            ("lockouts", number("")),
            ("acme", or_null(acme)),
            ("store", reference("StoreStatus")),
            ("write_queue", number("changes that wait for the disk")),
            ("disk_free", or_null(number("octets"))),
            ("disk_wanted_free", number("four times what the store takes")),
        ],
        &[],
    )
}

fn activity() -> Value {
    let sessions = object(&[("protocol", any_text("")), ("count", number(""))], &[]);
    let command = object(
        &[
            ("protocol", any_text("")),
            ("name", any_text("")),
            ("count", number("since the start")),
            ("microseconds", number("of all of them together")),
        ],
        &[],
    );
    object(
        &[
            ("time", moment("")),
            ("started", moment("")),
            ("hostname", any_text("")),
            ("sessions", list(sessions, None)),
            ("commands", list(command, None)),
            ("logins_good", number("since the start")),
            ("logins_refused", number("since the start")),
            ("delivered", number("recipients of messages since the start")),
            ("deferred", number("")),
            ("refused", number("")),
            ("delivered_octets", number("")),
            ("write_queue", number("changes that wait for the disk")),
            ("disk_free", or_null(number("octets"))),
            ("disk_total", or_null(number("octets"))),
        ],
        &[],
    )
}

fn store_status() -> Value {
    object(
        &[
            ("shards", number("")),
            ("accounts", number("")),
            ("mailboxes", number("")),
            ("messages", number("")),
            ("bytes", number("octets of all messages, each copy counted")),
            ("retained", number("expunged messages that can be restored")),
            ("index_bytes", number("on the disk")),
            ("body_bytes", number("on the disk")),
            ("live_body_bytes", number("of bodies that some message needs")),
        ],
        &[],
    )
}

/// RFC 9457
fn problem() -> Value {
    let field = object(
        &[("in", words(&["body", "path", "query"])), ("field", any_text("")), ("message", any_text(""))],
        &[],
    );
    object(
        &[
            ("type", any_text("")),
            ("title", any_text("")),
            ("status", number("")),
            ("detail", any_text("what is wrong")),
        ],
        &[("remedy", any_text("what to do about it")), ("errors", list(field, None))],
    )
}
