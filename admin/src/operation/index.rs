//! Making the search index anew.

use store::AccountName;

use super::Context;
use crate::Failure;
use crate::outcome::{Outcome, Progress};

pub(super) fn rebuild(context: &Context<'_>, account: Option<&AccountName>) -> Result<Outcome, Failure> {
    let account = account.map(|name| context.store.account(name)).transpose()?;
    context.store.rebuild_index(account.as_ref(), &mut |progress| {
        let store::Progress { shard, step, done, total } = progress;
        (context.progress)(Progress { done, total, what: format!("shard {shard}: {step}") });
    })?;
    Ok(Outcome::done("The search index was made anew."))
}
