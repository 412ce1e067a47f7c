//! `[search]`

use crate::reader::Reader;

/// How mail is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Whether there is a search index.
    pub index: bool,
}

impl Search {
    pub(super) fn read(reader: &mut Reader) -> Search {
        Search { index: reader.boolean("search.index") }
    }
}
