//! The threads that ask the server. They end with the process, or when the screen is gone.

use std::io;
use std::sync::mpsc::Sender;
use std::thread::{Builder, sleep};

use admin::{Client, Operation, Outcome, StoreStatus};

use super::News;
use super::model::{EVERY, Sample};
use crate::commands::monitor::store;
use crate::output;
use crate::signals::Signals;

/// The store is counted at every so manieth sample.
const COUNTED: usize = 10;

pub fn start(client: &Client, news: &Sender<News>) -> io::Result<()> {
    let (samples, to) = (client.clone(), news.clone());
    Builder::new().name("samples".into()).spawn(move || take_samples(&samples, &to))?;
    let (events, to) = (client.clone(), news.clone());
    Builder::new().name("events".into()).spawn(move || watch_events(&events, &to))?;
    let to = news.clone();
    Builder::new().name("signals".into()).spawn(move || wait_for_signal(&to))?;
    Ok(())
}

fn take_samples(client: &Client, news: &Sender<News>) {
    let mut counted: Option<StoreStatus> = None;
    for number in 0.. {
        let sample = Sample::take(client).and_then(|sample| {
            if number % COUNTED == 0 {
                counted = store(client)?;
            }
            Ok(Sample { store: counted.clone(), ..sample })
        });
        let told = match sample {
            Ok(sample) => news.send(News::Sample(sample)),
            Err(error) => news.send(News::Lost(format!("{error:#}"))),
        };
        if told.is_err() {
            return;
        }
        sleep(EVERY);
    }
}

fn watch_events(client: &Client, news: &Sender<News>) {
    let mut watched = true;
    while watched {
        // Why it ended the samples tell.
        let _ = client.watch(&mut |event| {
            watched = news.send(News::Event(event)).is_ok();
            watched
        });
        sleep(EVERY);
    }
}

/// Ctrl-C is a key while the monitor has the terminal; these come from elsewhere.
fn wait_for_signal(news: &Sender<News>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        if let Ok(mut signals) = Signals::new() {
            signals.next().await;
            // Without a screen there is nothing to end.
            let _ = news.send(News::End);
        }
    });
}

/// Ends a session and says what became of it.
pub fn kick(client: &Client, session: u64, news: &Sender<News>) {
    let (client, to) = (client.clone(), news.clone());
    let kick = move || {
        let said = match client.run(&Operation::Kick { session }, &output::ignore_progress) {
            Ok(Outcome::Done { message }) => message,
            Ok(_) => format!("Session {session} is told to end."),
            Err(error) => error.to_string(),
        };
        // The screen may have gone meanwhile.
        let _ = to.send(News::Said(said));
    };
    if let Err(error) = Builder::new().name("kick".into()).spawn(kick) {
        let _ = news.send(News::Said(format!("the session cannot be ended: {error}")));
    }
}
