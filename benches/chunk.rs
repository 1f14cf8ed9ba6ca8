//! Group `chunk`: from bytes in memory to import files of 10 MB.
//!
//! `mktoload` does all that a run does to a row: its place, its width, its
//! encoding, its chunk's digest. `csv_async` is the plain way: read records,
//! write records, begin a new file when one is full.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use mktoload::chunk::{Cut, Cutter, Rules};
use mktoload::config::choice::OnBadRow;
use mktoload::source::BLOCK_BYTES;
use mktoload::units::SourceIndex;

use crate::corpus::{Corpus, Kind};

const LENGTH: usize = 64 << 20;

/// Bytes of one import file.
const CHUNK_BYTES: usize = 9_999_700;

pub(crate) fn group(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunk");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    for kind in Kind::ALL {
        let corpus = Corpus::generate(kind, LENGTH, 7);
        let bytes = Bytes::from(corpus.bytes);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        for (name, cut) in [
            ("mktoload", mktoload as fn(&Bytes) -> u64),
            ("csv_async", csv_async),
        ] {
            let mut counted = None;
            group.bench_with_input(
                BenchmarkId::new(name, kind.name()),
                &bytes,
                |bencher, bytes| {
                    bencher.iter(|| counted = Some(cut(black_box(bytes))));
                },
            );
            // None where a filter left it out. The header is no row.
            if let Some(counted) = counted {
                assert_eq!(counted, corpus.records - 1, "{name} on {}", kind.name());
            }
        }
    }
    group.finish();
}

/// Rows in all chunks; a rejected row is missing.
fn mktoload(bytes: &Bytes) -> u64 {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let header = bytes.slice(..end);
    let fields = header.split(|byte| *byte == b',').count();
    let rules = Rules {
        separator: b',',
        chunk_bytes: CHUNK_BYTES as u64,
        on_bad_row: OnBadRow::Reject,
    };
    let mut cutter = Cutter::new(rules, header, Bytes::from_static(b"\n"), fields);
    cutter.begin_source(SourceIndex::new(0), "memory", 0);
    let mut rows = 0;
    let mut take = |cutter: &mut Cutter| {
        while let Some(cut) = cutter.next_cut() {
            if let Cut::Chunk(chunk) = black_box(cut) {
                rows += chunk.rows;
            }
        }
    };
    let mut offset = 0;
    while offset < bytes.len() {
        let block = bytes.slice(offset..bytes.len().min(offset + BLOCK_BYTES));
        cutter.push(offset as u64, &block);
        offset += block.len();
        take(&mut cutter);
    }
    cutter.end_source(offset as u64, true);
    take(&mut cutter);
    rows
}

fn csv_async(bytes: &Bytes) -> u64 {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let mut reader = csv_async::AsyncReaderBuilder::new().create_reader(&bytes[..]);
            let header = reader.byte_headers().await.unwrap().clone();
            let mut record = csv_async::ByteRecord::new();
            let (mut rows, mut filled) = (0, 0);
            let mut writer = csv_async::AsyncWriter::from_writer(Vec::with_capacity(CHUNK_BYTES));
            writer.write_byte_record(&header).await.unwrap();
            while reader.read_byte_record(&mut record).await.unwrap() {
                let length = record.as_slice().len() + record.len() * 3;
                if filled + length > CHUNK_BYTES {
                    black_box(writer.into_inner().await.unwrap());
                    writer = csv_async::AsyncWriter::from_writer(Vec::with_capacity(CHUNK_BYTES));
                    writer.write_byte_record(&header).await.unwrap();
                    filled = 0;
                }
                writer.write_byte_record(&record).await.unwrap();
                filled += length;
                rows += 1;
            }
            black_box(writer.into_inner().await.unwrap());
            rows
        })
}
