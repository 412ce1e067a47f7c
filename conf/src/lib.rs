//! Configuration: the defaults, a TOML file, the environment and flags become one typed, validated [`Config`].
//!
//! Rules that hold everywhere:
//! - The commented default file `restante.toml` is the one list of settings: its text, uncommented, is the lowest layer,
//!   and a key that is not in it is unknown. So the file that people read and the defaults cannot differ.
//! - Parse, don't validate: what is in a [`Config`] is usable, and every mistake is told at once, each with the place it
//!   came from, the key, the reason and the remedy.
//! - Nothing here starts anything or makes a file.

mod byte_size;
mod defaults;
mod duration;
mod layer;
mod listen;
mod nearest;
mod page;
mod problem;
mod profile;
mod reader;
mod section;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use byte_size::ByteSize;
pub use defaults::DEFAULT_FILE;
pub use duration::parse as parse_duration;
pub use listen::Listen;
pub use page::settings_page;
pub use problem::{Problem, Problems};
pub use profile::{Profile, SYSTEM_FILE, Surroundings};
pub use reader::InForce;
pub use section::{
    Acme, Admin, Auth, CertificatePair, Http, Imap, Implementation, Language, Limits, Literal, Lmtp, Log,
    LogFormat, MissingMailbox, Mta, NewMailbox, Oauth, OverQuota, Pop3, Search, Server, Sharing, SpecialUse,
    Store, Tls,
};

use layer::Layer;
use reader::Reader;

/// Everything that can be set, ready to use.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub server: Server,
    pub imap: Imap,
    pub pop3: Pop3,
    pub lmtp: Lmtp,
    pub http: Http,
    pub mta: Mta,
    pub tls: Tls,
    pub auth: Auth,
    pub limits: Limits,
    pub store: Store,
    pub search: Search,
    pub sharing: Sharing,
    pub log: Log,
    pub admin: Admin,
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `--config`. Without it the usual places are looked at, and none need exist.
    pub file: Option<PathBuf>,
    /// `--set section.key=value`, in the order given.
    pub overrides: Vec<(String, String)>,
    pub surroundings: Surroundings,
}

/// A [`Config`] and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    pub profile: Profile,
    /// Every setting as it holds, in the order of the default file.
    pub in_force: Vec<InForce>,
}

impl Request {
    /// Reads all layers and makes the typed configuration of them.
    pub fn load(&self) -> Result<Loaded, Problems> {
        let file = self.surroundings.find_file(self.file.as_deref());
        let profile = self.surroundings.profile(file.as_deref());
        let defaults = Layer::defaults()?;
        let mut layers = vec![];
        let mut problems = Problems::default();
        let file_layer = file.as_deref().map(Layer::file).transpose()?;
        layers.extend(file_layer);
        layers.push(Layer::environment(&self.surroundings.variables));
        layers.push(Layer::flags(&self.overrides));
        for layer in &layers {
            layer.refuse_unknown(&defaults, &mut problems);
        }
        problems.or(())?;
        let mut reader = Reader::new(defaults, layers)?;
        let config = section::read(&mut reader, &self.surroundings, profile);
        let in_force = reader.finish()?;
        Ok(Loaded { config, file, profile, in_force })
    }
}
