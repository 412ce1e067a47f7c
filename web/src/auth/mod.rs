//! Who may administer: a session's cookie, an app password for programs, or the server's own user on a unix socket.

mod sessions;

use std::sync::Arc;

use admin::Who;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use common::auth::{AuthError, Protocol};
use common::{block, crypto};

pub(crate) use sessions::{Session, Sessions, cookie, no_cookie};

use crate::problem::Problem;
use crate::{Client, Web};

/// The header with which a page proves that it is ours.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Someone who may do everything.
#[derive(Debug, Clone)]
pub(crate) struct Administrator {
    pub who: Who,
    /// An account's name, or the user of a unix socket.
    pub name: String,
    /// Logged in with a cookie: a change needs its token too.
    pub session: Option<Session>,
}

impl Administrator {
    /// Whether a form or a script that sends this token is of a page that was made for this session.
    pub fn is_own_page(&self, token: Option<&str>) -> bool {
        let Some(session) = &self.session else { return true };
        token.is_some_and(|token| crypto::equal(token.as_bytes(), session.csrf.as_bytes()))
    }

    /// For forms.
    pub fn csrf(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.csrf)
    }
}

/// Who asks, or a 401 or 403.
pub(crate) async fn require(
    web: &Web,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Administrator, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        return basic(web, client, headers).await;
    }
    if let Some(administrator) = block(|| by_cookie(web, client, headers))? {
        return Ok(administrator);
    }
    if client.is_owner() {
        let who = Who::Process { uid: client.uid, pid: client.pid };
        return Ok(Administrator { name: who.to_string(), who, session: None });
    }
    Err(not_logged_in(headers))
}

/// The same for what changes something.
pub(crate) async fn require_change(
    web: &Web,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Administrator, Problem> {
    let administrator = require(web, client, headers).await?;
    let token = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    if administrator.is_own_page(token) {
        return Ok(administrator);
    }
    let detail = format!("a change with a session's cookie needs the session's token in {CSRF_HEADER}");
    Err(Problem::new(StatusCode::FORBIDDEN, detail).remedy("GET /api/v1/session tells it."))
}

/// Whether what was asked a while ago would still be allowed. Does not count as a use of the session.
pub(crate) fn is_still(web: &Web, administrator: &Administrator) -> bool {
    let Who::Administrator { account, .. } = &administrator.who else { return true };
    let Ok(name) = store::AccountName::new(account) else { return false };
    let Ok(Some(record)) = web.store().directory().find(&name) else { return false };
    match &administrator.session {
        Some(session) => web.sessions().is_there(session) && session.is_good_for(&record),
        None => record.administrator && record.switches.login,
    }
}

/// Checks an administrator's own password and begins a session; the cookie's value.
pub(crate) async fn log_in(
    web: &Web,
    client: &Client,
    name: &str,
    password: &str,
) -> Result<String, AuthError> {
    let context = client.context(Protocol::Web);
    let identity = web.running().authenticator.password(&context, name, password.as_bytes()).await?;
    let account = store::AccountName::new(&identity.account).map_err(|_| AuthError::Failed)?;
    let record = block(|| web.store().directory().find(&account));
    let record = record.map_err(|_| AuthError::Unavailable)?.ok_or(AuthError::Failed)?;
    Ok(web.sessions().begin(&record))
}

fn by_cookie(web: &Web, client: &Client, headers: &HeaderMap) -> Result<Option<Administrator>, Problem> {
    let Some(session) = web.sessions().find(headers, client.tls.is_some()) else { return Ok(None) };
    let record = web.store().directory().find_by_id(session.account)?;
    let Some(record) = record.filter(|record| session.is_good_for(record)) else {
        web.sessions().end(&session);
        return Ok(None);
    };
    let account: Arc<str> = record.name.as_str().into();
    let who = Who::Administrator { account, peer: client.peer, protocol: Protocol::Web.name() };
    Ok(Some(Administrator { who, name: record.name.to_string(), session: Some(session) }))
}

/// RFC 7617
async fn basic(web: &Web, client: &Client, headers: &HeaderMap) -> Result<Administrator, Problem> {
    let Some((name, password)) = credentials(headers) else { return Err(not_logged_in(headers)) };
    let context = client.context(Protocol::Api);
    let identity = web.running().authenticator.password(&context, &name, password.as_bytes()).await;
    let account: Arc<str> = identity.map_err(|error| refusal(&error, headers))?.account.into();
    let who =
        Who::Administrator { account: account.clone(), peer: client.peer, protocol: Protocol::Api.name() };
    Ok(Administrator { who, name: account.to_string(), session: None })
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let octets = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn not_logged_in(headers: &HeaderMap) -> Problem {
    unauthorized("this is for administrators who are logged in", headers)
        .remedy("Use HTTP Basic with an app password that is for \"api\", or log in at /login.")
}

/// RFC 9110 section 15.5.2: a 401 says how. A browser would ask the user for Basic, which is for programs.
fn unauthorized(detail: &str, headers: &HeaderMap) -> Problem {
    let browser = headers.contains_key("sec-fetch-site");
    let challenge =
        if browser { "Session realm=\"Restante\"" } else { "Basic realm=\"Restante\", charset=\"UTF-8\"" };
    Problem { challenge: Some(challenge), ..Problem::new(StatusCode::UNAUTHORIZED, detail) }
}

fn refusal(error: &AuthError, headers: &HeaderMap) -> Problem {
    match error {
        AuthError::Failed | AuthError::Malformed(_) | AuthError::Cancelled => {
            unauthorized("wrong name or password", headers)
        }
        AuthError::Expired | AuthError::UnknownMechanism => unauthorized(&error.to_string(), headers),
        AuthError::Disabled(_) | AuthError::NotAuthorized | AuthError::EncryptionNeeded => {
            Problem::new(StatusCode::FORBIDDEN, error.to_string())
        }
        AuthError::LockedOut { .. } => Problem::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()),
        AuthError::Unavailable => Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}
