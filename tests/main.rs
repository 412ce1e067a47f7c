//! Tests of the real binary on real sockets: scripted dialogues, real clients and MTAs, crashes.
//!
//! Every file under `tests/scripts` is a test of its own (see `script/mod.rs` for the notation); the others register
//! themselves in their module's `trials`. Run one with `cargo test --release --test all -- NAME`.

mod acme;
mod clients;
mod crash;
mod documents;
mod hostile;
mod monitor;
mod moving;
mod mta;
mod script;
mod support;
mod web;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = script::trials();
    trials.extend(acme::trials());
    trials.extend(clients::trials());
    trials.extend(crash::trials());
    trials.extend(documents::trials());
    trials.extend(hostile::trials());
    trials.extend(monitor::trials());
    trials.extend(moving::trials());
    trials.extend(mta::trials());
    trials.extend(web::trials());
    libtest_mimic::run(&arguments, trials).exit();
}
