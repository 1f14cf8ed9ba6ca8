//! Runs: what is kept of them, how they are found, how they go.

use super::*;
use crate::ErrorKind;

#[tokio::test]
async fn what_is_written_is_read_again() {
    let (folder, ledger, run) = one_chunk().await;
    let stream = SourceRecord {
        source: SourceIndex::new(1),
        name: "-".to_owned(),
        size: None,
        modified: None,
        beginning: None,
    };
    let other = a_run("20261102T000000Z-bbbb", 2);
    let sources = vec![a_source(), stream];
    ledger
        .begin_run(other.clone(), sources.clone())
        .await
        .unwrap();
    drop(ledger);
    let ledger = Ledger::open(folder.path()).await.unwrap();
    let again = ledger.run(&other.run).await.unwrap();
    assert_eq!(again.record().await.unwrap(), (other, sources));
    assert_eq!(run.chunks().await.unwrap(), [a_chunk(1)]);
    assert!(again.chunks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_begins_ends_and_goes_on() {
    let (_folder, ledger, run) = one_chunk().await;
    let began = run.overview().await.unwrap();
    assert_eq!((began.state, began.ended), (RunState::Running, None));

    let end = run.end(RunState::Interrupted, 130, "{}".to_owned());
    end.await.unwrap();
    let ended = run.overview().await.unwrap();
    assert_eq!(ended.state, RunState::Interrupted);
    assert_eq!(
        (ended.exit_code, ended.summary.as_deref()),
        (Some(130), Some("{}"))
    );
    assert!(ended.ended.unwrap() <= jiff::Timestamp::now());

    run.reopen().await.unwrap();
    assert_eq!(ledger.runs().await.unwrap(), [began]);
}

#[tokio::test]
async fn what_was_used_up_adds_up() {
    let (_folder, _ledger, run) = one_chunk().await;
    let used = RunTotals {
        api_calls: 1,
        bytes_sent: 20,
        elapsed_ms: 300,
    };
    run.add_totals(used).await.unwrap();
    run.add_totals(used).await.unwrap();
    let both = RunTotals {
        api_calls: 2,
        bytes_sent: 40,
        elapsed_ms: 600,
    };
    assert_eq!(run.totals().await.unwrap(), both);
}

#[tokio::test]
async fn a_run_is_found_by_a_part_of_its_name() {
    let (folder, ledger, first) = one_chunk().await;
    let mut names = vec![first.id().clone()];
    for (name, day) in [("20261102T000000Z-bbbb", 2), ("20261103T000000Z-aaaa", 3)] {
        let run = ledger
            .begin_run(a_run(name, day), Vec::new())
            .await
            .unwrap();
        names.push(run.id().clone());
    }
    let [first, second, third] = [0, 1, 2].map(|at| &names[at]);
    for (text, run) in [
        (Some(first.as_str()), first),
        (Some("20261102"), second),
        (Some("bbbb"), second),
        (None, third),
    ] {
        assert_eq!(ledger.find(text).await.unwrap(), *run, "{text:?}");
    }
    let mut errors = String::new();
    for text in ["aaaa", "2026", "", "cccc"] {
        let error = ledger.find(Some(text)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        errors += &(said(&error, &folder) + "\n");
    }
    let known = RunId::known("cccc");
    errors += &(said(&ledger.run(&known).await.unwrap_err(), &folder) + "\n");

    // The newest that is not finished, then none.
    for run in [third, second, first] {
        assert_eq!(ledger.find(None).await.unwrap(), *run);
        let run = ledger.run(run).await.unwrap();
        run.end(RunState::Finished, 0, String::new()).await.unwrap();
    }
    errors += &said(&ledger.find(None).await.unwrap_err(), &folder);
    insta::assert_snapshot!(errors, @"
    error: `aaaa` fits 2 runs: 20261101T000000Z-aaaa, 20261103T000000Z-aaaa
      at: STATE/ledger.sqlite
      hint: give more of the name; `mktoload runs` lists them
    error: `2026` fits 3 runs: 20261101T000000Z-aaaa, 20261102T000000Z-bbbb, …
      at: STATE/ledger.sqlite
      hint: give more of the name; `mktoload runs` lists them
    error: `` fits 3 runs: 20261101T000000Z-aaaa, 20261102T000000Z-bbbb, …
      at: STATE/ledger.sqlite
      hint: give more of the name; `mktoload runs` lists them
    error: no run `cccc` is known
      at: STATE/ledger.sqlite
      hint: `mktoload runs` lists the runs that are known
    error: no run `cccc` is known
      at: STATE/ledger.sqlite
      hint: `mktoload runs` lists the runs that are known
    error: there is no unfinished run
      at: STATE/ledger.sqlite
      hint: `mktoload runs` lists the runs that are known
    ");

    assert_eq!(ledger.newest().await.unwrap().as_ref(), Some(third));
    let listed = ledger.runs().await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|run| run.run).collect();
    assert_eq!(listed, [third, second, first].map(Clone::clone));
}

#[tokio::test]
async fn nothing_is_left_of_a_forgotten_run() {
    let (folder, ledger, run) = one_chunk().await;
    let other = ledger
        .begin_run(a_run("20261102T000000Z-bbbb", 2), vec![a_source()])
        .await
        .unwrap();
    other.cut(a_chunk(1)).await.unwrap();
    note_all(&other, &[ChunkEvent::Intent]).await;
    note_all(&run, &[ChunkEvent::Intent]).await;
    run.halve(ONE, [a_chunk(2), a_chunk(3)], Note::default())
        .await
        .unwrap();

    ledger.forget(run.id()).await.unwrap();
    ledger.forget(run.id()).await.unwrap();
    let database = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
    for (table, of_the_other) in [
        ("runs", 1),
        ("sources", 1),
        ("chunks", 1),
        ("pieces", 2),
        ("submits", 1),
    ] {
        let count = format!("SELECT count(*) FROM {table}");
        let left: u32 = database.query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(left, of_the_other, "{table}");
    }
    // Who goes on with it is told, and not left to think that it is written.
    let lost = run.add_totals(RunTotals::default()).await.unwrap_err();
    insta::assert_snapshot!(said(&lost, &folder), @"
    error: the run is no longer in the ledger
      at: STATE/ledger.sqlite
      why: Query returned no rows
      hint: was it deleted by another process?
    ");
    assert!(run.reopen().await.is_err());
    assert!(run.end(RunState::Finished, 0, String::new()).await.is_err());
    assert!(run.record().await.is_err());
    assert!(run.cut(a_chunk(4)).await.is_err());
}
