//! What the index knows of one body.

use std::ops::ControlFlow;

use message::header::{Field, fields};
use message::{Address, Summary, text};

use crate::engine::Table;
use crate::schema::{self, BodyRow};
use crate::shard::Shard;
use crate::*;

/// Octets of decoded text of a body that are looked at, and of each part of the header.
const BODY: usize = 1 << 20;
const HEADER: usize = 64 << 10;
/// A larger message is known by its header alone.
const LARGEST: u64 = 64 << 20;

/// Fields of the header that are numbers and signatures of machines, and those that have a place of their own.
const LEFT_OUT: &[&str] = &[
    "subject",
    "from",
    "to",
    "cc",
    "bcc",
    "received",
    "dkim-signature",
    "domainkey-signature",
    "authentication-results",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "received-spf",
    "x-google-dkim-signature",
    "x-gm-message-state",
    "date",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// The texts of one body, each by where it is looked for.
pub(super) struct Document {
    pub body: BodyId,
    pub subject: String,
    pub from: String,
    pub to: String,
    pub cc: String,
    pub bcc: String,
    pub header: String,
    pub text: String,
    /// What it cost to read.
    pub octets: u64,
}

/// `None`: it is there no more.
pub(super) fn read(shard: &Shard, body: BodyId) -> Result<Option<Document>> {
    match try_read(shard, body) {
        // Compaction may have moved it just now.
        Err(_) => try_read(shard, body),
        read => read,
    }
}

fn try_read(shard: &Shard, body: BodyId) -> Result<Option<Document>> {
    let read = shard.read()?;
    let Some(row) = read.get(Table::Body, &schema::body_key(body))? else { return Ok(None) };
    let row = BodyRow::decode(&row)?;
    let record = shard.bodies.open(row.location)?.of(&row.hash)?;
    let stored = read.get(Table::Summary, &schema::body_key(body))?;
    let stored = stored.and_then(|row| schema::decode_summary(&row));
    let end = match &stored {
        Some(summary) if record.len() > LARGEST => summary.structure.body.min(LARGEST),
        _ => record.len(),
    };
    let octets = record.read(0..end)?;
    let summary = stored.unwrap_or_else(|| Summary::parse(&octets));
    Ok(Some(Document::new(body, &summary, &octets)))
}

impl Document {
    fn new(body: BodyId, summary: &Summary, octets: &[u8]) -> Document {
        let envelope = &summary.envelope;
        let subject = envelope.subject.as_deref().map(text::decode_header).unwrap_or_default();
        Document {
            body,
            subject: cut(subject, HEADER),
            from: addresses(&envelope.from),
            to: addresses(&envelope.to),
            cc: addresses(&envelope.cc),
            bcc: addresses(&envelope.bcc),
            header: header(summary, octets),
            text: body_text(summary, octets),
            octets: octets.len() as u64,
        }
    }
}

fn addresses(list: &[Address]) -> String {
    let mut text = String::new();
    for address in list {
        if text.len() >= HEADER {
            break;
        }
        text.push_str(&text::address_text(address));
        text.push('\n');
    }
    cut(text, HEADER)
}

fn header(summary: &Summary, octets: &[u8]) -> String {
    let end = usize::try_from(summary.structure.body).unwrap_or(octets.len());
    let mut text = String::new();
    for Field { name, value, .. } in fields(octets.get(..end).unwrap_or(octets)) {
        let is_left_out = LEFT_OUT.iter().any(|left_out| name.eq_ignore_ascii_case(left_out.as_bytes()));
        if !is_left_out {
            text.push_str(&text::decode_header(value));
            text.push('\n');
        }
        if text.len() >= HEADER {
            break;
        }
    }
    cut(text, HEADER)
}

fn body_text(summary: &Summary, octets: &[u8]) -> String {
    let mut all = String::new();
    let _ = text::body_texts(summary, octets, &mut |text| {
        all.push_str(beginning(text, BODY.saturating_sub(all.len())));
        all.push('\n');
        if all.len() < BODY { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    all
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(beginning(&text, most).len());
    text
}

/// So many octets at most, and whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}
