//! Who opens a page, and what a form sends.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};

use super::PageError;
use crate::auth::{self, Administrator};
use crate::problem::Problem;
use crate::{Client, Web};

/// A request by someone who may see everything.
pub(crate) struct Visit {
    pub web: Web,
    pub administrator: Administrator,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Visit, PageError> {
        let client = parts.extensions.get::<Client>().cloned().unwrap_or_default();
        match auth::require(web, &client, &parts.headers).await {
            Ok(administrator) => Ok(Visit { web: web.clone(), administrator }),
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
                let path = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
                Err(PageError::LogIn(path.map_or("/", |path| path.as_str()).to_owned()))
            }
            Err(problem) => Err(PageError::Problem(problem)),
        }
    }
}

/// A form of one of our own pages.
pub(crate) struct Post {
    pub visit: Visit,
    pub form: Form,
}

impl FromRequest<Web> for Post {
    type Rejection = PageError;

    async fn from_request(request: Request, web: &Web) -> Result<Post, PageError> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, web).await?;
        let form = Form::from_request(Request::from_parts(parts, body), web).await?;
        if visit.administrator.is_own_page(Some(form.text("csrf"))) {
            return Ok(Post { visit, form });
        }
        let problem = Problem::new(StatusCode::FORBIDDEN, "this form is not of a page of your session");
        Err(PageError::Problem(problem.remedy("Open the page again and send it from there.")))
    }
}

/// Names and values, as they were sent.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl FromRequest<Web> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, web: &Web) -> Result<Form, PageError> {
        let kind =
            request.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            let detail = "a form comes as application/x-www-form-urlencoded";
            return Err(PageError::Problem(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)));
        }
        let octets = Bytes::from_request(request, web).await;
        let octets =
            octets.map_err(|refused| Problem::new(refused.status(), "the form could not be read"))?;
        Ok(Form(form_urlencoded::parse(&octets).into_owned().collect()))
    }
}

impl Form {
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// A box that is ticked.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What was sent, or what is there.
    pub fn or(&self, name: &str, there: impl AsRef<str>) -> String {
        self.find(name).unwrap_or(there.as_ref()).to_owned()
    }
}

/// What is wrong with the fields of a form.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<(&'static str, String)>);

impl Errors {
    pub fn one(field: &'static str, message: impl Into<String>) -> Errors {
        Errors(vec![(field, message.into())])
    }

    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push((field, message.into()));
    }

    /// Empty: nothing.
    pub fn at(&self, field: &str) -> &str {
        self.0.iter().find(|(found, _)| *found == field).map_or("", |(_, message)| message)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
