//! SORT and THREAD of the mailbox of many different messages. Every answer is held against the order that the letters have.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::many::{ROUNDS, examine, numbers};
use crate::report::Figures;
use crate::{Options, corpus};

pub async fn date(options: Options) -> Result<Figures> {
    sort(options, "DATE", corpus::sent).await
}

/// The subjects differ in their numbers, which are compared as text.
pub async fn subject(options: Options) -> Result<Figures> {
    sort(options, "SUBJECT", |number| number.to_string()).await
}

pub async fn from(options: Options) -> Result<Figures> {
    sort(options, "FROM", |number| format!("sender{number}")).await
}

/// An operation is a message that is sorted.
async fn sort<K: Ord>(options: Options, key: &str, of: fn(usize) -> K) -> Result<Figures> {
    let mut wire = examine(&options).await?;
    let mut want: Vec<usize> = (0..options.many).collect();
    want.sort_by_cached_key(|number| of(*number));
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut told = Vec::new();
        wire.imap_each(&format!("SORT ({key}) UTF-8 ALL"), |line, _| {
            told.extend(numbers(line, b"* SORT"));
            Ok(())
        })
        .await?;
        figures.latencies.push(began.elapsed());
        let is_right = told.iter().copied().eq(want.iter().map(|number| number + 1));
        ensure!(is_right, "SORT ({key}) of {} messages is not in order", options.many);
    }
    finish(figures, &options)
}

/// An operation is a message that is put into its thread.
pub async fn threads(options: Options) -> Result<Figures> {
    let mut wire = examine(&options).await?;
    let want = threads_of(options.many);
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut told = Vec::new();
        wire.imap_each("THREAD REFERENCES UTF-8 ALL", |line, _| {
            told.extend_from_slice(line.strip_prefix(b"* THREAD ").unwrap_or_default());
            Ok(())
        })
        .await?;
        figures.latencies.push(began.elapsed());
        ensure!(told.trim_ascii_end() == want.as_bytes(), "THREAD of {} messages is wrong", options.many);
    }
    finish(figures, &options)
}

/// The threads of so many letters as THREAD tells them: first letters and answers by their dates.
fn threads_of(many: usize) -> String {
    let mut first: Vec<usize> = (0..many).filter(|number| corpus::thread(*number) == *number).collect();
    first.sort_by_key(|number| corpus::sent(*number));
    let thread = |number: usize| {
        let mut answers: Vec<usize> = (number + 1..many.min(number + 4)).collect();
        answers.sort_by_key(|number| corpus::sent(*number));
        let answers = match &*answers {
            [] => String::new(),
            [one] => format!(" {}", one + 1),
            several => format!(" {}", several.iter().map(|one| format!("({})", one + 1)).collect::<String>()),
        };
        format!("({}{answers})", number + 1)
    };
    first.into_iter().map(thread).collect()
}

fn finish(mut figures: Figures, options: &Options) -> Result<Figures> {
    figures.operations = options.many * ROUNDS;
    figures.elapsed = figures.latencies.iter().sum();
    figures.note = "one command over all".into();
    Ok(figures)
}
