//! Takes settings out of the merged layers as typed values, and notes what is wrong and what is in force.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use config::{Config as Merged, Value, ValueKind};

use crate::byte_size::ByteSize;
use crate::duration;
use crate::layer::{self, Layer};
use crate::problem::{Problem, Problems};
use crate::profile::Surroundings;

/// A setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// `section.key`
    pub key: String,
    /// As it would be written in the file, "auto" replaced by what it came to.
    pub value: String,
    /// `default`, a file with a line, an environment variable, the command line.
    pub origin: String,
}

pub(crate) struct Reader {
    settings: BTreeMap<String, Value>,
    layers: Vec<Layer>,
    in_force: BTreeMap<String, String>,
    problems: Problems,
}

impl Reader {
    pub(crate) fn new(defaults: Layer, layers: Vec<Layer>) -> Result<Reader, Problems> {
        let mut builder = Merged::builder().add_source(defaults.clone());
        for layer in &layers {
            builder = builder.add_source(layer.clone());
        }
        let tables = builder.build().and_then(|merged| config::Source::collect(&merged));
        let tables = tables.map_err(|error| Problem {
            place: "configuration".into(),
            key: String::new(),
            reason: error.to_string(),
            remedy: "Correct the setting that it names.".into(),
        })?;
        let mut settings = BTreeMap::new();
        for (section, value) in tables {
            for (key, value) in value.into_table().unwrap_or_default() {
                settings.insert(format!("{section}.{key}"), value);
            }
        }
        Ok(Reader { settings, layers, in_force: BTreeMap::new(), problems: Problems::default() })
    }

    /// Reads a setting; `parse` says what is wrong with it in words. What cannot be read is noted as a problem and is
    /// the type's default for the rest of the reading.
    pub(crate) fn read<T: Default>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&Value) -> Result<T, String>,
    ) -> T {
        let Some(value) = self.settings.get(key) else {
            self.problem(key, "the setting has no default: this is a fault of the program".into());
            return T::default();
        };
        let shown = print(value);
        match parse(value) {
            Ok(parsed) => {
                self.in_force.insert(key.to_owned(), shown);
                parsed
            }
            Err(reason) => {
                self.problem(key, reason);
                T::default()
            }
        }
    }

    /// Says what "auto" or the like came to.
    pub(crate) fn resolved(&mut self, key: &str, value: impl Into<String>) {
        self.in_force.insert(key.to_owned(), value.into());
    }

    pub(crate) fn problem(&mut self, key: &str, reason: String) {
        let (section, name) = key.split_once('.').unwrap_or(("", key));
        let remedy = format!("`restante config default` explains \"{name}\" in section [{section}].");
        self.problem_with_remedy(key, reason, remedy);
    }

    pub(crate) fn problem_with_remedy(&mut self, key: &str, reason: String, remedy: String) {
        let place = self.place(key);
        self.problems.push(Problem { place, key: key.to_owned(), reason, remedy });
    }

    pub(crate) fn text(&mut self, key: &str) -> String {
        self.read(key, text)
    }

    /// Empty is none.
    pub(crate) fn optional(&mut self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    pub(crate) fn optional_path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key).map(PathBuf::from)
    }

    pub(crate) fn boolean(&mut self, key: &str) -> bool {
        self.read(key, |value| match &value.kind {
            ValueKind::Boolean(value) => Ok(*value),
            ValueKind::String(text) if text == "true" => Ok(true),
            ValueKind::String(text) if text == "false" => Ok(false),
            _ => Err(format!("{} is neither true nor false", print(value))),
        })
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(&mut self, key: &str, least: u64, most: u64) -> u64 {
        self.read(key, |value| {
            let number = text(value)?.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| format!("{} is no whole number from {least} to {most}", print(value)))
        })
    }

    pub(crate) fn size(&mut self, key: &str) -> u64 {
        self.read(key, |value| text(value)?.parse::<ByteSize>()).0
    }

    /// A time of at least `least` seconds.
    pub(crate) fn duration(&mut self, key: &str, least: u64) -> Duration {
        self.read(key, |value| {
            let duration = duration::parse(&text(value)?)?;
            if duration.as_secs() < least {
                return Err(format!("{} is too short; at least {least} s are needed", print(value)));
            }
            Ok(duration)
        })
    }

    pub(crate) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        self.read(key, |value| texts(value)?.iter().map(|text| parse(text)).collect())
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy + Default>(&mut self, key: &str, words: &[(&str, T)]) -> T {
        self.read(key, |value| {
            let asked = text(value)?;
            let found = words.iter().find(|(word, _)| *word == asked).map(|(_, meaning)| *meaning);
            let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            found.ok_or_else(|| format!("{asked:?} is not one of {}", known.join(", ")))
        })
    }

    /// Whether the file or anything above it sets this.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.layers.iter().any(|layer| layer.place_of_key(key).is_some())
    }

    /// Whether the system's own file sets this, and nothing above it.
    pub(crate) fn is_set_by_system_file(&self, key: &str, surroundings: &Surroundings) -> bool {
        let setters: Vec<&Layer> =
            self.layers.iter().filter(|layer| layer.place_of_key(key).is_some()).collect();
        matches!(setters.as_slice(), [layer] if surroundings.is_system_file(layer.path()))
    }

    /// Everything in force, in the default file's order, or what is wrong.
    pub(crate) fn finish(mut self) -> Result<Vec<InForce>, Problems> {
        for key in layer::order() {
            if self.problems.0.is_empty() && !self.in_force.contains_key(&key) {
                self.problem(&key, "nothing reads the setting: this is a fault of the program".into());
            }
        }
        self.problems.or(())?;
        let setting = |key: String| {
            let origin = self.place(&key);
            let value = self.in_force.get(&key).cloned().unwrap_or_default();
            InForce { key, value, origin }
        };
        Ok(layer::order().into_iter().map(setting).collect())
    }

    /// Where the value in force comes from.
    fn place(&self, key: &str) -> String {
        let above = self.layers.iter().rev().find_map(|layer| layer.place_of_key(key));
        above.unwrap_or_else(|| "default".into())
    }
}

/// Text, and numbers and switches as text: the environment knows nothing else.
pub(crate) fn text(value: &Value) -> Result<String, String> {
    match &value.kind {
        ValueKind::Array(_) | ValueKind::Table(_) | ValueKind::Nil => {
            Err(format!("{} stands where one value is expected", print(value)))
        }
        _ => Ok(value.to_string()),
    }
}

/// A list, or text with commas.
pub(crate) fn texts(value: &Value) -> Result<Vec<String>, String> {
    match &value.kind {
        ValueKind::Array(values) => values.iter().map(text).collect(),
        _ => Ok(text(value)?
            .split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()),
    }
}

/// As it would stand in the file.
pub(crate) fn print(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(values) => format!("[{}]", values.iter().map(print).collect::<Vec<_>>().join(", ")),
        ValueKind::Table(table) => {
            let mut pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{key} = {}", print(value))).collect();
            pairs.sort();
            format!("{{ {} }}", pairs.join(", "))
        }
        _ => value.to_string(),
    }
}
