//! The mailboxes that everybody reads.

use admin::{MailboxView, Operation, Outcome};
use askama::Template;
use common::block;
use store::AccountName;

use super::account::link;
use super::format::*;
use super::visit::Visit;
use super::{Frame, Page, render};
use crate::api;

#[derive(Template)]
#[template(path = "public.html")]
struct Public {
    frame: Frame,
    /// `None`: the site has none.
    account: Option<String>,
    link: String,
    mailboxes: Vec<MailboxView>,
    /// Of all of them.
    bytes: u64,
}

pub(crate) async fn show(visit: Visit) -> Page {
    block(|| {
        let name = visit.web.options().public_account.as_deref().and_then(|name| AccountName::new(name).ok());
        let mailboxes = match &name {
            Some(name) => mailboxes(&visit, name)?,
            None => Vec::new(),
        };
        Ok(render(&Public {
            frame: Frame::of(&visit, "Public mailboxes", "public"),
            link: name.as_ref().map(|name| link(name.as_str())).unwrap_or_default(),
            account: name.map(|name| name.to_string()),
            bytes: mailboxes.iter().map(|mailbox| mailbox.bytes).sum(),
            mailboxes,
        }))
    })
}

fn mailboxes(visit: &Visit, name: &AccountName) -> Result<Vec<MailboxView>, crate::problem::Problem> {
    let operation = Operation::MailboxList { account: name.clone() };
    match api::run(&visit.web, &visit.administrator, &operation)? {
        Outcome::Mailboxes { mailboxes } => Ok(mailboxes),
        _ => Err(api::strange()),
    }
}
