//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    account, alias, app_password, check, completions, config, deliver, group, import, import_mail, index,
    mailbox, man, monitor, retained, sessions,
};
use crate::{commands, exit};

/// Mail access by IMAP4 and POP3 from one message store, with delivery by LMTP.
#[derive(Debug, Parser)]
#[command(name = "restante", version, about, after_help = exit::HELP, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration file [default: the user's own, then /etc/restante/restante.toml; none need exist]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory, as --set server.data=DIR
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A setting that goes before file and environment, such as imap.listen=127.0.0.1:143
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Answer with JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("there is no \"=\"; write section.key=value")?;
    Ok((pair.0.trim().to_owned(), pair.1.to_owned()))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(commands::serve::Serve),
    /// Try it out: a server with sample mail on loopback ports, gone when it stops
    Demo(crate::demo::Demo),
    /// Verify the store, and repair what can be repaired
    Check(check::Check),
    /// Give the room of deleted mail back to the disk at once; the server does it by itself, in time
    Compact,
    /// The search index
    #[command(subcommand)]
    Index(index::Index),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Deliver a message from standard input, for MTAs without LMTP
    Deliver(deliver::Deliver),
    /// Bring an account's mail from another server, with all that clients have noted of it
    #[command(subcommand)]
    Import(import_mail::Import),
    /// Make, show and change accounts
    #[command(subcommand)]
    Account(Account),
    /// Make, show and change mailboxes
    #[command(subcommand)]
    Mailbox(mailbox::Mailbox),
    /// Make, show and remove aliases: addresses whose mail goes to accounts
    #[command(subcommand)]
    Alias(alias::Alias),
    /// Make, show and change groups of accounts, for access control lists
    #[command(subcommand)]
    Group(group::Group),
    /// Show and restore expunged messages
    #[command(subcommand)]
    Retained(retained::Retained),
    /// The state of the server and of the store
    Status,
    /// Watch the server at work: sessions, commands, deliveries, disk
    Monitor(monitor::Monitor),
    /// Who is connected
    Sessions,
    /// End a session, or all of an account
    Kick(sessions::Kick),
    /// Let an address or an account log in again after too many failures
    Unlock(sessions::Unlock),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Write the manual pages of all commands
    Man(man::Man),
}

#[derive(Debug, Subcommand)]
pub enum Account {
    #[command(flatten)]
    Own(account::Account),
    /// Make accounts from the lines of a passwd-file: user:{SCHEME}hash
    Import(import::Import),
    /// Passwords for single programs
    #[command(subcommand)]
    AppPassword(app_password::AppPassword),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_have_a_key_and_a_value() {
        let cli = Cli::try_parse_from(["restante", "serve", "--set", "imap.banner=a=b"]).unwrap();
        assert_eq!(cli.global.set, [("imap.banner".to_owned(), "a=b".to_owned())]);
        assert!(Cli::try_parse_from(["restante", "serve", "--set", "imap.banner"]).is_err());
    }

    #[test]
    fn passwords_are_no_arguments() {
        for line in [["account", "add", "alice", "secret"], ["account", "password", "alice", "secret"]] {
            assert!(Cli::try_parse_from(["restante"].iter().chain(&line)).is_err());
        }
    }
}
