//! Changes of the directory. All run one after the other, under the lock of `Inner::accounts`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::rows::{self, Interrupted};
use super::{AccountRecord, Homes, Inner, LastLogin, Limits, Switches, alias, logins};
use crate::*;

impl Inner {
    /// Three steps: ids are taken and noted, mail gets its homes, the accounts become visible.
    pub(super) fn add(
        &self,
        accounts: Vec<(AccountName, Option<String>)>,
    ) -> Result<Vec<Result<AccountRecord>>> {
        let mut counts = self.accounts();
        self.finish_or_tell();
        let answers = self.new_records(accounts)?;
        let count = answers.iter().filter(|answer| answer.is_ok()).count();
        if count == 0 {
            return Ok(answers);
        }
        let mut answers = answers;
        let mut ids = self.transaction(&mut |writer| {
            let ids = rows::take_ids(writer, count)?;
            let mut loads = counts.clone();
            for (id, record) in ids.clone().zip(answers.iter_mut().flatten()) {
                (record.id, record.shard) = (id, least_loaded(&mut loads));
                Interrupted::Creation.put(writer, AccountId(id), record.shard)?;
            }
            Ok(ids)
        })?;
        let made = self.make_homes(answers.iter().flatten()).and_then(|()| self.show(&answers));
        if let Err(error) = made {
            tracing::error!(%error, first = ids.next(), count, "accounts could not be made");
            self.finish_or_tell();
            return Err(error);
        }
        for record in answers.iter().flatten() {
            counts[usize::from(record.shard)] += 1;
        }
        Ok(answers)
    }

    /// A record for each name, or that it exists already.
    fn new_records(
        &self,
        accounts: Vec<(AccountName, Option<String>)>,
    ) -> Result<Vec<Result<AccountRecord>>> {
        let snapshot = self.engine()?.read()?;
        let mut names = HashSet::with_capacity(accounts.len());
        let created = logins::now();
        let mut answers = Vec::with_capacity(accounts.len());
        for (name, password) in accounts {
            let exists = !names.insert(name.clone()) || rows::id_of(&*snapshot, &name)?.is_some();
            answers.push(if exists {
                Err(Error::AccountExists(name.to_string()))
            } else if let Err(error) = alias::refuse_account(&*snapshot, &name) {
                Err(error)
            } else {
                Ok(AccountRecord {
                    id: 0,
                    name,
                    shard: 0,
                    password,
                    password_set: None,
                    app_passwords: Vec::new(),
                    switches: Switches::default(),
                    limits: Limits::default(),
                    administrator: false,
                    created,
                    last_login: LastLogin::default(),
                    pop3_policy: Pop3Policy::default(),
                })
            });
        }
        Ok(answers)
    }

