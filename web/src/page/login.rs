//! Logging in and out.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use common::auth::AuthError;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::visit::{Form, Post};
use super::{Frame, Page, PageError, render};
use crate::auth::{self, cookie, no_cookie};
use crate::{Client, Web};

#[derive(Template)]
#[template(path = "login.html")]
struct LogIn {
    frame: Frame,
    name: String,
    next: String,
    error: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

/// The login that leads back to a path.
pub(crate) fn address(path: &str) -> String {
    match path {
        "/" => "/login".to_owned(),
        path => format!("/login?next={}", utf8_percent_encode(path, NON_ALPHANUMERIC)),
    }
}

/// Only to a page of this server: `//host` and `/\host` would lead elsewhere.
fn own(path: &str) -> &str {
    let below = path.strip_prefix('/').filter(|rest| !rest.starts_with(['/', '\\']));
    if below.is_some_and(|rest| !rest.contains(char::is_control)) { path } else { "/" }
}

pub(crate) async fn form(
    State(web): State<Web>,
    Extension(client): Extension<Client>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Page {
    let next = asked.map(|Query(asked)| asked.next).unwrap_or_default();
    if auth::require(&web, &client, &headers).await.is_ok() {
        return Ok(Redirect::to(own(&next)).into_response());
    }
    let frame = Frame::bare("Log in");
    Ok(render(&LogIn { frame, name: String::new(), next, error: String::new() }))
}

pub(crate) async fn log_in(
    State(web): State<Web>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Page {
    let (name, next) = (form.text("name"), form.text("next"));
    let secure = client.tls.is_some();
    match auth::log_in(&web, &client, name, form.text("password")).await {
        Ok(token) => {
            // A cookie that was there before opens nothing any more.
            if let Some(old) = web.sessions().find(&headers, secure) {
                web.sessions().end(&old);
            }
            Ok(([(header::SET_COOKIE, cookie(&token, secure))], Redirect::to(own(next))).into_response())
        }
        Err(error) => {
            let frame = Frame::bare("Log in");
            let (name, next) = (name.to_owned(), next.to_owned());
            let mut response = render(&LogIn { frame, name, next, error: words(&error) });
            *response.status_mut() = status(&error);
            Ok(response)
        }
    }
}

pub(crate) async fn log_out(Extension(client): Extension<Client>, post: Post) -> Result<Response, PageError> {
    if let Some(session) = &post.visit.administrator.session {
        post.visit.web.sessions().end(session);
    }
    let gone = [(header::SET_COOKIE, no_cookie(client.tls.is_some()))];
    Ok((gone, Redirect::to("/login")).into_response())
}

fn words(error: &AuthError) -> String {
    match error {
        AuthError::Failed => "The name or the password is wrong.".to_owned(),
        AuthError::Unavailable => "The accounts cannot be read now. Try again later.".to_owned(),
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
            format!("{first}{}.", letters.as_str())
        }
    }
}

fn status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::LockedOut { .. } => StatusCode::TOO_MANY_REQUESTS,
        AuthError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (path, to) in [
            ("/accounts?x=1", "/accounts?x=1"),
            ("", "/"),
            ("//evil.example.test", "/"),
            ("/\\evil", "/"),
            ("https://evil", "/"),
            ("/\r\nx", "/"),
        ] {
            assert_eq!(own(path), to);
        }
    }
}
