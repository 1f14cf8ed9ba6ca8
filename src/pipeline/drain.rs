//! Jobs in flight come to their ends, and are waited for at the end of a run.

use std::time::Duration;

use crate::event::Event;
use crate::import::Stopping;
use crate::pipeline::Plan;
use crate::pipeline::account::Fate;
use crate::pipeline::run::{Halt, Run, broken};
use crate::pipeline::task::Ended;

/// How long jobs in flight are waited for after a signal.
const GRACE: Duration = Duration::from_secs(30);

impl Run {
    /// Takes in a chunk that came to its end.
    pub(super) fn take(
        &mut self,
        ended: Result<Ended, tokio::task::JoinError>,
        plan: &Plan,
    ) -> Result<(), Halt> {
        let ended = ended
            .map_err(|error| broken("importing a chunk", error))
            .map_err(Halt::Error)?;
        for result in ended.results {
            if result.fate == Fate::Counted {
                self.importer.events.emit(Event::ChunkDone {
                    chunk: result.summary.chunk,
                    accepted: result.summary.accepted,
                    failed: result.summary.failed,
                    warned: result.summary.warned,
                });
            }
            self.account.chunk(result);
        }
        match ended.fatal {
            Some(error) => Err(Halt::Error(error)),
            None => self.check_errors(plan),
        }
    }

    pub(super) fn check_errors(&self, plan: &Plan) -> Result<(), Halt> {
        if self.account.too_many_errors(plan.max_errors) {
            Err(Halt::MaxErrors)
        } else {
            Ok(())
        }
    }

    /// Waits for the jobs in flight; after a signal for so long, and a second
    /// signal ends the waiting.
    pub(super) async fn drain(&mut self, mut halt: Option<Halt>, plan: &Plan) -> Option<Halt> {
        let mut deadline = Box::pin(tokio::time::sleep(GRACE));
        let mut hurried = false;
        loop {
            let signalled = matches!(halt, Some(Halt::Signal(_)));
            tokio::select! {
                ended = self.jobs.join_next() => match ended {
                    None => return halt,
                    Some(ended) => if let Err(reason) = self.take(ended, plan) {
                        self.importer.stop(Stopping::NothingNew);
                        // Bad input spares the rows before it. What keeps them
                        // from being sent is why the run is not done; a resume
                        // comes to the bad input again.
                        if halt.as_ref().is_none_or(Halt::is_bad_input) {
                            halt = Some(reason);
                        }
                    }
                },
                () = &mut deadline, if signalled && !hurried => {
                    hurried = true;
                    self.importer.stop(Stopping::AtOnce);
                }
                Ok(()) = self.signal.changed() => {
                    if signalled {
                        // The second one.
                        hurried = true;
                        self.importer.stop(Stopping::AtOnce);
                    } else if let Some(signal) = *self.signal.borrow() {
                        deadline = Box::pin(tokio::time::sleep(GRACE));
                        self.importer.stop(Stopping::NothingNew);
                        halt = Some(Halt::Signal(signal));
                    }
                }
            }
        }
    }
}
