//! A run under way: chunks go out, jobs come back, and why it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::chunk::{Chunk, Chunks, Cut};
use crate::config::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events};
use crate::import::{
    ChunkEnd, ChunkImport, Gate, Importer, LocalGate, Permit, Stopping, import_chunk,
};
use crate::marketo::Client;
use crate::pipeline::Plan;
use crate::pipeline::account::{Account, ChunkResult, Fate};
use crate::pipeline::attribute::Attributor;
use crate::pipeline::import::rejected;
use crate::pipeline::worker::Worker;
use crate::report::{Bytes, Ending, Layout, Outcome, ReportFormat, Reporter, Stop, Summary};

/// A signal that ends a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// How long jobs in flight are waited for after a signal.
const GRACE: Duration = Duration::from_secs(30);

/// Chunks in memory beyond those in flight: the next one to be sent, or one
/// whose failures are being attributed. A job takes minutes and attributing a
/// second, so the slot that stays empty for that long costs less than 10 MB.
const CHUNKS_BESIDE: usize = 1;

/// A run between its first chunk and its summary.
pub(super) struct Run {
    importer: Importer,
    attributor: Attributor,
    reporter: Reporter,
    account: Account,
    jobs: JoinSet<Result<(ChunkResult, Option<Error>)>>,
    stopping: watch::Sender<Stopping>,
    signal: watch::Receiver<Option<Signal>>,
    read: Read,
}

/// What was read, as far as the books need it.
#[derive(Default)]
struct Read {
    rows: u64,
    bytes: u64,
}

/// Why a run ended before its source did.
pub(super) enum Halt {
    Signal(Signal),
    MaxErrors,
    Error(Error),
}

impl Run {
    pub(super) fn new(
        plan: &Plan,
        client: Client,
        events: Events,
        chunks: &Chunks,
        signal: watch::Receiver<Option<Signal>>,
    ) -> Result<Self> {
        let header = chunks.header();
        let key_columns = header.positions(&plan.target.key_columns());
        let reporter = Reporter::new(
            plan.folder.join("entries"),
            Layout {
                sources: chunks.source_names().to_vec(),
                header: header.bytes().to_vec(),
                names: header.names().to_vec(),
                format: chunks.format(),
                key_columns: key_columns.clone(),
                columns: plan.report_columns,
            },
        )?;
        let (stopping, stop) = watch::channel(Stopping::No);
        let importer = Importer {
            client,
            target: plan.target.clone(),
            format: chunks.format(),
            poll_interval: plan.poll_interval,
            job_timeout: plan.job_timeout,
            on_unknown: plan.on_unknown,
            events,
            bytes_sent: Arc::default(),
            stopping: stop,
        };
        let attributor = Attributor {
            importer: importer.clone(),
            writer: reporter.chunk_writer(),
            header: Arc::new(header.names().to_vec()),
            key_columns: Arc::new(key_columns),
            folder: plan.folder.clone(),
            worker: Worker::start(),
        };
        Ok(Self {
            importer,
            attributor,
            reporter,
            account: Account::default(),
            jobs: JoinSet::new(),
            stopping,
            signal,
            read: Read::default(),
        })
    }

    /// Sends all chunks and waits for all jobs. Says why it ended early, if it
    /// did.
    pub(super) async fn send(&mut self, mut chunks: Chunks, plan: &Plan) -> Option<Halt> {
        let gate = LocalGate::new(places(plan));
        let room = Arc::new(Semaphore::new(places(plan) + CHUNKS_BESIDE));
        let mut halt = None;
        while halt.is_none() {
            halt = match self.next_chunk(&mut chunks, plan).await {
                Ok(Some(chunk)) => self.start(chunk, &gate, &room, plan).await.err(),
                Ok(None) => break,
                Err(reason) => Some(reason),
            };
        }
        self.read = Read {
            rows: chunks.rows_read(),
            bytes: chunks.bytes_read(),
        };
        // A source that broke off or a bad row spares what was read before; any
        // other reason stops what has not reached Marketo yet.
        if halt.as_ref().is_some_and(
            |halt| !matches!(halt, Halt::Error(error) if error.kind() == ErrorKind::Input),
        ) {
            self.stopping.send_replace(Stopping::NothingNew);
        }
        self.drain(halt, plan).await
    }

