//! Which mailbox an address means, and who takes no mail.

use store::{MailboxName, MissingMailbox};

use super::client::{Client, Server};
use crate::Options;

async fn deliver(client: &mut Client, recipient: &str) {
    client.data(&[recipient]).await;
    client.send(b"Subject: x\r\n\r\nx\r\n.\r\n").await;
    client.expect("250 2.0.0 ").await;
}

async fn with_mailbox(options: Options, name: &str) -> Server {
    let server = Server::with(options);
    server.site.account("pat@foo.edu").create(&MailboxName::new(name).unwrap(), None).await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_mailboxes() {
    let server = with_mailbox(Options { separators: vec!['+', '-'], ..Options::default() }, "Lists").await;
    let mut client = server.greeted().await;
    for recipient in ["pat+Lists@foo.edu", "pat-lists@foo.edu", "PAT+LISTS@FOO.EDU"] {
        deliver(&mut client, recipient).await;
    }
    assert_eq!(server.messages("pat@foo.edu", "Lists").len(), 3);
    for recipient in ["pat@foo.edu", "pat+inbox@foo.edu", "pat+INBOX@foo.edu", "pat+missing@foo.edu"] {
        deliver(&mut client, recipient).await;
    }
    assert_eq!(server.messages("pat@foo.edu", "INBOX").len(), 4);
    // The account itself, however it is addressed, has no other mailboxes than before.
    assert_eq!(server.site.account("pat@foo.edu").mailboxes().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_mailboxes_are_made_where_the_site_wants_it() {
    let server = Server::with(Options { missing_mailbox: MissingMailbox::Create, ..Options::default() });
    let mut client = server.greeted().await;
    client.data(&["pat+New@foo.edu", "pat+New@foo.edu"]).await;
    client.send(b"Subject: x\r\n\r\nx\r\n.\r\n").await;
    client.expect("250 ").await;
    client.expect("250 ").await;
    deliver(&mut client, "pat+new@foo.edu").await;
    assert_eq!(server.messages("pat@foo.edu", "New").len(), 3);
    let new = MailboxName::new("New").unwrap();
    assert!(server.site.account("pat@foo.edu").subscriptions().unwrap().contains(&new));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_mailboxes_are_refused_where_the_site_wants_it() {
    let server =
        with_mailbox(Options { missing_mailbox: MissingMailbox::Reject, ..Options::default() }, "Junk").await;
    let mut client = server.greeted().await;
    client
        .play(&[
            ("MAIL FROM:<>", "250 "),
            ("RCPT TO:<pat+missing@foo.edu>", "550 5.1.1 "),
            ("RCPT TO:<pat+junk@foo.edu>", "250 "),
        ])
        .await;
}

/// Mail that was accepted for a mailbox which is deleted meanwhile goes to INBOX.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_vanishes_loses_no_mail() {
    let server = with_mailbox(Options::default(), "Lists").await;
    let mut client = server.greeted().await;
    client.data(&["pat+Lists@foo.edu"]).await;
    server.site.account("pat@foo.edu").delete(&MailboxName::new("Lists").unwrap()).await.unwrap();
    client.send(b"Subject: x\r\n\r\nx\r\n.\r\n").await;
    client.expect("250 2.0.0 ").await;
    assert_eq!(server.messages("pat@foo.edu", "INBOX").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_switched_off_and_accounts_that_are_full() {
    let server = Server::new();
    server.change("pat@foo.edu", &mut |record| record.switches.delivery = false);
    server.change("green@foo.edu", &mut |record| record.limits.bytes = 1_000);
    let mut client = server.greeted().await;
    client
        .play(&[
            ("MAIL FROM:<a@bar.com> SIZE=2000", "250 "),
            ("RCPT TO:<pat@foo.edu>", "550 5.2.1 "),
            ("RCPT TO:<green@foo.edu>", "552 5.2.2 "),
            ("RSET", "250 "),
        ])
        .await;
    // The switch for logins is not that for mail.
    server.change("pat@foo.edu", &mut |record| {
        record.switches.delivery = true;
        record.switches.login = false;
    });
    // The client lied about the size: the store decides, for each recipient.
    client.data(&["green@foo.edu", "pat@foo.edu"]).await;
    client.send(format!("Subject: x\r\n\r\n{}\r\n.\r\n", "x".repeat(2_000)).as_bytes()).await;
    client.expect("552 5.2.2 ").await;
    client.expect("250 2.0.0 ").await;
    server.change("green@foo.edu", &mut |record| {
        record.limits = store::Limits { bytes: 0, messages: 1, mailboxes: 0 }
    });
    deliver(&mut client, "green@foo.edu").await;
    client.play(&[("MAIL FROM:<a@bar.com>", "250 "), ("RCPT TO:<green@foo.edu>", "552 5.2.2 ")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_recipients() {
    let server = Server::with(Options { recipients_limit: 2, ..Options::default() });
    let mut client = server.greeted().await;
    client
        .play(&[
            ("MAIL FROM:<>", "250 "),
            ("RCPT TO:<pat@foo.edu>", "250 "),
            ("RCPT TO:<x@foo.edu>", "550 "),
            ("RCPT TO:<green@foo.edu>", "250 "),
            ("RCPT TO:<pat@foo.edu>", "452 4.5.3 "),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_gives_each_of_its_accounts_a_copy_and_one_reply() {
    let server = with_mailbox(Options { separators: vec!['+'], ..Options::default() }, "Lists").await;
    let name = |name: &str| store::AccountName::new(name).unwrap();
    let directory = server.site.store.directory();
    common::block(|| {
        for added in directory.add(vec![(name("second@foo.edu"), None), (name("off@foo.edu"), None)]).unwrap()
        {
            added.unwrap();
        }
        directory.update(&name("off@foo.edu"), &mut |record| record.switches.delivery = false).unwrap();
        let accounts = [name("pat@foo.edu"), name("second@foo.edu"), name("off@foo.edu")];
        directory.add_alias(&store::AliasName::new("all@foo.edu").unwrap(), &accounts).unwrap();
    });
    let mut client = server.greeted().await;
    deliver(&mut client, "ALL@foo.edu").await;
    deliver(&mut client, "all+lists@foo.edu").await;
    assert_eq!(server.messages("pat@foo.edu", "INBOX").len(), 1);
    assert_eq!(server.messages("pat@foo.edu", "Lists").len(), 1);
    // The second has no such mailbox.
    assert_eq!(server.messages("second@foo.edu", "INBOX").len(), 2);
    assert_eq!(server.messages("off@foo.edu", "INBOX").len(), 0);
    // One without room is told before any of them has the message.
    common::block(|| directory.update(&name("second@foo.edu"), &mut |record| record.limits.messages = 2))
        .unwrap();
    client.play(&[("MAIL FROM:<>", "250 "), ("RCPT TO:<all@foo.edu>", "552 5.2.2 ")]).await;
}
