//! ENVELOPE. RFC 9051 section 7.5.2

use message::{Address, Envelope};

use crate::response::Writer;

/// `"(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
/// env-in-reply-to SP env-message-id ")"`
pub fn write(out: &mut Writer<'_>, envelope: &Envelope) {
    out.raw("(").nstring(envelope.date.as_deref()).raw(" ").nstring(envelope.subject.as_deref());
    let lists =
        [&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc];
    for list in lists {
        out.raw(" ");
        write_addresses(out, list);
    }
    out.raw(" ").nstring(envelope.in_reply_to.as_deref());
    out.raw(" ").nstring(envelope.message_id.as_deref()).raw(")");
}

/// `"(" 1*address ")" / nil`
fn write_addresses(out: &mut Writer<'_>, list: &[Address]) {
    if list.is_empty() {
        out.raw("NIL");
        return;
    }
    out.raw("(");
    list.iter().for_each(|address| write_address(out, address));
    out.raw(")");
}

/// `"(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`. RFC 9051 section 7.5.2: a group begins with an address
/// whose host is NIL, and ends with one whose mailbox is NIL too; so neither is ever NIL in a real address.
fn write_address(out: &mut Writer<'_>, address: &Address) {
    match address {
        Address::Mailbox { name, route, local, host } => {
            out.raw("(").nstring(name.as_deref()).raw(" ").nstring(route.as_deref());
            out.raw(" ").string(local).raw(" ").string(host).raw(")");
        }
        Address::GroupStart(name) => drop(out.raw("(NIL NIL ").string(name).raw(" NIL)")),
        Address::GroupEnd => drop(out.raw("(NIL NIL NIL NIL)")),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use message::Summary;

    use super::*;

    fn text(envelope: &Envelope) -> String {
        let mut out = BytesMut::new();
        write(&mut Writer::new(&mut out), envelope);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn mailbox(name: Option<&str>, local: &str, host: &str) -> Address {
        let name = name.map(|name| name.as_bytes().to_vec());
        Address::Mailbox { name, route: None, local: local.into(), host: host.into() }
    }

    // The example of RFC 3501 section 8
    #[test]
    fn rfc_example() {
        let message = Summary::parse(
            b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n\
              From: Terry Gray <gray@cac.washington.edu>\r\n\
              Subject: IMAP4rev1 WG mtg summary and minutes\r\n\
              To: imap@cac.washington.edu\r\n\
              cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
              Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
        );
        let expected = concat!(
            r#"("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" "#,
            r#"(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) "#,
            r#"(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) "#,
            r#"((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "#,
            r#""<B27397-0100000@cac.washington.edu>")"#
        );
        assert_eq!(text(&message.envelope), expected);
    }

    #[test]
    fn an_empty_message_has_nil_everywhere() {
        assert_eq!(text(&Envelope::default()), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }

    #[test]
    fn groups_have_their_markers() {
        let to = vec![Address::GroupStart(b"undisclosed-recipients".to_vec()), Address::GroupEnd];
        let envelope = Envelope { to, ..Envelope::default() };
        assert!(text(&envelope).contains(r#"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))"#));
    }

    #[test]
    fn quotes_are_escaped_and_raw_eight_bit_is_a_literal() {
        let envelope = Envelope { subject: Some(br#"a "b\c""#.to_vec()), ..Envelope::default() };
        assert!(text(&envelope).starts_with(r#"(NIL "a \"b\\c\"" NIL"#));
        let envelope = Envelope { subject: Some("für".into()), ..Envelope::default() };
        assert!(text(&envelope).starts_with("(NIL {4}\r\nfür NIL"));
    }

    #[test]
    fn an_address_without_host_is_no_group() {
        let envelope = Envelope { from: vec![mailbox(None, "root", "")], ..Envelope::default() };
        assert!(text(&envelope).contains(r#"((NIL NIL "root" ""))"#));
    }
}
