//! Every endpoint: what it is called, what it takes, what it answers, and what runs.

use super::call::{Answer, Call};
use super::{accounts, aliases, app_passwords, groups, history, mailboxes, retained, server};
use crate::problem::Problem;

/// One method of one path.
pub(super) struct Endpoint {
    pub method: &'static str,
    /// `{name}` is a parameter.
    pub path: &'static str,
    /// OpenAPI's operationId.
    pub name: &'static str,
    pub about: &'static str,
    pub query: &'static [&'static str],
    /// The schema of the request's body.
    pub body: Option<&'static str>,
    /// Status and schema of a good answer; no schema: no body.
    pub answer: (u16, &'static str),
    pub run: fn(&Call<'_>) -> Result<Answer, Problem>,
}

impl Endpoint {
    pub fn matches(&self, segments: &[&str]) -> bool {
        let mut pattern = self.path.split('/');
        segments.iter().all(|segment| {
            pattern
                .next()
                .is_some_and(|part| part == *segment || (part.starts_with('{') && !segment.is_empty()))
        }) && pattern.next().is_none()
    }

    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// The one endpoint that is a stream.
pub(super) const EVENTS: &str = "watchEvents";

const PAGED: &[&str] = &["after", "limit"];

macro_rules! endpoints {
    ($($method:ident $path:literal $name:expr, $query:expr, $body:expr, $status:literal $schema:literal, $run:path, $about:literal;)*) => {
        &[$(Endpoint {
            method: stringify!($method),
            path: $path,
            name: $name,
            about: $about,
            query: $query,
            body: $body,
            answer: ($status, $schema),
            run: $run,
        }),*]
    };
}

#[rustfmt::skip]
pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    GET    "/accounts" "listAccounts", &["after", "limit", "search"], None, 200 "Accounts", accounts::list, "Accounts by name";
    POST   "/accounts" "addAccount", &[], Some("NewAccount"), 201 "Account", accounts::add, "Make an account";
    GET    "/accounts/{account}" "showAccount", &[], None, 200 "Account", accounts::show, "One account";
    PATCH  "/accounts/{account}" "changeAccount", &[], Some("AccountChanges"), 200 "Account", accounts::set, "Change switches and limits";
    DELETE "/accounts/{account}" "deleteAccount", &[], None, 204 "", accounts::delete, "Delete an account and all its mail";
    POST   "/accounts/{account}/rename" "renameAccount", &[], Some("NewName"), 200 "Account", accounts::rename, "Give an account another name";
    PUT    "/accounts/{account}/password" "setPassword", &[], Some("NewPassword"), 204 "", accounts::set_password, "Set the password";
    DELETE "/accounts/{account}/password" "removePassword", &[], None, 204 "", accounts::remove_password, "Take the password away; app passwords go on working";
    DELETE "/accounts/{account}/sessions" "endAccountSessions", &[], None, 204 "", accounts::kick, "End all sessions of an account";
    GET    "/accounts/{account}/app-passwords" "listAppPasswords", &[], None, 200 "AppPasswords", app_passwords::list, "App passwords of an account";
    POST   "/accounts/{account}/app-passwords" "addAppPassword", &[], Some("NewAppPassword"), 201 "MadeAppPassword", app_passwords::add, "Make an app password, which is told this once";
    DELETE "/accounts/{account}/app-passwords/{label}" "removeAppPassword", &[], None, 204 "", app_passwords::remove, "Remove an app password";
    GET    "/accounts/{account}/mailboxes" "listMailboxes", PAGED, None, 200 "Mailboxes", mailboxes::list, "Mailboxes of an account, INBOX first";
    GET    "/accounts/{account}/history" "showHistory", &[], None, 200 "History", history::show, "What the account and its mailboxes held on past days";
    POST   "/accounts/{account}/mailboxes" "createMailbox", &[], Some("NewMailbox"), 201 "Mailbox", mailboxes::create, "Make a mailbox, subscribed";
    GET    "/accounts/{account}/mailboxes/{mailbox}" "showMailbox", &[], None, 200 "Mailbox", mailboxes::show, "One mailbox; a / in its name is %2F";
    PATCH  "/accounts/{account}/mailboxes/{mailbox}" "changeMailbox", &[], Some("MailboxChanges"), 200 "Mailbox", mailboxes::change, "Rename or subscribe";
    DELETE "/accounts/{account}/mailboxes/{mailbox}" "deleteMailbox", &[], None, 204 "", mailboxes::delete, "Delete a mailbox; its messages are retained like expunged ones";
    GET    "/accounts/{account}/retained" "listRetained", PAGED, None, 200 "RetainedMessages", retained::list, "Expunged messages that can be restored, the oldest first";
    POST   "/accounts/{account}/retained/restore" "restoreRetained", &[], Some("Restore"), 200 "Done", retained::restore, "Put expunged messages back";
    GET    "/aliases" "listAliases", PAGED, None, 200 "Aliases", aliases::list, "Addresses whose mail goes to accounts";
    POST   "/aliases" "addAlias", &[], Some("NewAlias"), 201 "Alias", aliases::add, "Make an alias, or add accounts to it";
    GET    "/aliases/{alias}" "showAlias", &[], None, 200 "Alias", aliases::show, "One alias";
    DELETE "/aliases/{alias}" "removeAlias", &[], None, 204 "", aliases::delete, "Remove an alias";
    DELETE "/aliases/{alias}/accounts/{account}" "removeFromAlias", &[], None, 204 "", aliases::remove, "Remove an account from an alias; with the last the alias goes";
    GET    "/groups" "listGroups", PAGED, None, 200 "Groups", groups::list, "Groups of accounts";
    POST   "/groups" "createGroup", &[], Some("NewGroup"), 201 "Group", groups::create, "Make a group";
    GET    "/groups/{group}" "showGroup", &[], None, 200 "Group", groups::show, "One group";
    DELETE "/groups/{group}" "deleteGroup", &[], None, 204 "", groups::delete, "Delete a group and all rights that were given to it";
    PUT    "/groups/{group}/members/{account}" "addMember", &[], None, 200 "Group", groups::add, "Add an account";
    DELETE "/groups/{group}/members/{account}" "removeMember", &[], None, 200 "Group", groups::remove, "Remove an account";
    GET    "/status" "showStatus", &[], None, 200 "Status", server::status, "The server and its store";
    GET    "/activity" "showActivity", &[], None, 200 "Activity", server::activity, "What the server does now";
    GET    "/session" "showSession", &[], None, 200 "Login", server::session, "Who is logged in, and the token for changes with a cookie";
    GET    "/sessions" "listSessions", &["account", "after", "limit"], None, 200 "Sessions", server::sessions, "Sessions at work, the oldest first";
    DELETE "/sessions/{session}" "endSession", &[], None, 204 "", server::kick, "End a session";
    GET    "/lockouts" "listLockouts", PAGED, None, 200 "Lockouts", server::lockouts, "Addresses and accounts that must wait before a login";
    DELETE "/lockouts/{who}" "undoLockout", &[], None, 204 "", server::unlock, "Undo a lockout; a / is %2F";
    GET    "/settings" "listSettings", &[], None, 200 "Settings", server::settings, "Settings in force";
    GET    "/events" EVENTS, &[], None, 200 "", server::no_stream, "Live activity as server-sent events";
    POST   "/check" "checkStore", &[], Some("CheckRequest"), 200 "Check", server::check, "Verify every invariant of the store";
    POST   "/compact" "compactStore", &[], None, 204 "", server::compact, "Give the room of what is gone back to the disk";
    POST   "/index/rebuild" "rebuildIndex", &[], Some("RebuildRequest"), 200 "Done", server::rebuild, "Make the search index anew";
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::components;
    use super::*;

    #[test]
    fn every_name_is_of_one_endpoint_and_every_schema_there() {
        let names: BTreeSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
        assert_eq!(names.len(), ENDPOINTS.len());
        for endpoint in ENDPOINTS {
            for schema in endpoint.body.into_iter().chain([endpoint.answer.1]).filter(|name| !name.is_empty())
            {
                assert!(components::all().get(schema).is_some(), "{schema}");
            }
        }
    }

    #[test]
    fn paths_match_by_segments() {
        let path = |text: &'static str| ENDPOINTS.iter().find(|endpoint| endpoint.path == text).unwrap();
        let segments = |text: &'static str| text.split('/').collect::<Vec<_>>();
        assert!(path("/accounts/{account}").matches(&segments("/accounts/a@b")));
        assert!(!path("/accounts/{account}").matches(&segments("/accounts/")));
        assert!(!path("/accounts/{account}").matches(&segments("/accounts/a/b")));
        assert!(!path("/accounts/{account}").matches(&segments("/accounts")));
    }
}
