//! The screen. What does not fit is left out, the least important first.

use admin::EventView;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::symbols::{bar, border};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Row, Sparkline, Table, TableState};

use super::model::{Model, Pane, slowest};
use crate::bars;
use crate::output::monitor::{disk, protocols, up};
use crate::time;

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Below this height there are no curves.
const CURVES: u16 = 16;

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_BARS: bar::Set<'static> = bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "*",
    five_eighths: "*",
    half: "+",
    three_eighths: "-",
    one_quarter: ".",
    one_eighth: ".",
    empty: " ",
};

pub fn draw(frame: &mut Frame<'_>, model: &mut Model) {
    let curves = if frame.area().height < CURVES { 0 } else { 5 };
    let rows = [
        Constraint::Length(1),
        Constraint::Length(curves),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [head, rates, sessions, below, foot] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Line::styled(title(model), BOLD), head);
    if curves > 0 {
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(rates);
        let delivered = model.sample.as_ref().map_or(0, |sample| sample.activity.delivered);
        curve(frame, left, model, "Commands/s", &model.commands);
        curve(frame, right, model, &format!("{delivered} delivered, now/s"), &model.deliveries);
    }
    draw_sessions(frame, sessions, model);
    let columns = [Constraint::Length(42), Constraint::Fill(1)];
    let [left, right] = Layout::horizontal(columns).areas(below);
    draw_slowest(frame, left, model);
    draw_log(frame, right, model);
    frame.render_widget(Line::raw(footer(model)), foot);
    ask(frame, model);
}

fn title(model: &Model) -> String {
    if let Some(lost) = &model.lost {
        // The remedy is on a second line, and the server may come back.
        return lost.lines().next().unwrap_or_default().to_owned();
    }
    let Some(sample) = &model.sample else { return "restante".into() };
    let activity = &sample.activity;
    format!(
        "{} up {} | {} | queue {}{}",
        activity.hostname,
        up(activity),
        disk(sample),
        activity.write_queue,
        if model.paused { " | PAUSED" } else { "" }
    )
}

fn footer(model: &Model) -> String {
    if model.said.is_empty() {
        "q quit  tab pane  up/down select  k kick  p pause".into()
    } else {
        model.said.clone()
    }
}

fn block(model: &Model, title: String, pane: Option<Pane>) -> Block<'static> {
    let border = match model.style {
        bars::Style::Blocks => border::PLAIN,
        bars::Style::Ascii => ASCII_BORDER,
    };
    let style = if pane == Some(model.pane) { REVERSED } else { BOLD };
    Block::bordered().border_set(border).title(Line::styled(format!(" {title} "), style))
}

fn curve(
    frame: &mut Frame<'_>,
    area: Rect,
    model: &Model,
    name: &str,
    values: &std::collections::VecDeque<u64>,
) {
    let now = values.back().copied().unwrap_or_default();
    let columns = usize::from(area.width.saturating_sub(2));
    let shown: Vec<u64> = values.iter().skip(values.len().saturating_sub(columns)).copied().collect();
    let bars = match model.style {
        bars::Style::Blocks => bar::NINE_LEVELS,
        bars::Style::Ascii => ASCII_BARS,
    };
    let block = block(model, format!("{name}: {now}"), None);
    frame.render_widget(Sparkline::default().block(block).data(shown).bar_set(bars), area);
}

fn draw_sessions(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let count = model.sample.as_ref().map(|sample| protocols(&sample.activity)).unwrap_or_default();
    let rows = model.sessions().iter().map(|session| {
        Row::new([
            session.id.to_string(),
            session.protocol.clone(),
            session.account.clone().unwrap_or_default(),
            session.activity.clone(),
            session.mailbox.clone().unwrap_or_default(),
            session.peer.clone(),
        ])
    });
    let widths = [
        Constraint::Length(6),
        Constraint::Length(9),
        Constraint::Fill(3),
        Constraint::Length(12),
        Constraint::Fill(2),
        Constraint::Fill(2),
    ];
    let head = Row::new(["ID", "PROTOCOL", "ACCOUNT", "DOES", "MAILBOX", "PEER"]).style(BOLD);
    let table = Table::new(rows, widths)
        .header(head)
        .block(block(model, format!("Sessions: {count}"), Some(Pane::Sessions)))
        .row_highlight_style(REVERSED);
    let selected = (!model.sessions().is_empty()).then(|| model.selected());
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(selected));
}

fn draw_slowest(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let commands = model.sample.as_ref().map(|sample| slowest(&sample.activity)).unwrap_or_default();
    let rows = commands.into_iter().skip(model.command_line).map(|(command, mean)| {
        let longest = model.longest.get(&(command.protocol.clone(), command.name.clone()));
        let longest = longest.map(u64::to_string).unwrap_or_default();
        let name = format!("{} {}", command.protocol, command.name);
        Row::new([name, command.count.to_string(), format!("{mean:.1}"), longest])
    });
    let widths = [Constraint::Fill(1), Constraint::Length(8), Constraint::Length(8), Constraint::Length(7)];
    let head = Row::new(["COMMAND", "COUNT", "MEAN MS", "LONGEST"]).style(BOLD);
    let table = Table::new(rows, widths).header(head).block(block(
        model,
        "Slowest commands".into(),
        Some(Pane::Slowest),
    ));
    frame.render_widget(table, area);
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let lines = usize::from(area.height.saturating_sub(2));
    let end = model.log.len().saturating_sub(model.log_line);
    let shown = model.log.iter().take(end).skip(end.saturating_sub(lines));
    let lines: Vec<Line<'_>> = shown.map(|event| Line::raw(log_line(event))).collect();
    let title = if model.log_line > 0 { format!("Log, {} newer", model.log_line) } else { "Log".into() };
    frame.render_widget(Paragraph::new(lines).block(block(model, title, Some(Pane::Log))), area);
}

/// `20:06:05Z imap 5 alice STATUS OK 0 ms`
fn log_line(event: &EventView) -> String {
    let session = event.session.map(|session| session.to_string());
    let took = event.milliseconds.map(|took| format!("{took} ms"));
    let what = if event.kind == "command" { String::new() } else { event.kind.clone() };
    let who = event.account.as_ref().or(event.peer.as_ref()).cloned();
    let parts = [
        Some(time::clock(event.time)),
        Some(event.protocol.clone()),
        session,
        who,
        Some(what),
        Some(event.text.clone()),
        took,
    ];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn ask(frame: &mut Frame<'_>, model: &Model) {
    let Some((session, owner)) = &model.asking else { return };
    let text = format!("End session {session} of {owner}? y/n");
    let width = u16::try_from(text.chars().count() + 4).unwrap_or(u16::MAX).min(frame.area().width);
    let area =
        frame.area().centered(Constraint::Length(width), Constraint::Length(3.min(frame.area().height)));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(text).centered().block(block(model, "Kick".into(), None)), area);
}
