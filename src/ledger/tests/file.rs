//! The file: who may read it, what stands in the way, who else writes.

use super::*;
use crate::ErrorKind;

#[cfg(unix)]
#[tokio::test]
async fn all_files_are_the_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/state");
    let ledger = Ledger::open(&folder).await.unwrap();
    ledger.begin_run(a_run("r", 1), Vec::new()).await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                mode(&entry.path()),
            )
        })
        .collect();
    files.sort();
    let names = ["ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal"];
    assert_eq!(files, names.map(|name| (name.to_owned(), 0o600)));
}

#[tokio::test]
async fn writes_are_on_disk_before_they_return() {
    let (_folder, ledger, _run) = one_chunk().await;
    let pragmas = ledger.database.read(|transaction| {
        let value = |name| transaction.query_row(name, [], |row| row.get::<_, u32>(0));
        let journal = transaction.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let journal: String = journal;
        Ok((
            journal,
            value("PRAGMA synchronous")?,
            value("PRAGMA foreign_keys")?,
        ))
    });
    assert_eq!(pragmas.await.unwrap(), ("wal".to_owned(), 2, 1));
}

/// Changes the database behind the ledger's back.
fn meddle(folder: &tempfile::TempDir, sql: &str) {
    rusqlite::Connection::open(folder.path().join("ledger.sqlite"))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[tokio::test]
async fn what_stands_in_the_way_is_said() {
    use ErrorKind::{Internal, Usage};
    let mut errors = String::new();
    let mut hear = |folder, error: &crate::Error, kind| {
        assert_eq!(error.kind(), kind, "{}", error.render());
        errors += &(said(error, folder) + "\n\n");
    };

    let (folder, ledger, run) = one_chunk().await;
    // No page may be added: so does a full disk answer.
    let full = "PRAGMA max_page_count = 1; PRAGMA cache_size = 1;";
    ledger
        .database
        .read(move |transaction| Ok(transaction.execute_batch(full)?))
        .await
        .unwrap();
    let big = "x".repeat(1 << 20);
    let error = run.end(RunState::Finished, 0, big).await.unwrap_err();
    hear(&folder, &error, Internal);
    assert_eq!(run.overview().await.unwrap().state, RunState::Running);
    drop((ledger, run));

    meddle(&folder, "UPDATE chunks SET digest = 'mine'");
    let ledger = Ledger::open(folder.path()).await.unwrap();
    let run = ledger.run(&ledger.find(None).await.unwrap()).await.unwrap();
    hear(&folder, &run.chunks().await.unwrap_err(), Internal);
    drop((ledger, run));

    meddle(&folder, "PRAGMA user_version = 99");
    let newer = Ledger::open(folder.path()).await.unwrap_err();
    hear(&folder, &newer, Usage);

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ledger.sqlite"), "id,email\n".repeat(99)).unwrap();
    let foreign = Ledger::open(folder.path()).await.unwrap_err();
    hear(&folder, &foreign, Internal);

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ledger.sqlite")).unwrap();
    let taken = Ledger::open(folder.path()).await.unwrap_err();
    hear(&folder, &taken, Usage);

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = Ledger::open(&folder.path().join("file/state")).await;
    hear(&folder, &below_a_file.unwrap_err(), Usage);
    insta::assert_snapshot!(errors, @"
    error: the disk is full: the ledger cannot be written
      at: STATE/ledger.sqlite
      why: database or disk is full
      hint: make room, then go on with `mktoload resume`

    error: the ledger is damaged
      at: STATE/ledger.sqlite
      why: Conversion error from type Text at index: 6, invalid digit found in string
      hint: put back a copy of it, or move it away: its runs can then no longer be resumed

    error: the ledger was written by a newer version of mktoload
      at: STATE/ledger.sqlite
      hint: use that version, or name another folder with --state-dir

    error: the ledger is damaged
      at: STATE/ledger.sqlite
      why: file is not a database
      hint: put back a copy of it, or move it away: its runs can then no longer be resumed

    error: the ledger cannot be opened for writing
      at: STATE/ledger.sqlite
      why: unable to open database file: STATE/ledger.sqlite
      hint: name another folder with --state-dir or MKTOLOAD_STATE_DIR

    error: the ledger `STATE/file/state/ledger.sqlite` cannot be made
      why: Not a directory (os error 20)
      hint: name another folder with --state-dir or MKTOLOAD_STATE_DIR
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_connections_open_and_write_at_once() {
    const WRITERS: u32 = 4;
    const CHUNKS: u32 = 8;
    let folder = tempfile::tempdir().unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let path = folder.path().to_owned();
        // Each has its own connection, as each process has.
        writers.spawn(async move {
            let ledger = Ledger::open(&path).await.unwrap();
            let name = format!("run-{writer}");
            let run = ledger
                .begin_run(a_run(&name, 1), vec![a_source()])
                .await
                .unwrap();
            for number in 1..=CHUNKS {
                run.cut(a_chunk(number)).await.unwrap();
                let chunk = ChunkNumber::new(number);
                run.note(chunk, ChunkEvent::Intent, Note::default())
                    .await
                    .unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let ledger = Ledger::open(folder.path()).await.unwrap();
    let runs = ledger.runs().await.unwrap();
    assert_eq!(runs.len(), WRITERS as usize);
    for run in runs {
        let chunks = ledger.run(&run.run).await.unwrap().chunks().await.unwrap();
        assert_eq!(chunks.len(), CHUNKS as usize);
        assert!(chunks.iter().all(|chunk| chunk.submits.len() == 1));
    }
}

/// As when another process has just made the file and writes the tables.
#[tokio::test]
async fn a_new_ledger_that_another_process_holds_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let opening = tokio::spawn({
        let path = folder.path().to_owned();
        async move { Ledger::open(&path).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!opening.is_finished());
    other.execute_batch("COMMIT").unwrap();
    opening.await.unwrap().unwrap();
}

#[tokio::test]
async fn only_one_of_two_processes_sends_a_chunk() {
    let (folder, _ledger, run) = one_chunk().await;
    let other = Ledger::open(folder.path()).await.unwrap();
    let other = other.run(run.id()).await.unwrap();
    let (one, two) = tokio::join!(
        run.note(ONE, ChunkEvent::Intent, Note::default()),
        other.note(ONE, ChunkEvent::Intent, Note::default()),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}
