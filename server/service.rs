//! From the configuration to what the crates want: store, TLS, authentication, limits, and one service a protocol.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, anyhow};
use common::auth::{AuthOptions, Authenticator, OauthOptions};
use common::limits::{LimitOptions, Limits};
use common::session::{Sessions, Shared};
use common::tls::{Acceptor, CertificateFiles, TlsOptions};
use conf::Config;
use store::{AccountName, MailboxName, SpecialUse, Store};
use web::Web;

use crate::directory::Accounts;

/// Everything that a connection may need.
pub struct Services {
    pub shared: Shared,
    pub imap: Arc<imap::Service>,
    pub pop3: Arc<pop3::Service>,
    pub lmtp: Arc<lmtp::Service>,
    pub mta: Arc<mta::Service>,
    pub acceptor: Acceptor,
    pub handshake_timeout: std::time::Duration,
    /// Listeners that cannot accept now.
    pub failing: Arc<AtomicUsize>,
    /// What HTTP needs; set before the first listener is served.
    pub web: OnceLock<Web>,
}

impl Services {
    pub fn new(config: &Config, store: &Store, acceptor: Acceptor) -> Result<Services> {
        let authenticator = authenticator(config, store)?;
        let shared = Shared {
            hostname: config.server.hostname.as_str().into(),
            sessions: Sessions::observed(authenticator.activity().clone()),
            limits: Limits::new(limit_options(config)),
            authenticator,
            tls: Some(acceptor.clone()),
        };
        let store = || store.clone();
        Ok(Services {
            imap: Arc::new(imap::Service {
                shared: shared.clone(),
                store: store(),
                options: imap_options(config)?,
            }),
            pop3: Arc::new(pop3::Service {
                shared: shared.clone(),
                store: store(),
                options: pop3_options(config)?,
            }),
            lmtp: Arc::new(lmtp::Service {
                shared: shared.clone(),
                store: store(),
                options: lmtp_options(config),
            }),
            mta: Arc::new(mta::Service {
                shared: shared.clone(),
                store: store(),
                options: mta_options(config),
            }),
            shared,
            acceptor,
            handshake_timeout: config.limits.handshake_timeout,
            failing: Arc::default(),
            web: OnceLock::new(),
        })
    }
}

fn authenticator(config: &Config, store: &Store) -> Result<Authenticator> {
    let auth = &config.auth;
    let oauth = auth.oauth.as_ref().map(|oauth| OauthOptions {
        keys: oauth.keys.clone(),
        issuer: oauth.issuer.clone(),
        audience: oauth.audience.clone(),
        claim: oauth.claim.clone(),
    });
    let options = AuthOptions {
        mechanisms: auth.mechanisms.clone(),
        plaintext_without_tls: auth.plaintext_without_tls,
        challenge_mechanisms: auth.challenge_mechanisms,
        scram: auth.scram,
        default_domain: auth.default_domain.clone(),
        failures: auth.failures,
        lockout_seconds: auth.lockout.as_secs(),
        oauth,
        hostname: config.server.hostname.clone(),
    };
    let directory = Arc::new(Accounts(store.clone()));
    Authenticator::new(options, directory)
        .map_err(|reason| anyhow!("section [auth] of the configuration: {reason}"))
}

fn limit_options(config: &Config) -> LimitOptions {
    LimitOptions {
        connections: config.limits.connections,
        connections_per_address: config.limits.connections_per_address,
        connections_per_account: config.limits.connections_per_account,
        rate_per_address: config.limits.rate_per_address,
    }
}

fn imap_options(config: &Config) -> Result<imap::Options> {
    Ok(imap::Options {
        banner: config.imap.banner.clone(),
        login_timeout: config.imap.login_timeout,
        idle_timeout: config.imap.idle_timeout,
        command_limit_before_login: config.imap.command_limit_before_login,
        command_limit: config.imap.command_limit,
        literals: match config.imap.literal {
            conf::Literal::Plus => imap::Literals::Plus,
            conf::Literal::Minus => imap::Literals::Minus,
        },
        append_limit: config.limits.message,
        jmap_url: config.imap.jmap_url.clone(),
        message_limit: config.imap.message_limit,
        save_limit: config.imap.save_limit,
        sharing: sharing(config)?,
        metadata_value_limit: config.imap.metadata_value,
        metadata_limits: store::MetadataLimits {
            entries: config.imap.metadata_entries,
            octets: config.imap.metadata_total,
        },
        admin_contact: config.imap.admin_contact.clone(),
        ..imap::Options::default()
    })
}

