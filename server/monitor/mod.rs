//! `restante monitor`: the server at work, in a terminal.
//!
//! Rules:
//! - The terminal is as it was when the program ends, whether by a key, a signal or an error.
//! - No colours of its own: what stands out is bold or reversed, so that it is read on light and on dark.
//! - What comes from the server is asked for in threads; the screen waits for nobody.

mod draw;
mod feed;
mod model;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use admin::Client;
use anyhow::{Context, Result};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

pub use model::{EVERY, Sample, slowest};
use model::{Model, Wish};

use crate::bars::Style;

/// What the threads tell the screen.
pub enum News {
    Sample(Sample),
    Event(admin::EventView),
    /// The server does not answer.
    Lost(String),
    /// What became of a kick.
    Said(String),
    /// A signal asks to end.
    End,
}

/// How long a key is waited for before the screen looks for news.
const LOOK: Duration = Duration::from_millis(100);

pub fn run(client: Client) -> Result<()> {
    let (sender, news) = channel();
    feed::start(&client, &sender).context("the threads of the monitor cannot be started")?;
    let mut terminal = ratatui::try_init().context("the terminal cannot be used")?;
    let kick = |session| feed::kick(&client, session, &sender);
    let ended = watch(&mut terminal, &news, &kick);
    let restored = ratatui::try_restore().context("the terminal cannot be made what it was");
    ended.and(restored)
}

fn watch(terminal: &mut DefaultTerminal, news: &Receiver<News>, kick: &dyn Fn(u64)) -> Result<()> {
    let mut model = Model::new(Style::of_output());
    loop {
        for one in news.try_iter() {
            if matches!(one, News::End) {
                return Ok(());
            }
            model.take(one);
        }
        terminal.draw(|frame| draw::draw(frame, &mut model)).context("the terminal cannot be drawn on")?;
        if !event::poll(LOOK).context("the keyboard cannot be read")? {
            continue;
        }
        if let Event::Key(key) = event::read().context("the keyboard cannot be read")?
            && key.kind != KeyEventKind::Release
        {
            match model.key(key) {
                Wish::Nothing => {}
                Wish::End => return Ok(()),
                Wish::Kick(session) => kick(session),
            }
        }
    }
}
