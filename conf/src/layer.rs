//! The layers of a configuration, as sources for the `config` crate that remember where each value came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::{DEFAULT_FILE, defaults};

const PREFIX: &str = "RESTANTE_";

/// One layer: settings by `section.key`, each with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    settings: BTreeMap<String, Value>,
    /// For a layer that is a file.
    file: Option<FileText>,
    /// Keys that stand where a section should.
    misplaced: Vec<String>,
}

#[derive(Debug, Clone)]
struct FileText {
    path: PathBuf,
    text: String,
}

impl Layer {
    pub(crate) fn defaults() -> Result<Layer, Problems> {
        Layer::toml(Path::new("built-in defaults"), defaults::uncommented(), "default")
    }

    pub(crate) fn file(path: &Path) -> Result<Layer, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| Problem {
            place: path.display().to_string(),
            key: String::new(),
            reason: format!("the configuration file cannot be read: {error}"),
            remedy: "Correct the path, or let the user that runs this read the file; without --config and \
                     RESTANTE_CONFIG no file is needed."
                .into(),
        })?;
        Layer::toml(path, text, &path.display().to_string())
    }

    fn toml(path: &Path, text: String, origin: &str) -> Result<Layer, Problems> {
        let tables = File::from_str(&text, FileFormat::Toml).collect().map_err(|error| Problem {
            place: path.display().to_string(),
            key: String::new(),
            reason: format!("this is no TOML: {}", cause(&error)),
            remedy: "Correct the line; `restante config default` prints an example of every setting.".into(),
        })?;
        let file = Some(FileText { path: path.to_owned(), text });
        let mut layer = Layer { settings: BTreeMap::new(), file, misplaced: vec![] };
        for (section, value) in tables {
            layer.add_section(&section, value, origin);
        }
        Ok(layer)
    }

    fn add_section(&mut self, section: &str, value: Value, origin: &str) {
        let ValueKind::Table(settings) = value.kind else {
            self.misplaced.push(section.to_owned());
            return;
        };
        for (key, value) in settings {
            let value = Value::new(Some(&origin.to_owned()), value.kind);
            self.settings.insert(format!("{section}.{key}"), value);
        }
    }

    /// `RESTANTE_SECTION__KEY`. Other variables, `RESTANTE_CONFIG` too, are no settings.
    pub(crate) fn environment(variables: &BTreeMap<String, String>) -> Layer {
        let setting = |(name, value): (&String, &String)| {
            let (section, key) = name.strip_prefix(PREFIX)?.split_once("__")?;
            let key = format!("{}.{}", section.to_lowercase(), key.to_lowercase());
            Some((key, Value::new(Some(&format!("environment variable {name}")), value.as_str())))
        };
        Layer { settings: variables.iter().filter_map(setting).collect(), file: None, misplaced: vec![] }
    }

    pub(crate) fn flags(overrides: &[(String, String)]) -> Layer {
        let setting = |(key, value): &(String, String)| {
            (key.clone(), Value::new(Some(&"command line".to_owned()), value.as_str()))
        };
        Layer { settings: overrides.iter().map(setting).collect(), file: None, misplaced: vec![] }
    }

    /// Tells of every key that the defaults do not have.
    pub(crate) fn refuse_unknown(&self, defaults: &Layer, problems: &mut Problems) {
        for section in &self.misplaced {
            let known = defaults.settings.keys().find(|key| key.ends_with(&format!(".{section}")));
            let remedy = match known {
                Some(key) => format!("Write it as {key}, below its section."),
                None => "Every setting stands below a section such as [server] or [imap].".into(),
            };
            let reason = "a value stands outside of any section".into();
            problems.push(Problem { place: self.place(section), key: section.clone(), reason, remedy });
        }
        for (key, value) in &self.settings {
            if !defaults.settings.contains_key(key) {
                let place = self.place_of(key, value);
                problems.push(unknown(place, key, defaults.settings.keys().map(String::as_str)));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(String::as_str)
    }

    /// The file's path, for a layer that is a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Where the setting stands in this layer, if it is here.
    pub(crate) fn place_of_key(&self, key: &str) -> Option<String> {
        self.settings.get(key).map(|value| self.place_of(key, value))
    }

    fn place_of(&self, key: &str, value: &Value) -> String {
        match &self.file {
            Some(_) => self.place(key),
            None => value.origin().unwrap_or("command line").to_owned(),
        }
    }

    /// `file:line` where the line can be found, else the file.
    fn place(&self, key: &str) -> String {
        let Some(file) = &self.file else { return String::new() };
        match line_of(&file.text, key) {
            Some(line) => format!("{}:{line}", file.path.display()),
            None => file.path.display().to_string(),
        }
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.settings.clone().into_iter().collect())
    }
}

fn unknown<'a>(place: String, key: &str, known: impl Iterator<Item = &'a str> + Clone) -> Problem {
    let name = key.rsplit('.').next().unwrap_or(key);
    let elsewhere = known.clone().find(|candidate| candidate.rsplit('.').next() == Some(name));
    let remedy = match nearest(key, known.clone()).or(elsewhere) {
        Some(candidate) => {
            format!("Did you mean {candidate}? `restante config default` lists every setting.")
        }
        None => "Remove it; `restante config default` lists every setting.".into(),
    };
    Problem { place, key: key.to_owned(), reason: "there is no such setting".into(), remedy }
}

/// The innermost message, without the crate's own prefix.
fn cause(error: &ConfigError) -> String {
    match error {
        ConfigError::FileParse { cause, .. } => cause.to_string().trim_end().to_owned(),
        other => other.to_string(),
    }
}

/// The line on which the setting `section.key` is written, counted from 1. Looks for the plain form, which is the one
/// that people write; a quoted or dotted key is found by nobody and told without a line.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut current = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            current = header.trim_start_matches('[').trim();
            if current == key {
                return Some(index + 1);
            }
        }
        if current == section && line.split('=').next().is_some_and(|left| left.trim() == name) {
            return Some(index + 1);
        }
    }
    None
}

/// The settings' order in the default file, for printing.
pub(crate) fn order() -> Vec<String> {
    let mut section = "";
    let mut keys = vec![];
    for line in DEFAULT_FILE.lines() {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = header;
        }
        if let Some(name) = defaults::setting(line).and_then(|setting| setting.split(' ').next()) {
            keys.push(format!("{section}.{name}"));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_lines() {
        let text = "# head\n[imap]\n\nlisten = []\n[pop3]\n  listen=[]\n[[tls.certificates]]\nkey = 'x'\n";
        assert_eq!(line_of(text, "imap.listen"), Some(4));
        assert_eq!(line_of(text, "pop3.listen"), Some(6));
        assert_eq!(line_of(text, "tls.certificates"), Some(7));
        assert_eq!(line_of(text, "lmtp.listen"), None);
    }

    #[test]
    fn the_order_has_every_default() {
        let mut order = order();
        order.sort();
        assert_eq!(order, Layer::defaults().unwrap().keys().collect::<Vec<_>>());
    }
}
