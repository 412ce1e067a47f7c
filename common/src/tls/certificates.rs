//! Certificates and keys from files, and the choice among them by the name that the client asks for.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{CertificateFiles, Challenges, TlsError};

/// The pairs, by the names in their certificates. A name may have several pairs with keys of different kinds.
#[derive(Debug)]
pub(super) struct Resolver {
    /// In the order of the configuration; the first is the default.
    pairs: Vec<Arc<CertifiedKey>>,
    /// Lower-case host name, or `*.domain`, to indices into `pairs`.
    names: HashMap<String, Vec<usize>>,
    challenges: Challenges,
}

impl Resolver {
    pub fn load(
        files: &[CertificateFiles],
        challenges: Challenges,
        provider: &CryptoProvider,
    ) -> Result<Resolver, TlsError> {
        if files.is_empty() {
            return Err(TlsError(
                "no certificate is configured; name a certificate file and its key file".into(),
            ));
        }
        let mut resolver = Resolver { pairs: Vec::new(), names: HashMap::new(), challenges };
        for (index, files) in files.iter().enumerate() {
            let pair = load_pair(files, provider)?;
            for name in names(&pair.cert[0], &files.certificate)? {
                resolver.names.entry(name).or_default().push(index);
            }
            resolver.pairs.push(Arc::new(pair));
        }
        Ok(resolver)
    }

    /// The indices of the pairs for a name: those for just this name before those for all of its domain.
    fn candidates(&self, name: &str) -> impl Iterator<Item = usize> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        // RFC 9525 section 6.3: a wildcard stands for one label.
        let wildcard = name.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        let exact = self.names.get(&name).cloned().unwrap_or_default();
        let wild = wildcard.and_then(|name| self.names.get(&name).cloned()).unwrap_or_default();
        exact.into_iter().chain(wild)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(answer) = self.challenges.find(&hello) {
            return answer;
        }
        let named = hello.server_name().into_iter().flat_map(|name| self.candidates(name));
        named
            .chain(0..self.pairs.len())
            .filter_map(|index| self.pairs.get(index))
            .find(|pair| pair.key.choose_scheme(hello.signature_schemes()).is_some())
            .cloned()
    }
}

fn load_pair(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(&files.certificate)?;
    let key = provider.key_provider.load_private_key(read_key(&files.key)?).map_err(|error| {
        TlsError(format!(
            "{}: this kind of private key cannot be used: {error}; use an ECDSA (P-256, P-384), RSA (2048 bits or more) or Ed25519 key",
            files.key.display()
        ))
    })?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        // `Unknown`: the key cannot tell its public half; the first handshake will.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(Error::InconsistentKeys(_)) => Err(TlsError(format!(
            "{}: does not belong to the certificate in {}; give the key that the certificate was made for (its own certificate first in the file, then the intermediate ones)",
            files.key.display(),
            files.certificate.display()
        ))),
        Err(error) => Err(damaged(&files.certificate, &error.to_string())),
    }
}

/// All certificates of a PEM file, at least one.
pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| damaged(file, &error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError(format!(
            "{}: holds no certificate; a PEM file with a line \"-----BEGIN CERTIFICATE-----\" is needed",
            file.display()
        )));
    }
    Ok(chain)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    warn_if_readable_by_others(file);
    let text = read(file)?;
    match PrivateKeyDer::from_pem_slice(&text) {
        _ if is_encrypted(&text) => Err(TlsError(format!(
            "{0}: the private key is encrypted; store it without a passphrase (openssl pkey -in {0} -out NEW) in a file that only the server may read",
            file.display()
        ))),
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(TlsError(format!(
            "{}: holds no private key; a PEM file with a line \"-----BEGIN PRIVATE KEY-----\" is needed",
            file.display()
        ))),
        Err(error) => Err(damaged(file, &error.to_string())),
    }
}

/// PKCS 8 says so in its label, the older formats in a header (RFC 1421 section 4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| {
        line == "-----BEGIN ENCRYPTED PRIVATE KEY-----"
            || (line.starts_with("Proc-Type:") && line.ends_with("ENCRYPTED"))
    })
}

fn warn_if_readable_by_others(file: &Path) {
    // A file that cannot be looked at is told of by the reading that follows.
    if let Ok(metadata) = fs::metadata(file)
        && metadata.permissions().mode() & 0o007 != 0
    {
        tracing::warn!(
            file = %file.display(),
            "every user of this machine may read the private key; take the permission away (chmod o-rwx)"
        );
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "create it, or correct its name in the configuration",
            io::ErrorKind::PermissionDenied => "let the user that the server runs as read it",
            _ => "name a readable PEM file",
        };
        TlsError(format!("{}: {error}; {remedy}", file.display()))
    })
}

pub(super) fn damaged(file: &Path, reason: &str) -> TlsError {
    TlsError(format!("{}: damaged: {reason}; put back an undamaged PEM file", file.display()))
}

/// The host names that a certificate is for, in lower case. A certificate without alternative names is for its common
/// name.
fn names(certificate: &CertificateDer<'_>, file: &Path) -> Result<Vec<String>, TlsError> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| damaged(file, &error.to_string()))?;
    if !parsed.validity().is_valid() {
        tracing::warn!(
            file = %file.display(),
            from = %parsed.validity().not_before,
            to = %parsed.validity().not_after,
            "the certificate is not valid today; clients will refuse it"
        );
    }
    Ok(names_of(&parsed))
}

/// The same of one that is parsed.
pub(super) fn names_of(parsed: &X509Certificate<'_>) -> Vec<String> {
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let mut names: Vec<String> = alternative
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        names.extend(common.map(str::to_ascii_lowercase));
    }
    names
}

/// `SHA256:ab:cd:...` of the first certificate in the file, for the administrator to compare.
pub fn fingerprint(certificate: &Path) -> Result<String, TlsError> {
    use sha2::Digest;
    let chain = read_chain(certificate)?;
    let digest = sha2::Sha256::digest(&chain[0]);
    let octets: Vec<String> = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(format!("SHA256:{}", octets.join(":")))
}
