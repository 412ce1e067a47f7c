//! Tests of the body log as a whole: what goes in comes out, and what is damaged is told.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::layout::{FRAME, SEGMENT_HEADER};
use super::*;
use crate::staged::Staging;
use crate::{Body, Error, Options};

struct Bench {
    directory: tempfile::TempDir,
    staging: Staging,
    codec: Codec,
}

impl Bench {
    fn new() -> Bench {
        Bench::with_compression(1)
    }

    fn with_compression(level: i32) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let staging = Staging::new(&options(directory.path())).unwrap();
        Bench { directory, staging, codec: Codec::new(level) }
    }

    fn bodies(&self) -> PathBuf {
        self.directory.path().join("bodies")
    }

    fn segment(&self, id: u32) -> PathBuf {
        segment::path(&self.bodies(), id)
    }

    fn open(&self, segment_limit: u64, tail: Option<(u32, u64)>) -> crate::Result<Log> {
        Log::open(LogOptions { directory: self.bodies(), shard: 0, segment_limit }, tail)
    }

    fn new_log(&self) -> Log {
        self.open(SEGMENT_LIMIT, None).unwrap()
    }

    fn staged(&self, octets: &[u8]) -> Staged {
        let hash = *blake3::hash(octets).as_bytes();
        let builder = Builder { codec: &self.codec, staging: &self.staging };
        Staged {
            hash,
            size: octets.len() as u64,
            record: builder.build(octets, hash).unwrap(),
            summary: Arc::new(no_summary()),
            encoded_summary: Bytes::new(),
            thread_keys: Arc::default(),
            sort_keys: Default::default(),
        }
    }

    fn append(&self, log: &Log, octets: &[u8]) -> Location {
        log.append(&self.staged(octets)).unwrap()
    }
}

fn options(path: &Path) -> Options {
    Options { message_limit: 64 << 20, ..crate::testing::options(path) }
}

fn no_summary() -> message::Summary {
    message::Summary {
        envelope: message::Envelope::default(),
        structure: message::Part::default(),
        preview: String::new(),
    }
}

/// Octets that do not compress, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut octets = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut octets);
    octets
}

/// Octets that do.
fn text(length: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line| format!("This is line {line}.\r\n").into_bytes());
    lines.take(length).collect()
}

fn whole(log: &Log, location: Location) -> crate::Result<Bytes> {
    log.open(location)?.read(0..location.size)
}

#[test]
fn bodies_come_back_as_they_were() {
    for level in [0, 1, 9] {
        let bench = Bench::with_compression(level);
        let log = bench.new_log();
        for size in [0, 1, 100, 50_000, FRAME - 1, FRAME, FRAME + 1, 3 << 20] {
            for octets in [text(size), noise(size as u64, size)] {
                let location = bench.append(&log, &octets);
                assert_eq!(location.size, size as u64);
                assert!(whole(&log, location).unwrap() == octets, "level {level}, size {size}");
                log.verify(location, blake3::hash(&octets).as_bytes()).unwrap();
            }
        }
        log.sync().unwrap();
    }
}

#[test]
fn what_compresses_is_stored_smaller_and_what_does_not_hardly_larger() {
    let bench = Bench::new();
    let log = bench.new_log();
    assert!(bench.append(&log, &text(3 << 20)).stored < 1 << 20);
    assert!(bench.append(&log, &noise(1, 3 << 20)).stored < (3 << 20) + 200);
}

#[test]
fn a_large_record_waits_in_a_file() {
    let bench = Bench::new();
    assert!(matches!(bench.staged(&noise(1, 3 << 20)).record, FinishedRecord::File { .. }));
    assert!(matches!(bench.staged(&text(3 << 20)).record, FinishedRecord::Memory(_)));
}

