//! The default file as a page of the administrator's guide: every section, every setting with its default and its
//! comment.

use crate::defaults::{DEFAULT_FILE, setting};

/// Markdown.
pub fn settings_page() -> String {
    let mut page = Page::default();
    for line in DEFAULT_FILE.lines() {
        page.line(line);
    }
    page.flush();
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    /// The comment that has not found its place yet.
    comment: Vec<String>,
    /// Settings that share it.
    settings: Vec<&'static str>,
}

impl Page {
    fn line(&mut self, line: &'static str) {
        if let Some(setting) = setting(line) {
            self.settings.push(setting);
            return;
        }
        if !self.settings.is_empty() || line.is_empty() {
            self.flush();
        }
        if let Some(section) = line.strip_prefix('[') {
            let comment = std::mem::take(&mut self.comment);
            self.text += &format!("## [{section}\n\n");
            self.comment = comment;
            self.flush();
        } else if let Some(comment) = line.strip_prefix('#') {
            self.comment.push(prose(comment));
        }
    }

    /// Writes what has come together.
    fn flush(&mut self) {
        let settings = std::mem::take(&mut self.settings);
        let comment = std::mem::take(&mut self.comment);
        if !settings.is_empty() {
            let names = settings.iter().filter_map(|setting| setting.split(' ').next());
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            self.text += &format!("### {}\n\n```toml\n{}\n```\n\n", names.join(", "), settings.join("\n"));
        }
        if comment.is_empty() {
            return;
        }
        let title = self.text.is_empty();
        let comment = comment.join("\n");
        let comment = comment.trim_matches('\n');
        self.text +=
            &if title { format!("# Every setting\n\n{comment}\n\n") } else { format!("{comment}\n\n") };
    }
}

/// A line of a comment: an example where it is indented, otherwise text in which Markdown has nothing to interpret.
fn prose(comment: &str) -> String {
    let text = comment.strip_prefix(' ').unwrap_or(comment);
    if text.starts_with("  ") {
        return format!("    {}", text.trim_start());
    }
    let mut escaped = String::with_capacity(text.len());
    let mut code = false;
    for c in text.chars() {
        code ^= c == '`';
        if matches!(c, '*' | '<' | '[' | ']') && !code {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_and_setting_is_on_the_page() {
        let page = settings_page();
        assert!(page.starts_with("# Every setting\n\nRestante: every setting"), "{page:.80}");
        for line in DEFAULT_FILE.lines() {
            if let Some(setting) = setting(line) {
                assert!(page.contains(&format!("\n{setting}\n")), "{setting}");
                let name = format!("`{}`", setting.split(' ').next().unwrap());
                assert!(page.lines().any(|line| line.starts_with("###") && line.contains(&name)), "{name}");
            }
            if line.starts_with('[') {
                assert!(page.contains(&format!("\n## {line}\n")), "{line}");
            }
        }
        assert!(page.contains("for example\nimap.tls_listen = \\[\"\\*:993\", \"\\*:443\"\\]"), "{page}");
    }
}
