//! `restante config`

use anyhow::Result;
use clap::Subcommand;
use conf::{Loaded, Profile};

use crate::cli::Global;
use crate::exit::Exit;
use crate::{access, output, service};

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Read the configuration and the certificates, and start nothing
    Check,
    /// Print every setting as it holds, and where it comes from
    Show,
    /// Print the commented default file
    Default,
    /// Print the page of the administrator's guide that explains every setting
    Docs,
}

impl Config {
    pub fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Config::Default => output::line(conf::DEFAULT_FILE)?,
            Config::Docs => output::line(conf::settings_page().trim_end())?,
            Config::Check => check(global)?,
            Config::Show => show(&access::load(global)?, global.json)?,
        }
        Ok(Exit::Done)
    }
}

fn check(global: &Global) -> Result<()> {
    let loaded = access::load(global)?;
    service::check(&loaded.config)?;
    let from = match &loaded.file {
        Some(file) => format!("{} is fine.", file.display()),
        None => "There is no file; the defaults are fine.".into(),
    };
    if global.json {
        return output::line(&serde_json::json!({ "outcome": "done", "message": from }).to_string());
    }
    output::line(&from)
}

fn show(loaded: &Loaded, json: bool) -> Result<()> {
    if json {
        let settings: Vec<serde_json::Value> = loaded
            .in_force
            .iter()
            .map(|setting| serde_json::json!({ "key": setting.key, "value": setting.value, "origin": setting.origin }))
            .collect();
        return output::line(&serde_json::json!({ "settings": settings }).to_string());
    }
    let mut text = String::new();
    text += match loaded.profile {
        Profile::System => "# runs as a system service\n",
        Profile::User => "# runs as a user's own server\n",
    };
    let mut section = "";
    for setting in &loaded.in_force {
        let (own, name) = setting.key.split_once('.').unwrap_or(("", &setting.key));
        if own != section {
            text += &format!("\n[{own}]\n");
            section = own;
        }
        text += &format!("{:<60} # {}\n", format!("{name} = {}", setting.value), setting.origin);
    }
    output::line(&text)
}