#[test]
fn a_range_touches_only_its_frames() {
    let bench = Bench::with_compression(0);
    let octets = noise(1, 5 * FRAME);
    let location = {
        let log = bench.new_log();
        let location = bench.append(&log, &octets);
        log.sync().unwrap();
        location
    };
    // With frame 2 damaged, the others can still be read.
    let frames = location.offset + u64::from(location.stored) - 5 * FRAME as u64;
    flip(&bench.segment(1), frames + 2 * FRAME as u64 + 77);
    let log = bench.open(SEGMENT_LIMIT, Some((1, location.offset + u64::from(location.stored)))).unwrap();
    let record = log.open(location).unwrap();
    let frame = FRAME as u64;
    let range = |range: Range<u64>| octets[range.start as usize..range.end as usize].to_vec();
    for good in [0..frame, frame + 5..frame + 6, frame - 3..2 * frame, 3 * frame..5 * frame] {
        assert!(record.read(good.clone()).unwrap() == range(good));
    }
    for bad in [2 * frame..2 * frame + 1, 0..5 * frame, 3 * frame - 1..3 * frame + 1] {
        assert!(matches!(record.read(bad), Err(Error::Damaged(text)) if text.contains("00000001.seg")));
    }
}

#[test]
fn a_body_is_trace_and_record() {
    let bench = Bench::new();
    let log = bench.new_log();
    let record = log.open(bench.append(&log, b"Subject: x\r\n\r\nBody\r\n")).unwrap();
    let body = Body::new(Bytes::from_static(b"Return-Path: <>\r\n"), record);
    let octets = b"Return-Path: <>\r\nSubject: x\r\n\r\nBody\r\n";
    assert_eq!(body.len(), octets.len() as u64);
    for start in 0..octets.len() {
        for end in start..octets.len() {
            assert_eq!(body.read(start as u64..end as u64).unwrap(), octets[start..end]);
        }
    }
    assert_eq!(body.read(0..u64::MAX).unwrap(), octets[..]);
    assert_eq!(body.read(100..200).unwrap(), b""[..]);
    let (later, earlier) = (9, 3);
    assert_eq!(body.read(later..earlier).unwrap(), b""[..]);
    let empty = Body::new(Bytes::new(), log.open(bench.append(&log, b"")).unwrap());
    assert!(empty.is_empty());
    assert_eq!(empty.read(0..10).unwrap(), b""[..]);
}

fn flip(path: &Path, at: u64) {
    let mut octets = std::fs::read(path).unwrap();
    octets[at as usize] ^= 0x10;
    std::fs::write(path, octets).unwrap();
}

#[test]
fn every_flipped_octet_of_a_record_is_noticed() {
    for (level, octets) in [(0, noise(3, 600)), (1, text(2000))] {
        let bench = Bench::with_compression(level);
        let log = bench.new_log();
        let location = bench.append(&log, &octets);
        let path = bench.segment(1);
        for at in location.offset..location.offset + u64::from(location.stored) {
            flip(&path, at);
            let error = whole(&log, location).expect_err(&format!("octet {at}"));
            assert!(
                matches!(&error, Error::Damaged(text) if text.contains("00000001.seg at offset")),
                "{error}"
            );
            assert!(log.verify(location, blake3::hash(&octets).as_bytes()).is_err());
            assert!(log.copy(location).is_err());
            flip(&path, at);
        }
        assert!(whole(&log, location).unwrap() == octets);
    }
}

#[test]
fn another_body_than_the_index_means_is_noticed() {
    let bench = Bench::new();
    let log = bench.new_log();
    let (a, b) = (bench.append(&log, &noise(1, 500)), bench.append(&log, &noise(2, 500)));
    assert_eq!((a.size, a.stored), (b.size, b.stored));
    let hash = blake3::hash(&noise(1, 500));
    log.verify(a, hash.as_bytes()).unwrap();
    assert!(
        matches!(log.verify(b, hash.as_bytes()), Err(Error::Damaged(text)) if text.contains("another body"))
    );
    assert!(log.open(Location { size: 501, ..a }).is_err());
    assert!(log.open(Location { offset: a.offset + 1, ..a }).is_err());
    assert!(log.open(Location { segment: 7, ..a }).is_err());
    assert!(log.open(Location { offset: 1 << 40, ..a }).is_err());
    // A damaged row of the index costs no memory.
    assert!(log.open(Location { size: u64::MAX, stored: u32::MAX, ..a }).is_err());
}

