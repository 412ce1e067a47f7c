//! Groups of accounts, which access control lists name as `$group`.

use std::collections::BTreeSet;

use store::{AccountName, GroupName, GroupRecord};

use super::{Context, no_account};
use crate::outcome::{GroupView, Outcome};
use crate::{Failure, Kind};

pub(super) fn create(context: &Context<'_>, group: &GroupName) -> Result<Outcome, Failure> {
    if context.store.directory().add_group(group)?.is_none() {
        let remedy = "Choose another name, or add members with `restante group add`.";
        return Err(Failure::new(Kind::Exists, format!("there is a group {group} already"), remedy));
    }
    let grant = format!("SETACL mailbox ${group} lrs");
    Ok(Outcome::done(format!(
        "Group {group} is made; whoever owns a mailbox shares it with {grant:?} over IMAP."
    )))
}

/// Every right that was given to the group goes with it.
pub(super) fn delete(context: &Context<'_>, group: &GroupName) -> Result<Outcome, Failure> {
    if !context.store.directory().delete_group(group)? {
        return Err(no_group(group));
    }
    Ok(Outcome::done(format!("Group {group} is deleted, with all rights that were given to it.")))
}

/// All of the accounts or, if one does not exist, none.
pub(super) fn add(
    context: &Context<'_>,
    group: &GroupName,
    accounts: &[AccountName],
) -> Result<Outcome, Failure> {
    let ids = ids(context, accounts)?;
    change(context, group, &mut |members| members.extend(&ids))
}

pub(super) fn remove(
    context: &Context<'_>,
    group: &GroupName,
    accounts: &[AccountName],
) -> Result<Outcome, Failure> {
    let ids = ids(context, accounts)?;
    change(context, group, &mut |members| members.retain(|id| !ids.contains(id)))
}

/// All groups, or the one.
pub(super) fn list(context: &Context<'_>, group: Option<&GroupName>) -> Result<Outcome, Failure> {
    let directory = context.store.directory();
    let records = match group {
        Some(group) => vec![directory.group(group).ok_or_else(|| no_group(group))?],
        None => directory.groups(),
    };
    let groups = records.into_iter().map(|record| view(context, record)).collect::<Result<_, _>>()?;
    Ok(Outcome::Groups { groups })
}

fn ids(context: &Context<'_>, accounts: &[AccountName]) -> Result<BTreeSet<u32>, Failure> {
    let id = |account: &AccountName| {
        let found = context.store.directory().find(account)?;
        found.map(|record| record.id).ok_or_else(|| no_account(account))
    };
    accounts.iter().map(id).collect()
}

fn change(
    context: &Context<'_>,
    group: &GroupName,
    change: &mut dyn FnMut(&mut BTreeSet<u32>),
) -> Result<Outcome, Failure> {
    let record = context.store.directory().update_group(group, change)?.ok_or_else(|| no_group(group))?;
    Ok(Outcome::Groups { groups: vec![view(context, record)?] })
}

fn view(context: &Context<'_>, record: GroupRecord) -> Result<GroupView, Failure> {
    let mut members = Vec::with_capacity(record.members.len());
    for id in record.members {
        let account = context.store.directory().find_by_id(store::AccountId(id))?;
        members.extend(account.map(|account| account.name.to_string()));
    }
    members.sort();
    Ok(GroupView { id: record.id, name: record.name.to_string(), members, created: record.created })
}

fn no_group(group: &GroupName) -> Failure {
    let remedy = "`restante group list` shows the groups, `restante group create` makes one.";
    Failure::new(Kind::Missing, format!("there is no group {group}"), remedy)
}
