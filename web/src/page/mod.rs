//! The administrators' pages: made here as a whole, readable without scripts; a script only adds what happens meanwhile.

mod account;
mod accounts;
mod activity;
mod assets;
mod change;
mod format;
mod login;
mod overview;
mod plot;
mod public;
mod settings;
mod visit;

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::Web;
use crate::problem::Problem;
use visit::Visit;

pub(crate) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(overview::show))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/accounts", get(accounts::show).post(accounts::add))
        .route("/accounts/{account}", get(account::show))
        .route("/accounts/{account}/set", post(change::set))
        .route("/accounts/{account}/password", post(change::password))
        .route("/accounts/{account}/app-passwords", post(change::add_app_password))
        .route("/accounts/{account}/app-passwords/remove", post(change::remove_app_password))
        .route("/accounts/{account}/restore", post(change::restore))
        .route("/accounts/{account}/kick", post(change::kick_account))
        .route("/accounts/{account}/delete", post(change::delete))
        .route("/sessions/kick", post(change::kick))
        .route("/lockouts/undo", post(change::unlock))
        .route("/public", get(public::show))
        .route("/activity", get(activity::show))
        .route("/settings", get(settings::show))
        .route("/static/{name}", get(assets::show))
}

/// What every page has around it.
pub(crate) struct Frame {
    pub title: String,
    /// The page's place in the navigation.
    pub here: &'static str,
    /// Who is logged in; empty: nobody.
    pub name: String,
    pub csrf: String,
    pub has_session: bool,
    /// What the last change did.
    pub said: Option<String>,
}

impl Frame {
    /// For a page that nobody need be logged in for.
    pub fn bare(title: &str) -> Frame {
        Frame {
            title: title.to_owned(),
            here: "",
            name: String::new(),
            csrf: String::new(),
            has_session: false,
            said: None,
        }
    }

    pub fn of(visit: &Visit, title: impl Into<String>, here: &'static str) -> Frame {
        let session = visit.administrator.session.as_ref();
        Frame {
            title: title.into(),
            here,
            name: visit.administrator.name.clone(),
            csrf: visit.administrator.csrf().to_owned(),
            has_session: session.is_some(),
            said: session.and_then(|session| visit.web.sessions().said(session)),
        }
    }

    pub fn is_here(&self, place: &str) -> bool {
        self.here == place
    }
}

/// Why there is no page.
pub(crate) enum PageError {
    /// To the login, and back to this path.
    LogIn(String),
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for PageError {
    fn from(error: E) -> PageError {
        PageError::Problem(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            PageError::LogIn(path) => Redirect::to(&login::address(&path)).into_response(),
            PageError::Problem(problem) => error_page(&problem),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

fn error_page(problem: &Problem) -> Response {
    let frame = Frame::bare(problem.status.canonical_reason().unwrap_or("Error"));
    let mut response = render(&ErrorPage { frame, problem });
    *response.status_mut() = problem.status;
    response
}

pub(crate) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The same for a form that was refused: 422, so that nothing takes it for done.
pub(crate) fn render_refused(page: &impl Template) -> Response {
    let mut response = render(page);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

type Page = Result<Response, PageError>;
