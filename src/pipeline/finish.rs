//! The end of a run: report, rejects, summary, and what the ledger keeps.

use std::path::Path;
use std::sync::atomic::Ordering;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{RunState, RunTotals};
use crate::pipeline::Plan;
use crate::pipeline::account::Fate;
use crate::pipeline::run::{Halt, Run, Signal};
use crate::report::{Bytes, Ending, Outcome, ReportFormat, Reporter, Stop, Summary, Tally};

/// A run that came to its end, or to a stop.
#[derive(Debug)]
pub struct Imported {
    /// What became of all rows.
    pub summary: Summary,
    /// What ended the run early, if it was an error.
    pub error: Option<Error>,
    /// Whether a resume can go on from here.
    pub resumable: bool,
}

impl Run {
    /// Writes report, rejects and summary. A fault there is the run's error:
    /// the books are told all the same.
    pub(super) async fn finish(self, plan: &Plan, halt: Option<Halt>) -> Imported {
        let unknown_chunks = self.account.chunks_with(|fate| fate == Fate::Unknown);
        let refused_chunks = self
            .account
            .chunks_with(|fate| matches!(fate, Fate::Refused | Fate::JobFailed));
        let open = self.account.is_open();
        let used = RunTotals {
            api_calls: self.importer.client.calls(),
            bytes_sent: self.importer.bytes_sent.load(Ordering::Relaxed),
            elapsed_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let ledger = self.importer.ledger.clone();
        let mut faults = Vec::new();
        let added = match ledger.add_totals(used).await {
            Ok(()) => ledger.totals().await,
            Err(error) => Err(error),
        };
        let totals = added.unwrap_or_else(|error| {
            faults.push(error);
            used
        });
        let named = |path: &Path| path.display().to_string();
        let (tally, report, rejects) = match write(self.reporter, plan).await {
            Ok(tally) => (tally, named(&plan.report), named(&plan.rejects)),
            // What became of the rows is known all the same.
            Err(error) => {
                faults.push(error);
                Default::default()
            }
        };
        let stop = halt.as_ref().map(|halt| match halt {
            Halt::Signal(Signal::Interrupt) => Stop::Interrupt,
            Halt::Signal(Signal::Terminate) => Stop::Terminate,
            Halt::MaxErrors => Stop::MaxErrors,
            Halt::Source(error) | Halt::Error(error) => Stop::Error(error.kind()),
        });
        let halted = stop.is_some();
        let later = match &halt {
            None => false,
            Some(Halt::Signal(_) | Halt::MaxErrors | Halt::Source(_)) => true,
            Some(Halt::Error(error)) => matches!(
                error.kind(),
                ErrorKind::TryLater | ErrorKind::Auth | ErrorKind::Internal
            ),
        };
        let resumable = !plan.embedded && (later || open || !faults.is_empty());
        let (rows, chunks, books) = self.account.close(self.read.rows);
        let ending = Ending {
            stop: stop.or_else(|| faults.first().map(|error| Stop::Error(error.kind()))),
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
                sent: totals.bytes_sent,
            },
            chunks,
            reasons: tally.reasons,
            api_calls: totals.api_calls,
            elapsed_ms: totals.elapsed_ms,
            report,
            rejects,
            imbalances: books.imbalances,
            rejects_missing: tally.rejects_missing,
            rejects_candidates: tally.rejects_candidates,
            serialize_waits: self.serial.map_or(0, |serial| serial.waits()),
        };
        let state = if resumable {
            RunState::Interrupted
        } else {
            self.spool.remove();
            RunState::Finished
        };
        let text = serde_json::to_string(&summary).unwrap_or_default();
        if let Err(error) = ledger.end(state, summary.exit_code, text).await
            && !halted
        {
            faults.push(error);
        }
        let error = match halt {
            Some(Halt::Error(error) | Halt::Source(error)) => Some(error),
            _ => faults.into_iter().next(),
        };
        Imported {
            summary,
            error,
            resumable,
        }
    }
}

async fn write(mut reporter: Reporter, plan: &Plan) -> Result<Tally> {
    let (report, rejects) = (plan.report.clone(), plan.rejects.clone());
    let format = ReportFormat::of_path(&report);
    let written =
        tokio::task::spawn_blocking(move || reporter.finish(&report, format, &rejects)).await;
    written.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "writing the report broke off").because(error))
    })
}
