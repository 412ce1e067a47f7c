//! The files of one account's index: opening, filling, deleting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use roaring::RoaringTreemap;
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, Token as IndexedToken, TokenStream, Tokenizer};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError};

use super::document::Document;
use super::tokens::{Token, Tokens};
use crate::disk::{disk_error, make_directory};
use crate::registry::lock;
use crate::shard::Shard;
use crate::*;

/// What the texts are cut by. Another number wherever they come out otherwise: an index of another one is made anew.
const TOKENS: &str = "tokens-1";
/// Octets that are indexed in memory before they are written: the least that is possible.
const MEMORY: usize = 15_000_000;

/// Where one account's index is.
pub(super) struct Files<'a> {
    shard: &'a Shard,
    account: AccountId,
    path: PathBuf,
}

/// The fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub subject: Field,
    pub from: Field,
    pub to: Field,
    pub cc: Field,
    pub bcc: Field,
    pub header: Field,
    pub text: Field,
}

pub(super) const BODY_ID: &str = "body";

/// An index that is open.
pub(super) struct Index {
    index: tantivy::Index,
    pub fields: Fields,
    body: Field,
    path: PathBuf,
}

impl<'a> Files<'a> {
    pub fn of(shard: &'a Shard, account: AccountId) -> Files<'a> {
        Files { shard, account, path: layout::fuzzy_path(&shard.options.path).join(account.to_string()) }
    }

    /// `None` where there is none.
    pub fn open(&self) -> Result<Option<Index>> {
        if !self.path.join("meta.json").exists() {
            return Ok(None);
        }
        let index = tantivy::Index::open_in_dir(&self.path).map_err(|error| failed(&self.path, &error))?;
        let (schema, ..) = schema();
        if index.schema() != schema {
            return Err(Error::Damaged(format!("{} is of another version", self.path.display())));
        }
        Ok(Some(Index::of(index, &self.path)))
    }

    /// The same; the first time since the server started all of it is read, and must be as it was written.
    pub fn open_sound(&self) -> Result<Option<Index>> {
        let Some(index) = self.open()? else { return Ok(None) };
        if !lock(&self.shard.fuzzy.sound).contains(&self.account) {
            // It panics where a file is cut off.
            let validated = catch_unwind(AssertUnwindSafe(|| index.index.validate_checksum()));
            let damaged = || Error::Damaged(format!("a file in {}", self.path.display()));
            let damaged = validated.map_err(|_| damaged())?.map_err(|error| failed(&self.path, &error))?;
            if let Some(file) = damaged.iter().next() {
                return Err(Error::Damaged(format!("{} in {}", file.display(), self.path.display())));
            }
            lock(&self.shard.fuzzy.sound).insert(self.account);
        }
        Ok(Some(index))
    }

    /// A new one where there is none, or none that can be read.
    pub fn open_or_make(&self) -> Result<Index> {
        if let Ok(Some(index)) = self.open() {
            return Ok(index);
        }
        self.clear()?;
        make_directory(&self.path)?;
        let (schema, ..) = schema();
        let index = tantivy::Index::create_in_dir(&self.path, schema);
        let index = index.map_err(|error| failed(&self.path, &error))?;
        lock(&self.shard.fuzzy.sound).insert(self.account);
        Ok(Index::of(index, &self.path))
    }

    /// Deletes it.
    pub fn clear(&self) -> Result<()> {
        self.suspect();
        remove_directory(&self.path)
    }

    /// It could not be read: the next search looks whether it is sound.
    pub fn suspect(&self) {
        lock(&self.shard.fuzzy.sound).remove(&self.account);
    }
}

impl Index {
    fn of(index: tantivy::Index, path: &Path) -> Index {
        index.tokenizers().register(TOKENS, TextAnalyzer::from(Cutter::default()));
        let (_, body, fields) = schema();
        Index { index, fields, body, path: path.to_owned() }
    }

    pub fn searcher(&self) -> tantivy::Result<Searcher> {
        let reader: IndexReader =
            self.index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(reader.searcher())
    }

    /// How many bodies are in it.
    pub fn documents(&self) -> Result<u64> {
        self.searcher().map(|searcher| searcher.num_docs()).map_err(|error| self.failed(&error))
    }

