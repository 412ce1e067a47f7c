//! The search index: every row readable, none missing, none of no run. A repair drops the run, which is then made anew in
//! the background.

use super::{Check, hex};
use crate::engine::{KeyRange, Table};
use crate::index;
use crate::schema::gram;
use crate::*;

impl Check<'_> {
    pub(super) fn check_index(&mut self) -> Result<()> {
        let (runs, damaged) = index::runs(&*self.read)?;
        for key in damaged {
            let place = format!("row {} of {}", hex(&key), Table::GramRun.name());
            self.repairable(place, "it cannot be read, or overlaps another", move |batch| {
                batch.delete(Table::GramRun, &key)
            });
        }
        for run in &runs {
            if let Err(error) = index::verify(&*self.read, run) {
                let key = gram::run_key(*run.bodies.start());
                let place = format!("run {} of the search index", run.number);
                self.repairable(place, error.to_string(), move |batch| batch.delete(Table::GramRun, &key));
            }
        }
        Ok(())
    }

    /// Postings that no run owns are of a run that is being made, or was when the server was killed: the index deletes
    /// them when it starts. Only their keys are looked at.
    pub(super) fn check_postings(&mut self) -> Result<()> {
        self.rows(Table::GramPosting, KeyRange::all(), |check, key, _| {
            if gram::posting_of_key(key).is_err() {
                check.superfluous(Table::GramPosting, key.to_vec(), "its key is of no posting");
            }
            Ok(())
        })
    }
}