    fn make_homes<'a>(&self, records: impl Iterator<Item = &'a AccountRecord>) -> Result<()> {
        let mut shards: BTreeMap<u16, Vec<AccountId>> = BTreeMap::new();
        records.for_each(|record| shards.entry(record.shard).or_default().push(AccountId(record.id)));
        let homes = self.homes()?;
        shards.into_iter().try_for_each(|(shard, accounts)| homes.create(shard, &accounts))
    }

    fn show(&self, answers: &[Result<AccountRecord>]) -> Result<()> {
        self.transaction(&mut |writer| {
            for record in answers.iter().flatten() {
                let id = AccountId(record.id);
                rows::put_record(writer, record)?;
                rows::put_name(writer, &record.name, id)?;
                Interrupted::Creation.delete(writer, id)?;
            }
            Ok(())
        })?;
        self.domains.forget();
        Ok(())
    }

    pub(super) fn update(
        &self,
        name: &AccountName,
        change: &mut dyn FnMut(&mut AccountRecord),
    ) -> Result<AccountRecord> {
        let _changing = self.accounts();
        let record = self.transaction(&mut |writer| {
            let id = rows::id_of(writer, name)?.ok_or_else(|| no_account(name))?;
            let mut record = rows::named_record(writer, name, id)?;
            let (id, name, shard) = (record.id, record.name.clone(), record.shard);
            change(&mut record);
            (record.id, record.name, record.shard) = (id, name, shard);
            rows::put_record(writer, &record)?;
            Ok(record)
        })?;
        self.limits.set(AccountId(record.id), record.limits);
        Ok(record)
    }

    pub(super) fn rename(&self, from: &AccountName, to: &AccountName) -> Result<AccountRecord> {
        let _changing = self.accounts();
        let renamed = self.transaction(&mut |writer| {
            let id = rows::id_of(writer, from)?.ok_or_else(|| no_account(from))?;
            if from != to && rows::id_of(writer, to)?.is_some() {
                return Err(Error::AccountExists(to.to_string()));
            }
            alias::refuse_account(writer, to)?;
            let mut record = rows::named_record(writer, from, id)?;
            record.name = to.clone();
            rows::delete_name(writer, from)?;
            rows::put_name(writer, to, id)?;
            rows::put_record(writer, &record)?;
            Ok(record)
        })?;
        self.domains.forget();
        Ok(renamed)
    }

    /// The account is gone with the first transaction; its mail follows, now or when the store is opened next.
    pub(super) fn delete(&self, name: &AccountName) -> Result<()> {
        let mut counts = self.accounts();
        let record = self.transaction(&mut |writer| {
            let id = rows::id_of(writer, name)?.ok_or_else(|| no_account(name))?;
            let record = rows::named_record(writer, name, id)?;
            rows::delete_name(writer, name)?;
            rows::delete_record(writer, id)?;
            Interrupted::Deletion.put(writer, id, record.shard)?;
            for group in self.groups_without(id) {
                rows::put_group(writer, &group)?;
            }
            alias::forget_account(writer, id)?;
            Ok(record)
        })?;
        self.domains.forget();
        self.load_groups()?;
        self.limits.set(AccountId(record.id), Limits::default());
        if let Some(count) = counts.get_mut(usize::from(record.shard)) {
            *count = count.saturating_sub(1);
        }
        self.finish_or_tell();
        Ok(())
    }

    /// A directory that was restored from an older backup must not give ids again that somebody's mail has.
    pub(super) fn pass_over_ids(&self) -> Result<()> {
        let Some(last) = self.homes()?.last_account()? else { return Ok(()) };
        if rows::next_id(&*self.engine()?.read()?)? > last.0 {
            return Ok(());
        }
        tracing::error!(%last, "there is mail of accounts that the directory does not know: run `restante check`");
        self.transaction(&mut |writer| rows::put_next_id(writer, last.0.saturating_add(1)))
    }

    /// Deletes the mail of accounts that were not made to the end, or are deleted.
    pub(super) fn finish_interrupted(&self) -> Result<()> {
        let snapshot = self.engine()?.read()?;
        for kind in [Interrupted::Creation, Interrupted::Deletion] {
            let interrupted = kind.list(&*snapshot)?;
            if interrupted.is_empty() {
                continue;
            }
            let homes = self.homes()?;
            for &(account, shard) in &interrupted {
                homes.delete(shard, account)?;
            }
            self.transaction(&mut |writer| {
                interrupted.iter().try_for_each(|&(account, _)| kind.delete(writer, account))
            })?;
        }
        Ok(())
    }

    fn finish_or_tell(&self) {
        if let Err(error) = self.finish_interrupted() {
            tracing::warn!(%error, "mail of accounts that are gone is still there; trying again later");
        }
    }

    fn homes(&self) -> Result<&Arc<dyn Homes>> {
        self.homes.get().ok_or(Error::ShuttingDown)
    }
}

fn least_loaded(loads: &mut [u64]) -> u16 {
    let least = (0..loads.len()).min_by_key(|&shard| loads[shard]).unwrap_or(0);
    if let Some(load) = loads.get_mut(least) {
        *load += 1;
    }
    least as u16
}

fn no_account(name: &AccountName) -> Error {
    Error::NoSuchAccount(name.to_string())
}
