//! Groups of accounts, for access control lists. All of them are in memory: every look at a shared mailbox asks for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};

use super::{Directory, Inner, logins, rows};
use crate::*;

/// One group as the administrator sees it. Stored as JSON, so that fields can be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    pub id: u32,
    pub name: GroupName,
    /// Ids of accounts.
    #[serde(default)]
    pub members: BTreeSet<u32>,
    /// Seconds since 1970.
    pub created: i64,
}

/// As of the last commit.
#[derive(Default)]
pub(super) struct GroupTable(RwLock<Groups>);

#[derive(Default)]
struct Groups {
    by_name: BTreeMap<GroupName, Arc<GroupRecord>>,
    names: HashMap<GroupId, GroupName>,
    of_account: HashMap<AccountId, Vec<GroupId>>,
}

impl GroupTable {
    pub(super) fn replace(&self, records: Vec<GroupRecord>) {
        let mut groups = Groups::default();
        for record in records {
            let id = GroupId(record.id);
            for member in &record.members {
                groups.of_account.entry(AccountId(*member)).or_default().push(id);
            }
            groups.names.insert(id, record.name.clone());
            groups.by_name.insert(record.name.clone(), Arc::new(record));
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = groups;
    }

    fn read(&self) -> RwLockReadGuard<'_, Groups> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory {
    /// Every group, sorted by name.
    pub fn groups(&self) -> Vec<GroupRecord> {
        self.0.groups.read().by_name.values().map(|record| (**record).clone()).collect()
    }

    /// `None`: there is no such group.
    pub fn group(&self, name: &GroupName) -> Option<GroupRecord> {
        self.0.groups.read().by_name.get(name).map(|record| (**record).clone())
    }

    pub fn group_id(&self, name: &GroupName) -> Option<GroupId> {
        self.0.groups.read().by_name.get(name).map(|record| GroupId(record.id))
    }

    /// `None`: it was deleted.
    pub fn group_name(&self, id: GroupId) -> Option<GroupName> {
        self.0.groups.read().names.get(&id).cloned()
    }

    /// The groups that the account is in.
    pub fn groups_of(&self, account: AccountId) -> Vec<GroupId> {
        self.0.groups.read().of_account.get(&account).cloned().unwrap_or_default()
    }

    /// Makes a group without members. `None`: there is one of this name.
    pub fn add_group(&self, name: &GroupName) -> Result<Option<GroupRecord>> {
        let _changing = self.0.accounts();
        if self.group_id(name).is_some() {
            return Ok(None);
        }
        let record = self.0.group_transaction(&mut |writer| {
            let id = rows::take_group_id(writer)?;
            let (name, members) = (name.clone(), BTreeSet::new());
            let record = GroupRecord { id, name, members, created: logins::now() };
            rows::put_group(writer, &record)?;
            Ok(record)
        })?;
        Ok(Some(record))
    }

    /// Its rights go with it: a later group of this name is another one. False: there was none.
    pub fn delete_group(&self, name: &GroupName) -> Result<bool> {
        let _changing = self.0.accounts();
        if self.group_id(name).is_none() {
            return Ok(false);
        }
        self.0.group_transaction(&mut |writer| rows::delete_group(writer, name))?;
        Ok(true)
    }

    /// Changes who is in the group. `None`: there is no such group.
    pub fn update_group(
        &self,
        name: &GroupName,
        change: &mut dyn FnMut(&mut BTreeSet<u32>),
    ) -> Result<Option<GroupRecord>> {
        let _changing = self.0.accounts();
        let Some(mut record) = self.group(name) else { return Ok(None) };
        change(&mut record.members);
        self.0.group_transaction(&mut |writer| rows::put_group(writer, &record))?;
        Ok(Some(record))
    }
}

impl Inner {
    /// A transaction after which the groups in memory are read anew.
    fn group_transaction<T>(
        &self,
        run: &mut dyn FnMut(&mut dyn crate::engine::Write) -> Result<T>,
    ) -> Result<T> {
        let answer = self.transaction(run)?;
        self.load_groups()?;
        Ok(answer)
    }

    pub(super) fn load_groups(&self) -> Result<()> {
        self.groups.replace(rows::groups(&*self.engine.read()?)?);
        Ok(())
    }

    /// The groups that have the account, without it: it is deleted.
    pub(super) fn groups_without(&self, account: AccountId) -> Vec<GroupRecord> {
        let groups = self.groups.read();
        let with = groups.by_name.values().filter(|group| group.members.contains(&account.0));
        let without = with.map(|group| {
            let mut group = (**group).clone();
            group.members.remove(&account.0);
            group
        });
        without.collect()
    }
}
