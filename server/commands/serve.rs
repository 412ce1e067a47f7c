//! `restante serve`
//!
//! The order matters: bind while still root, become the server's user, and only then start threads and open the store.

use std::sync::Arc;
use std::time::Duration;

use acme::Renewer;
use admin::{ListenerView, Running, Server};
use anyhow::{Context, Result};
use clap::Args;
use common::tls::Acceptor;
use conf::{Config, Loaded};
use sd_notify::NotifyState;
use store::Store;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};
use web::Web;

use crate::cli::Global;
use crate::exit::Exit;
use crate::privileges::Target;
use crate::service::{self, Services};
use crate::signals::{self, Asked, Signals};
use crate::sockets::{self, Bound, Socket};
use crate::{access, files, listener, log, privileges, public};

#[derive(Debug, Args)]
pub struct Serve {
    /// Tell nothing but warnings and errors
    #[arg(long, short)]
    quiet: bool,
}

impl Serve {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let mut loaded = access::load(global)?;
        if self.quiet {
            loaded.config.log.level = "warn".into();
        }
        let log = log::start(&loaded.config.log)?;
        let target = privileges::target(&loaded.config)?;
        if target.is_none() && nix::unistd::geteuid().is_root() {
            warn_of_root(&loaded.config);
        }
        let prepared = prepare(&loaded.config, target.as_ref(), "")?;
        announce(&loaded, &prepared);
        let reload = Reload { global: global.clone(), quiet: self.quiet, log };
        let runtime = runtime()?;
        // A task, because blocking calls are for the runtime's own threads.
        let stopped = runtime.block_on(runtime.spawn(async move {
            prepared.start(&loaded.config, &loaded.in_force).await?.until_stopped(Some(reload)).await
        }));
        Ok(stopped??.exit(runtime))
    }
}

pub fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("restante").build();
    runtime.context("the threads of the server cannot be started")
}

/// A server that has what needs root, and needs it no more.
pub struct Prepared {
    pub bound: Vec<Bound>,
    acceptor: Acceptor,
}

/// Binds, reads certificates, becomes the server's user. One thread only.
pub fn prepare(config: &Config, target: Option<&Target>, hint: &str) -> Result<Prepared> {
    files::raise_limit(config.limits.connections);
    privileges::keep_private();
    privileges::make_directory(&config.server.data, 0o700, target)?;
    privileges::make_directory(&config.server.runtime_dir, 0o755, target)?;
    let bound = sockets::bind(config, target, hint)?;
    let acceptor = service::configured_tls(config)?;
    if let Some(target) = target {
        privileges::drop_to(target)?;
    }
    warn_of_unreadable_keys(config);
    let acceptor = match (acceptor, service::acme_options(config)) {
        (Some(configured), _) => configured,
        (None, Some(options)) => service::acme_tls(config, &options)?,
        (None, None) => service::self_signed_tls(config)?,
    };
    Ok(Prepared { bound, acceptor })
}

fn warn_of_root(config: &Config) {
    tracing::warn!(
        "the server runs as root, since there is no user \"restante\"; make it with: useradd --system --home-dir {} --shell /usr/sbin/nologin restante",
        config.server.data.display()
    );
}

/// What root could read at the start, the server's user must read at a reload.
fn warn_of_unreadable_keys(config: &Config) {
    for pair in &config.tls.certificates {
        for path in [&pair.certificate, &pair.key] {
            if let Err(error) = std::fs::File::open(path) {
                tracing::warn!(
                    "{} cannot be read by the server's user ({error}), so a reload will keep the certificate of the start; let its group read the file",
                    path.display()
                );
            }
        }
    }
}

fn announce(loaded: &Loaded, prepared: &Prepared) {
    let file = loaded.file.as_ref().map_or("none".into(), |file| file.display().to_string());
    tracing::info!(configuration = file, data = %loaded.config.server.data.display(), "restante {} starts", env!("CARGO_PKG_VERSION"));
    for bound in &prepared.bound {
        tracing::info!("listens for {} on {}", bound.speaks.name(), bound.address());
    }
}

impl Prepared {
    /// Opens the store and serves. Inside the runtime.
    pub async fn start(self, config: &Config, settings: &[conf::InForce]) -> Result<Started> {
        let signals = Signals::new()?;
        let store = common::block(|| access::open_patiently(config))?;
        common::block(|| public::ensure(config, &store))?;
        let services = Arc::new(Services::new(config, &store, self.acceptor)?);
        let renewer =
            service::acme_options(config).map(|options| Renewer::new(options, services.acceptor.clone()));
        let acme = renewer.as_ref().map(Renewer::renewal);
        let running = Running { acme, ..running(config, &services, &self.bound) };
        let options = service::web_options(config, settings);
        let web = Web::new(store.clone(), running.clone(), options, services.failing.clone());
        // This is the only place that sets it.
        let _ = services.web.set(web);
        let administration = Server::bind(&config.admin.socket)?;
        let (stop, stopped) = watch::channel(false);
        let mut to_remove = vec![config.admin.socket.clone()];
        for bound in self.bound {
            if let Socket::Unix(_, Some(path)) = &bound.socket {
                to_remove.push(path.clone());
            }
            listener::spawn(bound, Arc::clone(&services), stopped.clone())?;
        }
        let renew_now = renewer.as_ref().map(Renewer::wake);
        if let Some(renewer) = renewer {
            tokio::spawn(renewer.run(stopped));
        }
        let deliver = super::deliver::hook(config, &store, services.shared.sessions.activity());
        tokio::spawn(administer(Server { store: store.clone(), running, deliver }, administration));
        signals::tell(&[NotifyState::Ready]);
        tracing::info!("ready");
        let timeout = config.server.shutdown_timeout;
        Ok(Started { store, services, stop, signals, to_remove, timeout, renew_now })
    }
}

