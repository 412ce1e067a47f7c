//! Why there is no certificate, with what to do about it.

use std::fmt;

use common::tls::TlsError;

#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub fn new(reason: impl fmt::Display, remedy: &str) -> Failure {
        Failure(format!("{reason}; {remedy}"))
    }

    /// What the authority, or the way to it, has to say.
    pub fn of(step: &str, error: &instant_acme::Error) -> Failure {
        use instant_acme::Error as E;
        let remedy = match error {
            E::Api(_) => {
                "this is the authority's answer: correct what it names (tls.acme_domains, tls.acme_contact)"
            }
            E::Timeout(_) => "the authority did not come to an end: nothing to do but wait for the next try",
            E::Json(_) | E::InvalidUri(_) => {
                "tls.acme_directory is not the directory of an ACME server: correct the URL"
            }
            _ => {
                "look whether this host reaches tls.acme_directory, and whether it knows the root of its certificate (the package ca-certificates, or tls.acme_ca)"
            }
        };
        Failure(format!("{step}: {}; {remedy}", Chain(error)))
    }

    pub fn too_slow() -> Failure {
        Failure::new("the authority took longer than ten minutes", "nothing to do but wait for the next try")
    }

    pub fn useless() -> Failure {
        Failure::new(
            "the certificate that came is old already, or not for all of tls.acme_domains",
            "look at this host's clock",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Failure {
        Failure(error.0)
    }
}

/// An error with what caused it: "HTTP request failure" alone helps nobody.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut said = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}