#[test]
fn what_is_behind_the_committed_tail_is_trimmed() {
    let bench = Bench::new();
    let log = bench.open(1000, None).unwrap();
    let first = bench.append(&log, &noise(1, 500));
    let committed = log.tail();
    bench.append(&log, &noise(2, 300));
    for seed in 0..5 {
        bench.append(&log, &noise(seed, 900));
    }
    assert_eq!(log.segments().unwrap().len(), 6);
    drop(log);
    let log = bench.open(1000, Some(committed)).unwrap();
    assert_eq!(log.tail(), committed);
    let (id, length) = committed;
    assert_eq!(log.segments().unwrap(), [SegmentInfo { id, length, sealed: false }]);
    assert_eq!(whole(&log, first).unwrap(), noise(1, 500));
    // The place is used again.
    let second = bench.append(&log, &noise(3, 300));
    assert_eq!((second.segment, second.offset), committed);
    assert_eq!(whole(&log, second).unwrap(), noise(3, 300));
}

#[test]
fn a_log_that_is_shorter_than_committed_is_damaged() {
    let bench = Bench::new();
    let log = bench.new_log();
    bench.append(&log, &noise(1, 500));
    let tail = log.tail();
    drop(log);
    let message = |result: crate::Result<Log>| match result.err().unwrap() {
        Error::Damaged(text) => text,
        other => panic!("{other}"),
    };
    let text = message(bench.open(SEGMENT_LIMIT, Some((1, tail.1 + 1))));
    assert!(text.contains("00000001.seg") && text.contains(&tail.1.to_string()), "{text}");
    assert!(message(bench.open(SEGMENT_LIMIT, Some((2, 100)))).contains("00000002.seg is missing"));
    assert!(message(bench.open(SEGMENT_LIMIT, None)).contains("index"));
    let options = LogOptions { directory: bench.bodies(), shard: 1, segment_limit: 1000 };
    assert!(message(Log::open(options, Some(tail))).contains("shard 0"));
}

#[test]
fn a_segment_of_a_newer_program_is_refused() {
    let bench = Bench::new();
    let log = bench.new_log();
    let location = bench.append(&log, b"x");
    let tail = log.tail();
    drop(log);
    let mut octets = std::fs::read(bench.segment(1)).unwrap();
    octets[8] = 2;
    std::fs::write(bench.segment(1), octets).unwrap();
    assert!(matches!(bench.open(SEGMENT_LIMIT, Some(tail)), Err(Error::NewerFormat(_))));
    let log = bench.open(SEGMENT_LIMIT, Some((2, 0))).unwrap();
    assert!(matches!(log.open(location), Err(Error::NewerFormat(_))));
}

#[test]
fn an_empty_log_opens_again() {
    let bench = Bench::new();
    let tail = bench.new_log().tail();
    assert_eq!(tail, (1, SEGMENT_HEADER));
    let log = bench.open(SEGMENT_LIMIT, Some(tail)).unwrap();
    log.sync().unwrap();
    assert_eq!(log.segments().unwrap(), []);
    assert_eq!(bench.append(&log, b"x").offset, SEGMENT_HEADER);
}

