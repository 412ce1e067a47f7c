//! The account whose mailboxes everybody sees.

use anyhow::Result;
use conf::Config;
use store::Store;

use crate::service;

/// Makes the account where it is missing, without a password and with INBOX alone: what other accounts begin with (Drafts,
/// Sent) would stand in everybody's list. Blocks.
pub fn ensure(config: &Config, store: &Store) -> Result<()> {
    let Some(name) = service::public_account(config)? else { return Ok(()) };
    if store.directory().find(&name)?.is_some() {
        return Ok(());
    }
    for added in store.directory().add(vec![(name.clone(), None)])? {
        added?;
    }
    let account = store.account(&name)?;
    for mailbox in account.mailboxes()?.into_iter().filter(|mailbox| !mailbox.name.is_inbox()) {
        account.subscribe(&mailbox.name, false).wait()?;
        account.delete(&mailbox.name).wait()?;
    }
    tracing::info!(account = %name, "made the account of the public mailboxes; `restante account password {name}` lets somebody post and administer");
    Ok(())
}
