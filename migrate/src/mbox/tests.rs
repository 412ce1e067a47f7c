//! Expectations from RFC 4155 and from what UW-IMAP and Dovecot write.

use std::fs;

use super::*;

fn open(text: &str) -> (Vec<Message>, Option<Numbers>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inbox");
    fs::write(&path, text).unwrap();
    let mbox = Mbox::new(&path, None, None).unwrap();
    let (listed, refused) = mbox.list().unwrap();
    assert_eq!((listed.len(), refused.len(), &*listed[0].name), (1, 0, "INBOX"));
    let mailbox = mbox.open(&listed[0]).unwrap();
    let read =
        mailbox.messages.iter().map(|one| String::from_utf8(mbox.read(one).unwrap().unwrap()).unwrap());
    let read = read.collect();
    (mailbox.messages, mailbox.numbers, read)
}

#[test]
fn messages_and_quoted_lines() {
    let (messages, numbers, read) = open(
        "From a@b.test Thu Feb 13 10:00:00 2020\nSubject: one\n\n>From here\n>>From there\nFrom nowhere\n\n\
         From c d Fri Feb 14 10:00 2020 +0100\nSubject: two\n\nlast line\n\n",
    );
    assert_eq!(
        read,
        ["Subject: one\n\nFrom here\n>From there\nFrom nowhere\n", "Subject: two\n\nlast line\n"]
    );
    let dates: Vec<_> = messages.iter().map(|one| one.meta.internal_date.unwrap()).collect();
    assert_eq!(dates, [1_581_588_000, 1_581_588_000 + 86_400 - 3600]);
    assert_eq!((numbers, messages[0].meta.uid), (None, None));
}

#[test]
fn notes_of_the_server() {
    let (messages, numbers, read) = open(
        "From - Thu Feb 13 10:00:00 2020\nX-IMAPbase: 1580000000 0000000009 $Label1\nStatus: RO\nX-Status: AF\n\
         X-Keywords: $Label1 \n  Junk\nX-UID: 4\nSubject: one\n folded\n\nx\n\n\
         From - Thu Feb 13 10:00:00 2020\nSubject: two\nX-UID: 7\nContent-Length: 2\n\ny\n\n\
         From - Thu Feb 13 10:00:00 2020\nSubject: three\n\nz\n",
    );
    assert_eq!(read, ["Subject: one\n folded\n\nx\n", "Subject: two\n\ny\n", "Subject: three\n\nz\n"]);
    let numbers = numbers.unwrap();
    assert_eq!((numbers.uid_validity, numbers.uid_next), (1_580_000_000, 11));
    let uids: Vec<_> = messages.iter().map(|one| one.meta.uid.unwrap()).collect();
    assert_eq!(uids, [4, 7, 10]);
    assert_eq!((messages[0].meta.flags, &messages[0].meta.keywords[..]), (7, &["$Label1".to_owned()][..]));
    assert_eq!(messages[0].meta.unique_id.as_deref(), Some("000000045e2ce300"));
}

#[test]
fn internal_data_of_uw_imap_is_no_message() {
    let (messages, numbers, _) = open(
        "From MAILER-DAEMON Thu Feb 13 10:00:00 2020\nX-IMAP: 1580000000 0000000002\n\
         Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nStatus: RO\n\ntext\n\n\
         From - Thu Feb 13 10:00:00 2020\nX-UID: 2\nSubject: one\n\nx\n",
    );
    assert_eq!((messages.len(), messages[0].meta.uid, numbers.unwrap().uid_next), (1, Some(2), 3));
}

#[test]
fn a_length_that_is_right_counts() {
    let body = "\nFrom x Thu Feb 13 10:00:00 2020\nno header\n";
    let (_, _, read) = open(&format!(
        "From - Thu Feb 13 10:00:00 2020\nContent-Length: {}\n\n{body}\n\
         From - Thu Feb 13 10:00:00 2020\nContent-Length: 99999\n\nx\n",
        body.len()
    ));
    assert_eq!(read, [format!("\n{body}"), "\nx\n".to_owned()]);
}

#[test]
fn directories_of_both_kinds() {
    let directory = tempfile::tempdir().unwrap();
    let entry = "From - Thu Feb 13 10:00:00 2020\nSubject: x\n\nx\n";
    for (file, text) in [
        ("main.mbx", entry),
        ("Sent.mbx", entry),
        ("lists/rust", entry),
        ("lists/&AOQ-", entry),
        ("notes.txt", "no mail"),
        (".subscriptions", "V\t2\n\nlists\trust\n"),
        (".imap/x", entry),
    ] {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let spool = directory.path().join(".spool");
    fs::write(&spool, entry).unwrap();
    let listed = |inbox| Mbox::new(directory.path(), inbox, None).unwrap().list().unwrap();
    let (found, refused) = listed(None);
    let names: Vec<_> = found.iter().map(|one| (&*one.name, one.subscribed)).collect();
    assert_eq!(names, [("INBOX", true), ("Sent", false), ("lists/rust", true), ("lists/\u{e4}", false)]);
    assert!(refused.is_empty());
    // Two that would be INBOX: one is told.
    assert_eq!(listed(Some(spool)).1.len(), 1);
}

#[test]
fn lines_without_end_and_what_is_no_mbox() {
    let long = "x".repeat(300_000);
    let (_, _, read) =
        open(&format!("From - Thu Feb 13 10:00:00 2020\nSubject: x\n\n{long}\n\nFrom {long}\n"));
    assert_eq!(read, [format!("Subject: x\n\n{long}\n\nFrom {long}\n")]);
    assert!(open("no mail at all\n").0.is_empty());
}
