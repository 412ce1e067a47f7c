//! Who exists.

use store::MissingMailbox;

use super::server::Server;
use crate::Interface;

#[tokio::test(flavor = "multi_thread")]
async fn recipients_are_those_that_delivery_takes() {
    let server = Server::new();
    server.change("bob@example.org", &mut |record| record.switches.delivery = false);
    let mut mta = server.connect(Interface::Socketmap).await;
    for (address, answer) in [
        ("alice@example.org", "OK alice@example.org"),
        ("ALICE@Example.ORG", "OK alice@example.org"),
        ("alice+lists@example.org", "OK alice@example.org"),
        ("alice-lists@example.org", "OK alice@example.org"),
        ("\"alice\"@example.org", "OK alice@example.org"),
        ("carol@example.org", "OK carol"),
        ("carol", "OK carol"),
        ("nobody@example.org", "NOTFOUND "),
        ("alice@example.com", "NOTFOUND "),
        ("bob@example.org", "NOTFOUND "),
        ("@example.org", "NOTFOUND "),
        ("", "NOTFOUND "),
        ("a b@c@d", "NOTFOUND "),
    ] {
        assert_eq!(mta.look_up("recipients", address).await, answer, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_are_recipients_and_have_domains() {
    let server = Server::new();
    server.alias("sales@example.org", &["alice@example.org", "carol"]);
    server.alias("@example.com", &["bob@example.org"]);
    server.change("carol", &mut |record| record.switches.delivery = false);
    let mut mta = server.connect(Interface::Socketmap).await;
    assert_eq!(mta.look_up("recipients", "Sales@example.org").await, "OK alice@example.org");
    assert_eq!(mta.look_up("recipients", "sales+box@example.org").await, "OK alice@example.org");
    assert_eq!(mta.look_up("recipients", "whoever@example.com").await, "OK bob@example.org");
    assert_eq!(mta.look_up("recipients", "@example.com").await, "NOTFOUND ");
    assert_eq!(mta.look_up("domains", "example.com").await, "OK example.com");
    server.change("carol", &mut |record| record.switches.delivery = true);
    assert_eq!(mta.look_up("recipients", "sales@example.org").await, "OK alice@example.org,carol");
    server.change("alice@example.org", &mut |record| record.switches.delivery = false);
    server.change("carol", &mut |record| record.switches.delivery = false);
    assert_eq!(mta.look_up("recipients", "sales@example.org").await, "NOTFOUND ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_mailbox_is_what_the_site_says() {
    let server = Server::with(|options| options.missing_mailbox = MissingMailbox::Reject);
    let mut mta = server.connect(Interface::Socketmap).await;
    assert_eq!(mta.look_up("recipients", "alice+nosuch@example.org").await, "NOTFOUND ");
    assert_eq!(mta.look_up("recipients", "alice+inbox@example.org").await, "OK alice@example.org");
    let server = Server::with(|options| options.missing_mailbox = MissingMailbox::Create);
    let mut mta = server.connect(Interface::Socketmap).await;
    assert_eq!(mta.look_up("recipients", "alice+nosuch@example.org").await, "OK alice@example.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_those_of_accounts() {
    let server = Server::with(|options| options.default_domain = Some("Example.NET".into()));
    let mut mta = server.connect(Interface::Socketmap).await;
    for (domain, answer) in [
        ("example.org", "OK example.org"),
        ("EXAMPLE.org", "OK EXAMPLE.org"),
        ("example.net", "OK example.net"),
        ("example.com", "NOTFOUND "),
        (".org", "NOTFOUND "),
        ("", "NOTFOUND "),
    ] {
        assert_eq!(mta.look_up("domains", domain).await, answer, "{domain}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_map_is_told() {
    let server = Server::new();
    let mut mta = server.connect(Interface::Socketmap).await;
    for map in ["", "users", "RECIPIENTS"] {
        assert!(mta.look_up(map, "alice@example.org").await.starts_with("PERM "), "{map}");
    }
    mta.send("10:recipients,").await;
    assert_eq!(mta.netstring().await, "NOTFOUND ");
    mta.send(b"12:recipients \xff,").await;
    assert_eq!(mta.netstring().await, "NOTFOUND ");
    // Several at once, and the last answered although the MTA says nothing more.
    mta.send("28:recipients alice@example.org,19:domains example.org,").await;
    mta.end().await;
    assert_eq!(mta.netstring().await, "OK alice@example.org");
    assert_eq!(mta.netstring().await, "OK example.org");
    assert!(mta.closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_netstring_ends_the_connection() {
    let server = Server::new();
    for octets in [
        "x",
        ":",
        "01:x,",
        "-1:x,",
        "1:xx",
        "99999:",
        "9999999:",
        "4097:",
        "\r\n",
        "recipients alice@example.org\n",
    ] {
        let mut mta = server.connect(Interface::Socketmap).await;
        mta.send(octets).await;
        assert!(mta.closed().await, "{octets:?}");
    }
}
