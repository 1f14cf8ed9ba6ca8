//! `split`: chunk files joined are the source, and none is over the limit.

use proptest::prelude::*;

use super::in_process::request_bytes;
use super::workdir::{Workdir, read_report};

const HEADER: &str = "a,b,c";

/// What `split` left in its folder.
struct Split {
    chunks: Vec<Vec<u8>>,
    /// Numbers of the rows in no chunk.
    rejected: Vec<usize>,
    /// Those whose bytes the report says to be gone: memory is bounded by a
    /// chunk, and they were longer.
    gone: Vec<usize>,
    /// The bytes of the others under the header.
    rejects: Vec<u8>,
}

/// Splits `source` so that a chunk has at most `chunk_bytes`.
fn split(source: &[u8], name: &str, chunk_bytes: u64) -> Split {
    let workdir = Workdir::new();
    workdir.write(name, source);
    let limit = request_bytes(chunk_bytes).to_string();
    let run = workdir.run(&["split", name, "--out", "out", "--max-part-bytes", &limit]);
    let (_, extension) = name.rsplit_once('.').unwrap();
    let chunks: Vec<Vec<u8>> = (1..1_000_000)
        .map(|number| workdir.path(&format!("out/chunk-{number:06}.{extension}")))
        .take_while(|path| path.exists())
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let files = std::fs::read_dir(workdir.path("out")).unwrap().count();
    if run.code() == Some(0) {
        assert_eq!(files, chunks.len(), "something else lies there{run}");
        return Split {
            chunks,
            rejected: Vec::new(),
            gone: Vec::new(),
            rejects: Vec::new(),
        };
    }
    let run = run.exits(3);
    assert_eq!(files, chunks.len() + 2, "chunks, report, rejects{run}");
    let report = read_report(&workdir.path("out/report.csv"));
    let rows = |kept: fn(&str) -> bool| {
        let lines = report.iter().filter(|line| kept(&line["reason"]));
        lines
            .map(|line| line["source_row"].parse().unwrap())
            .collect()
    };
    Split {
        chunks,
        rejected: rows(|_| true),
        gone: rows(|reason| reason.ends_with("its bytes are not in the rejects file")),
        rejects: workdir.bytes(&format!("out/rejects.{extension}")),
    }
}

/// Rows of three fields full of what makes rows hard to tell apart; some have
/// a field too many.
fn rows() -> impl Strategy<Value = Vec<String>> {
    let field = prop_oneof![
        "[a-c€]{0,6}",
        Just("\"x,\"\"y\"\"\nz\"".to_owned()),
        Just("\"\r\n\"".to_owned()),
        Just("5\" pipe".to_owned()),
    ];
    let row = prop_oneof![
        9 => prop::collection::vec(field.clone(), 3),
        1 => prop::collection::vec(field, 4),
    ];
    prop::collection::vec(row.prop_map(|fields| fields.join(",")), 0..25)
}

proptest! {
    // Each case is a process.
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_joined_are_the_source(
        rows in rows(),
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        mark in any::<bool>(),
        chunk_bytes in 24u64..200,
    ) {
        let rows: Vec<String> = rows.iter().map(|row| format!("{row}{end}")).collect();
        let header = format!("{HEADER}{end}");
        let mark = if mark { "\u{feff}" } else { "" };
        let source = format!("{mark}{header}{}", rows.concat());
        let split = split(source.as_bytes(), "rows.csv", chunk_bytes);
        let mut joined = Vec::new();
        for chunk in &split.chunks {
            prop_assert!(chunk.len() as u64 <= chunk_bytes, "a chunk is over the limit");
            let body = chunk.strip_prefix(header.as_bytes());
            prop_assert!(body.is_some_and(|body| !body.is_empty()), "header and rows");
            joined.extend_from_slice(body.unwrap());
        }
        let is_rejected = |number: usize| split.rejected.contains(&number);
        let of = |kept: &dyn Fn(usize) -> bool| -> String {
            let rows = (1..).zip(&rows).filter(|(number, _)| kept(*number));
            rows.map(|(_, row)| row.as_str()).collect()
        };
        prop_assert_eq!(String::from_utf8(joined).unwrap(), of(&|number| !is_rejected(number)));
        if split.rejected.is_empty() {
            prop_assert!(split.rejects.is_empty());
        } else {
            let kept = of(&|number| is_rejected(number) && !split.gone.contains(&number));
            prop_assert_eq!(String::from_utf8(split.rejects).unwrap(), header + &kept);
        }
        for number in &split.gone {
            prop_assert!(rows[number - 1].len() as u64 > chunk_bytes, "it could have been held");
        }
        // Rows that are rejected are those that are too wide or too long.
        for (number, row) in (1..).zip(&rows) {
            let mut fields = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(row.as_bytes());
            let wide = fields.records().next().is_none_or(|row| row.unwrap().len() != 3);
            let long = row.len() + HEADER.len() + end.len() + 2 > usize::try_from(chunk_bytes).unwrap();
            prop_assert_eq!(is_rejected(number), wide || long, "row {}: {:?}", number, row);
        }
    }
}

#[test]
fn a_source_of_one_chunk_is_that_chunk() {
    for (name, source) in [
        ("a.csv", "email,city\r\na@b.co,\"Rome,\r\nItaly\"\r\n"),
        ("a.ssv", "email;city\na@b.co;\"Rome;\nItaly\"\n"),
        ("a.tsv", "email\tcity\na@b.co\t\"Rome\tItaly\"\n"),
        ("no-last-end.csv", "email,city\na@b.co,Rome"),
    ] {
        let split = split(source.as_bytes(), name, 1000);
        assert_eq!(split.chunks, [source.as_bytes()], "{name}");
    }
}

#[test]
fn blank_lines_are_no_rows() {
    let split = split(b"\n\na,b\n1,2\n\n\r\n3,4\n\n", "a.csv", 1000);
    assert_eq!(split.chunks, [b"a,b\n1,2\n3,4\n"]);
}

#[test]
fn a_folder_with_chunks_is_not_written_over() {
    let workdir = Workdir::new();
    workdir.write("a.csv", "a\n1\n");
    workdir.run(&["split", "a.csv", "--out", "out"]).exits(0);
    workdir.write("a.csv", "a\n2\n");
    workdir.run(&["split", "a.csv", "--out", "out"]).exits(2);
    assert_eq!(workdir.text("out/chunk-000001.csv"), "a\n1\n");
}
