//! The commands, without a server and with one.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::{program, run, stderr, stdout};

/// A data directory without a server.
struct Site(TempDir);

impl Site {
    fn new() -> Site {
        Site(tempfile::tempdir().unwrap())
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        run(program().arg("--data").arg(self.0.path().join("data")).args(arguments), input)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), "");
        serde_json::from_str(&stdout(&output))
            .unwrap_or_else(|_| panic!("{arguments:?}: {}", stderr(&output)))
    }

    fn add(&self, account: &str) {
        let output = self.run(&["account", "add", account, "--password-stdin"], "secret\n");
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

#[test]
fn accounts_need_no_server() {
    let site = Site::new();
    site.add("Alice@Example.Test");
    let account = site.json(&["account", "show", "alice@example.test"]);
    assert_eq!(account["name"], "alice@example.test");
    assert_eq!(account["password"], "ARGON2ID");
    assert!(!account.to_string().contains("$argon2id$"));
    site.run(&["account", "set", "alice@example.test", "--limit-bytes", "5 MiB", "--pop3", "off"], "");
    site.run(&["account", "disable", "alice@example.test"], "");
    let account = site.json(&["account", "show", "alice@example.test"]);
    assert_eq!(account["limits"]["bytes"], 5 << 20);
    assert_eq!(account["switches"]["pop3"], false);
    assert_eq!(account["switches"]["login"], false);
    assert_eq!(site.json(&["account", "list"])["accounts"].as_array().unwrap().len(), 1);
}

#[test]
fn exit_codes_say_what_happened() {
    let site = Site::new();
    let code = |arguments: &[&str]| site.run(arguments, "secret\n").status.code();
    assert_eq!(code(&["account", "list"]), Some(3));
    site.add("alice");
    assert_eq!(code(&["account", "list"]), Some(0));
    assert_eq!(code(&["account", "add", "alice", "--password-stdin"]), Some(4));
    assert_eq!(code(&["account", "show", "bob"]), Some(3));
    assert_eq!(code(&["account", "add", "two words", "--password-stdin"]), Some(2));
    assert_eq!(code(&["account", "delete", "alice"]), Some(1));
    assert_eq!(code(&["--set", "imap.listn=x", "account", "list"]), Some(78));
    assert_eq!(code(&["sessions"]), Some(1));
    assert_eq!(code(&["check"]), Some(0));
    assert_eq!(code(&["status"]), Some(0));
}

#[test]
fn failures_are_json_for_programs() {
    let site = Site::new();
    site.add("alice");
    let failure = site.json(&["account", "show", "bob"]);
    assert_eq!(failure["outcome"], "failure");
    assert_eq!(failure["failure"]["kind"], "missing");
    assert_eq!(site.json(&["status"])["running"], false);
}

#[test]
fn errors_name_the_thing_and_the_remedy() {
    let site = Site::new();
    let text = stderr(&site.run(&["account", "list"], ""));
    assert!(text.contains("there is no store at") && text.contains("restante account add"), "{text}");
    site.add("alice");
    let text = stderr(&site.run(&["account", "delete", "alice"], ""));
    assert!(text.contains("--yes"), "{text}");
    let text = stderr(&site.run(&["account", "add", "bob"], ""));
    assert!(text.contains("--password-stdin"), "{text}");
    let text = stderr(&site.run(&["account", "add", "bob", "--password-stdin"], "one\ntwo\n"));
    assert!(text.contains("one line"), "{text}");
}

#[test]
fn delivery_has_the_exit_codes_of_mail_programs() {
    let site = Site::new();
    site.add("alice@example.test");
    let deliver = |arguments: &[&str]| {
        site.run(&[&["deliver", "-f", "bob@example.org"], arguments].concat(), "Subject: x\n\ny\n")
            .status
            .code()
    };
    assert_eq!(deliver(&["alice@example.test"]), Some(0));
    assert_eq!(deliver(&["nobody@example.test"]), Some(67));
    assert_eq!(deliver(&["nobody@example.test", "alice@example.test"]), Some(67));
    assert_eq!(deliver(&["--set", "imap.listn=x", "alice@example.test"]), Some(75));
    site.run(&["account", "set", "alice@example.test", "--limit-messages", "1"], "");
    assert_eq!(deliver(&["alice@example.test"]), Some(73));
    assert_eq!(site.json(&["account", "show", "alice@example.test"])["messages"], 2);
    assert_eq!(site.json(&["check"])["clean"], true);
}

#[test]
fn a_delivered_message_can_be_expunged_and_restored_by_name() {
    let site = Site::new();
    site.add("alice@example.test");
    site.run(&["deliver", "alice@example.test"], "Subject: x\n\ny\n");
    assert_eq!(
        site.json(&["retained", "list", "alice@example.test"])["messages"].as_array().unwrap().len(),
        0
    );
    let output =
        site.run(&["mailbox", "create", "alice@example.test", "Old", "--special-use", "flagged"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    site.run(&["mailbox", "rename", "alice@example.test", "INBOX", "Old/1"], "");
    site.run(&["mailbox", "delete", "alice@example.test", "Old/1"], "");
    let retained = site.json(&["retained", "list", "alice@example.test"]);
    assert_eq!(retained["messages"][0]["mailbox"], "Old/1");
    site.run(&["retained", "restore", "alice@example.test", "--all"], "");
    assert_eq!(site.json(&["account", "show", "alice@example.test"])["messages"], 1);
}

#[test]
fn thousands_of_accounts_come_from_a_pipe() {
    let site = Site::new();
    let mut lines: String =
        (0..4000).map(|number| format!("user{number}@example.test:{{PLAIN}}secret\n")).collect();
    lines += "no colon\nUSER7@example.test:{PLAIN}again\n";
    let dry = site.run(&["account", "import", "-", "--dry-run"], &lines);
    assert_eq!(dry.status.code(), Some(3), "nothing may be made by a dry run");
    site.add("alice");
    let output = site.run(&["account", "import", "-"], &lines);
    assert_eq!(output.status.code(), Some(5));
    let text = stdout(&output);
    for part in [
        "line 4001: ",
        "line 4002: user7@example.test was in line 8 already",
        "4000 added, 0 updated, 2 refused",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(site.json(&["account", "list"])["accounts"].as_array().unwrap().len(), 4001);
}

#[test]
fn app_passwords_are_shown_once() {
    let site = Site::new();
    site.add("alice");
    let arguments = ["account", "app-password", "add", "alice", "phone", "--expires", "2030-12-31"];
    let secret = stdout(&site.run(&arguments, ""));
    assert_eq!(secret.trim().len(), 27);
    let list = site.json(&["account", "app-password", "list", "alice"]);
    assert_eq!(list["app_passwords"][0]["expires"], 1_924_905_600);
    assert!(!list.to_string().contains(secret.trim()));
}

#[test]
fn groups_are_made_filled_and_deleted() {
    let site = Site::new();
    let code = |arguments: &[&str]| site.run(arguments, "").status.code();
    site.add("alice");
    site.add("bob");
    assert!(stdout(&site.run(&["group", "list"], "")).contains("restante group create"));
    assert_eq!(code(&["group", "create", "Team"]), Some(0));
    assert_eq!(code(&["group", "create", "team"]), Some(4));
    assert_eq!(code(&["group", "create", "two words"]), Some(2));
    assert_eq!(code(&["group", "add", "$team", "bob", "alice"]), Some(0));
    assert_eq!(code(&["group", "add", "team", "alice", "nobody"]), Some(3));
    assert_eq!(code(&["group", "add", "nosuch", "alice"]), Some(3));
    let table = stdout(&site.run(&["group", "list"], ""));
    assert!(table.starts_with("GROUP") && table.contains("alice, bob"), "{table}");
    assert_eq!(site.json(&["group", "remove", "team", "bob"])["groups"][0]["members"][0], "alice");
    site.run(&["account", "delete", "alice", "--yes"], "");
    let groups = site.json(&["group", "list", "team"]);
    assert_eq!(groups["groups"][0]["members"].as_array().unwrap().len(), 0);
    assert_eq!(code(&["group", "delete", "team"]), Some(0));
    assert_eq!(code(&["group", "delete", "team"]), Some(3));
    assert_eq!(site.json(&["group", "list"])["groups"].as_array().unwrap().len(), 0);
    assert_eq!(site.json(&["check"])["clean"], true);
}

#[test]
fn the_configuration_can_be_looked_at() {
    let site = Site::new();
    let file = site.0.path().join("restante.toml");
    std::fs::write(&file, "[imap]\nlisten = [\"127.0.0.1:1\"]\n").unwrap();
    let file = file.to_str().unwrap();
    let text = stdout(&site.run(&["--config", file, "config", "show"], ""));
    assert!(text.contains("listen = [\"127.0.0.1:1\"]") && text.contains(&format!("# {file}:2")), "{text}");
    assert!(stdout(&site.run(&["--config", file, "config", "check"], "")).contains("is fine"));
    let default = stdout(&site.run(&["config", "default"], ""));
    assert_eq!(default.trim_end(), include_str!("../../conf/restante.toml").trim_end());
}

#[test]
fn usage_is_a_table_with_bars_of_the_largest_first() {
    let site = Site::new();
    site.add("alice@example.test");
    site.add("bob");
    site.run(&["deliver", "alice@example.test"], "Subject: x\n\ny\n");
    site.run(&["mailbox", "rename", "alice@example.test", "INBOX", "Old"], "");
    site.run(&["account", "set", "alice@example.test", "--limit-bytes", "1 MiB"], "");
    let text = stdout(&site.run(&["mailbox", "usage"], ""));
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    // Standard output is no terminal here.
    assert!(
        lines[1].starts_with("alice@example.test") && lines[1].contains("#...............   0 % of 1.0 MiB")
    );
    assert!(lines[2].starts_with("  Old") && lines[2].ends_with("################ 100 %"), "{text}");
    assert!(lines[3].starts_with("  Archive") && lines[3].ends_with("................   0 %"), "{text}");
    assert!(lines.iter().any(|line| line.starts_with("bob") && line.ends_with("no limit")), "{text}");
    let usage = site.json(&["mailbox", "usage", "alice@example.test"]);
    assert_eq!(usage["outcome"], "usage");
    assert_eq!(usage["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(usage["accounts"][0]["limits"]["bytes"], 1 << 20);
    assert_eq!(usage["accounts"][0]["mailboxes"][0]["name"], "Old");
    assert_eq!(usage["accounts"][0]["mailboxes"][0]["bytes"], usage["accounts"][0]["bytes"]);
    assert_eq!(site.run(&["mailbox", "usage", "nobody"], "").status.code(), Some(3));
    let text = stdout(&site.run(&["account", "list"], ""));
    assert!(text.contains("#...............   0 % of 1.0 MiB") && text.contains("no limit"), "{text}");
}

#[test]
fn completions_are_for_every_shell() {
    for (shell, mark) in [
        ("bash", "complete -F _restante"),
        ("zsh", "#compdef restante"),
        ("fish", "complete -c restante"),
        ("elvish", "edit:completion:arg-completer[restante]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let output = run(program().args(["completions", shell]), "");
        assert!(output.status.success() && stdout(&output).contains(mark), "{shell}");
    }
    assert_eq!(run(program().args(["completions", "tcsh"]), "").status.code(), Some(2));
}

#[test]
fn bash_completes_commands_options_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("restante");
    std::fs::write(&script, run(program().args(["completions", "bash"]), "").stdout).unwrap();
    let checked = run(std::process::Command::new("bash").arg("-n").arg(&script), "");
    assert!(checked.status.success(), "{}", stderr(&checked));
    // What bash does at a tab: the registered function gets the words and the one that the cursor is in.
    let complete = |words: &[&str]| {
        let ask = r#"source "$0"; complete -p restante >/dev/null || exit 9
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _restante restante "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"; printf '%s\n' "${COMPREPLY[@]}""#;
        let output = run(std::process::Command::new("bash").arg("-c").arg(ask).arg(&script).args(words), "");
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["restante", "mailb"]), ["mailbox"]);
    assert_eq!(complete(&["restante", "mailbox", "us"]), ["usage"]);
    assert!(complete(&["restante", "account", "set", "--limit-"]).contains(&"--limit-bytes".to_owned()));
    assert_eq!(complete(&["restante", "completions", "el"]), ["elvish"]);
}
