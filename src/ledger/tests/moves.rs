//! How chunks move on, on paper and on disk.

use proptest::prelude::*;

use super::*;

const EVENTS: [ChunkEvent; 10] = [
    ChunkEvent::Intent,
    ChunkEvent::NotTaken,
    ChunkEvent::Lost,
    ChunkEvent::Taken(BatchId::new(1001)),
    ChunkEvent::Completed,
    ChunkEvent::JobFailed,
    ChunkEvent::Refused,
    ChunkEvent::GivenUp,
    ChunkEvent::Halved,
    ChunkEvent::Reported,
];

#[test]
fn every_move_of_every_state() {
    let ended = |end| [false, true].map(|reported| ChunkState::Ended { end, reported });
    let mut states = vec![
        ChunkState::Ready { lost: 0 },
        ChunkState::Ready { lost: 1 },
        ChunkState::Submitting { lost: 0 },
        ChunkState::Submitting { lost: 1 },
        ChunkState::InFlight {
            batch_id: BatchId::new(1000),
        },
        ChunkState::Halved,
    ];
    states.extend(ended(EndState::Complete));
    states.extend(ended(EndState::Failed));
    states.extend(ended(EndState::Refused));
    states.extend(ended(EndState::Unknown));
    let mut table = String::new();
    for state in states {
        table += &format!("{state}\n");
        for event in EVENTS {
            if let Ok(next) = next(state, event) {
                table += &format!("  {event} -> {next}\n");
            }
        }
    }
    insta::assert_snapshot!(table, @"
    ready
      intent -> submitting
    ready (1 lost)
      intent -> submitting (1 lost)
      given up -> unknown, not reported
    submitting
      not taken -> ready
      lost -> ready (1 lost)
      taken as 1001 -> in flight as 1001
      refused -> refused, not reported
      halved -> halved
    submitting (1 lost)
      not taken -> ready (1 lost)
      lost -> ready (2 lost)
      taken as 1001 -> in flight as 1001
      refused -> unknown, not reported
      halved -> halved
    in flight as 1000
      completed -> complete, not reported
      job failed -> failed, not reported
      given up -> unknown, not reported
    halved
    complete, not reported
      completed -> complete, not reported
      reported -> complete
    complete
    failed, not reported
      job failed -> failed, not reported
      reported -> failed
    failed
    refused, not reported
      reported -> refused
    refused
    unknown, not reported
      reported -> unknown
    unknown
    ");
}

#[tokio::test]
async fn what_cannot_happen_is_refused_and_changes_nothing() {
    let (folder, _ledger, run) = one_chunk().await;
    let before = run.chunks().await.unwrap();
    let wrong = run
        .note(ONE, ChunkEvent::Completed, Note::default())
        .await
        .unwrap_err();
    assert_eq!(wrong.kind(), crate::ErrorKind::Internal);
    insta::assert_snapshot!(said(&wrong, &folder), @"
    error: chunk 1: `completed` cannot follow on `ready`
      at: STATE/ledger.sqlite
      hint: does another process work on the same run?
    ");
    let two = ChunkNumber::new(2);
    let missing = run.note(two, ChunkEvent::Intent, Note::default()).await;
    insta::assert_snapshot!(said(&missing.unwrap_err(), &folder), @"
    error: chunk 2: run `20261101T000000Z-aaaa` has no such chunk
      at: STATE/ledger.sqlite
    ");
    assert_eq!(run.chunks().await.unwrap(), before);
}

/// Events that mostly can happen where the chunk stands, so that walks go far.
fn walk(picks: &[(u8, bool)]) -> Vec<ChunkEvent> {
    let mut state = ChunkState::Ready { lost: 0 };
    let mut events = Vec::new();
    for &(pick, legal) in picks {
        let possible: Vec<_> = EVENTS
            .into_iter()
            .filter(|event| !legal || next(state, *event).is_ok())
            .collect();
        let Some(event) = possible.get(usize::from(pick) % possible.len().max(1)) else {
            break;
        };
        state = next(state, *event).unwrap_or(state);
        events.push(*event);
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_ledger_stands_where_the_fold_does_and_survives_reopening(
        picks in proptest::collection::vec((any::<u8>(), prop::bool::weighted(0.8)), 0..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (folder, ledger, run) = one_chunk().await;
            let mut state = ChunkState::Ready { lost: 0 };
            let mut intents = 0;
            for event in walk(&picks) {
                let noted = run.note(ONE, event, Note::default()).await;
                match next(state, event) {
                    Ok(next) => {
                        intents += usize::from(event == ChunkEvent::Intent);
                        state = next;
                        assert_eq!(noted.unwrap(), state);
                    }
                    Err(_) => assert!(noted.is_err()),
                }
            }
            let id = run.id().clone();
            drop((run, ledger));
            let ledger = Ledger::open(folder.path()).await.unwrap();
            let chunks = ledger.run(&id).await.unwrap().chunks().await.unwrap();
            assert_eq!(chunks[0].state, state);
            // Every POST has its row, and one is open only during a POST.
            let submits = &chunks[0].submits;
            assert_eq!(submits.len(), intents);
            let open = submits.iter().filter(|submit| submit.outcome.is_none());
            let submitting = matches!(state, ChunkState::Submitting { .. });
            assert_eq!(open.count(), usize::from(submitting));
            if let ChunkState::InFlight { batch_id } = state {
                assert_eq!(chunks[0].batch_id(), Some(batch_id));
            }
        });
    }
}

#[tokio::test]
async fn every_post_is_kept_with_its_outcome() {
    let (_folder, _ledger, run) = one_chunk().await;
    let began = jiff::Timestamp::now();
    let batch_id = BatchId::new(7);
    for (event, detail) in [
        (ChunkEvent::NotTaken, "1016: too many imports queued"),
        (ChunkEvent::Lost, "connection closed"),
        (ChunkEvent::Taken(batch_id), ""),
    ] {
        note_all(&run, &[ChunkEvent::Intent]).await;
        let note = Note {
            request_id: Some("e42b#14272d07d78".to_owned()),
            detail: detail.to_owned(),
        };
        run.note(ONE, event, note).await.unwrap();
    }
    note_all(&run, &[ChunkEvent::Completed]).await;
    let chunk = run.chunks().await.unwrap().remove(0);
    assert_eq!(chunk.batch_id(), Some(batch_id));
    let mut last = began;
    let mut table = String::new();
    for submit in chunk.submits {
        assert!(last <= submit.at && submit.at <= jiff::Timestamp::now());
        last = submit.at;
        table += &format!(
            "{} {:?} {:?} {:?} {}\n",
            submit.attempt, submit.outcome, submit.batch_id, submit.request_id, submit.detail
        );
    }
    insta::assert_snapshot!(table, @r#"
    1 Some("not taken") None Some("e42b#14272d07d78") 1016: too many imports queued
    2 Some("lost") None Some("e42b#14272d07d78") connection closed
    3 Some("taken") Some(BatchId(7)) Some("e42b#14272d07d78")
    "#);
}

#[tokio::test]
async fn a_chunk_is_halved_as_a_whole_or_not_at_all() {
    let (_folder, _ledger, run) = one_chunk().await;
    run.cut(a_chunk(2)).await.unwrap();
    note_all(&run, &[ChunkEvent::Intent]).await;
    let half = |number| ChunkRecord {
        cut: None,
        ..a_chunk(number)
    };
    let before = run.chunks().await.unwrap();
    // Chunk 2 is there already.
    let halved = run.halve(ONE, [half(3), half(2)], Note::default()).await;
    assert_eq!(halved.unwrap_err().kind(), crate::ErrorKind::Internal);
    assert_eq!(run.chunks().await.unwrap(), before);

    let note = Note::default();
    run.halve(ONE, [half(3), half(4)], note.clone())
        .await
        .unwrap();
    let three = ChunkNumber::new(3);
    run.note(three, ChunkEvent::Intent, note.clone())
        .await
        .unwrap();
    run.halve(three, [half(5), half(6)], note).await.unwrap();
    let chunks = run.chunks().await.unwrap();
    let order: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.chunk.get(), chunk.parent.map(ChunkNumber::get)))
        .collect();
    let (one, three) = (Some(1), Some(3));
    assert_eq!(
        order,
        [
            (1, None),
            (3, one),
            (5, three),
            (6, three),
            (4, one),
            (2, None)
        ]
    );
    assert_eq!(chunks[0].state, ChunkState::Halved);
    assert_eq!(chunks[0].submits[0].outcome.as_deref(), Some("too large"));
    assert_eq!(chunks[2].state, ChunkState::Ready { lost: 0 });
}

#[tokio::test]
async fn a_result_is_kept_once_it_is_reported() {
    let (_folder, _ledger, run) = one_chunk().await;
    note_all(&run, &[ChunkEvent::Intent, ChunkEvent::Refused]).await;
    run.reported(ONE, "{}".to_owned()).await.unwrap();
    assert!(run.reported(ONE, "other".to_owned()).await.is_err());
    let chunk = run.chunks().await.unwrap().remove(0);
    assert_eq!(chunk.result.as_deref(), Some("{}"));
    let end = EndState::Refused;
    let reported = true;
    assert_eq!(chunk.state, ChunkState::Ended { end, reported });
}