    /// Reads on to the next chunk; rejected rows before it go to the report.
    async fn next_chunk(
        &mut self,
        chunks: &mut Chunks,
        plan: &Plan,
    ) -> Result<Option<Chunk>, Halt> {
        loop {
            let cut = tokio::select! {
                cut = chunks.next() => cut.map_err(Halt::Error)?,
                signal = raised(&mut self.signal) => return Err(Halt::Signal(signal)),
            };
            match cut {
                Some(Cut::Chunk(chunk)) => {
                    self.importer.events.emit(Event::ChunkRead {
                        chunk: chunk.number,
                        rows: chunk.rows,
                        bytes_read: chunks.bytes_read(),
                    });
                    return Ok(Some(chunk));
                }
                Some(Cut::Rejected(row)) => {
                    self.reporter
                        .rejected(&rejected(row))
                        .map_err(Halt::Error)?;
                    self.account.rejected();
                    self.check_errors(plan)?;
                }
                None => return Ok(None),
            }
        }
    }

    /// Lets `chunk` go through the gate as soon as there is a place. Jobs that
    /// end meanwhile are taken in.
    async fn start(
        &mut self,
        chunk: Chunk,
        gate: &LocalGate,
        room: &Arc<Semaphore>,
        plan: &Plan,
    ) -> Result<(), Halt> {
        let enter = async {
            // Room first: a place at Marketo is scarcer than memory.
            let room = Arc::clone(room).acquire_owned().await;
            (gate.enter().await, room)
        };
        tokio::pin!(enter);
        let (permit, room) = loop {
            tokio::select! {
                entered = &mut enter => break entered,
                Some(ended) = self.jobs.join_next() => {
                    let taken = self.take(ended, plan);
                    if taken.is_err() {
                        self.unsent(&chunk);
                        return taken;
                    }
                }
                signal = raised(&mut self.signal) => {
                    self.unsent(&chunk);
                    return Err(Halt::Signal(signal));
                }
            }
        };
        let (importer, attributor) = (self.importer.clone(), self.attributor.clone());
        self.jobs.spawn(async move {
            let _room = room;
            import_and_attribute(importer, attributor, chunk, permit).await
        });
        Ok(())
    }

    /// A chunk that was read is not going to be sent.
    fn unsent(&mut self, chunk: &Chunk) {
        let imported = ChunkImport {
            end: ChunkEnd::NotSent,
            batch_id: None,
            submits: 0,
            fatal: None,
        };
        self.account.chunk(ChunkResult::new(chunk, &imported, None));
    }

    /// Takes in a chunk that came to its end.
    fn take(
        &mut self,
        ended: Result<Result<(ChunkResult, Option<Error>)>, tokio::task::JoinError>,
        plan: &Plan,
    ) -> Result<(), Halt> {
        let broken =
            |error| Error::new(ErrorKind::Internal, "importing a chunk broke off").because(error);
        let (result, fatal) = ended
            .map_err(broken)
            .and_then(|ended| ended)
            .map_err(Halt::Error)?;
        if result.fate == Fate::Counted {
            self.importer.events.emit(Event::ChunkDone {
                chunk: result.summary.chunk,
                accepted: result.summary.accepted,
                failed: result.summary.failed,
                warned: result.summary.warned,
            });
        }
        self.account.chunk(result);
        match fatal {
            Some(error) => Err(Halt::Error(error)),
            None => self.check_errors(plan),
        }
    }

    fn check_errors(&self, plan: &Plan) -> Result<(), Halt> {
        if self.account.too_many_errors(plan.max_errors) {
            Err(Halt::MaxErrors)
        } else {
            Ok(())
        }
    }

    /// Waits for the jobs in flight; after a signal for so long, and a second
    /// signal ends the waiting.
    async fn drain(&mut self, mut halt: Option<Halt>, plan: &Plan) -> Option<Halt> {
        let mut deadline = Box::pin(tokio::time::sleep(GRACE));
        let mut hurried = false;
        loop {
            let signalled = matches!(halt, Some(Halt::Signal(_)));
            tokio::select! {
                ended = self.jobs.join_next() => match ended {
                    None => return halt,
                    Some(ended) => if let Err(reason) = self.take(ended, plan) {
                        self.stopping.send_if_modified(|now| {
                            let more = *now < Stopping::NothingNew;
                            *now = (*now).max(Stopping::NothingNew);
                            more
                        });
                        halt.get_or_insert(reason);
                    }
                },
                () = &mut deadline, if signalled && !hurried => {
                    hurried = true;
                    self.stopping.send_replace(Stopping::AtOnce);
                }
                Ok(()) = self.signal.changed() => {
                    if signalled {
                        // The second one.
                        hurried = true;
                        self.stopping.send_replace(Stopping::AtOnce);
                    } else if let Some(signal) = *self.signal.borrow() {
                        deadline = Box::pin(tokio::time::sleep(GRACE));
                        self.stopping.send_replace(Stopping::NothingNew);
                        halt = Some(Halt::Signal(signal));
                    }
                }
            }
        }
    }

