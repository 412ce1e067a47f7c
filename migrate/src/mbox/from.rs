//! The line that begins a message: `From sender Thu Feb 13 10:00:00 2020`, with variations.

/// The date of the line in seconds since 1970; `None`: it begins no message.
pub fn date(line: &[u8]) -> Option<i64> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix("From ")?;
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    // The sender may have spaces in it; the date begins with a day of the week and a month.
    (0..words.len()).find_map(|at| asctime(words.get(at..)?))
}

/// `Thu Feb 13 10:00[:00] [zone] 2020 [zone]`
fn asctime(words: &[&str]) -> Option<i64> {
    let [weekday, month, day, clock, rest @ ..] = words else { return None };
    if !["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&weekday.trim_end_matches(',')) {
        return None;
    }
    let month = common::time::month(month.as_bytes())?;
    let day: i64 = day.parse().ok()?;
    let (at, year) = rest.iter().take(3).enumerate().find_map(|(at, word)| Some((at, year(word)?)))?;
    let zone = rest.iter().enumerate().filter(|(index, _)| *index != at).find_map(|(_, word)| zone(word));
    let days = common::time::days(year, month, day)?;
    Some(days * 86_400 + seconds(clock)? - zone.unwrap_or(0))
}

fn year(word: &str) -> Option<i64> {
    let year: i64 = (word.len() == 4).then(|| word.parse().ok())??;
    (1970..10_000).contains(&year).then_some(year)
}

fn seconds(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok().filter(|_| part.len() <= 2));
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    ((0..24).contains(&hours) && (0..60).contains(&minutes) && (0..61).contains(&seconds))
        .then_some(hours * 3600 + minutes * 60 + seconds)
}

/// `+0100`; names of zones say nothing certain.
fn zone(word: &str) -> Option<i64> {
    let sign = if word.starts_with('-') { -1 } else { 1 };
    let digits = word.strip_prefix(['+', '-']).filter(|digits| digits.len() == 4)?;
    let number: i64 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}
