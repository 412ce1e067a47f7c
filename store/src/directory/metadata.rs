//! Annotations that the whole site shares (RFC 5464 section 3.2.1.1).

use std::ops::ControlFlow;

use super::Directory;
use crate::engine::{KeyRange, Read, Table};
use crate::*;

impl Directory {
    /// What every user may read.
    pub fn metadata(&self) -> Result<Metadata> {
        let snapshot = self.0.engine()?.read()?;
        let mut found = Metadata::new();
        snapshot.scan(Table::ServerMetadata, KeyRange::all(), &mut |key, value| {
            found.push((String::from_utf8_lossy(key).into_owned(), value.to_vec()));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Sets (`Some`) or removes (`None`) entries; all or none. [`Error::Limit`] when it would be too much.
    pub fn set_metadata(&self, changes: &[(String, Option<Vec<u8>>)], limits: MetadataLimits) -> Result<()> {
        let _changing = self.0.accounts();
        self.0.transaction(&mut |writer| {
            for (entry, value) in changes {
                match value {
                    Some(value) => writer.put(Table::ServerMetadata, entry.as_bytes(), value)?,
                    None => writer.delete(Table::ServerMetadata, entry.as_bytes())?,
                }
            }
            if changes.iter().any(|(_, value)| value.is_some()) { check_room(writer, limits) } else { Ok(()) }
        })
    }
}

/// The transaction is thrown away when there is none.
fn check_room(reader: &(impl Read + ?Sized), limits: MetadataLimits) -> Result<()> {
    let (mut entries, mut octets) = (0, 0);
    reader.scan(Table::ServerMetadata, KeyRange::all(), &mut |key, value| {
        entries += 1;
        octets += (key.len() + value.len()) as u64;
        Ok(ControlFlow::Continue(()))
    })?;
    if entries <= limits.entries && octets <= limits.octets {
        return Ok(());
    }
    Err(Error::Limit(format!(
        "{entries} annotations of {octets} octets, where {} of {} are allowed: remove some",
        limits.entries, limits.octets
    )))
}