#[test]
fn segments_are_bounded_and_sealed() {
    let bench = Bench::new();
    let log = bench.open(1000, None).unwrap();
    let records: Vec<Location> = (0..10).map(|seed| bench.append(&log, &noise(seed, 300))).collect();
    // A record that is larger than a segment has one for itself.
    let large = bench.append(&log, &noise(99, 5000));
    assert_eq!(large.offset, SEGMENT_HEADER);
    log.sync().unwrap();
    let segments = log.segments().unwrap();
    assert!(segments.iter().all(|segment| segment.length <= 1000 || segment.id == large.segment));
    assert_eq!(segments.iter().map(|segment| segment.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(segments.iter().filter(|segment| !segment.sealed).count(), 1);
    for (seed, &location) in records.iter().enumerate() {
        assert_eq!(whole(&log, location).unwrap(), noise(seed as u64, 300));
    }
    assert!(log.delete_segment(6).is_err());
    assert!(log.delete_segment(7).is_err());
}

#[test]
fn a_copied_record_outlives_its_segment_and_so_does_an_open_one() {
    let bench = Bench::new();
    let log = bench.open(1 << 20, None).unwrap();
    let octets = [text(700_000), noise(1, 5)].concat();
    let old = bench.append(&log, &octets);
    let dead = bench.append(&log, &noise(2, 100));
    bench.append(&log, &noise(3, 1 << 20));
    let record = log.open(old).unwrap();
    let new = log.copy(old).unwrap();
    assert_eq!((new.size, new.stored), (old.size, old.stored));
    assert_ne!(new.segment, old.segment);
    log.sync().unwrap();
    log.delete_segment(old.segment).unwrap();
    log.delete_segment(old.segment).unwrap();
    log.sync().unwrap();
    assert!(!bench.segment(old.segment).exists());
    assert!(record.read(0..u64::MAX).unwrap() == octets);
    log.verify(new, blake3::hash(&octets).as_bytes()).unwrap();
    assert!(matches!(log.open(dead), Err(Error::Damaged(text)) if text.contains("missing")));
    let tail = log.tail();
    drop(log);
    bench.open(1 << 20, Some(tail)).unwrap().verify(new, blake3::hash(&octets).as_bytes()).unwrap();
}

#[test]
fn a_reset_takes_back_what_was_appended() {
    let bench = Bench::new();
    let log = bench.open(1000, None).unwrap();
    let kept = bench.append(&log, &noise(1, 500));
    let tail = log.tail();
    for seed in 2..6 {
        bench.append(&log, &noise(seed, 600));
    }
    log.reset(tail).unwrap();
    assert_eq!(log.tail(), tail);
    assert_eq!(log.segments().unwrap().len(), 1);
    let after = bench.append(&log, &noise(7, 600));
    log.sync().unwrap();
    assert_eq!(whole(&log, kept).unwrap(), noise(1, 500));
    assert_eq!(whole(&log, after).unwrap(), noise(7, 600));
    log.reset((1, SEGMENT_HEADER)).unwrap();
    assert_eq!(log.segments().unwrap(), []);
}

#[test]
fn a_failed_append_leaves_the_log_as_it_was() {
    let bench = Bench::new();
    let log = bench.open(1 << 20, None).unwrap();
    let kept = bench.append(&log, &noise(1, 500));
    let before = (log.tail(), log.segments().unwrap());
    // The record's file ends early: half of it has been appended by then, to a segment of its own.
    let staged = bench.staged(&noise(2, 4 << 20));
    let FinishedRecord::File { file, .. } = &staged.record else { panic!("in memory") };
    file.set_len(2 << 20).unwrap();
    assert!(log.append(&staged).is_err());
    assert_eq!((log.tail(), log.segments().unwrap()), before);
    let next = bench.append(&log, &noise(3, 500));
    log.sync().unwrap();
    for (location, seed) in [(kept, 1), (next, 3)] {
        assert_eq!(whole(&log, location).unwrap(), noise(seed, 500));
    }
}

#[test]
fn a_log_whose_end_is_unknown_takes_nothing_until_it_is_reset() {
    let bench = Bench::new();
    let log = bench.open(1000, None).unwrap();
    bench.append(&log, &noise(1, 500));
    let tail = log.tail();
    // A directory where the next segment should be: it can neither be made nor deleted.
    std::fs::create_dir(bench.segment(2)).unwrap();
    assert!(log.append(&bench.staged(&noise(2, 900))).is_err());
    assert!(log.append(&bench.staged(&noise(2, 10))).is_err());
    assert!(log.sync().is_err());
    std::fs::remove_dir(bench.segment(2)).unwrap();
    log.reset(tail).unwrap();
    assert_eq!(bench.append(&log, &noise(2, 900)).segment, 2);
    log.sync().unwrap();
}

#[test]
fn a_full_disk_is_told() {
    // A segment that is a device on which nothing can be written.
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let error = std::fs::OpenOptions::new().write(true).open(full).and_then(|file| {
        use std::os::unix::fs::FileExt;
        file.write_all_at(b"x", 0)
    });
    let told = crate::disk::disk_error("write to", full, &error.unwrap_err());
    assert!(matches!(told, Error::DiskFull(_)), "{told}");
}

#[test]
fn many_threads_read_many_segments_at_once() {
    let bench = Bench::new();
    let log = bench.open(2000, None).unwrap();
    let records: Vec<Location> = (0..150).map(|seed| bench.append(&log, &noise(seed, 1500))).collect();
    assert!(log.segments().unwrap().len() > 100);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (log, records) = (&log, &records);
            scope.spawn(move || {
                for step in 0..300 {
                    let seed = (step * 7 + thread * 31) % records.len();
                    assert_eq!(whole(log, records[seed]).unwrap(), noise(seed as u64, 1500));
                }
            });
        }
    });
}

