//! TLS by rustls: certificates with SNI, reload without dropping a connection, the self-signed one of a first start.
//!
//! Rules: TLS 1.2 and 1.3 only (RFC 8314 section 4.1); the provider is named, never the process default; a reload that
//! fails leaves what is in use; every error names the file, the reason and the remedy.

mod certificates;
mod challenges;
mod info;
mod renewal;
mod self_signed;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use challenges::ALPN_ACME;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions, WebPkiClientVerifier};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use certificates::fingerprint;
pub use challenges::Challenges;
pub use info::TlsInfo;
pub use renewal::{Renewal, RenewalState, Validity, ensure_pair, put_pair, put_private, validity};
pub use self_signed::ensure_self_signed;

/// Sessions that TLS 1.2 clients without tickets may resume. TLS 1.3 and tickets keep nothing here.
const RESUMABLE_SESSIONS: usize = 1024;

/// IANA's protocol identifiers. A client that offers only others (an HTTPS client led here by an attacker) is refused,
/// one that offers none is not.
const ALPN: [&[u8]; 2] = [b"imap", b"pop3"];
/// The same for HTTPS.
const ALPN_HTTP: [&[u8]; 1] = [b"http/1.1"];

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
pub struct Acceptor {
    shared: Arc<Shared>,
}

struct Shared {
    options: TlsOptions,
    challenges: Challenges,
    config: ArcSwap<ServerConfig>,
    /// For HTTPS: other protocol identifiers, and no client certificates, for which browsers would ask the user.
    http: ArcSwap<ServerConfig>,
}

impl Acceptor {
    /// Reads the files. Errors name the first file that cannot be used.
    pub fn new(options: TlsOptions) -> Result<Acceptor, TlsError> {
        let challenges = Challenges::default();
        let config = ArcSwap::from_pointee(configure(&options, &challenges, Resumption::new()?)?);
        let http = ArcSwap::from_pointee(configure_http(&options, &challenges)?);
        Ok(Acceptor { shared: Arc::new(Shared { options, challenges, config, http }) })
    }

    /// Reads the files again; on an error the old certificates stay in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Shared { options, challenges, .. } = &*self.shared;
        let config = configure(options, challenges, self.resumption()?)?;
        let http = configure_http(options, challenges)?;
        self.shared.config.store(Arc::new(config));
        self.shared.http.store(Arc::new(http));
        Ok(())
    }

    /// Where a certificate authority's challenges are answered.
    pub fn challenges(&self) -> &Challenges {
        &self.shared.challenges
    }

    /// Clients go on resuming after a reload, unless what they resume could hold a client certificate that the new CA
    /// file no longer vouches for.
    fn resumption(&self) -> Result<Resumption, TlsError> {
        if self.shared.options.client_ca.is_some() {
            return Resumption::new();
        }
        let current = self.shared.config.load();
        Ok(Resumption { storage: current.session_storage.clone(), ticketer: current.ticketer.clone() })
    }

    /// An error where the handshake was all that the client wanted.
    async fn end_challenge<S>(&self, stream: &mut TlsStream<S>) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let answered = challenges::refuse_more(stream.get_ref().1);
        if answered.is_err() {
            stream.shutdown().await?;
        }
        answered
    }

    /// The server's side of a handshake.
    pub(crate) async fn accept<S>(&self, socket: S) -> io::Result<(TlsStream<S>, TlsInfo)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.shared.config.load_full();
        let mut stream = TlsAcceptor::from(config).accept(socket).await?;
        self.end_challenge(&mut stream).await?;
        let info = TlsInfo::of(stream.get_ref().1);
        Ok((stream, info))
    }
}

impl Acceptor {
    /// The server's side of a handshake for HTTPS.
    pub async fn accept_http<S>(&self, socket: S) -> io::Result<(TlsStream<S>, TlsInfo)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.shared.http.load_full();
        let mut stream = TlsAcceptor::from(config).accept(socket).await?;
        self.end_challenge(&mut stream).await?;
        let info = TlsInfo::of(stream.get_ref().1);
        Ok((stream, info))
    }
}

struct Resumption {
    storage: Arc<dyn StoresServerSessions>,
    ticketer: Arc<dyn ProducesTickets>,
}

impl Resumption {
    fn new() -> Result<Resumption, TlsError> {
        let ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()
            .map_err(|error| TlsError(format!("cannot make keys for session tickets: {error}")))?;
        Ok(Resumption { storage: ServerSessionMemoryCache::new(RESUMABLE_SESSIONS), ticketer })
    }
}

fn configure(
    options: &TlsOptions,
    challenges: &Challenges,
    resumption: Resumption,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let resolver = certificates::Resolver::load(&options.certificates, challenges.clone(), &provider)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| TlsError(format!("the cryptographic library lacks TLS 1.2 or 1.3: {error}")))?;
    let builder = match &options.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => builder.with_client_cert_verifier(client_verifier(file, provider)?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.session_storage = resumption.storage;
    config.ticketer = resumption.ticketer;
    config.alpn_protocols = protocols(&ALPN);
    Ok(config)
}

fn configure_http(options: &TlsOptions, challenges: &Challenges) -> Result<ServerConfig, TlsError> {
    let options = TlsOptions { client_ca: None, ..options.clone() };
    let mut config = configure(&options, challenges, Resumption::new()?)?;
    config.alpn_protocols = protocols(&ALPN_HTTP);
    Ok(config)
}

/// A challenge may come to any port that speaks TLS.
fn protocols(names: &[&[u8]]) -> Vec<Vec<u8>> {
    names.iter().copied().chain([ALPN_ACME]).map(<[u8]>::to_vec).collect()
}

fn client_verifier(
    file: &std::path::Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let unusable = |reason: String| {
        TlsError(format!(
            "{}: {reason}; give a PEM file with the CA certificates that sign client certificates",
            file.display()
        ))
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates::read_chain(file)? {
        roots
            .add(certificate)
            .map_err(|error| unusable(format!("not usable as a CA certificate: {error}")))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
pub(crate) mod tests;
