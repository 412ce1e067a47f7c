//! What is known of a TLS session after its handshake.

use rustls::pki_types::CertificateDer;
use rustls::{ProtocolVersion, ServerConnection};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// What the session settled on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3`
    pub version: &'static str,
    pub cipher: String,
    pub server_name: Option<String>,
    /// RFC 9266 tls-exporter channel binding, for SCRAM-...-PLUS (`None` in TLS 1.2, where rustls does not tell whether
    /// the extended master secret that makes it safe was used).
    pub exporter: Option<Vec<u8>>,
    /// The account that a verified client certificate names (rfc822Name of its subject alternative names, else the common name).
    pub client: Option<String>,
}

impl TlsInfo {
    pub(super) fn of(connection: &ServerConnection) -> TlsInfo {
        let suite = connection.negotiated_cipher_suite();
        let chain = connection.peer_certificates().unwrap_or_default();
        TlsInfo {
            version: version(connection),
            cipher: suite.map(|suite| format!("{:?}", suite.suite())).unwrap_or_default(),
            server_name: connection.server_name().map(str::to_owned),
            exporter: exporter(connection),
            client: chain.first().and_then(client),
        }
    }
}

fn version(connection: &ServerConnection) -> &'static str {
    match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "unknown",
    }
}

// RFC 9266 section 2
fn exporter(connection: &ServerConnection) -> Option<Vec<u8>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let keying = connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[]));
    keying.ok().map(|octets| octets.to_vec())
}

fn client(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let mailbox =
        alternative.iter().flat_map(|names| &names.value.general_names).find_map(|name| match name {
            GeneralName::RFC822Name(mailbox) => Some((*mailbox).to_owned()),
            _ => None,
        });
    mailbox.or_else(|| {
        let mut common = parsed.subject().iter_common_name();
        common.find_map(|name| name.as_str().ok().map(str::to_owned))
    })
}
