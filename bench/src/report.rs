//! Figures as a table for people or JSON for programs.

use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// What one workload measured.
#[derive(Debug, Default)]
pub struct Figures {
    pub operations: usize,
    pub octets: u64,
    pub elapsed: Duration,
    /// One an operation, where it was timed alone.
    pub latencies: Vec<Duration>,
    pub note: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    workload: &'static str,
    unit: &'static str,
    operations: usize,
    seconds: f64,
    per_second: f64,
    megabytes_per_second: f64,
    median_ms: Option<f64>,
    p99_ms: Option<f64>,
    note: String,
}

impl Report {
    pub fn add(&mut self, workload: &'static str, unit: &'static str, mut figures: Figures) {
        figures.latencies.sort_unstable();
        let seconds = figures.elapsed.as_secs_f64().max(1e-9);
        self.rows.push(Row {
            workload,
            unit,
            operations: figures.operations,
            seconds,
            per_second: figures.operations as f64 / seconds,
            megabytes_per_second: figures.octets as f64 / 1e6 / seconds,
            median_ms: percentile(&figures.latencies, 50),
            p99_ms: percentile(&figures.latencies, 99),
            note: figures.note,
        });
    }

    pub fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header([
            "workload",
            "operations",
            "seconds",
            "per second",
            "MB/s",
            "median ms",
            "p99 ms",
            "note",
        ]);
        for row in &self.rows {
            table.add_row([
                row.workload.to_owned(),
                format!("{} {}", row.operations, row.unit),
                format!("{:.3}", row.seconds),
                format!("{:.0}", row.per_second),
                format!("{:.1}", row.megabytes_per_second),
                milliseconds(row.median_ms),
                milliseconds(row.p99_ms),
                row.note.clone(),
            ]);
        }
        for column in table.column_iter_mut().skip(1).take(6) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
        Ok(())
    }
}

fn milliseconds(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.2}")).unwrap_or_default()
}

/// Of sorted latencies.
fn percentile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let index = (sorted.len() * percent / 100).min(sorted.len().checked_sub(1)?);
    Some(sorted[index].as_secs_f64() * 1000.0)
}
