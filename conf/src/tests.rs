//! What people read when a configuration is wrong: the file and line, the key, the reason, the remedy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::*;

/// Loads a file with this text.
fn load(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("restante.toml");
    std::fs::write(&file, text).unwrap();
    let request = Request {
        file: Some(file.clone()),
        surroundings: Surroundings::of_user("/home/alice"),
        ..Request::default()
    };
    let shorten = |problems: Problems| problems.to_string().replace(file.to_str().unwrap(), "restante.toml");
    request.load().map(|loaded| loaded.config).map_err(shorten)
}

fn refused(text: &str) -> String {
    load(text).expect_err(text)
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest_one() {
    let text = refused("# mail\n[imap]\nbanner = \"x\"\nlistn = []\n");
    assert_eq!(
        text,
        "restante.toml:4: imap.listn: there is no such setting\n  Did you mean imap.listen? `restante config default` lists every setting."
    );
}

#[test]
fn a_key_in_the_wrong_section_is_found() {
    assert!(refused("[imap]\nseparators = \"+\"\n").contains("Did you mean lmtp.separators?"));
    assert!(
        refused("retain_expunged = \"1d\"\n")
            .contains("Write it as store.retain_expunged, below its section.")
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = refused("[limits]\nmessage = \"many\"\nconnections = -1\n[store]\nshards = 0\n");
    for part in [
        "restante.toml:2: limits.message: \"many\" is no size",
        "restante.toml:3: limits.connections: -1 is no whole number from 0",
        "restante.toml:5: store.shards: 0 is no whole number from 1 to 256",
        "`restante config default` explains \"shards\" in section [store].",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let text = refused("[imap]\nlisten = [\n");
    assert!(text.starts_with("restante.toml: this is no TOML: "), "{text}");
    assert!(text.contains("line "), "{text}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let request = Request { file: Some("/nonexistent/x.toml".into()), ..Request::default() };
    let text = request.load().unwrap_err().to_string();
    assert!(text.starts_with("/nonexistent/x.toml: the configuration file cannot be read: "), "{text}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let text = refused(
        "[tls]\ncertificates = [{ certificate = \"/nonexistent/chain.pem\", key = \"/dev/null\" }]\n",
    );
    for part in [
        "restante.toml:2: tls.certificates: /nonexistent/chain.pem cannot be read: ",
        "let the server's user read",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(refused("[[tls.certificates]]\ncertificate = \"/dev/null\"\n").contains("lacks \"key\""));
    assert!(
        refused("[[tls.certificates]]\ncertificat = \"/dev/null\"\n").contains("no setting \"certificat\"")
    );
}

#[test]
fn bad_values_say_what_would_be_good() {
    for (text, part) in [
        ("[imap]\nlisten = [\"143\"]", "write \"127.0.0.1:143\""),
        ("[imap]\nlogin_timeout = \"soon\"", "such as \"30s\" or \"14d\""),
        ("[imap]\nlogin_timeout = \"0s\"", "at least 1 s are needed"),
        ("[imap]\nbanner = \"a\\nb\"", "one line"),
        ("[imap]\ncommand_limit = \"1 GiB\"", "from 1 KiB to 16 MiB"),
        ("[pop3]\nlanguage = \"xx\"", "is not one of \"en\", \"de\", \"fr\""),
        ("[pop3]\nexpire = \"soon\"", "neither \"never\" nor a number of days"),
        ("[lmtp]\nlisten = [\"unix:/x mode=rw\"]", "octal"),
        ("[lmtp]\nseparators = \"ab\"", "cannot part user and mailbox"),
        ("[mta]\nsasl_listen = [\"*:2425\"]", "can be reached by other hosts"),
        ("[mta]\npolicy_listen = [\"192.0.2.1:2425\"]", "can be reached by other hosts"),
        ("[mta]\nsocketmap_listen = [\"sock\"]", "mode=0660"),
        ("[tls]\nacme_domains = [\"mail.example.org\"]", "set acme_terms_agreed = true"),
        ("[tls]\nacme_terms_agreed = true\nacme_domains = [\"*.example.org\"]", "is no host name"),
        ("[tls]\nacme_domains = [\"a.test\"]\nacme_directory = \"http://a\"", "begins with https://"),
        ("[tls]\nacme_domains = [\"a.test\"]\nacme_contact = \"me\"", "write \"mailto:\" and an address"),
        ("[lmtp]\nmissing_mailbox = \"make\"", "is not one of \"inbox\", \"create\", \"refuse\""),
        ("[auth]\nmechanisms = [\"PLAN\"]", "did you mean PLAIN?"),
        ("[auth]\nplaintext_without_tls = \"maybe\"", "neither true nor false"),
        ("[auth]\noauth_keys = \"/dev/null\"", "the issuer of the tokens must be too"),
        ("[limits]\nmessage = 1", "at least 1 KiB and less than 4 GiB"),
        ("[store]\nnew_account_mailboxes = [\"INBOX\"]", "INBOX is there anyhow"),
        ("[store]\nnew_account_mailboxes = [\"a\", \"a\"]", "is there twice"),
        ("[store]\nnew_account_mailboxes = [\"a:Junk\", \"b:Junk\"]", "given to another mailbox too"),
        ("[store]\nnew_account_mailboxes = [\"a:Jnk\"]", "did you mean Junk?"),
        ("[store]\ncompression = 20", "from 0 to 19"),
        ("[sharing]\npublic = \"a/b\"", "cannot stand above mailboxes"),
        ("[sharing]\nother_users = \"inbox\"", "not INBOX"),
        ("[sharing]\npublic = \"Other Users\"", "give them different names"),
        ("[log]\nlevel = \"loud\"", "is no level"),
        ("[log]\nformat = [\"json\"]", "stands where one value is expected"),
        ("[server]\nhostname = \"a b\"", "is no host name"),
        ("[server]\ndata = \"\"", "path is empty"),
    ] {
        let refusal = refused(text);
        assert!(refusal.contains(part), "{text}: no {part:?} in:\n{refusal}");
    }
}

#[test]
fn good_values_are_what_they_say() {
    let config = load(
        "[imap]\nlisten = [\"*:143\", \"[::1]:1143\"]\ntls_listen = []\n\
         [lmtp]\nlisten = [\"unix:in.sock mode=0660\"]\nmissing_mailbox = \"create\"\n\
         [server]\nruntime_dir = \"/run/mail\"\n\
         [limits]\nmessage = \"10 MB\"\n[store]\nretain_expunged = \"1d 12h\"\n\
         new_account_mailboxes = [\"Sent:sent\", \"Lists\"]\n[log]\nlevel = \"warn,imap=debug\"\nformat = \"json\"\n",
    );
    let config = config.unwrap();
    assert_eq!(config.imap.listen, [Listen::Any { port: 143 }, Listen::Tcp("[::1]:1143".parse().unwrap())]);
    assert_eq!(config.imap.tls_listen, []);
    assert_eq!(config.lmtp.listen, [Listen::Unix { path: "/run/mail/in.sock".into(), mode: 0o660 }]);
    assert_eq!(config.lmtp.missing_mailbox, MissingMailbox::Create);
    assert_eq!(config.limits.message, 10_000_000);
    assert_eq!(config.store.retain_expunged, Duration::from_secs(36 * 3600));
    let sent = NewMailbox { name: "Sent".into(), special_use: Some(SpecialUse::Sent) };
    assert_eq!(
        config.store.new_account_mailboxes,
        [sent, NewMailbox { name: "Lists".into(), special_use: None }]
    );
    assert_eq!(config.log, Log { level: "warn,imap=debug".into(), format: LogFormat::Json });
}

/// Loads without a file, with these variables and flags.
fn layered(variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut surroundings = Surroundings::of_user("/home/alice");
    surroundings.variables.extend(variables.iter().map(own).collect::<BTreeMap<_, _>>());
    Request { file: None, overrides: flags.iter().map(own).collect(), surroundings }.load()
}

#[test]
fn the_later_layer_holds_and_says_so() {
    let loaded = layered(
        &[
            ("RESTANTE_IMAP__BANNER", "of the environment"),
            ("RESTANTE_POP3__LISTEN", "127.0.0.1:1,127.0.0.1:2"),
        ],
        &[("imap.banner", "of the flag")],
    );
    let loaded = loaded.unwrap();
    assert_eq!(loaded.config.imap.banner, "of the flag");
    assert_eq!(loaded.config.pop3.listen.len(), 2);
    let origin =
        |key: &str| loaded.in_force.iter().find(|setting| setting.key == key).unwrap().origin.clone();
    assert_eq!(origin("imap.banner"), "command line");
    assert_eq!(origin("pop3.listen"), "environment variable RESTANTE_POP3__LISTEN");
    assert_eq!(origin("log.level"), "default");
}

#[test]
fn every_layer_refuses_what_is_unknown() {
    let text = layered(&[("RESTANTE_IMAP__LISTN", "x")], &[("smtp.listen", "x")]).unwrap_err().to_string();
    assert!(
        text.contains("environment variable RESTANTE_IMAP__LISTN: imap.listn: there is no such setting"),
        "{text}"
    );
    assert!(text.contains("command line: smtp.listen: there is no such setting"), "{text}");
}

#[test]
fn other_variables_of_ours_are_no_settings() {
    assert!(layered(&[("RESTANTE_CRASH_SEED", "1")], &[]).is_ok());
}

#[test]
fn a_first_start_is_safe() {
    let config = layered(&[], &[]).unwrap().config;
    let lists = [
        config.imap.listen,
        config.imap.tls_listen,
        config.pop3.listen,
        config.pop3.tls_listen,
        config.lmtp.listen,
    ];
    for address in lists.iter().flatten().flat_map(Listen::addresses) {
        assert!(address.ip().is_loopback() && address.port() > 1023, "{address}");
    }
    assert_eq!(config.server.data, PathBuf::from("/home/alice/.local/share/restante"));
    assert_eq!(config.admin.socket, PathBuf::from("/home/alice/.local/share/restante/run/admin.sock"));
    assert!(!config.auth.plaintext_without_tls);
}

#[test]
fn a_system_service_has_the_protocols_ports() {
    let surroundings = Surroundings { root: true, ..Surroundings::of_user("/root") };
    let config = Request { surroundings, ..Request::default() }.load().unwrap().config;
    assert_eq!(config.imap.tls_listen, [Listen::Any { port: 993 }]);
    assert_eq!(config.lmtp.listen, [Listen::Unix { path: "/run/restante/lmtp.sock".into(), mode: 0o666 }]);
    assert_eq!(config.server.data, PathBuf::from("/var/lib/restante"));
    assert_eq!(config.admin.socket, PathBuf::from("/run/restante/admin.sock"));
}

#[test]
fn servers_with_their_own_data_do_not_meet() {
    let surroundings = Surroundings { root: true, ..Surroundings::of_user("/root") };
    let overrides = vec![("server.data".into(), "/srv/mail".into())];
    let config = Request { surroundings, overrides, ..Request::default() }.load().unwrap().config;
    assert_eq!(config.admin.socket, PathBuf::from("/srv/mail/run/admin.sock"));
}

#[test]
fn the_systems_file_may_move_the_data_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("restante.toml");
    std::fs::write(&file, "[server]\ndata = \"/srv/mail\"\n").unwrap();
    let surroundings = Surroundings { system_file: Some(file), ..Surroundings::of_user("/home/alice") };
    let config = Request { surroundings, ..Request::default() }.load().unwrap().config;
    assert_eq!(config.server.data, PathBuf::from("/srv/mail"));
    assert_eq!(config.admin.socket, PathBuf::from("/run/restante/admin.sock"));
}
