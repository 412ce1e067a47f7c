//! Sorted results that are too large to be kept up to date. RFC 5267 section 4.3.1

use super::client::Server;

/// What about 1,350 messages are too much of.
const LONG: &str = "(SUBJECT DISPLAYFROM DISPLAYTO)";
const HALF: usize = 800;

fn message(number: usize) -> String {
    let long = "long ".repeat(204);
    format!(
        "Subject: {number} {long}\r\nFrom: \"{long}\" <a@x.test>\r\nTo: \"{long}\" <b@x.test>\r\n\r\nx\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_takes_too_much_is_not_kept() {
    let server = Server::new();
    let deliver = async |numbers: std::ops::Range<usize>| {
        let messages: Vec<String> = numbers.map(message).collect();
        server.deliver(&messages.iter().map(String::as_str).collect::<Vec<_>>()).await;
    };
    deliver(0..HALF).await;
    let mut client = server.select().await;
    let first = client.ok(&format!("UID SORT RETURN (UPDATE COUNT) {LONG} UTF-8 ALL")).await;
    assert!(first.iter().any(|line| line.ends_with(" UID COUNT 800")), "{first:?}");
    assert!(!first.iter().any(|line| line.contains("[NOUPDATE ")), "{first:?}");
    // All results of a session count together; the other return options are honoured
    let second = client.ok(&format!("UID SORT RETURN (UPDATE COUNT) {LONG} UTF-8 UNDELETED")).await;
    assert!(second.iter().any(|line| line.ends_with(" UID COUNT 800")), "{second:?}");
    assert!(second.iter().any(|line| line.starts_with("* NO [NOUPDATE ")), "{second:?}");
    // What needs little is kept all the same
    let small = client.ok("UID SORT RETURN (UPDATE COUNT) (ARRIVAL) UTF-8 ALL").await;
    assert!(!small.iter().any(|line| line.contains("[NOUPDATE ")), "{small:?}");
    // One that grows too large is told a last time
    deliver(HALF..2 * HALF).await;
    let grown = client.ok("NOOP").await;
    assert_eq!(grown.iter().filter(|line| line.contains(" ADDTO (")).count(), 2, "{grown:?}");
    assert_eq!(grown.iter().filter(|line| line.starts_with("* NO [NOUPDATE ")).count(), 1, "{grown:?}");
    deliver(2 * HALF..2 * HALF + 1).await;
    let left = client.ok("NOOP").await;
    assert_eq!(left.iter().filter(|line| line.contains(" ADDTO (1601 1601)")).count(), 1, "{left:?}");
    assert!(!left.iter().any(|line| line.contains("[NOUPDATE ")), "{left:?}");
}
