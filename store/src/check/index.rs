//! The search index: every row readable, none missing, none of no run. A repair drops the run, which is then made anew in
//! the background.

use super::{Check, hex};
use crate::engine::{KeyRange, Table};
use crate::index;
use crate::schema::{self, gram};
use crate::*;

impl Check<'_> {
    pub(super) fn check_index(&mut self) -> Result<()> {
        let (runs, damaged) = index::runs(&*self.read)?;
        for key in damaged {
            let place = format!("row {} of {}", hex(&key), Table::GramRun.name());
            self.drop_run(place, "it cannot be read, or overlaps another", key);
        }
        for run in &runs {
            if let Err(error) = index::verify(&*self.read, run) {
                let place = format!("run {} of the search index", run.number);
                self.drop_run(place, &error.to_string(), gram::run_key(*run.bodies.start()).to_vec());
            }
        }
        Ok(())
    }

    fn drop_run(&mut self, place: String, problem: &str, key: Vec<u8>) {
        let first = schema::u64_of("gram_run", &key).unwrap_or_default();
        self.repairable(place, problem, move |batch| {
            // Its postings go with the next work on the index.
            batch.shard.index.suspect(first);
            batch.delete(Table::GramRun, &key)
        });
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
