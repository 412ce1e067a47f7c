//! Answers to a certificate authority's tls-alpn-01 challenges (RFC 8737), on every socket that speaks TLS: who asks
//! with the protocol identifier `acme-tls/1` gets a certificate that proves the name is ours, and nothing else.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConnection;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use super::TlsError;

// RFC 8737 section 6.2
pub(super) const ALPN_ACME: &[u8] = b"acme-tls/1";

type Answers = HashMap<String, Arc<CertifiedKey>>;

/// What is asked for now; nothing, nearly always. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<ArcSwap<Answers>>);

impl Challenges {
    /// From now on the name is proved with the digest of a challenge's key authorization.
    pub fn put(&self, name: &str, digest: &[u8; 32]) -> Result<(), TlsError> {
        let answer = answer(name, digest)
            .map_err(|reason| TlsError(format!("{name}: cannot make the answer to a challenge: {reason}")))?;
        let answer = Arc::new(answer);
        self.0.rcu(|answers| {
            let mut answers = Answers::clone(answers);
            answers.insert(name.to_ascii_lowercase(), answer.clone());
            answers
        });
        Ok(())
    }

    /// No challenge is answered any more.
    pub fn clear(&self) {
        self.0.store(Arc::default());
    }

    /// `None`: the client does not ask for a challenge's answer. `Some(None)`: for one that there is not.
    pub(super) fn find(&self, hello: &ClientHello<'_>) -> Option<Option<Arc<CertifiedKey>>> {
        hello.alpn()?.any(|name| name == ALPN_ACME).then(|| {
            let name = hello.server_name()?.to_ascii_lowercase();
            self.0.load().get(&name).cloned()
        })
    }
}

// RFC 8737 section 3: self-signed, for this name alone, with the digest in a critical extension.
fn answer(name: &str, digest: &[u8; 32]) -> Result<CertifiedKey, String> {
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(|error| error.to_string())?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(key).map_err(|error| error.to_string())?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// RFC 8737 section 3: once the handshake is done the connection is of no more use.
pub(super) fn refuse_more(connection: &ServerConnection) -> io::Result<()> {
    if connection.alpn_protocol() == Some(ALPN_ACME) {
        return Err(io::Error::other("the challenge of a certificate authority was answered"));
    }
    Ok(())
}
