//! Postfix: socketmap for domains and recipients, a policy service, `smtpd_sasl_type = dovecot`.

use crate::clients::postfix::{Postfix, await_messages};
use crate::clients::site::{ALICE, Site, say};
use crate::support::Outcome;

use super::smtp;

pub fn test() -> Outcome {
    let site = super::site()?;
    for (alias, account) in [("sales@example.test", ALICE), ("@alias.test", ALICE)] {
        site.server.cli(&["alias", "add", alias, account], b"")?.ok("alias add")?;
    }
    let postfix = Postfix::start(&site, &settings(&site))?;
    let port = postfix.port;
    let mut client = smtp::connect(port)?;
    smtp::recipients(
        &mut client,
        &[
            (ALICE, "250"),
            ("ALICE+lists@example.test", "250"),
            ("alice-lists@example.test", "250"),
            ("\"alice\"@example.test", "250"),
            ("public+news@example.test", "250"),
            ("Sales@example.test", "250"),
            ("sales+box@example.test", "250"),
            ("whoever@alias.test", "250"),
            ("nobody@example.test", "550 5.1.1"),
            ("nobody+lists@example.test", "550 5.1.1"),
            ("someone@elsewhere.test", "554 5.7.1"),
        ],
    )?;
    drop(client);
    smtp::sized(port, 1500, "bob@example.test", "250")?;
    smtp::sized(port, 2500, "bob@example.test", "552 5.2.2")?;
    smtp::sized(port, 2500, "bob+box@example.test", "552 5.2.2")?;
    switched_off(&site, port)?;
    logins(&site, port)?;
    deliver(&site, &postfix)?;
    drop(postfix);
    site.server.finish()
}

/// For a `smtpd` in a chroot, which sees no sockets outside.
pub fn over_loopback() -> Outcome {
    let site = super::site_at(["127.0.0.1:0"; 3])?;
    let at = |kind: &str| site.server.address(kind).map(|address| format!("inet:{address}"));
    let places = [at("socketmap")?, at("policy")?, at("sasl")?];
    let postfix = Postfix::start(&site, &settings_at(&site, &places))?;
    let replies = [(ALICE, "250"), ("nobody@example.test", "550 5.1.1")];
    smtp::recipients(&mut smtp::connect(postfix.port)?, &replies)?;
    smtp::sized(postfix.port, 2500, "bob@example.test", "552 5.2.2")?;
    logins(&site, postfix.port)?;
    drop(postfix);
    site.server.finish()
}

/// While Restante does not answer, Postfix asks its clients to come again, and goes on by itself afterwards.
pub fn without_us() -> Outcome {
    let mut site = super::site()?;
    let postfix = Postfix::start(&site, &settings(&site))?;
    smtp::recipients(&mut smtp::connect(postfix.port)?, &[(ALICE, "250")])?;
    site.server.stop()?;
    smtp::recipients(&mut smtp::connect(postfix.port)?, &[(ALICE, "451 4.3")])?;
    site.server.launch()?;
    smtp::recipients(&mut smtp::connect(postfix.port)?, &[(ALICE, "250")])?;
    drop(postfix);
    site.server.finish()
}

/// The policy is asked first, and has the reason.
fn switched_off(site: &Site, port: u16) -> Outcome {
    for (on, reply) in [("off", "550 5.2.1"), ("on", "250")] {
        let set = ["account", "set", "carol@example.test", "--delivery", on];
        site.server.cli(&set, b"")?.ok("account set")?;
        smtp::recipients(&mut smtp::connect(port)?, &[("carol@example.test", reply)])?;
    }
    Ok(())
}

fn logins(site: &Site, port: u16) -> Outcome {
    let home = site.home("logins")?;
    let relayed = "RCPT TO:<someone@elsewhere.test>\n<-  250";
    smtp::login(site, &home, port, (ALICE, "restante"), relayed)?;
    smtp::login(site, &home, port, (ALICE, "wrong"), "<** 535 5.7.8")?;
    smtp::login(site, &home, port, ("carol@example.test", "restante"), "SMTP is switched off")
}

/// What was accepted is delivered.
fn deliver(site: &Site, postfix: &Postfix) -> Outcome {
    let mut client = smtp::connect(postfix.port)?;
    smtp::recipients(&mut client, &[("alice+lists@example.test", "250")])?;
    say(&mut client, b"DATA\r\n", "354")?;
    say(&mut client, b"Subject: asked before\r\n\r\nbody\r\n.\r\n", "250")?;
    await_messages(site, 1)?;
    say(&mut client, b"MAIL FROM:<sender@example.test>\r\n", "250")?;
    smtp::recipients(&mut client, &[("sales@example.test", "250")])?;
    say(&mut client, b"DATA\r\n", "354")?;
    say(&mut client, b"Subject: by alias\r\n\r\nbody\r\n.\r\n", "250")?;
    await_messages(site, 2)
}

fn settings(site: &Site) -> String {
    let run = site.server.path().join("run");
    let at = |name: &str| format!("unix:{}/{name}.sock", run.display());
    settings_at(site, &[at("socketmap"), at("policy"), at("sasl")])
}

/// The lines of the guide, with a list of relaying that tells a login from none, and loopback as a stranger.
fn settings_at(site: &Site, [socketmap, policy, sasl]: &[String; 3]) -> String {
    let lmtp = site.server.path().join("run/lmtp.sock");
    format!(
        "relay_domains =\nmynetworks =\n\
         virtual_mailbox_domains = socketmap:{socketmap}:domains\n\
         virtual_mailbox_maps = socketmap:{socketmap}:recipients\n\
         virtual_transport = lmtp:unix:{}\n\
         smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination\n\
         smtpd_recipient_restrictions = check_policy_service {policy}\n\
         smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n",
        lmtp.display(),
        // A path has no type here.
        sasl.trim_start_matches("unix:")
    )
}
