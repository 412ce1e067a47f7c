//! Bars in tables: how full something is, in a few columns of text.

use std::io::IsTerminal;

/// Columns of a bar.
pub const WIDTH: u64 = 16;

/// What bars are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Block elements, an eighth of a column exactly.
    Blocks,
    /// For pipes, and for terminals that may show nothing else.
    Ascii,
}

impl Style {
    /// What standard output shows well.
    pub fn of_output() -> Style {
        Style::choose(std::io::stdout().is_terminal(), |name| std::env::var(name).ok())
    }

    fn choose(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Style {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // POSIX: the first of them that is set decides.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        let plain = set("NO_COLOR").is_some() || set("TERM").is_none_or(|term| term == "dumb");
        if terminal && unicode && !plain { Style::Blocks } else { Style::Ascii }
    }

    /// `part` of `whole` as a bar of [`WIDTH`] columns. Anything above nothing shows, and only what is full looks full.
    pub fn bar(self, part: u64, whole: u64) -> String {
        match self {
            Style::Blocks => blocks(filled(part, whole, WIDTH * 8)),
            Style::Ascii => {
                let full = filled(part, whole, WIDTH);
                format!("{}{}", repeat('#', full), repeat('.', WIDTH - full))
            }
        }
    }
}

/// The bar and its number, such as `########........  50 %`.
pub fn share(style: Style, part: u64, whole: u64) -> String {
    format!("{} {:>3} %", style.bar(part, whole), percent(part, whole))
}

/// Rounded down; above 100 where a limit was set below what is there already.
fn percent(part: u64, whole: u64) -> u128 {
    (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0)
}

/// How many of `steps` are filled.
fn filled(part: u64, whole: u64, steps: u64) -> u64 {
    if part == 0 || whole == 0 {
        return 0;
    }
    if part >= whole {
        return steps;
    }
    let exact = u128::from(part) * u128::from(steps) / u128::from(whole);
    u64::try_from(exact).unwrap_or(steps).clamp(1, steps - 1)
}

fn blocks(eighths: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let part = usize::try_from(eighths % 8).ok().and_then(|part| PARTS.get(part)).copied().unwrap_or("");
    let used = eighths.div_ceil(8);
    format!("{}{part}{}", repeat('█', eighths / 8), repeat('░', WIDTH.saturating_sub(used)))
}

fn repeat(what: char, count: u64) -> String {
    (0..count).map(|_| what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(terminal: bool, variables: &[(&str, &str)]) -> Style {
        Style::choose(terminal, |name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn blocks_are_for_terminals_that_show_them() {
        let good = [("LANG", "de_DE.UTF-8"), ("TERM", "xterm")];
        assert_eq!(style(true, &good), Style::Blocks);
        assert_eq!(style(false, &good), Style::Ascii);
        assert_eq!(style(true, &[("LC_ALL", "C"), ("LANG", "C.UTF-8"), ("TERM", "xterm")]), Style::Ascii);
        assert_eq!(style(true, &[("LC_ALL", ""), ("LANG", "C.utf8"), ("TERM", "xterm")]), Style::Blocks);
        assert_eq!(style(true, &[("LANG", "C.UTF-8"), ("TERM", "dumb")]), Style::Ascii);
        assert_eq!(style(true, &[("LANG", "C.UTF-8"), ("TERM", "xterm"), ("NO_COLOR", "1")]), Style::Ascii);
        assert_eq!(style(true, &[("TERM", "xterm")]), Style::Ascii);
    }

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        let bar = |part, whole| Style::Ascii.bar(part, whole);
        assert_eq!(bar(0, 100), "................");
        assert_eq!(bar(1, 1_000_000), "#...............");
        assert_eq!(bar(50, 100), "########........");
        assert_eq!(bar(999_999, 1_000_000), "###############.");
        assert_eq!(bar(100, 100), "################");
        assert_eq!(bar(u64::MAX, 100), "################");
        assert_eq!(bar(5, 0), "................");
        assert_eq!(Style::Blocks.bar(50, 100), "████████░░░░░░░░");
        assert_eq!(Style::Blocks.bar(1, 1_000_000), "▏░░░░░░░░░░░░░░░");
        for part in 0..=200 {
            assert_eq!(Style::Blocks.bar(part, 200).chars().count() as u64, WIDTH);
            assert_eq!(bar(part, 200).len() as u64, WIDTH);
        }
    }

    #[test]
    fn shares_have_their_number() {
        assert_eq!(share(Style::Ascii, 3, 4), "############....  75 %");
        assert_eq!(share(Style::Ascii, 3, 2), "################ 150 %");
        assert_eq!(share(Style::Ascii, u64::MAX, u64::MAX), "################ 100 %");
    }
}
