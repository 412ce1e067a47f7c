//! Plots as SVG: what was held over time, as steps, since between two points nothing changed.

use admin::PointView;
use common::time;

use super::format;

/// The drawing's size, and the frame within it.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 26.0;

/// A plot with axes.
pub(crate) struct Plot {
    pub title: &'static str,
    pub line: String,
    pub area: String,
    /// Where the last point is.
    pub x: String,
    pub y: String,
    pub rules: Vec<Rule>,
    pub first_day: String,
    pub last_day: String,
    /// In words, for who does not see it.
    pub about: String,
}

/// A value on the left axis.
pub(crate) struct Rule {
    pub y: String,
    pub text: String,
}

/// Over time; one point is a flat line to today.
pub(crate) fn plot(
    title: &'static str,
    points: &[PointView],
    value: fn(&PointView) -> u64,
    text: fn(&u64) -> String,
) -> Plot {
    let span = Span::of(points, value);
    let x = |day: f64| LEFT + (day - span.first) / (span.last - span.first) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| TOP + (1.0 - value / span.most) * (HEIGHT - TOP - BOTTOM);
    let line = steps(points, value, &x, &y);
    let last = points.last().map(value).unwrap_or_default();
    let first = points.first().map(value).unwrap_or_default();
    let (first_day, last_day) = (date(span.first), date(span.last));
    Plot {
        about: format!("{title}: from {} on {first_day} to {} on {last_day}", text(&first), text(&last)),
        title,
        area: format!("{line} V{:.1} H{LEFT:.1} Z", y(0.0)),
        x: format!("{:.1}", x(span.last)),
        y: format!("{:.1}", y(last as f64)),
        rules: [0.0, 0.5, 1.0]
            .map(|part| Rule {
                y: format!("{:.1}", y(span.most * part)),
                text: text(&((span.most * part) as u64)),
            })
            .into(),
        line,
        first_day,
        last_day,
    }
}

/// A line alone, 100 by 20, for a row of a table. Empty: there is nothing to compare.
pub(crate) fn spark(points: &[PointView]) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let value = |point: &PointView| point.bytes;
    let span = Span::of(points, value);
    let x = |day: f64| (day - span.first) / (span.last - span.first) * 100.0;
    let y = |value: f64| 19.0 - value / span.most * 18.0;
    steps(points, value, &x, &y)
}

struct Span {
    first: f64,
    last: f64,
    /// A little above the largest value.
    most: f64,
}

impl Span {
    fn of(points: &[PointView], value: fn(&PointView) -> u64) -> Span {
        let last = points.last().map_or(0, |point| point.day);
        // Never empty: a plot of one day shows the day before, too.
        let first = points.first().map_or(last, |point| point.day).min(last - 1);
        let most = points.iter().map(value).max().unwrap_or(0).max(1);
        Span { first: first as f64, last: last as f64, most: most as f64 * 1.05 }
    }
}

fn steps(
    points: &[PointView],
    value: fn(&PointView) -> u64,
    x: &dyn Fn(f64) -> f64,
    y: &dyn Fn(f64) -> f64,
) -> String {
    let mut path = String::new();
    let only = points.len() == 1;
    for (index, point) in points.iter().enumerate() {
        let (at, high) = (x(point.day as f64), y(value(point) as f64));
        path += &match index {
            0 => format!("M{:.1} {high:.1}", if only { x(point.day as f64 - 1.0) } else { at }),
            _ => format!(" H{at:.1} V{high:.1}"),
        };
        if only {
            path += &format!(" H{at:.1}");
        }
    }
    path
}

fn date(day: f64) -> String {
    format::date(day as i64 * time::SECONDS_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(days: &[(i64, u64)]) -> Vec<PointView> {
        days.iter().map(|(day, bytes)| PointView { day: *day, bytes: *bytes, messages: 1 }).collect()
    }

    #[test]
    fn nothing_changes_between_two_points() {
        let drawn = plot(
            "Size",
            &points(&[(20_000, 0), (20_005, 50), (20_010, 100)]),
            |point| point.bytes,
            format::size,
        );
        assert_eq!(drawn.line, "M64.0 154.0 H306.0 V86.4 H548.0 V18.8");
        assert_eq!(drawn.about, "Size: from 0 B on 2024-10-04 to 100 B on 2024-10-14");
    }

    #[test]
    fn one_day_and_none_can_be_drawn() {
        for days in [&[][..], &[(20_000, 0)], &[(20_000, 7)]] {
            let drawn = plot("Size", &points(days), |point| point.bytes, format::size);
            assert!(!drawn.line.contains("NaN") && !drawn.area.contains("inf"), "{}", drawn.line);
        }
        assert_eq!(spark(&points(&[(20_000, 7)])), "");
        assert!(spark(&points(&[(20_000, 7), (20_001, 8)])).starts_with("M0.0 "));
    }
}