    /// All that are in it.
    pub fn bodies(&self) -> Result<RoaringTreemap> {
        let mut bodies = RoaringTreemap::new();
        let searcher = self.searcher().map_err(|error| self.failed(&error))?;
        for segment in searcher.segment_readers() {
            let column = segment.fast_fields().u64(BODY_ID).map_err(|error| self.failed(&error))?;
            bodies.extend((0..segment.max_doc()).filter_map(|document| column.first(document)));
        }
        Ok(bodies)
    }

    pub fn writer(&self) -> Result<Writer<'_>> {
        let writer = self.index.writer_with_num_threads(1, MEMORY).map_err(|error| self.failed(&error))?;
        Ok(Writer { index: self, writer })
    }

    pub fn failed(&self, error: &TantivyError) -> Error {
        failed(&self.path, error)
    }
}

/// Adds documents; they are there when it has finished.
pub(super) struct Writer<'a> {
    index: &'a Index,
    writer: IndexWriter,
}

impl Writer<'_> {
    pub fn add(&mut self, document: Document) -> Result<()> {
        let fields = &self.index.fields;
        let mut row = TantivyDocument::default();
        row.add_u64(self.index.body, document.body.0);
        for (field, text) in [
            (fields.subject, document.subject),
            (fields.from, document.from),
            (fields.to, document.to),
            (fields.cc, document.cc),
            (fields.bcc, document.bcc),
            (fields.header, document.header),
            (fields.text, document.text),
        ] {
            row.add_text(field, text);
        }
        self.writer.add_document(row).map(drop).map_err(|error| self.index.failed(&error))
    }

    /// Durable when it returns, and what it merges is merged.
    pub fn finish(mut self) -> Result<()> {
        self.writer.commit().map_err(|error| self.index.failed(&error))?;
        self.writer.wait_merging_threads().map_err(|error| self.index.failed(&error))
    }
}

/// An account's index goes with it.
pub(crate) fn remove(shard: &Shard, account: AccountId) -> Result<()> {
    let _working = lock(&shard.fuzzy.work);
    Files::of(shard, account).clear()
}

/// Whose index there is.
pub(super) fn accounts(shard: &Shard) -> Result<Vec<AccountId>> {
    let path = layout::fuzzy_path(&shard.options.path);
    let entries = match std::fs::read_dir(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| disk_error("list", &path, &error))?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok().map(AccountId)).collect())
}

/// Those of all accounts of the shard.
pub(crate) fn remove_all(shard: &Shard) -> Result<()> {
    let _working = lock(&shard.fuzzy.work);
    lock(&shard.fuzzy.sound).clear();
    remove_directory(&layout::fuzzy_path(&shard.options.path))
}

fn remove_directory(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(disk_error("delete", path, &error)),
        _ => Ok(()),
    }
}

fn schema() -> (Schema, Field, Fields) {
    let mut schema = Schema::builder();
    let indexing =
        TextFieldIndexing::default().set_tokenizer(TOKENS).set_index_option(IndexRecordOption::WithFreqs);
    let options = TextOptions::default().set_indexing_options(indexing);
    let body = schema.add_u64_field(BODY_ID, FAST);
    let mut text = |name| schema.add_text_field(name, options.clone());
    let fields = Fields {
        subject: text("subject"),
        from: text("from"),
        to: text("to"),
        cc: text("cc"),
        bcc: text("bcc"),
        header: text("header"),
        text: text("text"),
    };
    (schema.build(), body, fields)
}

fn failed(path: &Path, error: &TantivyError) -> Error {
    match error {
        TantivyError::IoError(error) => disk_error("use the fuzzy index in", path, error),
        error => Error::Damaged(format!(
            "the fuzzy index in {} ({error}): the next fuzzy search makes it anew, or `restante index rebuild`",
            path.display()
        )),
    }
}

/// [`Tokens`] as the index wants them.
#[derive(Clone, Default)]
struct Cutter {
    token: IndexedToken,
}

struct Cut<'a> {
    tokens: Tokens<'a>,
    token: &'a mut IndexedToken,
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Cut<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut<'a> {
        self.token.reset();
        Cut { tokens: Tokens::of(text), token: &mut self.token }
    }
}

impl TokenStream for Cut<'_> {
    fn advance(&mut self) -> bool {
        let Some(text) = self.tokens.next().map(Token::into_text) else { return false };
        self.token.position = self.token.position.wrapping_add(1);
        self.token.text = text;
        true
    }

    fn token(&self) -> &IndexedToken {
        self.token
    }

    fn token_mut(&mut self) -> &mut IndexedToken {
        self.token
    }
}
