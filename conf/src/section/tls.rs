//! `[tls]`

use std::path::PathBuf;

use config::{Value, ValueKind};

use super::readable;
use crate::reader::{self, Reader};

/// Certificates. None: a self-signed one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub certificates: Vec<CertificatePair>,
    pub client_ca: Option<PathBuf>,
    pub acme: Option<Acme>,
}

/// A certificate by ACME instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// At least one.
    pub domains: Vec<String>,
    pub directory: String,
    /// A `mailto:` URI, or empty.
    pub contact: String,
    pub ca: Option<PathBuf>,
}

/// A certificate chain and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Tls {
    pub(super) fn read(reader: &mut Reader) -> Tls {
        let certificates = reader.read("tls.certificates", pairs);
        for pair in &certificates {
            readable(reader, "tls.certificates", &pair.certificate);
            readable(reader, "tls.certificates", &pair.key);
        }
        let client_ca = reader.optional_path("tls.client_ca");
        if let Some(path) = &client_ca {
            readable(reader, "tls.client_ca", path);
        }
        let acme = acme(reader, &certificates);
        Tls { certificates, client_ca, acme }
    }
}

fn acme(reader: &mut Reader, certificates: &[CertificatePair]) -> Option<Acme> {
    let key = "tls.acme_domains";
    let domains = reader.list(key, |name| match super::server::is_host_name(name) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(format!("{name:?} is no host name; write names such as \"mail.example.org\"")),
    });
    let acme = Acme {
        directory: reader.text("tls.acme_directory"),
        contact: reader.text("tls.acme_contact"),
        ca: reader.optional_path("tls.acme_ca"),
        domains,
    };
    let agreed = reader.boolean("tls.acme_terms_agreed");
    if acme.domains.is_empty() {
        return None;
    }
    if !certificates.is_empty() {
        reader.problem(key, "tls.certificates has certificates too; use one of both".into());
    }
    if !acme.directory.starts_with("https://") {
        reader.problem(
            "tls.acme_directory",
            "the authority's directory is no URL that begins with https://".into(),
        );
    }
    if !acme.contact.is_empty() && !acme.contact.starts_with("mailto:") {
        reader.problem("tls.acme_contact", "write \"mailto:\" and an address".into());
    }
    if !agreed {
        let reason = format!("the terms of service of {} must be agreed to", acme.directory);
        let remedy = "Read them, and set acme_terms_agreed = true, or leave acme_domains empty.".into();
        reader.problem_with_remedy("tls.acme_terms_agreed", reason, remedy);
    }
    if let Some(path) = &acme.ca {
        readable(reader, "tls.acme_ca", path);
    }
    Some(acme)
}

/// A list of tables, or the text `certificate:key,certificate:key` of the environment.
fn pairs(value: &Value) -> Result<Vec<CertificatePair>, String> {
    match &value.kind {
        ValueKind::Array(values) => values.iter().map(pair).collect(),
        _ => reader::texts(value)?.iter().map(|text| pair_of_text(text)).collect(),
    }
}

fn pair(value: &Value) -> Result<CertificatePair, String> {
    let ValueKind::Table(table) = &value.kind else { return pair_of_text(&reader::text(value)?) };
    if let Some(other) = table.keys().find(|key| !["certificate", "key"].contains(&key.as_str())) {
        return Err(format!("a certificate has no setting {other:?}; write {EXAMPLE}"));
    }
    let path = |name: &str| {
        let value =
            table.get(name).ok_or_else(|| format!("a certificate lacks {name:?}; write {EXAMPLE}"))?;
        reader::text(value).map(PathBuf::from)
    };
    Ok(CertificatePair { certificate: path("certificate")?, key: path("key")? })
}

fn pair_of_text(text: &str) -> Result<CertificatePair, String> {
    let (certificate, key) = text
        .split_once(':')
        .ok_or_else(|| format!("{text:?} names no key; write {EXAMPLE}, or certificate.pem:key.pem"))?;
    Ok(CertificatePair { certificate: certificate.into(), key: key.into() })
}

const EXAMPLE: &str = "{ certificate = \"/path/fullchain.pem\", key = \"/path/privkey.pem\" }";