#[test]
fn faults_come_when_planned() {
    let bench = Bench::new();
    let faults = Faults::default();
    let log = Faulty { inner: bench.new_log(), faults: faults.clone() };
    faults.fail(Call::Append, 2, 2, Error::DiskFull("planned".into()));
    let staged = bench.staged(b"x");
    log.append(&staged).unwrap();
    for _ in 0..2 {
        assert!(matches!(log.append(&staged), Err(Error::DiskFull(_))));
    }
    log.append(&staged).unwrap();
    assert_eq!(faults.calls(Call::Append), 4);
    faults.fail(Call::Sync, 1, u64::MAX, Error::Unavailable("planned".into()));
    assert!(log.sync().is_err());
    faults.clear();
    log.sync().unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64, usize),
    Commit,
    Fail,
    Kill,
    /// Of the n-th record.
    Copy(usize),
    DeleteSealed,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u64>(), 0usize..3000).prop_map(|(seed, length)| Step::Append(seed, length)),
        3 => Just(Step::Commit),
        1 => Just(Step::Fail),
        1 => Just(Step::Kill),
        2 => any::<usize>().prop_map(Step::Copy),
        1 => Just(Step::DeleteSealed),
    ]
}

/// What the index would know.
#[derive(Debug, Clone)]
struct Index {
    tail: (u32, u64),
    records: Vec<(Location, Vec<u8>)>,
}

impl Index {
    fn commit(&mut self, log: &Log) {
        log.sync().unwrap();
        self.tail = log.tail();
    }

    /// What compaction does with the oldest segment: copies what is alive, commits, deletes it.
    fn compact(&mut self, log: &Log) {
        let oldest = log.segments().unwrap().into_iter().find(|segment| segment.sealed);
        let oldest = oldest.map_or(0, |segment| segment.id);
        for (location, _) in self.records.iter_mut().filter(|(location, _)| location.segment == oldest) {
            *location = log.copy(*location).unwrap();
        }
        self.commit(log);
        log.delete_segment(oldest).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_committed_stays(steps in proptest::collection::vec(step(), 1..60)) {
        let bench = Bench::new();
        let mut log = bench.open(8000, None).unwrap();
        let mut now = Index { tail: log.tail(), records: Vec::new() };
        let mut committed = now.clone();
        for step in steps {
            match step {
                Step::Append(seed, length) => {
                    let octets = noise(seed, length);
                    now.records.push((bench.append(&log, &octets), octets));
                }
                Step::Copy(which) if !now.records.is_empty() => {
                    let at = which % now.records.len();
                    now.records[at].0 = log.copy(now.records[at].0).unwrap();
                }
                Step::Copy(_) => {}
                Step::Commit => {
                    now.commit(&log);
                    committed = now.clone();
                }
                Step::Fail => {
                    log.reset(committed.tail).unwrap();
                    now = committed.clone();
                }
                Step::Kill => {
                    drop(log);
                    log = bench.open(8000, Some(committed.tail)).unwrap();
                    now = committed.clone();
                }
                Step::DeleteSealed => {
                    now.compact(&log);
                    committed = now.clone();
                }
            }
            for (location, octets) in &now.records {
                prop_assert!(whole(&log, *location).unwrap() == *octets);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_of_any_body(
        size in prop_oneof![0usize..2000, 0usize..3 << 20],
        compresses in any::<bool>(),
        level in 0i32..4,
        ranges in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..12),
    ) {
        let bench = Bench::with_compression(level);
        let log = bench.new_log();
        let octets = if compresses { text(size) } else { noise(size as u64, size) };
        let location = bench.append(&log, &octets);
        let record = log.open(location).unwrap();
        for (start, length) in ranges {
            let start = start.index(size + 1);
            let end = start + length.index(size + 1 - start);
            prop_assert!(record.read(start as u64..end as u64).unwrap() == octets[start..end]);
        }
        log.verify(location, blake3::hash(&octets).as_bytes()).unwrap();
    }
}