fn sharing(config: &Config) -> Result<imap::Sharing> {
    let sharing = &config.sharing;
    Ok(imap::Sharing {
        public_account: public_account(config)?,
        public_namespace: level("sharing.public", &sharing.public)?,
        other_namespace: level("sharing.other_users", &sharing.other_users)?,
        private_requires_subscription: sharing.private_requires_subscription,
        public_requires_subscription: sharing.public_requires_subscription,
    })
}

/// As names of mailboxes are compared; empty where it is turned off.
fn level(key: &str, name: &str) -> Result<String> {
    if name.is_empty() {
        return Ok(String::new());
    }
    let name =
        MailboxName::new(name).with_context(|| format!("{key}: {name:?} cannot stand above mailboxes"))?;
    Ok(name.as_str().to_owned())
}

/// Whose mailboxes everybody sees, where the site has such.
pub fn public_account(config: &Config) -> Result<Option<AccountName>> {
    let name = &config.sharing.public_account;
    if config.sharing.public.is_empty() {
        return Ok(None);
    }
    let account = AccountName::new(name);
    let reason =
        || format!("sharing.public_account: {name:?} cannot be an account; write a name such as public");
    Ok(Some(account.with_context(reason)?))
}

fn pop3_options(config: &Config) -> Result<pop3::Options> {
    let defaults = pop3::Options::default();
    let pop3 = &config.pop3;
    Ok(pop3::Options {
        greeting: pop3.banner.clone(),
        implementation: match &pop3.implementation {
            conf::Implementation::Auto => defaults.implementation,
            conf::Implementation::Hidden => None,
            conf::Implementation::Text(text) => Some(text.clone()),
        },
        language: match pop3.language {
            conf::Language::English => pop3::Language::English,
            conf::Language::German => pop3::Language::German,
            conf::Language::French => pop3::Language::French,
        },
        login_timeout: pop3.login_timeout,
        idle_timeout: pop3.idle_timeout,
        login_delay: (!pop3.login_delay.is_zero()).then(|| pop3::LoginDelay::new(pop3.login_delay)),
        expire: pop3.expire.map_or(pop3::Expire::Never, pop3::Expire::Days),
        retr_sets_seen: pop3.retr_sets_seen,
        delete: pop3.delete.parse().with_context(|| format!("pop3.delete cannot be {:?}", pop3.delete))?,
    })
}

pub fn lmtp_options(config: &Config) -> lmtp::Options {
    let lmtp = &config.lmtp;
    lmtp::Options {
        greeting: lmtp.banner.clone(),
        separators: lmtp.separators.chars().collect(),
        message_limit: config.limits.message,
        recipients_limit: lmtp.recipients,
        timeout: lmtp.idle_timeout,
        over_quota: match lmtp.over_quota {
            conf::OverQuota::Refuse => lmtp::OverQuota::Refuse,
            conf::OverQuota::Defer => lmtp::OverQuota::Defer,
        },
        missing_mailbox: match lmtp.missing_mailbox {
            conf::MissingMailbox::Inbox => store::MissingMailbox::Inbox,
            conf::MissingMailbox::Create => store::MissingMailbox::Create,
            conf::MissingMailbox::Refuse => store::MissingMailbox::Reject,
        },
    }
}

/// What delivery does is what the MTA is told.
fn mta_options(config: &Config) -> mta::Options {
    let lmtp = lmtp_options(config);
    mta::Options {
        separators: lmtp.separators,
        missing_mailbox: lmtp.missing_mailbox,
        defer_over_quota: lmtp.over_quota == lmtp::OverQuota::Defer,
        message_limit: lmtp.message_limit,
        default_domain: config.auth.default_domain.clone(),
        timeout: config.mta.idle_timeout,
    }
}

