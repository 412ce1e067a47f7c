//! Handshakes over real sockets, and what the files may hold.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;

/// Made by OpenSSL: no alternative names, only a common name.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBeTCCAR6gAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBvbGQuZXhh
bXBsZS50ZXN0MB4XDTI2MTEyMzIwMDIyMVoXDTM2MTEyMDIwMDIyMVowGzEZMBcG
A1UEAwwQb2xkLmV4YW1wbGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BI1arl/6mp3modGroOplsLd4++lWTwf5yoYrxufOVaQHDqw8Scqo5enuwWbBFX4C
pg17RLUdQ1tazwNm+sHV+E2jUzBRMB0GA1UdDgQWBBRcIlSh8X6tiExJAJ/U9Usw
aO4PfTAfBgNVHSMEGDAWgBRcIlSh8X6tiExJAJ/U9UswaO4PfTAPBgNVHRMBAf8E
BTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDXy95+4dFbQJFgmELsicMSzVq7x1fa
nQkrWnTYPdt8tgIhAPnFowP0Ou0mL/TneoON/t7b5sH+VmVLbNOrhlKvBmuk
-----END CERTIFICATE-----
";
/// How OpenSSL marks a key with a passphrase, in PKCS 8 and in the older form.
const ENCRYPTED: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEF\n-----END ENCRYPTED PRIVATE KEY-----\n";
const ENCRYPTED_OLD: &str = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,60E5C39AB55A9945A7FB094BDC725D00\n\nFI+slDfYl9SmBABBdDVM6Dxl9QqJ\n-----END EC PRIVATE KEY-----\n";
/// `openssl x509 -fingerprint -sha256`, in lower case.
const FINGERPRINT: &str =
    "SHA256:da:f8:67:34:79:2c:fa:3f:a2:4b:62:59:4a:d4:01:f6:bc:2f:7a:64:63:e7:9a:ff:b4:c2:ee:e9:0d:9f:7e:24";

struct Made {
    folder: TempDir,
    files: CertificateFiles,
}

/// A certificate of its own for these names.
fn made(names: &[&str]) -> Made {
    let folder = TempDir::new().unwrap();
    let files = pair(&folder, "a", names);
    Made { folder, files }
}

fn pair(folder: &TempDir, stem: &str, names: &[&str]) -> CertificateFiles {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let files = CertificateFiles {
        certificate: folder.path().join(format!("{stem}.crt")),
        key: folder.path().join(format!("{stem}.key")),
    };
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn options(certificates: &[&CertificateFiles]) -> TlsOptions {
    TlsOptions { certificates: certificates.iter().map(|files| (*files).clone()).collect(), client_ca: None }
}

/// For tests of streams.
pub(crate) fn acceptor() -> Acceptor {
    static MADE: LazyLock<Made> = LazyLock::new(|| made(&["localhost"]));
    Acceptor::new(options(&[&MADE.files])).unwrap()
}

/// A client that believes everything.
pub(crate) async fn client(socket: TcpStream) -> io::Result<ClientStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config(&[&rustls::version::TLS13], None))).connect(name, socket).await
}

#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn config(versions: &[&'static SupportedProtocolVersion], identity: Option<Identity>) -> ClientConfig {
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous));
    match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    }
}

fn anyone() -> ClientConfig {
    config(&[&rustls::version::TLS13, &rustls::version::TLS12], None)
}

type Session = (ClientStream<UnixStream>, TlsStream<UnixStream>, TlsInfo);

/// A whole handshake: both ends and what the server knows.
async fn shake(acceptor: &Acceptor, config: &Arc<ClientConfig>, name: &str) -> io::Result<Session> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(config.clone());
    let (server, client) = tokio::join!(acceptor.accept(ours), connector.connect(name, theirs));
    let (stream, info) = server?;
    Ok((client?, stream, info))
}

