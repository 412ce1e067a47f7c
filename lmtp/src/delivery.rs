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
use crate::recipient::{Place, Recipient, over_quota};
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
        let mut copies = Vec::with_capacity(recipient.places.len());
        for place in &recipient.places {
            copies.push((place, start(place, message, trace).await));
        }
        started.push(copies);
    }
    let mut replies = Vec::with_capacity(recipients.len());
    for copies in started {
        let mut of_copies = Vec::with_capacity(copies.len());
        for (place, started) in copies {
            let reply = match done(place, message, trace, started).await {
                Ok(reply) => reply,
                Err(reply) => over_quota(options, reply),
            };
            note(activity, (place, &reply), trace, message.staged.len());
            if !reply.is_positive() {
                info!(id = %trace.id, recipient = %place.address, %reply, "not delivered");
            }
            of_copies.push(reply);
        }
        replies.extend(of_copies.into_iter().reduce(worse));
    }
    replies
}

/// The reply for an alias: the MTA must try again as long as one of the accounts may still get the message.
fn worse(one: Reply, other: Reply) -> Reply {
    let rank = |reply: &Reply| match reply.code() {
        200..=299 => 0,
        400..=499 => 2,
        _ => 1,
    };
    if rank(&one) >= rank(&other) { one } else { other }
}

fn note(activity: &Activity, (place, reply): (&Place, &Reply), trace: &Trace, octets: u64) {
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
        account: Some(place.account.name().to_string()),
        text: format!("{octets} octets: {reply}"),
        ..Event::new(kind, protocol)
    });
}

type Started = std::result::Result<Pending<Appended>, Reply>;

async fn start(place: &Place, message: &Message, trace: &Trace) -> Started {
    message.hops.refuse_loop(&place.address)?;
    let mailbox = match &place.target {
        Target::Mailbox(mailbox) => mailbox.clone(),
        Target::Create(name) => create(place, name).await?,
    };
    Ok(append(&mailbox, place, message, trace))
}

/// Makes the missing mailbox and subscribes to it, so that the user sees where the mail went.
async fn create(place: &Place, name: &store::MailboxName) -> store::Result<Mailbox> {
    match place.account.create(name, None).await {
        Ok(_) => place.account.subscribe(name, true).await?,
        // Another delivery was faster.
        Err(store::Error::MailboxExists(_)) => {}
        Err(error) => return Err(error),
    }
    block(|| place.account.mailbox(name))
}

fn append(mailbox: &Mailbox, place: &Place, message: &Message, trace: &Trace) -> Pending<Appended> {
    let new = NewMessage {
        staged: message.staged.clone(),
        trace: trace.lines(&place.address).into(),
        flags: Flags::default(),
        keywords: Vec::new(),
        internal_date: None,
    };
    block(|| mailbox.append(vec![new]))
}

async fn done(
    place: &Place,
    message: &Message,
    trace: &Trace,
    started: Started,
) -> std::result::Result<Reply, Reply> {
    let appended = match started?.await {
        // The mailbox was deleted since RCPT: the mail is not lost for that.
        Err(store::Error::NoSuchMailbox(_)) => {
            let inbox = block(|| place.inbox())?;
            append(&inbox, place, message, trace).await
        }
        appended => appended,
    }?;
    let uid = appended.uids.first().map(|uid| uid.0).unwrap_or_default();
    let from = trace.reverse_path.as_ref().map(ToString::to_string).unwrap_or_default();
    info!(
        id = %trace.id, from, recipient = %place.address, account = %place.account.name(), uid,
        octets = message.staged.len(), "delivered"
    );
    Ok(Reply::new(250, "2.0.0", format!("<{}> delivered, id {}", place.address, trace.id)))
}
