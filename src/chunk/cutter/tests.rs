use proptest::prelude::*;

use super::*;
use crate::chunk::sent::SentRow;

const HEADER: &[u8] = b"a,b,c\n";

/// Cuts `texts`, one source after another, each with its own header, in
/// blocks of `block` bytes.
fn cut(
    texts: &[Vec<u8>],
    chunk_bytes: u64,
    block: usize,
    on_bad_row: OnBadRow,
) -> (Vec<Cut>, Option<Error>, u64) {
    let rules = Rules {
        separator: b',',
        chunk_bytes,
        on_bad_row,
    };
    let mut cutter = Cutter::new(
        rules,
        Bytes::from_static(HEADER),
        Bytes::from_static(b"\n"),
        3,
    );
    let mut cuts = Vec::new();
    for (index, text) in (0..).zip(texts) {
        cutter.begin_source(SourceIndex::new(index), "leads.csv", 0);
        let source = [HEADER, text].concat();
        let mut base = 0;
        for piece in source.chunks(block) {
            cutter.push(base, &Bytes::copy_from_slice(piece));
            base += piece.len() as u64;
        }
        cutter.end_source(base, index as usize + 1 == texts.len());
        cuts.extend(std::iter::from_fn(|| cutter.next_cut()));
    }
    (cuts, cutter.take_stop(), cutter.rows_read())
}

fn content(chunk: &Chunk) -> Vec<u8> {
    chunk.segments.concat()
}

/// Rows of three fields full of what makes rows hard to tell, some of them
/// with a field too many.
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
    // A row of empty fields is still a row: the separators stand.
    prop::collection::vec(row.prop_map(|fields| fields.join(",")), 0..25)
}

/// What the cutter has to find, told by a reader that shares no code with
/// it: the rows with their numbers and lines.
fn expected(rows: &[String]) -> (Vec<(u64, u64, String)>, Vec<u64>) {
    let (mut good, mut bad, mut line) = (Vec::new(), Vec::new(), 2);
    for (number, row) in (1..).zip(rows) {
        let mut reader = csv_core::ReaderBuilder::new().build();
        let (mut ends, mut output) = ([0; 16], [0; 256]);
        let (_, _, _, fields) =
            reader.read_record(format!("{row}\n").as_bytes(), &mut output, &mut ends);
        if fields == 3 {
            good.push((number, line, row.clone()));
        } else {
            bad.push(number);
        }
        line += row.matches('\n').count() as u64 + 1;
    }
    (good, bad)
}