async fn certificate_for(acceptor: &Acceptor, name: &str) -> Vec<u8> {
    let (client, ..) = shake(acceptor, &Arc::new(anyone()), name).await.unwrap();
    client.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(files: &CertificateFiles) -> Vec<u8> {
    certificates::read_chain(&files.certificate).unwrap()[0].to_vec()
}

#[tokio::test]
async fn the_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let first = pair(&folder, "first", &["mail.example.test"]);
    let second = pair(&folder, "second", &["IMAP.example.org", "pop.example.org"]);
    let wild = pair(&folder, "wild", &["*.example.net"]);
    let exact = pair(&folder, "exact", &["one.example.net"]);
    let acceptor = Acceptor::new(options(&[&first, &second, &wild, &exact])).unwrap();
    for (name, files) in [
        ("mail.example.test", &first),
        ("imap.example.org", &second),
        ("POP.example.org", &second),
        ("two.example.net", &wild),
        ("one.example.net", &exact),
        // A wildcard stands for one label; who asks for something else gets the default.
        ("a.b.example.net", &first),
        ("example.net", &first),
        ("192.0.2.1", &first),
    ] {
        assert!(certificate_for(&acceptor, name).await == der(files), "{name}");
    }
}

#[tokio::test]
async fn a_common_name_counts_where_there_is_no_other() {
    let folder = TempDir::new().unwrap();
    let certificate = folder.path().join("c");
    fs::write(&certificate, CERTIFICATE).unwrap();
    assert_eq!(fingerprint(&certificate).unwrap(), FINGERPRINT);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "old.example.test");
    let key = KeyPair::generate().unwrap();
    let old = CertificateFiles { certificate: certificate.clone(), key: folder.path().join("k") };
    fs::write(&old.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&old.key, key.serialize_pem()).unwrap();
    let other = pair(&folder, "other", &["other.example.test"]);
    let acceptor = Acceptor::new(options(&[&other, &old])).unwrap();
    assert!(certificate_for(&acceptor, "old.example.test").await == der(&old));
}

#[tokio::test]
async fn a_reload_is_for_new_sessions_and_keeps_the_old_on_error() {
    let made = made(&["localhost"]);
    let acceptor = Acceptor::new(options(&[&made.files])).unwrap();
    let clone = acceptor.clone();
    let before = der(&made.files);
    let (mut client, mut server, _) = shake(&acceptor, &Arc::new(anyone()), "localhost").await.unwrap();

    pair(&made.folder, "a", &["localhost"]);
    let after = der(&made.files);
    assert!(certificate_for(&clone, "localhost").await == before);
    acceptor.reload().unwrap();
    assert!(before != after && certificate_for(&clone, "localhost").await == after);

    fs::write(&made.files.key, "damaged").unwrap();
    assert!(acceptor.reload().unwrap_err().to_string().contains("a.key"));
    assert!(certificate_for(&clone, "localhost").await == after);

    // The session from before all that goes on.
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    client.write_all(b"NOOP").await.unwrap();
    client.flush().await.unwrap();
    let mut received = [0; 4];
    server.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"NOOP");
}

#[tokio::test]
async fn sessions_are_resumed_even_after_a_reload() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let made = made(&["localhost"]);
        let acceptor = Acceptor::new(options(&[&made.files])).unwrap();
        let config = Arc::new(config(&[version], None));
        let mut kinds = Vec::new();
        for _ in 0..3 {
            let (mut client, mut server, _) = shake(&acceptor, &config, "localhost").await.unwrap();
            // Tickets come with the first octets.
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            server.write_all(b"x").await.unwrap();
            server.flush().await.unwrap();
            client.read_exact(&mut [0; 1]).await.unwrap();
            kinds.push(client.get_ref().1.handshake_kind().unwrap());
            acceptor.reload().unwrap();
        }
        assert_eq!(
            kinds,
            [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed],
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn the_session_is_described() {
    let made = made(&["localhost"]);
    let acceptor = Acceptor::new(options(&[&made.files])).unwrap();
    let (client, _, info) = shake(&acceptor, &Arc::new(anyone()), "localhost").await.unwrap();
    assert_eq!(
        (info.version, info.server_name.as_deref(), &info.client),
        ("TLSv1.3", Some("localhost"), &None)
    );
    assert!(info.cipher.starts_with("TLS13_"), "{}", info.cipher);
    // RFC 9266 section 2
    let theirs =
        client.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).unwrap();
    assert_eq!(info.exporter.as_deref(), Some(&theirs[..]));

    let old = Arc::new(config(&[&rustls::version::TLS12], None));
    let (_, _, info) = shake(&acceptor, &old, "localhost").await.unwrap();
    assert_eq!((info.version, info.exporter), ("TLSv1.2", None));
}

