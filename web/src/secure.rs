//! What holds for every request and answer: where a change may come from, and the headers that keep browsers careful.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::{Client, Web};

/// Nothing but what this server sends; no frames, no inline scripts or styles, no forms that go elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(crate) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let tls = request.extensions().get::<Client>().is_some_and(|client| client.tls.is_some());
    let mut response = match is_foreign(request.method(), request.headers()) {
        true => Problem::new(StatusCode::FORBIDDEN, "this change was asked for by a page of another site")
            .remedy("Open this server's own page and do it there.")
            .into_response(),
        false => next.run(request).await,
    };
    let stopping = web.running().sessions.is_down();
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if stopping {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A browser says where a request comes from. Only one of our own pages, or the user himself, may change something.
fn is_foreign(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, authority)| authority != host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(method: Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_foreign(&method, &pairs.iter().map(pair).collect())
    }

    #[test]
    fn only_own_pages_change_something() {
        assert!(!foreign(Method::GET, &[("sec-fetch-site", "cross-site")]));
        assert!(foreign(Method::POST, &[("sec-fetch-site", "cross-site")]));
        assert!(foreign(Method::POST, &[("sec-fetch-site", "same-site")]));
        assert!(!foreign(Method::POST, &[("sec-fetch-site", "same-origin")]));
        assert!(!foreign(Method::POST, &[]));
        assert!(foreign(Method::POST, &[("host", "a:1"), ("origin", "http://b:1")]));
        assert!(foreign(Method::POST, &[("host", "a:1"), ("origin", "null")]));
        assert!(!foreign(Method::DELETE, &[("host", "a:1"), ("origin", "http://a:1")]));
    }
}
