//! MAIL and RCPT: the envelope of a message. A recipient is resolved to its account and mailbox here, so that the MTA hears
//! of an unknown, switched-off or full one before it sends the message.

use common::block;

use crate::address::{self, Address, BadAddress};
use crate::content::Content;
use crate::error::{Error, Result};
use crate::parameters::{self, MailParameters};
use crate::recipient::Recipient;
use crate::reply::{Answer, Reply};
use crate::session::Session;

/// What has been said of a message so far (RFC 5321 section 3.3).
pub(crate) struct Transaction {
    /// `None`: the null path.
    pub reverse_path: Option<Address>,
    pub parameters: MailParameters,
    pub recipients: Vec<Recipient>,
    /// BDAT: what came so far.
    pub chunks: Option<Content>,
}

/// RFC 5321 section 4.1.1.2
pub(crate) async fn mail(session: &mut Session, arguments: &str) -> Result<Answer> {
    if session.transaction.is_some() {
        return Err(Error::sequence("nested MAIL: send RSET first"));
    }
    let (reverse_path, rest) =
        address::path(after(arguments, "FROM:")?).map_err(|error| bad("5.1.7", error))?;
    let parameters = MailParameters::parse(rest)?;
    let limit = session.service.options.message_limit;
    // RFC 1870 section 6.1
    if limit > 0 && parameters.size > limit {
        let text = format!("message is larger than the limit of {limit} octets");
        return Err(Reply::new(552, "5.3.4", text).into());
    }
    if let Some(address) = &reverse_path {
        needs_utf8(address, parameters)?;
    }
    session.transaction =
        Some(Transaction { reverse_path, parameters, recipients: Vec::new(), chunks: None });
    Ok(Reply::new(250, "2.1.0", "sender accepted").into())
}

/// RFC 5321 section 4.1.1.3
pub(crate) async fn rcpt(session: &mut Session, arguments: &str) -> Result<Answer> {
    let service = session.service.clone();
    let transaction = session.transaction()?;
    if transaction.chunks.is_some() {
        return Err(Error::sequence("RCPT after BDAT: send RSET first"));
    }
    let (address, rest) = address::path(after(arguments, "TO:")?).map_err(|error| bad("5.1.3", error))?;
    if !rest.trim().is_empty() {
        return Err(parameters::unknown().into());
    }
    let address = address.ok_or_else(|| bad("5.1.3", BadAddress("a recipient cannot be empty")))?;
    needs_utf8(&address, transaction.parameters)?;
    // RFC 5321 section 4.5.3.1.10
    if transaction.recipients.len() >= service.options.recipients_limit {
        return Err(
            Reply::new(452, "4.5.3", "too many recipients; send the others with the next message").into()
        );
    }
    let size = transaction.parameters.size;
    let recipient = block(|| Recipient::resolve(&service.store, &service.options, address, size))?;
    transaction.recipients.push(recipient);
    Ok(Reply::new(250, "2.1.5", "recipient accepted").into())
}

/// What follows `FROM:` or `TO:`, in any case.
fn after<'a>(arguments: &'a str, word: &str) -> Result<&'a str> {
    match arguments.get(..word.len()) {
        Some(begin) if begin.eq_ignore_ascii_case(word) => Ok(&arguments[word.len()..]),
        _ => Err(Error::Syntax(Reply::new(501, "5.5.4", format!("{word}<address> is missing")))),
    }
}

fn bad(enhanced: &'static str, error: BadAddress) -> Error {
    Reply::new(501, enhanced, format!("bad address: {error}")).into()
}

/// RFC 6531 section 3.4: 553 where an address needs SMTPUTF8 and MAIL did not have it.
fn needs_utf8(address: &Address, parameters: MailParameters) -> std::result::Result<(), Reply> {
    if parameters.utf8 || address.is_ascii() {
        return Ok(());
    }
    Err(Reply::new(553, "5.6.7", "an address outside ASCII needs SMTPUTF8"))
}
