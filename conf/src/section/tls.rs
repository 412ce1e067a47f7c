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
        Tls { certificates, client_ca }
    }
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
