//! The domains that accounts and aliases have, for the MTA's question whether a domain is ours.
//!
//! Kept in memory until an account or alias is made, renamed or deleted: one pass over the names, none over the records.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Directory, Inner};
use crate::engine::{KeyRange, Table};
use crate::*;

/// `None`: to be read.
#[derive(Default)]
pub(super) struct Domains(Mutex<Option<Arc<HashSet<String>>>>);

impl Domains {
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Directory {
    /// Whether any account or alias has this domain; in any case. Blocks.
    pub fn has_domain(&self, domain: &str) -> Result<bool> {
        // Normalized as the domain of an account's name is.
        let Ok(name) = AccountName::new(&format!("x@{domain}")) else { return Ok(false) };
        let domains = self.0.domains()?;
        Ok(name.as_str().rsplit_once('@').is_some_and(|(_, domain)| domains.contains(domain)))
    }
}

impl Inner {
    /// Read under the lock, so that a change meanwhile forgets what was read before it.
    fn domains(&self) -> Result<Arc<HashSet<String>>> {
        // Before the lock: an engine that is opened again forgets the domains.
        let engine = self.engine()?;
        let mut known = self.domains.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(domains) = &*known {
            return Ok(Arc::clone(domains));
        }
        let mut domains = HashSet::new();
        let snapshot = engine.read()?;
        for table in [Table::AccountName, Table::Alias] {
            snapshot.scan(table, KeyRange::all(), &mut |name, _| {
                let domain = std::str::from_utf8(name).ok().and_then(|name| name.rsplit_once('@'));
                if let Some((_, domain)) = domain.filter(|(_, domain)| !domains.contains(*domain)) {
                    domains.insert(domain.to_owned());
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let domains = Arc::new(domains);
        *known = Some(Arc::clone(&domains));
        Ok(domains)
    }
}
