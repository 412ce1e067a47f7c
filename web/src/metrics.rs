//! `/metrics` for Prometheus. Labels are protocols, commands and outcomes, never accounts or addresses.

use std::fmt::Error;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use common::activity::{Delivery, TIMES};
use common::block;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use store::Statistics;

use crate::problem::Problem;
use crate::{Client, Web, auth, space};

/// Counting a store walks its tables, so it is done at most so often.
const FRESH: Duration = Duration::from_secs(10);

/// What was counted, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cached {
    at: Instant,
    statistics: Statistics,
}

impl Web {
    /// Some seconds old at most. Blocks.
    pub(crate) fn statistics(&self) -> store::Result<Statistics> {
        let mut cached = self.0.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.filter(|cached| cached.at.elapsed() < FRESH) {
            return Ok(cached.statistics);
        }
        let statistics = self.store().statistics()?;
        *cached = Some(Cached { at: Instant::now(), statistics });
        Ok(statistics)
    }
}

pub(crate) async fn show(
    State(web): State<Web>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !client.is_local() && !web.options().public_metrics {
        auth::require(&web, &client, &headers).await?;
    }
    let mut text = String::new();
    let mut registry = Registry::with_prefix("restante");
    registry.register_collector(Box::new(Site(web)));
    block(|| prometheus_client::encoding::text::encode(&mut text, &registry))
        .map_err(|_| Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read"))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

struct Site(Web);

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Site")
    }
}

impl Collector for Site {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut out = Out(encoder);
        self.sessions(&mut out)?;
        self.activity(&mut out)?;
        self.store(&mut out)
    }
}

impl Site {
    fn sessions(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let sessions = self.0.running().sessions.list();
        out.family("sessions", "Sessions at work now", MetricType::Gauge, |metric| {
            for protocol in ["imap", "pop3", "lmtp", "socketmap", "policy", "sasl"] {
                let count = sessions.iter().filter(|session| session.protocol == protocol).count();
                gauge(metric, &[("protocol", protocol)], number(count))?;
            }
            Ok(())
        })?;
        out.gauge(
            "start_time_seconds",
            "When the server started, since 1970",
            self.0.running().started as f64,
        )?;
        let locked = self.0.running().authenticator.locked_out().len();
        out.gauge("lockouts", "Addresses and accounts that must wait before a login", number(locked))?;
        out.gauge(
            "ready",
            "1: takes work",
            if crate::health::reasons(&self.0).is_empty() { 1.0 } else { 0.0 },
        )
    }

    fn activity(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let activity = self.0.running().sessions.activity();
        out.family("connections", "Connections since the start", MetricType::Counter, |metric| {
            activity
                .connections()
                .iter()
                .try_for_each(|(protocol, count)| counter(metric, &[("protocol", protocol)], *count))
        })?;
        out.family("logins", "Logins since the start", MetricType::Counter, |metric| {
            activity.logins().iter().try_for_each(|((protocol, good), count)| {
                let result = if *good { "good" } else { "refused" };
                counter(metric, &[("protocol", protocol), ("result", result)], *count)
            })
        })?;
        out.family("deliveries", "Recipients of messages since the start", MetricType::Counter, |metric| {
            activity.deliveries().iter().try_for_each(|(delivery, count)| {
                let result = match delivery {
                    Delivery::Delivered => "delivered",
                    Delivery::Deferred => "deferred",
                    Delivery::Refused => "refused",
                };
                counter(metric, &[("result", result)], *count)
            })
        })?;
        out.family("delivered_octets", "Octets delivered since the start", MetricType::Counter, |metric| {
            counter(metric, &[], activity.delivered_octets())
        })?;
        out.family("command_seconds", "What commands took", MetricType::Histogram, |metric| {
            activity.commands().iter().try_for_each(|command| {
                let bounds = TIMES.into_iter().chain([f64::INFINITY]);
                let buckets: Vec<(f64, u64)> = bounds.zip(command.classes).collect();
                let labels = [("protocol", command.protocol), ("command", command.name)];
                metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                    command.seconds,
                    command.count(),
                    &buckets,
                    None,
                )
            })
        })
    }

    fn store(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let store = self.0.store();
        let statistics = self.0.statistics().map_err(|_| Error)?;
        out.gauge("write_queue", "Changes that wait for the disk", number(store.queued()))?;
        out.gauge("accounts", "Accounts", number(statistics.accounts))?;
        out.gauge("mailboxes", "Mailboxes", number(statistics.mailboxes))?;
        out.gauge("messages", "Messages, each copy counted", number(statistics.messages))?;
        out.gauge("message_octets", "Octets of all messages, each copy counted", number(statistics.bytes))?;
        out.gauge(
            "retained_messages",
            "Expunged messages that can be restored",
            number(statistics.retained),
        )?;
        out.family("store_octets", "Octets on the disk", MetricType::Gauge, |metric| {
            gauge(metric, &[("part", "index")], number(statistics.index_bytes))?;
            gauge(metric, &[("part", "bodies")], number(statistics.body_bytes))
        })?;
        out.gauge(
            "live_body_octets",
            "Octets of bodies that are needed",
            number(statistics.live_body_bytes),
        )?;
        if let Ok(lag) = store.index_lag() {
            out.gauge("index_lag_messages", "Messages that the search index does not have yet", number(lag))?;
        }
        let Some(space) = space::of(&self.0.options().data) else { return Ok(()) };
        let used = statistics.index_bytes.saturating_add(statistics.body_bytes);
        let rule = number(used.saturating_mul(space::FACTOR));
        out.gauge("disk_free_octets", "Octets that can still be written", number(space.free))?;
        out.gauge("disk_octets", "Octets of the file system", number(space.total))?;
        out.gauge("disk_wanted_free_octets", "Four times what the store takes: so much should be free", rule)
    }
}

struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        each: impl FnOnce(&mut MetricEncoder<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        each(&mut self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        self.family(name, help, MetricType::Gauge, |metric| metric.encode_gauge(&value))
    }
}

fn gauge(metric: &mut MetricEncoder<'_>, labels: &[(&str, &str)], value: f64) -> Result<(), Error> {
    metric.encode_family(&labels)?.encode_gauge(&value)
}

fn counter(metric: &mut MetricEncoder<'_>, labels: &[(&str, &str)], count: u64) -> Result<(), Error> {
    if labels.is_empty() {
        return metric.encode_counter::<NoLabelSet, _, f64>(&count, None);
    }
    metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&count, None)
}

/// Metrics are floating point: counts below 2^53 are exact.
fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}