#[tokio::test]
async fn mail_clients_may_name_their_protocol_and_others_are_refused() {
    let made = made(&["localhost"]);
    let acceptor = Acceptor::new(options(&[&made.files])).unwrap();
    for (offered, agreed) in [
        (vec!["imap"], Some("imap")),
        (vec!["pop3"], Some("pop3")),
        (vec!["x", "imap"], Some("imap")),
        (vec![], None),
    ] {
        let mut config = anyone();
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let (client, ..) = shake(&acceptor, &Arc::new(config), "localhost").await.unwrap();
        assert_eq!(client.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes), "{offered:?}");
    }
    let mut web = anyone();
    web.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    assert!(shake(&acceptor, &Arc::new(web), "localhost").await.is_err());
}

// RFC 8737 section 3
#[tokio::test]
async fn challenges_are_answered_for_their_name_and_protocol_alone() {
    let made = made(&["localhost"]);
    let acceptor = Acceptor::new(options(&[&made.files])).unwrap();
    let mut authority = anyone();
    authority.alpn_protocols = vec![ALPN_ACME.to_vec()];
    let authority = Arc::new(authority);
    let resolver = |acceptor: &Acceptor| acceptor.shared.config.load_full();
    assert!(shake(&acceptor, &authority, "localhost").await.is_err());
    acceptor.challenges().put("LocalHost", &[7; 32]).unwrap();
    acceptor.reload().unwrap();
    assert_eq!(resolver(&acceptor).alpn_protocols.last().map(Vec::as_slice), Some(ALPN_ACME));
    // The handshake is all; what comes after it is an error for the server.
    let refused = shake(&acceptor, &authority, "localhost").await.err().unwrap();
    assert!(refused.to_string().contains("challenge of a certificate authority was answered"), "{refused}");
    let refused = shake(&acceptor, &authority, "other.test").await.err().unwrap();
    assert!(!refused.to_string().contains("was answered"), "{refused}");
    // Others get what they always got.
    assert_eq!(certificate_for(&acceptor, "localhost").await, der(&made.files));
    acceptor.challenges().clear();
    let refused = shake(&acceptor, &authority, "localhost").await.err().unwrap();
    assert!(!refused.to_string().contains("was answered"), "{refused}");
}

#[test]
fn a_pair_in_one_file_is_made_once_and_replaced_whole() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("below/pair.pem");
    let names = ["mail.example.test".to_owned()];
    ensure_pair(&file, &names).unwrap();
    let before = fs::read(&file).unwrap();
    ensure_pair(&file, &names).unwrap();
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let own = validity(&file).unwrap();
    assert!(own.self_signed && own.names.contains(&names[0]) && own.from < own.until);
    let both = CertificateFiles { certificate: file.clone(), key: file.clone() };
    let acceptor = Acceptor::new(options(&[&both])).unwrap();
    let other = made(&["mail.example.test"]);
    let read = |file: &std::path::Path| fs::read_to_string(file).unwrap();
    put_pair(&file, &read(&other.files.certificate), &read(&other.files.key)).unwrap();
    acceptor.reload().unwrap();
    fs::write(&file, "no certificate").unwrap();
    assert!(validity(&file).is_err() && acceptor.reload().is_err());
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

fn signed(authority: &Authority, common: &str, mailbox: Option<&str>) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common);
    if let Some(mailbox) = mailbox {
        params.subject_alt_names.push(SanType::Rfc822Name(mailbox.try_into().unwrap()));
    }
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

#[tokio::test]
async fn client_certificates_name_the_account() {
    let made = made(&["localhost"]);
    let ours = authority();
    let file = made.folder.path().join("ca");
    fs::write(&file, &ours.pem).unwrap();
    let acceptor = Acceptor::new(TlsOptions { client_ca: Some(file), ..options(&[&made.files]) }).unwrap();
    let versions = [&rustls::version::TLS13];
    let client_of = async |identity| {
        let session = shake(&acceptor, &Arc::new(config(&versions, identity)), "localhost").await;
        session.map(|(_, _, info)| info.client)
    };
    let named = signed(&ours, "Alice", Some("alice@example.test"));
    assert_eq!(client_of(Some(named)).await.unwrap().as_deref(), Some("alice@example.test"));
    assert_eq!(client_of(Some(signed(&ours, "bob", None))).await.unwrap().as_deref(), Some("bob"));
    assert_eq!(client_of(None).await.unwrap(), None);
    assert!(client_of(Some(signed(&authority(), "mallory", None))).await.is_err());
}