proptest! {
    #[test]
    fn every_row_is_in_exactly_one_chunk_with_its_number_and_bytes(
        rows in rows(),
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        final_end in any::<bool>(),
        chunk_bytes in 40u64..200,
        block in 1usize..80,
    ) {
        let mut text = rows.join(end);
        if final_end && !rows.is_empty() {
            text += end;
        }
        let (cuts, stop, read) = cut(&[text.into_bytes()], chunk_bytes, block, OnBadRow::Reject);
        prop_assert!(stop.is_none());
        prop_assert_eq!(read, rows.len() as u64);
        let (good, bad) = expected(&rows);
        let room = chunk_bytes - HEADER.len() as u64 - RECORD_END_BYTES;
        let (mut found, mut rejected, mut number) = (Vec::new(), Vec::new(), 1);
        for cut in &cuts {
            match cut {
                Cut::Chunk(chunk) => {
                    let bytes = content(chunk);
                    prop_assert!(bytes.len() as u64 <= chunk_bytes, "no chunk is over the limit");
                    prop_assert_eq!(chunk.bytes, bytes.len() as u64);
                    prop_assert!(bytes.starts_with(HEADER));
                    prop_assert_eq!(chunk.number, ChunkNumber::new(number));
                    number += 1;
                    let sent = chunk.sent_rows(b',');
                    prop_assert_eq!(sent.rows.len() as u64, chunk.rows);
                    for (index, SentRow { row, line, .. }) in sent.rows.iter().enumerate() {
                        let text = String::from_utf8(sent.bytes(index).to_vec()).unwrap();
                        found.push((row.get(), line.get(), text));
                    }
                }
                Cut::Rejected(row) => rejected.push(row.row.get()),
            }
        }
        let fits = |row: &String, end: &str| (row.len() + end.len()) as u64 <= room;
        // The last row may lack its end, which can make it fit.
        let last = rows.len() as u64;
        let own_end = |number: u64| if number == last && !final_end { "" } else { end };
        let wanted: Vec<_> = good.iter().filter(|(n, _, row)| fits(row, own_end(*n))).cloned().collect();
        let mut refused: Vec<_> = good.iter().filter(|(n, _, row)| !fits(row, own_end(*n))).map(|(n, ..)| *n).collect();
        refused.extend(bad);
        refused.sort_unstable();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(rejected, refused);
    }

    #[test]
    fn chunks_joined_are_the_source(
        rows in prop::collection::vec("[a-z]{1,9},\"[a-z,\n]{0,9}\",[a-z]{0,9}", 0..40),
        chunk_bytes in 60u64..300,
        block in 1usize..100,
    ) {
        let text: String = rows.iter().map(|row| format!("{row}\r\n")).collect();
        let (cuts, ..) = cut(&[text.clone().into_bytes()], chunk_bytes, block, OnBadRow::Reject);
        let joined: Vec<u8> = cuts.iter().filter_map(|cut| match cut {
            Cut::Chunk(chunk) => Some(content(chunk)[HEADER.len()..].to_vec()),
            Cut::Rejected(_) => None,
        }).collect::<Vec<_>>().concat();
        prop_assert_eq!(String::from_utf8(joined).unwrap(), text);
    }

    #[test]
    fn the_cut_does_not_depend_on_the_blocks(rows in rows(), block in 1usize..50) {
        let text = rows.join("\n").into_bytes();
        let digests = |block| {
            let (cuts, ..) = cut(std::slice::from_ref(&text), 100, block, OnBadRow::Reject);
            cuts.into_iter().filter_map(|cut| match cut {
                Cut::Chunk(chunk) => Some((chunk.digest, chunk.pieces)),
                Cut::Rejected(_) => None,
            }).collect::<Vec<_>>()
        };
        prop_assert_eq!(digests(block), digests(10_000));
    }
}