pub fn store_options(config: &Config) -> Result<store::Options> {
    let mailbox = |mailbox: &conf::NewMailbox| {
        let name = MailboxName::new(&mailbox.name).with_context(|| {
            format!("store.new_account_mailboxes: {:?} cannot be a mailbox", mailbox.name)
        })?;
        Ok((name, mailbox.special_use.map(special_use)))
    };
    Ok(store::Options {
        path: config.server.data.clone(),
        shards: config.store.shards,
        retain_expunged: config.store.retain_expunged,
        message_limit: config.limits.message,
        limits: store::Limits {
            bytes: config.limits.account_bytes,
            messages: config.limits.account_messages,
            mailboxes: config.limits.account_mailboxes,
        },
        compression: config.store.compression,
        index: config.search.index,
        new_account_mailboxes: config
            .store
            .new_account_mailboxes
            .iter()
            .map(mailbox)
            .collect::<Result<_>>()?,
    })
}

pub fn web_options(config: &Config, settings: &[conf::InForce]) -> web::Options {
    let setting = |setting: &conf::InForce| web::Setting {
        key: setting.key.clone(),
        value: setting.value.clone(),
        origin: setting.origin.clone(),
    };
    web::Options {
        session_idle: config.http.session_idle,
        session_lifetime: config.http.session_lifetime,
        public_metrics: config.http.public_metrics,
        scram: config.auth.scram,
        message_limit: config.limits.message,
        data: config.server.data.clone(),
        settings: settings.iter().map(setting).collect(),
        public_account: (!config.sharing.public.is_empty()).then(|| config.sharing.public_account.clone()),
    }
}

fn special_use(special_use: conf::SpecialUse) -> SpecialUse {
    match special_use {
        conf::SpecialUse::All => SpecialUse::All,
        conf::SpecialUse::Archive => SpecialUse::Archive,
        conf::SpecialUse::Drafts => SpecialUse::Drafts,
        conf::SpecialUse::Flagged => SpecialUse::Flagged,
        conf::SpecialUse::Important => SpecialUse::Important,
        conf::SpecialUse::Junk => SpecialUse::Junk,
        conf::SpecialUse::Memos => SpecialUse::Memos,
        conf::SpecialUse::Scheduled => SpecialUse::Scheduled,
        conf::SpecialUse::Sent => SpecialUse::Sent,
        conf::SpecialUse::Snoozed => SpecialUse::Snoozed,
        conf::SpecialUse::Trash => SpecialUse::Trash,
    }
}

/// The certificates that are configured; none when a self-signed one is to be made.
pub fn configured_tls(config: &Config) -> Result<Option<Acceptor>> {
    if config.tls.certificates.is_empty() {
        return Ok(None);
    }
    let certificates = config.tls.certificates.iter();
    let files = certificates
        .map(|pair| CertificateFiles { certificate: pair.certificate.clone(), key: pair.key.clone() })
        .collect();
    Ok(Some(acceptor(config, files)?))
}

/// The self-signed certificate in the data directory, made if it is not there.
pub fn self_signed_tls(config: &Config) -> Result<Acceptor> {
    let files = self_signed_files(config);
    let names = [config.server.hostname.clone(), "localhost".into()];
    if common::tls::ensure_self_signed(&files, &names)? {
        tracing::info!(certificate = %files.certificate.display(), "made a self-signed certificate, since tls.certificates names none");
    }
    acceptor(config, vec![files])
}

pub fn self_signed_files(config: &Config) -> CertificateFiles {
    let directory = config.server.data.join("tls");
    CertificateFiles {
        certificate: directory.join("self-signed.pem"),
        key: directory.join("self-signed.key"),
    }
}

fn acceptor(config: &Config, certificates: Vec<CertificateFiles>) -> Result<Acceptor> {
    let options = TlsOptions { certificates, client_ca: config.tls.client_ca.clone() };
    Acceptor::new(options).context("section [tls] of the configuration")
}

/// The certificate by ACME in the data directory, or a self-signed one in its place for the beginning.
pub fn acme_tls(config: &Config, options: &acme::Options) -> Result<Acceptor> {
    acceptor(config, vec![acme::certificate(options)?])
}

/// `None`: no certificate is got by ACME.
pub fn acme_options(config: &Config) -> Option<acme::Options> {
    config.tls.acme.as_ref().map(|acme| acme::Options {
        directory: acme.directory.clone(),
        root: acme.ca.clone(),
        contact: acme.contact.clone(),
        domains: acme.domains.clone(),
        folder: config.server.data.join("acme"),
    })
}

/// For `restante config check`: what the server would find, without making anything.
pub fn check(config: &Config) -> Result<()> {
    configured_tls(config)?;
    imap_options(config)?;
    Ok(())
}
