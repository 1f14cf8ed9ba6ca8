//! A run under way: chunks go out, jobs come back, and why it ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::chunk::{Chunk, Chunks, Numbers, Outline, Spool};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events};
use crate::import::{Begin, ChunkEnd, ChunkImport, Gate, Importer, Serial, Stopping};
use crate::ledger::RunLedger;
use crate::marketo::Client;
use crate::pipeline::Plan;
use crate::pipeline::account::{Account, ChunkResult};
use crate::pipeline::attribute::Attributor;
use crate::pipeline::gate::{gate, places, serial};
use crate::pipeline::restore::Restore;
use crate::pipeline::resume::{END, Pending};
use crate::pipeline::setup::entries_folder;
use crate::pipeline::task::{Ended, Way, chunk_task, left_task};
use crate::pipeline::worker::Worker;
use crate::report::{Key, Layout, Reporter};
use crate::units::ChunkNumber;

/// A signal that ends a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Chunks in memory beyond those in flight: the next one to be sent, or one
/// whose failures are being attributed. A job takes minutes and attributing a
/// second, so the slot that stays empty for that long costs less than 10 MB.
const CHUNKS_BESIDE: usize = 1;

/// A run between its first chunk and its summary.
pub(super) struct Run {
    pub(super) importer: Importer,
    gate: Arc<dyn Gate>,
    pub(super) serial: Option<Arc<Serial>>,
    attributor: Attributor,
    pub(super) reporter: Reporter,
    pub(super) spool: Spool,
    pub(super) account: Account,
    pub(super) jobs: JoinSet<Ended>,
    pub(super) signal: watch::Receiver<Option<Signal>>,
    /// What was read by earlier processes of the run, and by this one.
    pub(super) read: Read,
    /// Chunks that an earlier process cut and that are about to be cut again:
    /// they have to come out the same.
    pub(super) known: VecDeque<Outline>,
    /// Rows that came into no chunk.
    rejected: u64,
    /// Chunks cut so far.
    pub(super) cuts: u64,
    pub(super) begun: Instant,
}

/// What was read, as far as the books need it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Read {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// Why a run ended before its source did.
pub(super) enum Halt {
    Signal(Signal),
    MaxErrors,
    /// The source broke off or is no longer what it was: once it is back, a
    /// resume goes on.
    Source(Error),
    Error(Error),
}

impl Halt {
    /// Whether it is a fault in the source that stays there: a resume would
    /// only come to it again.
    pub(super) fn is_bad_input(&self) -> bool {
        matches!(self, Self::Error(error) if error.kind() == ErrorKind::Input)
    }
}

impl Run {
    /// A run of `plan` into the ledger's `ledger`.
    pub(super) fn new(
        plan: &Plan,
        layout: &Layout,
        ledger: RunLedger,
        client: Client,
        events: Events,
        signal: watch::Receiver<Option<Signal>>,
    ) -> Result<Self> {
        let reporter = Reporter::new(entries_folder(&plan.folder), layout.clone())?;
        let gate = gate(plan, &events)?;
        let serial = serial(plan, layout, &events)?;
        let spool = Spool::new(plan.folder.join("spool"));
        let importer = Importer {
            ledger,
            spool: spool.clone(),
            client,
            target: plan.target.clone(),
            format: layout.format,
            poll_interval: plan.poll_interval,
            job_timeout: plan.job_timeout,
            on_unknown: plan.on_unknown,
            events,
            numbers: Numbers::default(),
            bytes_sent: Arc::default(),
            stopping: watch::Sender::new(Stopping::No),
        };
        let attributor = Attributor {
            importer: importer.clone(),
            writer: reporter.chunk_writer(),
            header: Arc::new(layout.names.clone()),
            key_columns: Arc::new(layout.key_columns.clone()),
            folder: plan.folder.clone(),
            worker: Worker::start(),
        };
        Ok(Self {
            importer,
            gate,
            serial,
            attributor,
            reporter,
            spool,
            account: Account::default(),
            jobs: JoinSet::new(),
            signal,
            read: Read::default(),
            known: VecDeque::new(),
            rejected: 0,
            cuts: 0,
            begun: Instant::now(),
        })
    }

