//! Group `scan`: how fast records are found, beside others that read or count
//! them.
//!
//! `memchr_newlines` knows nothing of quotes: it is the machine's limit, not a
//! rival. The rivals do more than find records (`csv_core` and `csv_async`
//! unescape fields, `simd_csv` here does not), which is the point: re-chunking
//! does not need it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use mktoload::rows::scan::{End, Scanner};

use crate::corpus::{Corpus, Kind};

const LENGTH: usize = 64 << 20;

struct Reader {
    name: &'static str,
    /// Whether it reads that sort of input as csv-core does.
    reads: fn(Kind) -> bool,
    /// Reads all of the input and returns how many records it saw.
    count: fn(&[u8]) -> u64,
    /// How many it should see.
    expected: fn(&Corpus) -> u64,
}

const READERS: [Reader; 5] = [
    Reader {
        name: "mktoload",
        reads: |_| true,
        count: mktoload,
        expected: |corpus| corpus.records,
    },
    Reader {
        name: "memchr_newlines",
        reads: |_| true,
        count: |bytes| memchr::memchr_iter(b'\n', bytes).count() as u64,
        expected: |corpus| corpus.newlines,
    },
    Reader {
        name: "csv_core",
        reads: |_| true,
        count: csv_core,
        expected: |corpus| corpus.records,
    },
    Reader {
        name: "csv_async",
        reads: |_| true,
        count: csv_async,
        expected: |corpus| corpus.records,
    },
    Reader {
        name: "simd_csv",
        // It takes a quote anywhere for one that opens, and half the rows of
        // `stray_quotes` go into another.
        reads: |kind| kind != Kind::StrayQuotes,
        count: simd_csv,
        expected: |corpus| corpus.records,
    },
];

pub(crate) fn group(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    for kind in Kind::ALL {
        let corpus = Corpus::generate(kind, LENGTH, 7);
        group.throughput(Throughput::Bytes(corpus.bytes.len() as u64));
        for reader in READERS.iter().filter(|reader| (reader.reads)(kind)) {
            let mut counted = None;
            group.bench_with_input(
                BenchmarkId::new(reader.name, kind.name()),
                &corpus.bytes,
                |bencher, bytes| {
                    bencher.iter(|| counted = Some((reader.count)(black_box(bytes))));
                },
            );
            // None where a filter left it out.
            if let Some(counted) = counted {
                let expected = (reader.expected)(&corpus);
                assert_eq!(counted, expected, "{} on {}", reader.name, kind.name());
            }
        }
    }
    group.finish();
}

/// All that a record is said to be is looked at, so that none of it can be left
/// out by the compiler.
fn mktoload(bytes: &[u8]) -> u64 {
    let mut scanner = Scanner::new(b',');
    let mut records = 0;
    let (mut length, mut lines, mut fields) = (0, 0, 0);
    scanner.scan(bytes, &mut |record| {
        records += 1;
        length += record.end - record.start;
        lines ^= record.line;
        fields += u64::from(record.fields);
    });
    black_box((length, lines, fields));
    records + u64::from(scanner.finish() != End::Clean)
}

fn csv_core(mut bytes: &[u8]) -> u64 {
    let mut reader = csv_core::Reader::new();
    let mut output = vec![0; 1 << 16];
    let mut ends = vec![0; 1 << 10];
    let mut records = 0;
    loop {
        let (result, read, ..) = reader.read_record(bytes, &mut output, &mut ends);
        bytes = &bytes[read..];
        match result {
            csv_core::ReadRecordResult::Record => records += 1,
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::End => return records,
            full => panic!("{full:?}: a record is longer than the buffers"),
        }
    }
}

fn csv_async(bytes: &[u8]) -> u64 {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let mut reader = csv_async::AsyncReaderBuilder::new()
                .has_headers(false)
                .create_reader(bytes);
            let mut record = csv_async::ByteRecord::new();
            let mut records = 0;
            while reader.read_byte_record(&mut record).await.unwrap() {
                records += 1;
            }
            records
        })
}

/// Its quickest way to look at each record.
fn simd_csv(bytes: &[u8]) -> u64 {
    let mut splitter = simd_csv::SplitterBuilder::new()
        .has_headers(false)
        .buffer_capacity(1 << 18)
        .from_reader(bytes);
    let mut records = 0;
    while let Some(record) = splitter.split_record().unwrap() {
        black_box(record);
        records += 1;
    }
    records
}
