//! Whether the directory's rows agree with each other. Names can be derived from records, records from nothing.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{AliasRecord, Directory, GroupRecord, Inner, alias, rows};
use crate::check::Finding;
use crate::engine::{KeyRange, Read, Table, Write};
use crate::*;

/// What to do about a finding.
enum Remedy {
    PutName(AccountName, AccountId),
    DeleteName(AccountName),
    NextId(u32),
    /// The group as it should be.
    PutGroup(GroupRecord),
    /// The alias as it should be; without accounts it goes.
    PutAlias(AliasRecord),
    /// Only a backup helps.
    None,
}

impl Directory {
    /// Everything that is wrong with the directory itself; names and the next id are repaired if asked to.
    pub(crate) fn check(&self, repair: bool) -> Result<Vec<Finding>> {
        let _changing = self.0.accounts();
        let problems = problems(&*self.0.engine()?.read()?)?;
        if repair && problems.iter().any(|(_, remedy)| !matches!(remedy, Remedy::None)) {
            self.0.repair(&problems)?;
        }
        Ok(problems
            .into_iter()
            .map(|(finding, remedy)| Finding {
                repaired: repair && !matches!(remedy, Remedy::None),
                ..finding
            })
            .collect())
    }
}

impl Inner {
    fn repair(&self, problems: &[(Finding, Remedy)]) -> Result<()> {
        self.transaction(&mut |writer| problems.iter().try_for_each(|(_, remedy)| apply(writer, remedy)))?;
        self.load_groups()
    }
}

fn apply(writer: &mut dyn Write, remedy: &Remedy) -> Result<()> {
    match remedy {
        Remedy::PutName(name, id) => rows::put_name(writer, name, *id),
        Remedy::DeleteName(name) => rows::delete_name(writer, name),
        Remedy::NextId(id) => rows::put_next_id(writer, *id),
        Remedy::PutGroup(group) => rows::put_group(writer, group),
        Remedy::PutAlias(record) => alias::put_or_delete(writer, record),
        Remedy::None => Ok(()),
    }
}

fn problems(reader: &dyn Read) -> Result<Vec<(Finding, Remedy)>> {
    let mut problems = Vec::new();
    let mut names: HashMap<AccountName, AccountId> = HashMap::new();
    let mut largest = 0;
    reader.scan(Table::Account, KeyRange::all(), &mut |key, json| {
        largest = largest.max(rows::decode_id(key)?.0);
        match rows::decode(key, json) {
            Ok(record) => {
                if let Some(other) = names.insert(record.name.clone(), AccountId(record.id)) {
                    let text = format!("accounts {other} and {} have this name", record.id);
                    problems.push(found(record.name.as_str(), text, Remedy::None));
                }
            }
            Err(error) => problems.push(found("directory.redb", error.to_string(), Remedy::None)),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    check_groups(reader, &mut problems)?;
    check_aliases(reader, &mut problems)?;
    check_rows(reader, &mut names, &mut problems)?;
    for (name, id) in names {
        let text = format!("the record of account {id} is not found by its name");
        problems.push(found(name.as_str(), text, Remedy::PutName(name.clone(), id)));
    }
    if rows::next_id(reader)? <= largest {
        let problem = format!("account {largest} exists, and its id would be given out again");
        let finding = Finding { place: "the next id".to_owned(), problem, repaired: false };
        problems.push((finding, Remedy::NextId(largest.saturating_add(1))));
    }
    Ok(problems)
}

/// Groups have members that exist, and ids of their own.
fn check_groups(reader: &dyn Read, problems: &mut Vec<(Finding, Remedy)>) -> Result<()> {
    let mut ids: HashMap<u32, String> = HashMap::new();
    reader.scan(Table::Group, KeyRange::all(), &mut |name, json| {
        let shown = String::from_utf8_lossy(name).escape_debug().to_string();
        let mut found = |problem: String, remedy: Remedy| {
            problems.push((Finding { place: format!("group {shown}"), problem, repaired: false }, remedy));
        };
        match rows::decode_group(name, json) {
            Ok(group) => {
                if let Some(other) = ids.insert(group.id, shown.clone()) {
                    found(format!("it has the id {} of group {other}", group.id), Remedy::None);
                }
                let mut right = group.clone();
                for member in &group.members {
                    if !rows::exists(reader, AccountId(*member))? {
                        right.members.remove(member);
                    }
                }
                if right != group {
                    found("it has members that do not exist".to_owned(), Remedy::PutGroup(right));
                }
            }
            Err(error) => found(error.to_string(), Remedy::None),
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Aliases lead to accounts that exist, and are none themselves.
fn check_aliases(reader: &dyn Read, problems: &mut Vec<(Finding, Remedy)>) -> Result<()> {
    reader.scan(Table::Alias, KeyRange::all(), &mut |name, json| {
        let shown = String::from_utf8_lossy(name).escape_debug().to_string();
        let mut found = |problem: &str, remedy: Remedy| {
            let (place, problem) = (format!("alias {shown}"), problem.to_owned());
            problems.push((Finding { place, problem, repaired: false }, remedy));
        };
        let record = match alias::decode(name, json) {
            Ok(record) => record,
            Err(error) => {
                found(&error.to_string(), Remedy::None);
                return Ok(ControlFlow::Continue(()));
            }
        };
        let mut right = record.clone();
        for account in &record.accounts {
            if !rows::exists(reader, AccountId(*account))? {
                right.accounts.remove(account);
            }
        }
        if reader.get(Table::AccountName, name)?.is_some() {
            right.accounts.clear();
            found("it is an account, too, which gets the mail", Remedy::PutAlias(right));
        } else if right != record || record.accounts.is_empty() {
            found("it leads to accounts that do not exist, or to none", Remedy::PutAlias(right));
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Looks at every row of account_name; takes those that are right out of `names`.
fn check_rows(
    reader: &dyn Read,
    names: &mut HashMap<AccountName, AccountId>,
    problems: &mut Vec<(Finding, Remedy)>,
) -> Result<()> {
    reader.scan(Table::AccountName, KeyRange::all(), &mut |key, value| {
        let text = String::from_utf8_lossy(key);
        let Ok(name) = AccountName::new(&text) else {
            problems.push(found(&text, "no account may have this name".to_owned(), Remedy::None));
            return Ok(ControlFlow::Continue(()));
        };
        let id = rows::decode_id(value)?;
        if names.get(&name) == Some(&id) {
            names.remove(&name);
        } else if names.contains_key(&name) {
            // The right row will take its place.
        } else if rows::exists(reader, id)? {
            let text = format!("the name leads to account {id}, which has another one");
            problems.push(found(name.as_str(), text, Remedy::DeleteName(name.clone())));
        } else {
            let text = format!("account {id} has no record any more: restore directory.redb from a backup");
            problems.push(found(name.as_str(), text, Remedy::None));
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn found(place: &str, problem: String, remedy: Remedy) -> (Finding, Remedy) {
    (Finding { place: format!("account {}", place.escape_debug()), problem, repaired: false }, remedy)
}
