//! The inputs of the benchmarks are what the benchmarks take them for.

#[path = "../../benches/corpus.rs"]
mod generator;

use generator::{Corpus, Kind};
use proptest::prelude::*;

fn records_of_csv_core(mut bytes: &[u8]) -> u64 {
    let mut reader = csv_core::Reader::new();
    let (mut output, mut ends) = (vec![0; 1 << 14], vec![0; 1 << 10]);
    let mut records = 0;
    loop {
        let (result, read, ..) = reader.read_record(bytes, &mut output, &mut ends);
        bytes = &bytes[read..];
        match result {
            csv_core::ReadRecordResult::Record => records += 1,
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::End => return records,
            full => panic!("{full:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn a_seed_gives_the_same_input_and_its_true_counts(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        length in 1usize..20_000,
        seed: u64,
    ) {
        let corpus = Corpus::generate(kind, length, seed);
        prop_assert!(corpus.bytes.len() >= length, "{} is short", kind.name());
        prop_assert_eq!(corpus.records, records_of_csv_core(&corpus.bytes));
        prop_assert_eq!(corpus.newlines, memchr::memchr_iter(b'\n', &corpus.bytes).count() as u64);
        prop_assert_eq!(&Corpus::generate(kind, length, seed), &corpus);
        prop_assert_ne!(&Corpus::generate(kind, length.max(5000), !seed).bytes, &corpus.bytes);
    }
}
