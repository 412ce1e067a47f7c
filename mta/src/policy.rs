//! Postfix's policy delegation: a request is lines `name=value` and an empty line, the answer `action=...` and an empty
//! line. What is asked for each recipient: does it take mail, is the message too large, is there room for it.
//!
//! Whether a recipient exists is not judged here: the MTA may have other domains than ours.

use std::collections::HashMap;

use common::block;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::{Service, socketmap};

/// Of one attribute: certificates' names are the longest.
const LINE_LIMIT: usize = 16 * 1024;
/// Postfix 3.7 sends about thirty.
const ATTRIBUTES: usize = 200;

/// What is looked at of a request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    recipient: String,
    /// As the client declared it; 0 when it did not.
    size: u64,
}

pub(crate) async fn run(session: &mut Session) -> Result<()> {
    loop {
        let attributes = read(session).await?;
        session.begin("check");
        let action = match Request::of(&attributes) {
            Ok(request) => judge(&session.service, &request),
            Err(reason) => {
                tracing::warn!(reason, "the MTA's policy request cannot be used");
                format!("DEFER_IF_PERMIT 4.3.5 policy request: {reason}")
            }
        };
        session.stream.out().extend_from_slice(format!("action={action}\n\n").as_bytes());
        session.stream.flush_unless_pipelined().await?;
    }
}

/// The attributes that are looked at.
type Attributes = HashMap<&'static str, Vec<u8>>;

const KNOWN: [&str; 3] = ["recipient", "request", "size"];

/// Up to the empty line. Of attributes that come twice the last counts.
async fn read(session: &mut Session) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    for _ in 0..=ATTRIBUTES {
        let line = session.entry.unless_ended(session.stream.read_line(LINE_LIMIT)).await??;
        if line.is_empty() {
            return Ok(attributes);
        }
        let equals = line.iter().position(|&octet| octet == b'=');
        let (name, value) = line.split_at(equals.ok_or(Error::Malformed("a line has no \"=\""))?);
        if let Some(known) = KNOWN.into_iter().find(|known| known.as_bytes() == name) {
            attributes.insert(known, value[1..].to_vec());
        }
    }
    Err(Error::Malformed("a request has too many attributes"))
}

impl Request {
    fn of(attributes: &Attributes) -> std::result::Result<Request, &'static str> {
        let value = |name: &str| attributes.get(name).map(Vec::as_slice).unwrap_or_default();
        if value("request") != b"smtpd_access_policy" {
            return Err("request=smtpd_access_policy is missing");
        }
        let size = std::str::from_utf8(value("size")).unwrap_or("?");
        let size = if size.is_empty() { Ok(0) } else { size.parse() };
        // An address that is not UTF-8 is nobody's here.
        let recipient = String::from_utf8(value("recipient").to_vec()).unwrap_or_default();
        Ok(Request { recipient, size: size.map_err(|_| "size is no number")? })
    }
}

/// The action, in Postfix's words.
fn judge(service: &Service, request: &Request) -> String {
    // After DATA, where there were several recipients, none is named: each has been judged before.
    if request.recipient.is_empty() {
        return "DUNNO".to_owned();
    }
    match block(|| refusal(service, request)) {
        Ok(None) => "DUNNO".to_owned(),
        Ok(Some(refusal)) => refusal,
        Err(error) => {
            tracing::error!(recipient = request.recipient, %error, "a question of the MTA could not be answered");
            "DEFER_IF_PERMIT 4.3.0 the mail store cannot be asked now".to_owned()
        }
    }
}

/// The replies are those that LMTP gives (RFC 3463 sections 3.3 and 3.4).
fn refusal(service: &Service, request: &Request) -> store::Result<Option<String>> {
    let mut found = socketmap::destinations(service, &request.recipient)?;
    if found.is_empty() {
        return Ok(None);
    }
    found.retain(|found| found.record.switches.delivery);
    let (options, size) = (&service.options, request.size);
    if found.is_empty() {
        return Ok(Some("550 5.2.1 this mailbox does not take mail".to_owned()));
    }
    if options.message_limit > 0 && size > options.message_limit {
        let limit = options.message_limit;
        return Ok(Some(format!("552 5.3.4 message is larger than the limit of {limit} octets")));
    }
    // Of an alias's accounts all must have room, as for delivery.
    let mut full = false;
    for found in &found {
        full |= !found.account.has_room(size)?;
    }
    if !full {
        return Ok(None);
    }
    let code = if options.defer_over_quota { "452 4.2.2" } else { "552 5.2.2" };
    Ok(Some(format!("{code} mailbox is full")))
}
