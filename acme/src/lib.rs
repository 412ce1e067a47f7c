//! A certificate by ACME (RFC 8555): got at the first start, renewed after two thirds of its life, put in place
//! without dropping a connection. Names are proved by tls-alpn-01 (RFC 8737), which the sockets answer that speak TLS
//! anyway.
//!
//! Rules that hold everywhere:
//! - The certificate in use stays in use until the next one is on the disk and can be loaded.
//! - Account key and certificate's key are files that the server's user alone can read.
//! - A failure is told with its reason and remedy, in the log and in `restante status`, and tried again later and
//!   later, so that no authority locks the site out.

mod account;
mod failure;
mod order;
mod schedule;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::tls::{self, Acceptor, CertificateFiles, Renewal, TlsError};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use failure::Failure;

/// Settings.
#[derive(Debug, Clone)]
pub struct Options {
    /// URL of the authority's directory.
    pub directory: String,
    /// The root certificate of the authority's own web server, PEM, where the system does not know it.
    pub root: Option<PathBuf>,
    /// Such as `mailto:postmaster@example.org`. May be empty.
    pub contact: String,
    /// The names of the certificate; at least one.
    pub domains: Vec<String>,
    /// Where keys and certificate are kept.
    pub folder: PathBuf,
}

/// However long an authority takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// The certificate and its key, in one file. Until the authority has given one it is self-signed.
pub fn certificate(options: &Options) -> Result<CertificateFiles, TlsError> {
    let file = file(&options.folder);
    tls::ensure_pair(&file, &options.domains)?;
    Ok(CertificateFiles { certificate: file.clone(), key: file })
}

fn file(folder: &Path) -> PathBuf {
    folder.join("certificate.pem")
}

/// Keeps a certificate valid.
pub struct Renewer {
    options: Options,
    acceptor: Acceptor,
    renewal: Renewal,
    wake: Arc<Notify>,
}

impl Renewer {
    pub fn new(options: Options, acceptor: Acceptor) -> Renewer {
        let renewal = Renewal::default();
        renewal.update(|state| state.domains.clone_from(&options.domains));
        Renewer { options, acceptor, renewal, wake: Arc::new(Notify::new()) }
    }

    /// How it stands.
    pub fn renewal(&self) -> Renewal {
        self.renewal.clone()
    }

    /// To be told when a failure has been put right, so that the next try need not wait.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut failures = 0;
        loop {
            let pause = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                pause = self.turn(&mut failures) => pause,
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.wake.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Gets a certificate if it is time to. How long to wait then.
    async fn turn(&self, failures: &mut u32) -> Duration {
        let mut error = None;
        if self.due().is_zero() {
            match self.renew().await {
                Ok(()) => *failures = 0,
                Err(failure) => {
                    *failures += 1;
                    tracing::error!(
                        domains = self.options.domains.join(", "),
                        "no certificate by ACME: {failure}"
                    );
                    error = Some(failure.to_string());
                }
            }
        }
        let pause = match error {
            None => self.due().min(schedule::LOOK),
            Some(_) => schedule::back_off(*failures),
        };
        self.tell(pause, error);
        pause
    }

    /// Zero: now.
    fn due(&self) -> Duration {
        let validity = common::block(|| tls::validity(&file(&self.options.folder)));
        match validity {
            Ok(validity) => schedule::due(&validity, &self.options.domains, common::time::now()),
            Err(error) => {
                tracing::warn!(
                    "the certificate by ACME cannot be read, so another one is asked for: {error}"
                );
                Duration::ZERO
            }
        }
    }

    async fn renew(&self) -> Result<(), Failure> {
        let Options { domains, folder, .. } = &self.options;
        tracing::info!(
            domains = domains.join(", "),
            directory = self.options.directory,
            "asking for a certificate"
        );
        let issue = async {
            let account = account::open(&self.options).await?;
            order::certificate(&account, domains, self.acceptor.challenges()).await
        };
        let issued = timeout(PATIENCE, issue).await;
        self.acceptor.challenges().clear();
        let issued = issued.map_err(|_| Failure::too_slow())??;
        common::block(|| {
            tls::put_pair(&file(folder), &issued.chain, &issued.key)?;
            self.acceptor.reload()
        })?;
        if self.due().is_zero() {
            return Err(Failure::useless());
        }
        tracing::info!("new connections get the new certificate");
        Ok(())
    }

    fn tell(&self, pause: Duration, error: Option<String>) {
        let validity = common::block(|| tls::validity(&file(&self.options.folder)));
        let until = validity.ok().filter(|validity| !validity.self_signed).map(|validity| validity.until);
        self.renewal.update(|state| {
            state.valid_until = until;
            let wait = if error.is_some() { pause } else { self.due() };
            state.next_try =
                common::time::now().saturating_add(wait.as_secs().try_into().unwrap_or(i64::MAX));
            state.error = error;
        });
    }
}
