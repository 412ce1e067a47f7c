//! The account at the authority: made once, its key kept in `account.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use common::tls;
use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};
use serde_json::{Value, json};

use crate::Options;
use crate::failure::Failure;

/// The account of this directory, made where there is none yet.
pub(crate) async fn open(options: &Options) -> Result<Account, Failure> {
    let file = options.folder.join("account.json");
    if let Some(credentials) = common::block(|| read(&file, &options.directory))? {
        let opened = builder(options)?.from_credentials(credentials).await;
        return opened.map_err(|error| Failure::of("the authority's directory cannot be read", &error));
    }
    let contact = Some(options.contact.as_str()).filter(|contact| !contact.is_empty());
    let new = NewAccount {
        contact: contact.as_slice(),
        // The configuration is refused without it.
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let made = builder(options)?.create(&new, options.directory.clone(), None).await;
    let (account, credentials) =
        made.map_err(|error| Failure::of("no account could be made at the authority", &error))?;
    let text = json!({ "directory": options.directory, "credentials": credentials }).to_string();
    common::block(|| tls::put_private(&file, text.as_bytes()))?;
    tracing::info!(file = %file.display(), directory = options.directory, "made an account at the authority");
    Ok(account)
}

fn builder(options: &Options) -> Result<AccountBuilder, Failure> {
    match &options.root {
        None => Account::builder()
            .map_err(|error| Failure::of("this host's root certificates cannot be used", &error)),
        Some(root) => Account::builder_with_root(root)
            .map_err(|error| Failure::new(format!("{}: {error}", root.display()), "correct tls.acme_ca")),
    }
}

/// `None`: no account yet, or one of another authority.
fn read(file: &Path, directory: &str) -> Result<Option<AccountCredentials>, Failure> {
    const REMEDY: &str = "put it back, or delete it to make another account";
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(format!("{}: {error}", file.display()), REMEDY)),
    };
    let damaged = |error| Failure::new(format!("{}: damaged: {error}", file.display()), REMEDY);
    let mut stored: Value = serde_json::from_slice(&text).map_err(damaged)?;
    if stored["directory"] != directory {
        return Ok(None);
    }
    serde_json::from_value(stored["credentials"].take()).map(Some).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_of_one_directory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("account.json");
        assert!(read(&file, "https://a.test/").unwrap().is_none());
        let key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQ";
        let stored = json!({ "directory": "https://a.test/",
            "credentials": { "id": "https://a.test/1", "key_pkcs8": key, "directory": "https://a.test/" } });
        fs::write(&file, stored.to_string()).unwrap();
        assert!(read(&file, "https://b.test/").unwrap().is_none());
        assert!(read(&file, "https://a.test/").unwrap().is_some());
        for text in ["", "[", "{\"directory\": \"https://a.test/\"}"] {
            fs::write(&file, text).unwrap();
            let Err(failure) = read(&file, "https://a.test/") else { panic!("{text}") };
            assert!(failure.to_string().contains("delete it to make another account"), "{failure}");
        }
    }
}
