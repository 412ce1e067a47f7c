//! The accounts of a test's store, as authentication asks for them.

use common::auth::{Credentials, Directory, Protocol, Unavailable};
use store::{AccountName, Store};

/// The password of every account of a [`crate::Site`].
pub const PASSWORD: &str = "restante";

/// Nothing is written back: no test of a protocol is about that.
pub struct Accounts(pub Store);

impl Directory for Accounts {
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable> {
        let Ok(name) = AccountName::new(name) else { return Ok(None) };
        let record = self.0.directory().find(&name).map_err(|error| Unavailable(error.to_string()))?;
        Ok(record.map(|record| Credentials {
            account: record.name.to_string(),
            password: record.password,
            app_passwords: Vec::new(),
            imap: record.switches.imap,
            pop3: record.switches.pop3,
            smtp: record.switches.smtp,
            login: record.switches.login,
            administrator: record.administrator,
        }))
    }
    fn upgrade(&self, _: &str, _: &str, _: String) {}
    fn logged_in(&self, _: &str, _: Protocol, _: Option<&str>) {}
}
