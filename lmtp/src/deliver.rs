//! Delivery from a pipe, for `restante deliver`: the same steps as LMTP's, without its dialogue.

use common::activity::Activity;
use common::block;
use store::Store;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Options;
use crate::address::Address;
use crate::content::Content;
use crate::delivery;
use crate::recipient::Recipient;
use crate::reply::Reply;
use crate::trace::{Origin, Trace};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Who sends to whom.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// `None`: the null path of a bounce.
    pub reverse_path: Option<Address>,
    pub recipients: Vec<Address>,
    /// Of this host, for Received.
    pub hostname: String,
    /// Of this delivery, for Received and the log.
    pub id: String,
}

/// What became of the message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub recipient: Address,
    pub reply: Reply,
}

impl Outcome {
    /// The exit status that MTAs expect of a delivery program (sysexits.h): EX_OK, EX_NOUSER, EX_CANTCREAT for a
    /// mailbox that is full, EX_TEMPFAIL, EX_UNAVAILABLE.
    pub fn exit_status(&self) -> u8 {
        match (self.reply.is_positive(), self.reply.enhanced()) {
            (true, _) => 0,
            (_, enhanced) if enhanced.starts_with('4') => 75,
            (_, "5.1.1") => 67,
            (_, "5.2.2") => 73,
            _ => 69,
        }
    }
}

/// Reads a message to its end and delivers it. Lines may end in LF. One outcome for each recipient, in their order.
pub async fn deliver(
    store: &Store,
    options: &Options,
    envelope: Envelope,
    reader: &mut (impl AsyncRead + Unpin),
    activity: &Activity,
) -> Vec<Outcome> {
    let resolve = |address: &Address| block(|| Recipient::resolve(store, options, address.clone(), 0));
    let (mut recipients, mut refused) = (Vec::new(), Vec::new());
    for address in &envelope.recipients {
        match resolve(address) {
            Ok(recipient) => {
                recipients.push(recipient);
                refused.push(None);
            }
            Err(reply) => refused.push(Some(reply)),
        }
    }
    // Read in any case: a pipe that is closed early is an error of its own to the MTA.
    let content = read(store, reader).await;
    let delivered = match content.and_then(|content| block(|| content.stage(store))) {
        Ok(message) => {
            let trace = envelope.trace();
            delivery::to_all(options, &message, &trace, &recipients, activity).await
        }
        Err(reply) => vec![reply; recipients.len()],
    };
    let mut replies = delivered.into_iter();
    let reply = |refused: Option<Reply>| refused.or_else(|| replies.next());
    let all = envelope.recipients.iter().cloned().zip(refused.into_iter().map(reply));
    all.filter_map(|(recipient, reply)| Some(Outcome { recipient, reply: reply? })).collect()
}

async fn read(store: &Store, reader: &mut (impl AsyncRead + Unpin)) -> Result<Content, Reply> {
    let mut content = Content::new(store);
    let mut octets = vec![0; CHUNK];
    loop {
        match reader.read(&mut octets).await {
            Ok(0) => return Ok(content),
            Ok(count) => block(|| content.write(&octets[..count])),
            Err(error) => {
                return Err(Reply::new(451, "4.3.0", format!("the message could not be read: {error}")));
            }
        }
    }
}

impl Envelope {
    fn trace(&self) -> Trace {
        Trace {
            reverse_path: self.reverse_path.clone(),
            origin: Origin::Pipe,
            hostname: self.hostname.clone(),
            id: self.id.clone(),
            time: common::time::now(),
        }
    }
}