#[test]
fn a_self_signed_pair_is_made_once() {
    let folder = TempDir::new().unwrap();
    let files = CertificateFiles {
        certificate: folder.path().join("tls/server.crt"),
        key: folder.path().join("tls/server.key"),
    };
    let names = ["mail.example.test".to_owned(), "LOCALHOST".to_owned()];
    assert!(ensure_self_signed(&files, &names).unwrap());
    assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&files.certificate).unwrap();
    assert!(!ensure_self_signed(&files, &names).unwrap());
    assert!(fs::read(&files.certificate).unwrap() == before);
    assert_eq!(fs::read_dir(folder.path().join("tls")).unwrap().count(), 2, "a draft was left");
    Acceptor::new(options(&[&files])).unwrap();

    use x509_parser::prelude::{FromDer, X509Certificate};
    let chain = certificates::read_chain(&files.certificate).unwrap();
    let (_, parsed) = X509Certificate::from_der(&chain[0]).unwrap();
    let names = parsed.subject_alternative_name().unwrap().unwrap();
    let names: Vec<String> = names.value.general_names.iter().map(|name| name.to_string()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    for part in ["mail.example.test", "LOCALHOST"] {
        assert!(names.iter().any(|name| name.contains(part)), "{names:?}");
    }
    let years =
        (parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp()) / (365 * 86_400);
    assert_eq!(years, 10);
    assert!(parsed.validity().is_valid());
}

#[test]
fn half_a_pair_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let files = pair(&folder, "a", &["localhost"]);
    fs::remove_file(&files.certificate).unwrap();
    let told = ensure_self_signed(&files, &[]).unwrap_err().to_string();
    assert!(told.contains("a.crt: is missing") && told.contains("a.key"), "{told}");
    assert!(!files.certificate.exists());

    let impossible = CertificateFiles { certificate: files.key.join("x.crt"), key: files.key.join("x.key") };
    let told = ensure_self_signed(&impossible, &[]).unwrap_err().to_string();
    assert!(told.contains("x.key: cannot write") && told.contains("folder"), "{told}");
}

#[test]
fn files_that_cannot_be_used_are_named_with_reason_and_remedy() {
    let folder = TempDir::new().unwrap();
    let good = pair(&folder, "good", &["localhost"]);
    let other = pair(&folder, "other", &["localhost"]);
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let with_key = |key: &std::path::Path| CertificateFiles { key: key.to_owned(), ..good.clone() };
    let with_certificate = |certificate: &std::path::Path| CertificateFiles {
        certificate: certificate.to_owned(),
        ..good.clone()
    };
    let text = write("text", "no PEM at all");
    let cut = write("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    let garbage = write("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let missing = folder.path().join("missing");
    for (files, file, part) in [
        (with_certificate(&missing), "missing", "create it"),
        (with_certificate(folder.path()), "", "readable PEM file"),
        (with_certificate(&text), "text", "holds no certificate"),
        (with_certificate(&cut), "cut", "damaged"),
        (with_certificate(&garbage), "garbage", "damaged"),
        (with_key(&missing), "missing", "create it"),
        (with_key(&text), "text", "holds no private key"),
        (with_key(&good.certificate), "good.crt", "holds no private key"),
        (with_key(&other.key), "other.key", "does not belong to the certificate"),
        (with_key(&write("enc8", ENCRYPTED)), "enc8", "encrypted"),
        (with_key(&write("enc1", ENCRYPTED_OLD)), "enc1", "encrypted"),
    ] {
        let told = Acceptor::new(options(&[&files])).err().unwrap().to_string();
        assert!(told.contains(file) && told.contains(part), "{file}: {told}");
    }
    let told = Acceptor::new(options(&[])).err().unwrap().to_string();
    assert!(told.contains("no certificate is configured"), "{told}");
    let with_ca = TlsOptions { client_ca: Some(text), ..options(&[&good]) };
    let told = Acceptor::new(with_ca).err().unwrap().to_string();
    assert!(told.contains("text: holds no certificate"), "{told}");
}
