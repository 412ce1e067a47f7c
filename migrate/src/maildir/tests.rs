//! Expectations are files and answers of Dovecot 2.3.19 and Courier 5.0.13 as they were seen.

use std::fs;

use super::*;
use crate::Source;

struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let made = Files(tempfile::tempdir().unwrap());
        made.add(&["cur/", "new/", "tmp/"].map(|name| (name, "")));
        made.add(files);
        made
    }

    fn add(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.0.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
    }

    fn maildir(&self, format: Option<&str>) -> Maildir {
        Maildir::new(self.0.path(), format.map(|format| format.parse().unwrap())).unwrap()
    }

    fn open(&self, format: Option<&str>, name: &str) -> Mailbox {
        let maildir = self.maildir(format);
        let listed = maildir.list().unwrap().0;
        maildir.open(listed.iter().find(|one| one.name == name).unwrap()).unwrap()
    }
}

/// UID, unique-id, flags, keywords.
type Fact<'a> = (Option<u32>, Option<&'a str>, u8, Vec<&'a str>);

fn facts(mailbox: &Mailbox) -> Vec<Fact<'_>> {
    mailbox
        .messages
        .iter()
        .map(|message| {
            let meta = &message.meta;
            let keywords = meta.keywords.iter().map(String::as_str).collect();
            (meta.uid, meta.unique_id.as_deref(), meta.flags, keywords)
        })
        .collect()
}

#[test]
fn dovecot() {
    let files = Files::new(&[
        (
            "dovecot-uidlist",
            "3 V1795520821 N5 G616e8b0f3379056b6577000083ecc375\n2 :1.a,S=20,W=23\n3 W23 Pold-id :2.b\n",
        ),
        ("dovecot-keywords", "0 $Label1\n1 NonJunk\n"),
        ("cur/1.a,S=20,W=23:2,FSab", "a"),
        ("cur/2.b:2,RP", "b"),
        ("new/10.c", "c"),
        ("new/9.d", "d"),
        ("new/.hidden", ""),
        ("tmp/11.e", "e"),
    ]);
    let mailbox = files.open(None, "INBOX");
    assert_eq!(
        mailbox.numbers,
        Some(Numbers { uid_validity: 1_795_520_821, uid_next: 7, highest_modseq: 1 << 40 })
    );
    assert_eq!(
        facts(&mailbox),
        [
            (Some(2), Some("000000026b057935"), 5, vec!["$Label1", "NonJunk"]),
            (Some(3), Some("old-id"), 2, vec!["$Forwarded"]),
            (Some(5), Some("000000056b057935"), 0, vec![]),
            (Some(6), Some("000000066b057935"), 0, vec![]),
        ]
    );
    assert!(mailbox.messages[2].path.ends_with("new/9.d"));
    assert_eq!(mailbox.messages[0].meta.save_date, Some(1));
    let other = files.open(Some("%v.%u"), "INBOX");
    assert_eq!(other.messages[0].meta.unique_id.as_deref(), Some("1795520821.2"));
}

#[test]
fn courier() {
    let files = Files::new(&[
        ("courierimapuiddb", "1 795518709 5\n2 1.a,S=20\n3 2.b,S=20\n"),
        (
            "courierpop3dsizelist",
            "/3 4 1795518709\n1.a,S=20:2,FS 23 1:1795518709:0\n2.b,S=20:2, 23 2:1795518709:0\n",
        ),
        ("courierimapkeywords/:list", "$Label1\nWork\n\n1.a,S=20:0 1\n2.b,S=20:0\n"),
        ("courierimapkeywords/.5985063.2.b,S=20", "Other\n"),
        ("courierimapkeywords/.5985062.2.b,S=20", "Older\n"),
        ("cur/1.a,S=20:2,FS", "a"),
        ("cur/2.b,S=20:2,S", "b"),
    ]);
    let mailbox = files.open(None, "INBOX");
    assert_eq!(mailbox.numbers.unwrap().uid_validity, 795_518_709);
    assert_eq!(
        facts(&mailbox),
        [
            (Some(2), Some("UID1-1795518709"), 5, vec!["$Label1", "Work"]),
            (Some(3), Some("UID2-1795518709"), 1, vec!["Other"]),
        ]
    );
}

#[test]
fn folders_of_both_layouts() {
    let files = Files::new(&[
        (".Arch.y/cur/1.a", "x"),
        (".INBOX.sub/cur/", ""),
        (".x &AOQ- y/cur/", ""),
        (".ue \u{fc}/cur/", ""),
        (".no-mailbox/", ""),
        ("fs/deep/cur/", ""),
        (".a%b/cur/", ""),
        (".a*b/cur/", ""),
        ("subscriptions", "V\t2\n\nArch\ty\nfs\tdeep\n"),
        ("courierimapsubscribed", "INBOX.x &AOQ- y\nINBOX\n"),
    ]);
    let (listed, refused) = files.maildir(None).list().unwrap();
    let names: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.subscribed)).collect();
    assert_eq!(
        names,
        [
            ("INBOX", true),
            ("Arch/y", true),
            ("INBOX/sub", false),
            ("a_b", false),
            ("fs/deep", true),
            ("ue \u{fc}", false),
            ("x \u{e4} y", true),
        ]
    );
    assert!(refused.len() == 1 && refused[0].reason.contains("a_b"), "{refused:?}");
    // Neither list of UIDs nor POP3 list: new numbers.
    assert_eq!(facts(&files.open(None, "Arch/y")), [(None, None, 0, vec![])]);
}

#[test]
fn what_was_renamed_is_found_and_what_went_is_none() {
    let files = Files::new(&[("new/1.a", "x"), ("cur/2.b:2,", "y")]);
    let maildir = files.maildir(None);
    let mailbox = files.open(None, "INBOX");
    fs::rename(files.0.path().join("new/1.a"), files.0.path().join("cur/1.a:2,S")).unwrap();
    fs::remove_file(files.0.path().join("cur/2.b:2,")).unwrap();
    let read: Vec<_> = mailbox.messages.iter().map(|message| maildir.read(message).unwrap()).collect();
    assert_eq!(read, [Some(b"x".to_vec()), None]);
}

#[test]
fn what_is_no_maildir_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = Maildir::new(directory.path(), None).err().unwrap().to_string();
    assert!(error.contains("cur") && error.contains("Remedy"), "{error}");
    let files = Files::new(&[("dovecot-uidlist", "garbage\n")]);
    let maildir = files.maildir(None);
    let error = maildir.open(&maildir.list().unwrap().0[0]).unwrap_err().to_string();
    assert!(error.contains("dovecot-uidlist") && error.contains("Remedy"), "{error}");
}

#[test]
fn formats_of_unique_ids() {
    let made = |text: &str| text.parse::<UidlFormat>().map(|format| format.made(18, 16, "name"));
    assert_eq!(made("%08Xv%08Xu").unwrap(), "0000001000000012");
    assert_eq!(made("%v-%u").unwrap(), "16-18");
    assert_eq!(made("UID%u-%v").unwrap(), "UID18-16");
    assert_eq!(made("%f").unwrap(), "name");
    assert_eq!(made("%Mf").unwrap(), "b068931cc450442b63f5b3d276ea4297");
    for bad in ["%g", "%08", "text", "%v", "%Xf"] {
        assert!(made(bad).is_err(), "{bad}");
    }
}
