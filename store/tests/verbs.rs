//! Each verb by itself: what it answers, what it refuses, what others see of it.

mod support;

use bytes::Bytes;
use store::*;
use support::*;

#[test]
fn what_is_appended_can_be_read_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let raw = octets("hello", "Good morning");
    let mut message = new_message(&store, &raw);
    message.trace = Bytes::from_static(b"Return-Path: <>\r\n");
    message.internal_date = Some(DateTime { seconds: 1_700_000_000, offset: 120 });
    message.flags = Flags::FLAGGED;
    message.keywords = vec![Keyword("$Important".into())];
    let appended = mailbox.append(vec![message]).wait().unwrap();
    assert_eq!(appended.uids, [Uid(1)]);
    drop((mailbox, store));

    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let whole = [b"Return-Path: <>\r\n", &raw[..]].concat();
    assert_eq!(body(&mailbox, Uid(1)), whole);
    let message = mailbox.snapshot().unwrap().message(Uid(1)).unwrap().unwrap();
    assert_eq!(message.size, whole.len() as u64);
    assert_eq!(message.internal_date, DateTime { seconds: 1_700_000_000, offset: 120 });
    assert_eq!(message.summary().unwrap().envelope.subject.as_deref(), Some(&b"hello"[..]));
    let state = mailbox.live().unwrap().state();
    let row = state.nth(0).unwrap();
    assert_eq!((row.flags, row.keywords), (Flags::FLAGGED, KeywordBits(1)));
    assert_eq!(&state.keywords()[..], [Keyword("$Important".into())]);
    let info = mailbox.info().unwrap();
    assert_eq!((info.messages, info.unseen, info.bytes), (1, 1, whole.len() as u64));
    assert_eq!(info.uid_validity, appended.uid_validity);
}
