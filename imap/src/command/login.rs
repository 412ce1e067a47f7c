//! LOGIN, and what follows every good login. RFC 9051 section 6.2.3

use common::auth::Identity;
use common::block;
use store::AccountName;

use crate::capability;
use crate::error::Error;
use crate::response::{Code, Reply};
use crate::session::{Session, User};
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.utf8_astring()?;
    arguments.space()?;
    let password = arguments.astring()?;
    arguments.end()?;
    let authenticator = session.service.shared.authenticator.clone();
    let identity = authenticator.password(&session.auth_context(), &name, &password).await?;
    complete(session, &identity)
}

/// Opens the account and answers with the capabilities, which are others now. RFC 9051 section 7.1, CAPABILITY
pub fn complete(session: &mut Session, identity: &Identity) -> Result<Reply, Error> {
    let permit = session.service.shared.limits.account(&identity.account)?;
    let name = AccountName::new(&identity.account)
        .map_err(|why| Error::bug(format!("the directory named an account {:?}: {why}", identity.account)))?;
    let account = block(|| session.service.store.account(&name))?;
    let service = std::sync::Arc::clone(&session.service);
    session.log_in(User { account, permit, service });
    let code = Code::Capability(capability::list(session));
    Ok(Reply { text: "Logged in".into(), ..Reply::code(code) })
}
