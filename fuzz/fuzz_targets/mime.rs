//! Any octets are a message: parsed, stored, read back and searched without a panic, with offsets in order.
#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use message::{Kind, Part, Summary, header, text, thread_keys};

fuzz_target!(|raw: &[u8]| {
    let summary = Summary::parse(raw);
    check(&summary.structure, 0, raw.len() as u64);
    assert!(summary.preview.chars().count() <= 200);

    let stored = summary.encode();
    assert_eq!(Summary::decode(&stored).as_ref(), Some(&summary));
    let _ = Summary::decode(raw);

    let header = &raw[..header::header_end(raw)];
    assert_eq!(header::select_fields(header, &[], true), header);
    text::fold_case(&text::header_text(header));
    thread_keys(header);
    let _ = text::body_texts(&summary, raw, &mut |found| {
        text::fold_case(found);
        ControlFlow::Continue(())
    });
});

/// A part lies in the part that holds it, after the one before it.
fn check(part: &Part, from: u64, to: u64) {
    assert!(from <= part.header && part.header <= part.body && part.body <= part.end && part.end <= to);
    assert!(u64::from(part.lines) <= part.octets());
    match &part.kind {
        Kind::Message { structure, .. } => check(structure, part.body, part.end),
        Kind::Multipart(parts) => {
            assert!(!parts.is_empty());
            parts.iter().fold(part.body, |from, child| {
                check(child, from, part.end);
                child.end
            });
        }
        Kind::Basic | Kind::Text => {}
    }
}
