//! TLS by rustls: certificates with SNI, reload without dropping a connection, the self-signed one of a first start.

use std::path::{Path, PathBuf};

/// A certificate chain and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What to serve. The first pair is the default; others are chosen by SNI from the names in their certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    pub certificates: Vec<CertificateFiles>,
    /// CA certificates for client certificates (SASL EXTERNAL); none: not asked for.
    pub client_ca: Option<PathBuf>,
}

/// Names the file, the reason and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

/// Makes server sessions; clones share the certificates. [`Acceptor::reload`] swaps them for new connections.
#[derive(Clone)]
pub struct Acceptor {}

impl Acceptor {
    pub fn new(options: TlsOptions) -> Result<Acceptor, TlsError> {
        let _ = options;
        unimplemented!()
    }
    /// Reads the files again; on an error the old certificates stay in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        unimplemented!()
    }
}

/// What the session settled on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3`
    pub version: &'static str,
    pub cipher: String,
    pub server_name: Option<String>,
    /// RFC 9266 tls-exporter channel binding, for SCRAM-...-PLUS (`None` in TLS 1.2 without extended master secret).
    pub exporter: Option<Vec<u8>>,
    /// The account that a verified client certificate names (rfc822Name of its subject alternative names, else the common name).
    pub client: Option<String>,
}

/// Makes a self-signed certificate for the host names unless the files exist; the key is readable by the owner alone.
pub fn ensure_self_signed(files: &CertificateFiles, names: &[String]) -> Result<bool, TlsError> {
    let _ = (files, names);
    unimplemented!()
}

/// `SHA256:ab:cd:...` of the first certificate in the file, for the administrator to compare.
pub fn fingerprint(certificate: &Path) -> Result<String, TlsError> {
    let _ = certificate;
    unimplemented!()
}
