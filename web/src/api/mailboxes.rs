//! Mailboxes of an account.

use admin::{MailboxView, Operation, Outcome};
use serde_json::{Value, json};
use store::{AccountName, MailboxName};

use super::call::{Answer, Call, in_body, page};
use crate::problem::Problem;

pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let mut mailboxes = all(call, call.account()?)?;
    if let Some(after) = call.after() {
        let key = |name: &str| (name != "INBOX", name.to_owned());
        mailboxes.retain(|mailbox| key(&mailbox.name) > key(after));
    }
    let answer = page("mailboxes", mailboxes, limit, |mailbox| mailbox.name.clone());
    Ok(match answer {
        Answer::Is(mut body) => {
            for mailbox in body["mailboxes"].as_array_mut().into_iter().flatten() {
                as_text(mailbox);
            }
            Answer::Is(body)
        }
        other => other,
    })
}

pub(super) fn show(call: &Call<'_>) -> Result<Answer, Problem> {
    one(call, &call.mailbox()?).map(Answer::Is)
}

pub(super) fn create(call: &Call<'_>) -> Result<Answer, Problem> {
    let name = in_field(call)?;
    call.run(&Operation::MailboxCreate {
        account: call.account()?,
        mailbox: name.as_str().to_owned(),
        special_use: call.field("special_use"),
    })?;
    one(call, &name).map(Answer::Made)
}

/// The subscription first: it is of the name that the mailbox has now.
pub(super) fn change(call: &Call<'_>) -> Result<Answer, Problem> {
    let account = call.account()?;
    let mut mailbox = call.mailbox()?;
    one(call, &mailbox)?;
    let to = call.body.get("name").map(|_| in_field(call)).transpose()?;
    if let Some(to) = to.filter(|to| *to != mailbox) {
        let (from, to) = (mailbox.as_str().to_owned(), to);
        call.run(&Operation::MailboxRename { account: account.clone(), from, to: to.as_str().to_owned() })?;
        mailbox = to;
    }
    if let Some(subscribed) = call.field("subscribed") {
        let name = mailbox.as_str().to_owned();
        call.run(&Operation::MailboxSubscribe { account, mailbox: name, subscribed })?;
    }
    one(call, &mailbox).map(Answer::Is)
}

pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    let mailbox = call.mailbox()?.as_str().to_owned();
    call.done(&Operation::MailboxDelete { account: call.account()?, mailbox })
}

fn in_field(call: &Call<'_>) -> Result<MailboxName, Problem> {
    MailboxName::new(&call.field::<String>("name").unwrap_or_default()).map_err(|why| in_body("name", &why))
}

fn all(call: &Call<'_>, account: AccountName) -> Result<Vec<MailboxView>, Problem> {
    match call.run(&Operation::MailboxList { account })? {
        Outcome::Mailboxes { mailboxes } => Ok(mailboxes),
        _ => Err(super::server::strange()),
    }
}

fn one(call: &Call<'_>, name: &MailboxName) -> Result<Value, Problem> {
    let mailboxes = all(call, call.account()?)?;
    let found = mailboxes.into_iter().find(|mailbox| mailbox.name == name.as_str());
    let found = found.ok_or_else(|| Problem::missing(format!("no mailbox {name}")))?;
    let mut mailbox = json!(found);
    as_text(&mut mailbox);
    Ok(mailbox)
}

/// The shard's number is in an id's upper bits, and programs read such numbers inexactly.
fn as_text(mailbox: &mut Value) {
    mailbox["id"] = json!(mailbox["id"].to_string());
}