fn running(config: &Config, services: &Services, bound: &[Bound]) -> Running {
    let view =
        |bound: &Bound| ListenerView { kind: bound.speaks.name().to_owned(), address: bound.address() };
    Running {
        data: config.server.data.clone(),
        hostname: config.server.hostname.clone(),
        sessions: services.shared.sessions.clone(),
        authenticator: services.shared.authenticator.clone(),
        listeners: bound.iter().map(view).collect(),
        started: common::time::now(),
        acme: None,
    }
}

async fn administer(server: Server, socket: UnixListener) {
    if let Err(error) = server.serve(socket).await {
        tracing::error!(
            "the administration socket failed: {error}; commands cannot reach the server until it is restarted"
        );
    }
}

/// A server that serves.
pub struct Started {
    pub store: Store,
    pub services: Arc<Services>,
    stop: watch::Sender<bool>,
    signals: Signals,
    to_remove: Vec<std::path::PathBuf>,
    timeout: Duration,
    /// Where a certificate is got by ACME.
    renew_now: Option<Arc<Notify>>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    InGoodOrder,
    /// A second signal came.
    AtOnce,
}

impl Stopped {
    /// Ends the threads: waits for none that a second signal cut short.
    pub fn exit(self, runtime: Runtime) -> Exit {
        runtime.shutdown_background();
        match self {
            Stopped::InGoodOrder => Exit::Done,
            Stopped::AtOnce => Exit::Failed,
        }
    }
}

/// How to read the configuration again.
pub struct Reload {
    global: Global,
    quiet: bool,
    log: log::Handle,
}

impl Started {
    /// Serves until a signal says stop, then stops in good order.
    pub async fn until_stopped(mut self, reload: Option<Reload>) -> Result<Stopped> {
        let signal = loop {
            match self.signals.next().await {
                Asked::Stop(name) => break name,
                Asked::Reload => match &reload {
                    Some(reload) => self.reload(reload),
                    // The demo's terminal is gone, and there is nothing to read again.
                    None => break "SIGHUP",
                },
            }
        };
        tracing::info!("{signal}: stopping");
        signals::tell(&[NotifyState::Stopping]);
        tokio::select! {
            result = finish(&self.store, &self.services, &self.stop, self.timeout) => {
                self.remove_sockets();
                result?;
                tracing::info!("stopped");
                Ok(Stopped::InGoodOrder)
            }
            again = self.signals.stop() => {
                tracing::warn!("{again}: stopping at once; what was acknowledged is safe");
                self.remove_sockets();
                Ok(Stopped::AtOnce)
            }
        }
    }

    /// Certificates and log level; whatever goes wrong leaves what was.
    fn reload(&self, reload: &Reload) {
        signals::tell_reloading();
        tracing::info!("SIGHUP: reading the certificates again");
        match self.services.acceptor.reload() {
            Ok(()) => tracing::info!("new connections get the certificates as they are now"),
            Err(error) => tracing::error!("the old certificates stay in use: {error}"),
        }
        // What made ACME fail may have been put right.
        if let Some(renew) = &self.renew_now {
            renew.notify_one();
        }
        if let Err(error) = reload.log_level() {
            tracing::error!("the old log level stays in use: {error:#}");
        }
        signals::tell(&[NotifyState::Ready]);
    }

    fn remove_sockets(&self) {
        for path in &self.to_remove {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::debug!("{} stays behind: {error}", path.display());
            }
        }
    }
}

impl Reload {
    fn log_level(&self) -> Result<()> {
        let level = if self.quiet { "warn".into() } else { access::load(&self.global)?.config.log.level };
        self.log.set_level(&level)?;
        tracing::info!("the log level is {level}");
        Ok(())
    }
}

/// No new connections, an end in good order for the others, the last commit.
async fn finish(
    store: &Store,
    services: &Services,
    stop: &watch::Sender<bool>,
    timeout: Duration,
) -> Result<()> {
    stop.send_replace(true);
    services.shared.sessions.shutdown();
    if tokio::time::timeout(timeout, services.shared.sessions.drained()).await.is_err() {
        let left = services.shared.sessions.list().len();
        tracing::warn!("{left} sessions did not end within {} s and are cut off", timeout.as_secs());
    }
    let store = store.clone();
    tokio::task::spawn_blocking(move || store.close()).await.context("closing the store was cut short")??;
    Ok(())
}