fn chunks(cuts: &[Cut]) -> Vec<&Chunk> {
    cuts.iter()
        .filter_map(|cut| {
            if let Cut::Chunk(chunk) = cut {
                Some(chunk)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn a_source_without_a_last_end_does_not_run_into_the_next() {
    let (cuts, ..) = cut(
        &[b"1,2,3".to_vec(), b"4,5,6\n".to_vec()],
        100,
        7,
        OnBadRow::Reject,
    );
    let [chunk] = chunks(&cuts)[..] else {
        panic!("{cuts:?}")
    };
    assert_eq!(content(chunk), b"a,b,c\n1,2,3\n4,5,6\n");
    let rows = chunk.sent_rows(b',').rows;
    let places: Vec<_> = rows
        .iter()
        .map(|row| (row.source.get(), row.row.get(), row.line.get()))
        .collect();
    assert_eq!(places, [(0, 1, 2), (1, 1, 2)]);
}

#[test]
fn empty_lines_are_not_sent_and_count_as_lines() {
    let (cuts, ..) = cut(
        &[b"1,2,3\n\n\r\n4,5,6\n\n".to_vec()],
        100,
        100,
        OnBadRow::Reject,
    );
    let [chunk] = chunks(&cuts)[..] else {
        panic!("{cuts:?}")
    };
    assert_eq!(content(chunk), b"a,b,c\n1,2,3\n4,5,6\n");
    assert_eq!(chunk.sent_rows(b',').rows[1].line, LineNumber::new(5));
    assert_eq!(chunk.pieces[1].range, 15..21);
}

#[test]
fn rows_of_another_width_are_sent_only_on_request() {
    let text = b"1,2,3\n1,2\n1,2,3,4\n".to_vec();
    let (cuts, ..) = cut(std::slice::from_ref(&text), 100, 100, OnBadRow::Send);
    assert_eq!(chunks(&cuts)[0].rows, 3);
    let (cuts, stop, _) = cut(&[text], 100, 100, OnBadRow::Stop);
    assert_eq!(chunks(&cuts)[0].rows, 1);
    insta::assert_snapshot!(stop.unwrap().render(), @"
    error: the row has 2 fields, the header 3
      at: leads.csv, line 3, row 2
      hint: --on-bad-row reject leaves such rows out and lists them in the report
    ");
}

#[test]
fn a_row_that_is_not_utf8_is_rejected_with_its_byte_and_its_bytes() {
    let (cuts, ..) = cut(
        &[b"1,2,3\n4,\xE2\x82,6\n7,8,9\n".to_vec()],
        100,
        3,
        OnBadRow::Send,
    );
    assert_eq!(chunks(&cuts)[0].rows, 2);
    let Some(Cut::Rejected(row)) = cuts.iter().find(|cut| matches!(cut, Cut::Rejected(_))) else {
        panic!()
    };
    assert_eq!(
        (row.row, row.line, row.bytes.as_deref()),
        (
            RowNumber::new(2),
            LineNumber::new(3),
            Some(&b"4,\xE2\x82,6\n"[..])
        )
    );
    insta::assert_snapshot!(row.reason, @"not UTF-8: byte 3 of the row begins no valid character");
}

#[test]
fn a_quote_that_never_closes_names_its_place_and_spares_the_rows_before() {
    let text = [
        b"1,2,3\n\"x\ny\",2,3\n4,\"5,6\n".as_slice(),
        &b"7,8,9\n".repeat(1000),
    ]
    .concat();
    let (cuts, stop, read) = cut(&[text], 100, 64, OnBadRow::Reject);
    assert_eq!((chunks(&cuts)[0].rows, read), (2, 2));
    insta::assert_snapshot!(stop.unwrap().render(), @"
    error: a quote opens here and never closes
      at: leads.csv, line 5, row 3
      hint: close the quote, or double a quote that is part of the value; the rows before it were taken
    ");
}

#[test]
fn no_more_than_a_chunk_is_held_for_a_row_without_an_end() {
    let rules = Rules {
        separator: b',',
        chunk_bytes: 1000,
        on_bad_row: OnBadRow::Reject,
    };
    let mut cutter = Cutter::new(
        rules,
        Bytes::from_static(HEADER),
        Bytes::from_static(b"\n"),
        3,
    );
    cutter.begin_source(SourceIndex::new(0), "x", 0);
    cutter.push(0, &Bytes::from_static(b"a,b,c\n1,2,3\n4,\""));
    for block in 0..1000 {
        cutter.push(15 + block * 100, &Bytes::from(vec![b'x'; 100]));
        let held: usize = cutter
            .rows
            .held
            .0
            .iter()
            .map(|(_, block)| block.len())
            .sum();
        assert!(held <= 1100, "{held} bytes held");
    }
    cutter.push(100_015, &Bytes::from_static(b"\",6\n7,8,9\n"));
    cutter.end_source(100_025, true);
    let rows: Vec<_> = std::iter::from_fn(|| cutter.next_cut())
        .map(|cut| match cut {
            Cut::Chunk(chunk) => format!("{} rows", chunk.rows),
            Cut::Rejected(row) => format!("row {}: {}", row.row, row.reason),
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @"
    row 2: the row has 100007 bytes; with the header it cannot fit into one request of Marketo's, where 992 are left for it; its bytes are not in the rejects file
    2 rows
    ");
}

#[test]
fn rows_wait_until_their_cut_is_handed_out() {
    let rules = Rules {
        separator: b',',
        chunk_bytes: 24,
        on_bad_row: OnBadRow::Reject,
    };
    let end = Bytes::from_static(b"\n");
    let mut cutter = Cutter::new(rules, Bytes::from_static(HEADER), end, 3);
    cutter.begin_source(SourceIndex::new(0), "leads.csv", 0);
    let source = Bytes::from_static(b"a,b,c\n1,2,3\n4,5,6\n7,8,9\nx\n1,2,3\n");
    cutter.push(0, &source);
    let mut handed_out = 0;
    loop {
        assert_eq!(cutter.rows_read() - cutter.rows_waiting(), handed_out);
        match cutter.next_cut() {
            Some(Cut::Chunk(chunk)) => handed_out += chunk.rows,
            Some(Cut::Rejected(_)) => handed_out += 1,
            None => break,
        }
    }
    assert_eq!(
        (handed_out, cutter.rows_waiting()),
        (3, 2),
        "two rows are in the open chunk"
    );
    cutter.end_source(source.len() as u64, true);
    assert!(cutter.next_cut().is_some());
    assert_eq!((cutter.rows_read(), cutter.rows_waiting()), (5, 0));
}
