//! What the monitor knows and what keys do to it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use admin::{ActivityView, CommandView, EventView, SessionView, StoreStatus};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::News;
use crate::bars::Style;
use crate::commands::monitor::owner;

/// Between two samples.
pub const EVERY: Duration = Duration::from_secs(1);

/// Samples and events that are kept.
const SAMPLES: usize = 600;
const EVENTS: usize = 1000;
/// Lines that a page key moves.
const PAGE: usize = 10;

/// The server at one moment.
#[derive(Debug, Clone)]
pub struct Sample {
    pub at: Instant,
    pub activity: ActivityView,
    pub sessions: Vec<SessionView>,
    /// Some seconds old.
    pub store: Option<StoreStatus>,
}

impl Sample {
    /// Commands a second.
    pub fn commands_since(&self, before: &Sample) -> u64 {
        let count = |sample: &Sample| sample.activity.commands.iter().map(|command| command.count).sum();
        self.rate(before, count)
    }

    /// Recipients a second.
    pub fn deliveries_since(&self, before: &Sample) -> u64 {
        self.rate(before, |sample| sample.activity.delivered)
    }

    /// Rounded. A server that started anew counts from nothing.
    fn rate(&self, before: &Sample, count: impl Fn(&Sample) -> u64) -> u64 {
        let more = u128::from(count(self).saturating_sub(count(before)));
        let milliseconds = self.at.duration_since(before.at).as_millis().max(1);
        u64::try_from((more * 1000 + milliseconds / 2) / milliseconds).unwrap_or(u64::MAX)
    }
}

/// By the mean of what they took, in milliseconds; without those that wait for somebody else.
pub fn slowest(activity: &ActivityView) -> Vec<(CommandView, f64)> {
    let mean = |command: &CommandView| command.microseconds as f64 / 1000.0 / command.count.max(1) as f64;
    let waits = |command: &&CommandView| !matches!(command.name.as_str(), "IDLE" | "DATA" | "BDAT");
    let commands = activity.commands.iter().filter(waits);
    let mut commands: Vec<_> = commands.map(|command| (command.clone(), mean(command))).collect();
    commands.sort_by(|(_, one), (_, two)| two.total_cmp(one));
    commands
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    Sessions,
    Slowest,
    Log,
}

/// What a key asks for that the model cannot do itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    End,
    Kick(u64),
}

pub struct Model {
    pub style: Style,
    pub sample: Option<Sample>,
    pub commands: VecDeque<u64>,
    pub deliveries: VecDeque<u64>,
    /// The newest last.
    pub log: VecDeque<EventView>,
    /// The longest of each command while watched, in milliseconds.
    pub longest: BTreeMap<(String, String), u64>,
    pub pane: Pane,
    pub paused: bool,
    pub lost: Option<String>,
    pub said: String,
    /// The session that is to be ended, and whose it is.
    pub asking: Option<(u64, String)>,
    /// By its number, since others come and go.
    session: Option<u64>,
    /// First lines of the other panes, counted from the newest in the log.
    pub command_line: usize,
    pub log_line: usize,
}

impl Model {
    pub fn new(style: Style) -> Model {
        Model {
            style,
            sample: None,
            commands: VecDeque::new(),
            deliveries: VecDeque::new(),
            log: VecDeque::new(),
            longest: BTreeMap::new(),
            pane: Pane::Sessions,
            paused: false,
            lost: None,
            said: String::new(),
            asking: None,
            session: None,
            command_line: 0,
            log_line: 0,
        }
    }

    pub fn take(&mut self, news: News) {
        match news {
            News::Said(text) => self.said = text,
            News::Lost(text) => self.lost = Some(text),
            News::End => {}
            News::Sample(_) | News::Event(_) if self.paused => {}
            News::Sample(sample) => self.take_sample(sample),
            News::Event(event) => self.take_event(event),
        }
    }

    fn take_sample(&mut self, sample: Sample) {
        self.lost = None;
        if let Some(before) = &self.sample {
            push(&mut self.commands, sample.commands_since(before), SAMPLES);
            push(&mut self.deliveries, sample.deliveries_since(before), SAMPLES);
        }
        self.sample = Some(sample);
    }

    fn take_event(&mut self, event: EventView) {
        if let (Some(took), Some(name)) = (event.milliseconds, event.text.split(' ').next()) {
            let longest = self.longest.entry((event.protocol.clone(), name.to_owned())).or_default();
            *longest = took.max(*longest);
        }
        push(&mut self.log, event, EVENTS);
        // Who reads older lines goes on reading them.
        if self.log_line > 0 {
            self.log_line = (self.log_line + 1).min(self.log.len().saturating_sub(1));
        }
    }

    pub fn sessions(&self) -> &[SessionView] {
        self.sample.as_ref().map_or(&[], |sample| &sample.sessions)
    }

    /// The line of the selected session; the first where it has gone.
    pub fn selected(&self) -> usize {
        let sessions = self.sessions();
        sessions.iter().position(|session| Some(session.id) == self.session).unwrap_or(0)
    }

    pub fn key(&mut self, key: KeyEvent) -> Wish {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && matches!(key.code, KeyCode::Char('c')) {
            return Wish::End;
        }
        if let Some((session, _)) = self.asking.take() {
            return if matches!(key.code, KeyCode::Char('y' | 'Y')) {
                Wish::Kick(session)
            } else {
                Wish::Nothing
            };
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Wish::End,
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Char('k') => self.ask(),
            KeyCode::Tab | KeyCode::Right => self.pane = self.pane.next(),
            KeyCode::BackTab | KeyCode::Left => self.pane = self.pane.next().next(),
            KeyCode::Up => self.go(1, false),
            KeyCode::Down => self.go(1, true),
            KeyCode::PageUp => self.go(PAGE, false),
            KeyCode::PageDown => self.go(PAGE, true),
            KeyCode::Home => self.go(usize::MAX, false),
            KeyCode::End => self.go(usize::MAX, true),
            _ => {}
        }
        Wish::Nothing
    }

    fn ask(&mut self) {
        let selected = self.sessions().get(self.selected());
        self.asking = selected.map(|session| (session.id, owner(session)));
    }

    fn go(&mut self, lines: usize, down: bool) {
        match self.pane {
            Pane::Sessions => {
                let line = moved(self.selected(), lines, down, self.sessions().len());
                self.session = self.sessions().get(line).map(|session| session.id);
            }
            Pane::Slowest => {
                let count = self.sample.as_ref().map_or(0, |sample| sample.activity.commands.len());
                self.command_line = moved(self.command_line, lines, down, count);
            }
            // The newest is at the bottom.
            Pane::Log => self.log_line = moved(self.log_line, lines, !down, self.log.len()),
        }
    }
}

impl Pane {
    fn next(self) -> Pane {
        match self {
            Pane::Sessions => Pane::Slowest,
            Pane::Slowest => Pane::Log,
            Pane::Log => Pane::Sessions,
        }
    }
}

fn moved(line: usize, by: usize, up: bool, count: usize) -> usize {
    let line = if up { line.saturating_add(by) } else { line.saturating_sub(by) };
    line.min(count.saturating_sub(1))
}

fn push<T>(queue: &mut VecDeque<T>, item: T, most: usize) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(item);
}