    /// So many rejected rows come before `key`.
    pub(super) fn rejected_before(&mut self, key: Key) -> Result<u64> {
        self.reporter.rejected_before(key)
    }

    /// What earlier processes of the run read, `rejected` rows of it into no
    /// chunk; the chunks `known` are about to be cut again.
    pub(super) fn read_before(&mut self, read: Read, rejected: u64, known: VecDeque<Outline>) {
        self.read = read;
        self.rejected(rejected);
        self.known = known;
    }

    /// So many rows came into no chunk.
    pub(super) fn rejected(&mut self, rows: u64) {
        self.rejected += rows;
        self.account.rejected(rows);
    }

    /// Numbers that an earlier process gave.
    pub(super) fn number_used(&mut self, number: ChunkNumber, cut: Option<u64>) {
        self.importer.numbers.used(number);
        self.cuts = self.cuts.max(cut.unwrap_or(0));
    }

    /// A chunk that an earlier process brought to its end.
    pub(super) fn done(&mut self, result: ChunkResult) {
        self.account.chunk(result);
    }

    /// Sends what earlier processes of the run left, then all chunks of
    /// `chunks`, and waits for all jobs. Says why it ended early, if it did.
    pub(super) async fn send(
        &mut self,
        pending: Vec<Pending>,
        chunks: Option<Chunks>,
        restore: &Restore<'_>,
        plan: &Plan,
    ) -> Option<Halt> {
        let room = Arc::new(Semaphore::new(places(plan) + CHUNKS_BESIDE));
        // A resume may find that there were too many before.
        let mut halt = self.check_errors(plan).err();
        for left in pending {
            match restore.chunk(&left.outline, &self.spool) {
                Ok(chunk) if halt.is_some() => self.leave(chunk, left.way),
                Ok(chunk) => halt = self.start(chunk, left.way, &room, plan).await.err(),
                Err(error) => {
                    self.account.not_sent(left.outline.rows);
                    halt.get_or_insert(Halt::Source(error));
                }
            }
        }
        if let Some(mut chunks) = chunks {
            if halt.is_none() {
                halt = self.send_new(&mut chunks, &room, plan).await.err();
            }
            self.read.rows += chunks.rows_read();
            self.read.bytes += chunks.bytes_read();
            if let Err(error) = self.count_behind() {
                halt.get_or_insert(Halt::Error(error));
            }
        }
        // A source that broke off or a bad row spares what was read before; any
        // other reason stops what has not reached Marketo yet.
        let spares = |halt: &Halt| matches!(halt, Halt::Source(_)) || halt.is_bad_input();
        if halt.as_ref().is_some_and(|halt| !spares(halt)) {
            self.importer.stop(Stopping::NothingNew);
        }
        self.drain(halt, plan).await
    }

    /// Counts what earlier processes read and this one did not come to again:
    /// its chunks are in the account, its rejected rows in the report.
    fn count_behind(&mut self) -> Result<()> {
        let chunks: u64 = self.known.iter().map(|known| known.rows).sum();
        let rejected = self.reporter.rejected_before(END)? - self.rejected;
        self.read.rows += chunks + rejected;
        self.rejected(rejected);
        Ok(())
    }

    async fn send_new(
        &mut self,
        chunks: &mut Chunks,
        room: &Arc<Semaphore>,
        plan: &Plan,
    ) -> Result<(), Halt> {
        while let Some(chunk) = self.next_chunk(chunks, plan).await? {
            let way = Way::Import(Begin::Submit { lost: 0 });
            self.start(chunk, way, room, plan).await?;
        }
        for source in chunks.grown() {
            self.importer.events.emit(Event::SourceGrew {
                source: source.clone(),
            });
        }
        // Nor is the source read again for the rows rejected after its last cut.
        self.reporter.sync().map_err(Halt::Error)?;
        let ended = self.importer.ledger.source_ended(chunks.bytes_read()).await;
        ended.map_err(Halt::Error)
    }

