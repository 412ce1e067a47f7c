//! Refusals as problem details (RFC 9457), with what is wrong at which field.

use admin::{Failure, Kind};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub detail: String,
    pub remedy: String,
    pub fields: Vec<FieldError>,
    /// Methods that are allowed, for a 405.
    pub allow: Option<String>,
    /// How to log in, for a 401.
    pub challenge: Option<&'static str>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// `body`, `path` or `query`
    pub place: &'static str,
    /// A JSON pointer in a body, else the parameter's name.
    pub field: String,
    pub message: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
            remedy: String::new(),
            fields: Vec::new(),
            allow: None,
            challenge: None,
        }
    }

    pub fn remedy(self, remedy: impl Into<String>) -> Problem {
        Problem { remedy: remedy.into(), ..self }
    }

    /// 422, or 400 where the request itself cannot be read.
    pub fn fields(fields: Vec<FieldError>) -> Problem {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            more => format!("{} fields cannot be used as they are", more.len()),
        };
        Problem { fields, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    pub fn field(place: &'static str, field: &str, message: impl Into<String>) -> Problem {
        Problem::fields(vec![FieldError { place, field: field.to_owned(), message: message.into() }])
    }

    pub fn missing(what: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, what)
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.remedy.is_empty() {
            body["remedy"] = json!(self.remedy);
        }
        if !self.fields.is_empty() {
            let field = |field: &FieldError| json!({ "in": field.place, "field": field.field, "message": field.message });
            body["errors"] = self.fields.iter().map(field).collect();
        }
        body
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        let status = match failure.kind {
            Kind::Missing => StatusCode::NOT_FOUND,
            Kind::Exists | Kind::Limit | Kind::State => StatusCode::CONFLICT,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, failure.reason).remedy(failure.remedy)
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        Failure::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // RFC 9457 section 3
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, self.body().to_string()).into_response();
        let headers = response.headers_mut();
        if let Some(Ok(allow)) = self.allow.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

pub(crate) async fn no_page() -> Problem {
    Problem::missing("there is nothing at this address")
        .remedy("/ is the web page, /api/v1/openapi.json describes the API.")
}
