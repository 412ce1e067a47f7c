//! Aliases: addresses whose mail goes to accounts of other names.

use store::{AccountName, AliasName, AliasRecord};

use super::{Context, names};
use crate::outcome::{AliasView, Outcome};
use crate::{Failure, Kind};

pub(super) fn add(
    context: &Context<'_>,
    alias: &AliasName,
    accounts: &[AccountName],
) -> Result<Outcome, Failure> {
    let record = context.store.directory().add_alias(alias, accounts)?;
    Ok(Outcome::Aliases { aliases: vec![view(context, record)?] })
}

pub(super) fn remove(
    context: &Context<'_>,
    alias: &AliasName,
    accounts: &[AccountName],
) -> Result<Outcome, Failure> {
    let left = context.store.directory().remove_alias(alias, accounts)?;
    let left = view(context, left.ok_or_else(|| no_alias(alias))?)?.accounts;
    Ok(Outcome::done(match left.is_empty() {
        true => format!("Alias {alias} is removed."),
        false => format!("{} removed; alias {alias} leads to {}.", names(accounts), left.join(", ")),
    }))
}

/// All aliases, or the one.
pub(super) fn list(context: &Context<'_>, alias: Option<&AliasName>) -> Result<Outcome, Failure> {
    let directory = context.store.directory();
    let records = match alias {
        Some(alias) => vec![directory.alias(alias)?.ok_or_else(|| no_alias(alias))?],
        None => directory.aliases()?,
    };
    let aliases = records.into_iter().map(|record| view(context, record)).collect::<Result<_, _>>()?;
    Ok(Outcome::Aliases { aliases })
}

/// What deleting the account does to its aliases, in words; empty: it has none.
pub(super) fn farewell(context: &Context<'_>, account: store::AccountId) -> Result<String, Failure> {
    let (gone, kept): (Vec<_>, Vec<_>) = context
        .store
        .directory()
        .aliases_of(account)?
        .into_iter()
        .partition(|alias| alias.accounts.len() == 1);
    let list = |aliases: &[AliasRecord]| {
        aliases.iter().map(|alias| alias.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    if !gone.is_empty() {
        text += &format!(" Aliases that led to it alone are removed: {}.", list(&gone));
    }
    if !kept.is_empty() {
        text += &format!(" It is taken out of the aliases {}.", list(&kept));
    }
    Ok(text)
}

fn view(context: &Context<'_>, record: AliasRecord) -> Result<AliasView, Failure> {
    let mut accounts = Vec::with_capacity(record.accounts.len());
    for id in record.accounts {
        let account = context.store.directory().find_by_id(store::AccountId(id))?;
        accounts.extend(account.map(|account| account.name.to_string()));
    }
    accounts.sort();
    Ok(AliasView { name: record.name.to_string(), accounts, created: record.created })
}

fn no_alias(alias: &AliasName) -> Failure {
    let remedy = "`restante alias list` shows the aliases, `restante alias add` makes one.";
    Failure::new(Kind::Missing, format!("there is no alias {alias}"), remedy)
}