    /// Writes report, rejects and summary.
    pub(super) async fn finish(
        mut self,
        plan: &Plan,
        started: Instant,
        halt: Option<Halt>,
    ) -> Result<(Summary, Option<Error>)> {
        let unknown_chunks = self.account.chunks_with(|fate| fate == Fate::Unknown);
        let refused_chunks = self
            .account
            .chunks_with(|fate| matches!(fate, Fate::Refused | Fate::JobFailed));
        let (report, rejects) = (plan.report.clone(), plan.rejects.clone());
        let format = ReportFormat::of_path(&report);
        let tally =
            tokio::task::spawn_blocking(move || self.reporter.finish(&report, format, &rejects))
                .await
                .map_err(|error| {
                    Error::new(ErrorKind::Internal, "writing the report broke off").because(error)
                })??;
        let (rows, chunks, books) = self.account.close(self.read.rows);
        let ending = Ending {
            stop: halt.as_ref().map(|halt| match halt {
                Halt::Signal(Signal::Interrupt) => Stop::Interrupt,
                Halt::Signal(Signal::Terminate) => Stop::Terminate,
                Halt::MaxErrors => Stop::MaxErrors,
                Halt::Error(error) => Stop::Error(error.kind()),
            }),
            balanced: books.balanced(),
            unknown_chunks,
            refused_chunks,
            rows,
        };
        let outcome = Outcome::of(&ending);
        let summary = Summary {
            schema: Summary::SCHEMA,
            run_id: plan.run.clone(),
            outcome,
            exit_code: outcome.exit_code(),
            rows,
            balanced: ending.balanced,
            bytes: Bytes {
                read: self.read.bytes,
                sent: self.importer.bytes_sent.load(Ordering::Relaxed),
            },
            chunks,
            reasons: tally.reasons,
            api_calls: self.importer.client.calls(),
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            report: plan.report.display().to_string(),
            rejects: plan.rejects.display().to_string(),
            imbalances: books.imbalances,
            rejects_missing: tally.rejects_missing,
            rejects_candidates: tally.rejects_candidates,
        };
        let error = match halt {
            Some(Halt::Error(error)) => Some(error),
            _ => None,
        };
        Ok((summary, error))
    }
}

/// One chunk's whole way, failures found.
async fn import_and_attribute(
    importer: Importer,
    attributor: Attributor,
    chunk: Chunk,
    permit: Permit,
) -> Result<(ChunkResult, Option<Error>)> {
    // Dropping the permit at its end lets the next chunk in before failures
    // are looked for.
    let mut way = import_chunk(&importer, &chunk, permit).await;
    let fatal = way.fatal.take();
    let mut result = ChunkResult::new(&chunk, &way, None);
    match attributor.attribute(chunk, &way).await {
        Ok(received) => {
            result.book.received = received;
            Ok((result, fatal))
        }
        // Marketo's counts stand; that its rows were not found shows in the
        // books.
        Err(error) => Ok((result, Some(fatal.unwrap_or(error)))),
    }
}

/// Jobs in flight at most. Two jobs of one list cannot overlap (1019), so a
/// second upload would only be refused, 10 MB at a time.
fn places(plan: &Plan) -> usize {
    match plan.target {
        Target::Leads {
            list_id: Some(_), ..
        } => 1,
        _ => plan.max_in_flight,
    }
}

/// Resolves when a signal has been raised.
async fn raised(signal: &mut watch::Receiver<Option<Signal>>) -> Signal {
    match signal.wait_for(Option::is_some).await {
        Ok(raised) => raised.unwrap_or(Signal::Interrupt),
        Err(_) => std::future::pending().await,
    }
}
