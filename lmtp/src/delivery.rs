//! The last step: one message into the mailboxes of its recipients, and a reply for each.
//!
//! All appends are queued before the first is awaited, so that they share commits. A reply is positive only when the
//! append it stands for is durable.

use common::activity::{Activity, Delivery, Event, EventKind};
use common::block;
use store::{Appended, Flags, Mailbox, NewMessage, Pending, Target};
use tracing::{info, warn};

use crate::Options;
use crate::content::{Content, Message};
use crate::error::Result;
use crate::recipient::{Recipient, over_quota};
use crate::reply::Reply;
use crate::session::Session;
use crate::trace::{Origin, Trace};

/// Ends the session's transaction: stages what came and delivers it.
pub(crate) async fn finish(session: &mut Session, content: Content) -> Result<Vec<Reply>> {
    let (recipients, trace) = session.end_transaction()?;
    if recipients.is_empty() {
        return Ok(Vec::new());
    }
    let service = session.service.clone();
    Ok(match block(|| content.stage(&service.store)) {
        Ok(message) => {
            let activity = service.shared.sessions.activity();
            to_all(&service.options, &message, &trace, &recipients, activity).await
        }
        Err(reply) => {
            warn!(id = %trace.id, %reply, recipients = recipients.len(), "message refused");
            vec![reply; recipients.len()]
        }
    })
}

/// One reply for each recipient, in their order.
pub(crate) async fn to_all(
    options: &Options,
    message: &Message,
    trace: &Trace,
    recipients: &[Recipient],
    activity: &Activity,
) -> Vec<Reply> {
    let mut started = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        started.push(start(recipient, message, trace).await);
    }
    let mut replies = Vec::with_capacity(recipients.len());
    for (recipient, started) in recipients.iter().zip(started) {
        let reply = match done(recipient, message, trace, started).await {
            Ok(reply) => reply,
            Err(reply) => over_quota(options, reply),
        };
        note(activity, (recipient, &reply), trace, message.staged.len());
        if !reply.is_positive() {
            info!(id = %trace.id, recipient = %recipient.address, %reply, "not delivered");
        }
        replies.push(reply);
    }
    replies
}

fn note(activity: &Activity, (recipient, reply): (&Recipient, &Reply), trace: &Trace, octets: u64) {
    let outcome = match reply.code() {
        200..=299 => Delivery::Delivered,
        400..=499 => Delivery::Deferred,
        _ => Delivery::Refused,
    };
    activity.delivery(outcome, octets);
    let kind = match outcome {
        Delivery::Delivered => EventKind::Delivered,
        Delivery::Deferred | Delivery::Refused => EventKind::NotDelivered,
    };
    let protocol = match trace.origin {
        Origin::Lmtp { .. } => "lmtp",
        Origin::Pipe => "pipe",
    };
    activity.tell(|| Event {
        account: Some(recipient.account.name().to_string()),
        text: format!("{octets} octets: {reply}"),
        ..Event::new(kind, protocol)
    });
}

type Started = std::result::Result<Pending<Appended>, Reply>;

async fn start(recipient: &Recipient, message: &Message, trace: &Trace) -> Started {
    message.hops.refuse_loop(&recipient.address)?;
    let mailbox = match &recipient.target {
        Target::Mailbox(mailbox) => mailbox.clone(),
        Target::Create(name) => create(recipient, name).await?,
    };
    Ok(append(&mailbox, recipient, message, trace))
}

/// Makes the missing mailbox and subscribes to it, so that the user sees where the mail went.
async fn create(recipient: &Recipient, name: &store::MailboxName) -> store::Result<Mailbox> {
    match recipient.account.create(name, None).await {
        Ok(_) => recipient.account.subscribe(name, true).await?,
        // Another delivery was faster.
        Err(store::Error::MailboxExists(_)) => {}
        Err(error) => return Err(error),
    }
    block(|| recipient.account.mailbox(name))
}

fn append(mailbox: &Mailbox, recipient: &Recipient, message: &Message, trace: &Trace) -> Pending<Appended> {
    let new = NewMessage {
        staged: message.staged.clone(),
        trace: trace.lines(&recipient.address).into(),
        flags: Flags::default(),
        keywords: Vec::new(),
        internal_date: None,
    };
    block(|| mailbox.append(vec![new]))
}

async fn done(
    recipient: &Recipient,
    message: &Message,
    trace: &Trace,
    started: Started,
) -> std::result::Result<Reply, Reply> {
    let appended = match started?.await {
        // The mailbox was deleted since RCPT: the mail is not lost for that.
        Err(store::Error::NoSuchMailbox(_)) => {
            let inbox = block(|| recipient.inbox())?;
            append(&inbox, recipient, message, trace).await
        }
        appended => appended,
    }?;
    let uid = appended.uids.first().map(|uid| uid.0).unwrap_or_default();
    let from = trace.reverse_path.as_ref().map(ToString::to_string).unwrap_or_default();
    info!(
        id = %trace.id, from, recipient = %recipient.address, account = %recipient.account.name(), uid,
        octets = message.staged.len(), "delivered"
    );
    Ok(Reply::new(250, "2.0.0", format!("<{}> delivered, id {}", recipient.address, trace.id)))
}
