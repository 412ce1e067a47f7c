//! One request to an endpoint: its parameters as they are meant, and how an operation is run for it.

use admin::{Context, Operation, Outcome};
use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{AccountName, AliasName, GroupName, InvalidName, MailboxName};

use super::schema::LARGEST;
use super::table::Endpoint;
use crate::Web;
use crate::auth::Administrator;
use crate::problem::{FieldError, Problem};

/// Items in one answer, unless asked for fewer or more, and at most.
pub(super) const PAGE: usize = 100;
pub(super) const PAGE_MOST: usize = 1000;

pub(super) struct Call<'a> {
    pub web: &'a Web,
    pub administrator: &'a Administrator,
    pub path: Vec<(&'static str, String)>,
    pub query: Vec<(String, String)>,
    /// Fits the endpoint's schema.
    pub body: Value,
}

/// What an endpoint answers.
pub(super) enum Answer {
    Nothing,
    Is(Value),
    Made(Value),
}

impl Call<'_> {
    pub fn run(&self, operation: &Operation) -> Result<Outcome, Problem> {
        run(self.web, self.administrator, operation)
    }

    /// For what has no more to say than that it is done.
    pub fn done(&self, operation: &Operation) -> Result<Answer, Problem> {
        self.run(operation).map(|_| Answer::Nothing)
    }

    /// A part of the path; empty if the endpoint has none of that name.
    pub fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }

    pub fn account(&self) -> Result<AccountName, Problem> {
        AccountName::new(self.part("account")).map_err(|why| in_path("account", &why))
    }

    pub fn alias(&self) -> Result<AliasName, Problem> {
        AliasName::new(self.part("alias")).map_err(|why| in_path("alias", &why))
    }

    pub fn group(&self) -> Result<GroupName, Problem> {
        GroupName::new(self.part("group")).map_err(|why| in_path("group", &why))
    }

    pub fn mailbox(&self) -> Result<MailboxName, Problem> {
        MailboxName::new(self.part("mailbox")).map_err(|why| in_path("mailbox", &why))
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// From where on; `None`: from the beginning.
    pub fn after(&self) -> Option<&str> {
        self.query("after").filter(|after| !after.is_empty())
    }

    /// How many items are wanted.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.query("limit") else { return Ok(PAGE) };
        let limit = text.parse().ok().filter(|limit| (1..=PAGE_MOST).contains(limit));
        limit.ok_or_else(|| {
            Problem::field("query", "limit", format!("must be a number from 1 to {PAGE_MOST}"))
        })
    }

    /// A field of the body; `None`: absent or null.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        // The schema has been checked, so what is there can be read.
        serde_json::from_value(self.body.get(name)?.clone()).ok()
    }

    pub fn account_field(&self, name: &str) -> Result<AccountName, Problem> {
        AccountName::new(&self.field::<String>(name).unwrap_or_default()).map_err(|why| in_body(name, &why))
    }
}

pub(crate) fn run(
    web: &Web,
    administrator: &Administrator,
    operation: &Operation,
) -> Result<Outcome, Problem> {
    let who = administrator.who.clone();
    let context = Context { store: web.store(), running: Some(web.running()), who, progress: &|_| {} };
    Ok(operation.run(&context)?)
}

/// One page of a list, and from where the next one begins.
pub(super) fn page<T: serde::Serialize>(
    name: &str,
    mut items: Vec<T>,
    limit: usize,
    key: impl Fn(&T) -> String,
) -> Answer {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(key);
    Answer::Is(json!({ name: items, "next": next }))
}

fn in_path(field: &str, why: &InvalidName) -> Problem {
    Problem::field("path", field, why.to_string())
}

pub(super) fn in_body(field: &str, why: &InvalidName) -> Problem {
    Problem::field("body", &format!("/{field}"), why.to_string())
}

/// The values of the path's parameters.
pub(super) fn path(endpoint: &Endpoint, segments: &[&str]) -> Result<Vec<(&'static str, String)>, Problem> {
    let named = endpoint.path.split('/').zip(segments);
    let parameters = named
        .filter_map(|(pattern, segment)| Some((pattern.strip_prefix('{')?.strip_suffix('}')?, *segment)));
    parameters.map(|(name, segment)| Ok((name, decoded(name, segment)?))).collect()
}

fn decoded(name: &str, segment: &str) -> Result<String, Problem> {
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| {
        let field = FieldError {
            place: "path",
            field: name.to_owned(),
            message: "is not UTF-8 when its %-escapes are undone".into(),
        };
        Problem { status: StatusCode::BAD_REQUEST, ..Problem::fields(vec![field]) }
    })?;
    Ok(text.into_owned())
}

/// The query's parameters: those that the endpoint has, each once.
pub(super) fn query(endpoint: &Endpoint, query: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut errors = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        let known = endpoint.query.iter().any(|parameter| *parameter == name);
        let message = match found.iter().any(|(other, _)| *other == name) {
            _ if !known => "is not known here",
            true => "is there twice",
            false => {
                found.push((name, value));
                continue;
            }
        };
        errors.push(FieldError { place: "query", field: name, message: message.into() });
    }
    if errors.is_empty() { Ok(found) } else { Err(Problem::fields(errors)) }
}

/// A number in a path.
pub(super) fn number(name: &str, text: &str) -> Result<u64, Problem> {
    let number = text.parse::<i64>().ok().filter(|number| (0..=LARGEST).contains(number));
    let number = number.and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| Problem::field("path", name, format!("must be a number from 0 to {LARGEST}")))
}