    /// Lets `chunk` go through the gate as soon as there is a place. Jobs that
    /// end meanwhile are taken in.
    async fn start(
        &mut self,
        chunk: Chunk,
        way: Way,
        room: &Arc<Semaphore>,
        plan: &Plan,
    ) -> Result<(), Halt> {
        let (gate, serial) = (Arc::clone(&self.gate), self.serial.clone());
        // The clone shares the bytes.
        let next = chunk.clone();
        let enter = async {
            // Room first: a place at Marketo is scarcer than memory.
            let room = Arc::clone(room).acquire_owned().await;
            let number = next.number;
            let turn = match &serial {
                Some(serial) => Some(serial.enter(next).await?),
                None => None,
            };
            Ok((gate.enter(number).await?, turn, room))
        };
        tokio::pin!(enter);
        let entered = loop {
            tokio::select! {
                // What ends the run wins over a place that is free.
                biased;
                signal = raised(&mut self.signal) => {
                    self.leave(chunk, way);
                    return Err(Halt::Signal(signal));
                }
                Some(ended) = self.jobs.join_next() => {
                    let taken = self.take(ended, plan);
                    if taken.is_err() {
                        self.leave(chunk, way);
                        return taken;
                    }
                }
                entered = &mut enter => break entered,
            }
        };
        let (permit, turn, room) = match entered {
            Ok(entered) => entered,
            Err(error) => {
                self.leave(chunk, way);
                return Err(Halt::Error(error));
            }
        };
        if *self.importer.stopping.borrow() > Stopping::No {
            // The place was left by the chunk that ends the run: which says why
            // as soon as it is reported.
            self.leave(chunk, way);
            while let Some(ended) = self.jobs.join_next().await {
                self.take(ended, plan)?;
            }
            return Ok(());
        }
        let (importer, attributor) = (self.importer.clone(), self.attributor.clone());
        self.jobs.spawn(async move {
            let _room = room;
            chunk_task(importer, attributor, chunk, way, (permit, turn)).await
        });
        Ok(())
    }

    /// A chunk is not going to be sent or looked at by this process. If Marketo
    /// may have taken it before, what became of its rows is not known.
    fn leave(&mut self, chunk: Chunk, way: Way) {
        let known = matches!(way, Way::Report(_));
        let unknown = |batch_id, submits| ChunkImport {
            end: ChunkEnd::Unknown("the run stopped before it was looked at again".to_owned()),
            batch_id,
            submits,
            fatal: None,
        };
        let import = match way {
            Way::Report(import) => import,
            Way::Import(Begin::Submit { lost: 0 }) => return self.unsent(&chunk),
            Way::Import(Begin::Submit { lost }) => unknown(None, lost),
            Way::Import(Begin::Poll { batch_id, submits }) => unknown(Some(batch_id), submits),
        };
        let (importer, attributor) = (self.importer.clone(), self.attributor.clone());
        let task = left_task(importer, attributor, chunk, import, known);
        self.jobs.spawn(task);
    }

    /// A chunk that was read is not going to be sent.
    pub(super) fn unsent(&mut self, chunk: &Chunk) {
        self.account
            .chunk(ChunkResult::new(chunk, &ChunkImport::not_sent(), None));
    }
}

pub(super) fn broken(what: &str, error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, format!("{what} broke off")).because(error)
}

/// Resolves when a signal has been raised.
pub(super) async fn raised(signal: &mut watch::Receiver<Option<Signal>>) -> Signal {
    match signal.wait_for(Option::is_some).await {
        Ok(raised) => raised.unwrap_or(Signal::Interrupt),
        Err(_) => std::future::pending().await,
    }
}
