//! The certificate of a first start, so that nobody begins in plain text.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};

use super::{CertificateFiles, TlsError};

/// Ten years: nobody renews it, and a mail client that pinned it asks again when it changes.
const VALIDITY: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// Clocks differ.
const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);
/// Names of the machine itself: a first try goes to one of them.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes a self-signed certificate for the host names unless the files exist; the key is readable by the owner alone.
/// True: it was made now.
pub fn ensure_self_signed(files: &CertificateFiles, names: &[String]) -> Result<bool, TlsError> {
    match (files.certificate.exists(), files.key.exists()) {
        (true, true) => return Ok(false),
        (true, false) => return Err(half(&files.key, &files.certificate)),
        (false, true) => return Err(half(&files.certificate, &files.key)),
        (false, false) => {}
    }
    let (certificate, key) =
        make(names).map_err(|error| TlsError(format!("cannot make a self-signed certificate: {error}")))?;
    // The key first: a crash in between leaves a state that `half` explains.
    write_file(&files.key, key.as_bytes(), 0o600)?;
    write_file(&files.certificate, certificate.as_bytes(), 0o644)?;
    Ok(true)
}

fn half(missing: &Path, present: &Path) -> TlsError {
    TlsError(format!(
        "{}: is missing, but {} is there; put the file back, or delete the other one to get a new self-signed pair",
        missing.display(),
        present.display()
    ))
}

/// Certificate and key, PEM.
pub(super) fn make(names: &[String]) -> Result<(String, String), rcgen::Error> {
    let mut all: Vec<String> = Vec::new();
    for name in names.iter().map(String::as_str).chain(LOOPBACK) {
        if !name.is_empty() && !all.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            all.push(name.to_owned());
        }
    }
    let mut params = CertificateParams::new(all.clone())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, all[0].as_str());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + now + VALIDITY;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Written whole beside its place, then renamed: a reader never sees half a file, and nobody else ever sees the key.
pub(super) fn write_file(file: &Path, octets: &[u8], mode: u32) -> Result<(), TlsError> {
    replace(file, octets, mode).map_err(|error| {
        TlsError(format!(
            "{}: cannot write: {error}; make the folder writable for the user that the server runs as, or configure a certificate",
            file.display()
        ))
    })
}

fn replace(file: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let draft = draft_of(file);
    // Of an attempt that was cut off; it may have other permissions.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut open = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    open.write_all(octets)?;
    open.sync_all()?;
    fs::rename(&draft, file)?;
    File::open(folder)?.sync_all()
}

fn draft_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
