//! The default file, which is also the built-in defaults.

/// The commented default file, as it is installed.
pub const DEFAULT_FILE: &str = include_str!("../restante.toml");

/// The default file with its settings uncommented: `#name = ` becomes `name = `, `# text` stays a comment.
pub(crate) fn uncommented() -> String {
    DEFAULT_FILE.lines().map(|line| setting(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The setting in a line of the default file, without its `#`.
pub(crate) fn setting(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Surroundings};

    #[test]
    fn every_setting_stands_commented() {
        for (number, line) in DEFAULT_FILE.lines().enumerate() {
            let fine = line.is_empty() || line.starts_with('#') || line.starts_with('[');
            assert!(fine, "line {}: {line:?} is neither comment nor section", number + 1);
            assert!(line.len() <= 120, "line {} is too long", number + 1);
        }
    }

    #[test]
    fn every_setting_has_a_comment_above() {
        let lines: Vec<&str> = DEFAULT_FILE.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if setting(line).is_some() {
                let above = lines[index - 1];
                assert!(above.starts_with('#'), "line {}: {line:?} has no comment above it", index + 1);
            }
        }
    }

    #[test]
    fn the_file_is_equal_to_the_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("restante.toml");
        let surroundings = Surroundings::of_user("/home/nobody");
        let without = Request { surroundings: surroundings.clone(), ..Request::default() }.load().unwrap();
        for text in [DEFAULT_FILE.to_owned(), uncommented()] {
            std::fs::write(&file, text).unwrap();
            let request = Request {
                file: Some(file.clone()),
                surroundings: surroundings.clone(),
                ..Request::default()
            };
            assert_eq!(request.load().unwrap().config, without.config);
        }
    }

    #[test]
    fn the_file_mentions_every_key_that_is_read() {
        // The reader refuses a key without a default, and `finish` a default that nobody read.
        let request = Request { surroundings: Surroundings::of_user("/home/nobody"), ..Request::default() };
        let keys: Vec<String> =
            request.load().unwrap().in_force.into_iter().map(|setting| setting.key).collect();
        let listed = DEFAULT_FILE.lines().filter(|line| setting(line).is_some()).count();
        assert_eq!(keys.len(), listed, "{keys:?}");
    }
}
