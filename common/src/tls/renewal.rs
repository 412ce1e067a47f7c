//! A certificate that the server gets and renews by itself: how it stands, its file, its validity.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificates::{self, damaged};
use super::{TlsError, self_signed};

/// How the renewal stands, for the administrator. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Renewal(Arc<Mutex<RenewalState>>);

/// Moments are seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenewalState {
    pub domains: Vec<String>,
    /// The end of the certificate in use; `None`: still the self-signed one of the beginning.
    pub valid_until: Option<i64>,
    /// When the next is asked for.
    pub next_try: i64,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl Renewal {
    pub fn state(&self) -> RenewalState {
        self.lock().clone()
    }

    pub fn update(&self, change: impl FnOnce(&mut RenewalState)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, RenewalState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// Host names, in lower case.
    pub names: Vec<String>,
    /// Seconds since 1970.
    pub from: i64,
    pub until: i64,
    /// Nobody else vouches for it.
    pub self_signed: bool,
}

/// Reads the first certificate of a PEM file.
pub fn validity(file: &Path) -> Result<Validity, TlsError> {
    let chain = certificates::read_chain(file)?;
    let (_, certificate) =
        X509Certificate::from_der(&chain[0]).map_err(|error| damaged(file, &error.to_string()))?;
    Ok(Validity {
        names: certificates::names_of(&certificate),
        from: certificate.validity().not_before.timestamp(),
        until: certificate.validity().not_after.timestamp(),
        self_signed: certificate.issuer() == certificate.subject(),
    })
}

/// Puts chain and key, PEM, into one file that the owner alone can read: a reader sees both of the old or both of the new.
pub fn put_pair(file: &Path, chain: &str, key: &str) -> Result<(), TlsError> {
    put_private(file, format!("{chain}\n{key}").as_bytes())
}

/// Replaces a file that the owner alone can read.
pub fn put_private(file: &Path, octets: &[u8]) -> Result<(), TlsError> {
    self_signed::write_file(file, octets, 0o600)
}

/// A self-signed certificate and its key in one file, unless the file is there.
pub fn ensure_pair(file: &Path, names: &[String]) -> Result<(), TlsError> {
    if file.exists() {
        return Ok(());
    }
    let (chain, key) = self_signed::make(names)
        .map_err(|error| TlsError(format!("cannot make a self-signed certificate: {error}")))?;
    put_pair(file, &chain, &key)
}
