//! Jobs and the model of their time.
//!
//! A job's start and end are computed when it is taken: first in, first out,
//! so many at once. Nothing runs in between; a look at a job is a look at the
//! clock.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::answers::Refusal;
use super::files::Span;
use super::inspection::JobState;
use super::route::Object;

/// What reading an upload came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Rows imported, those with a warning included.
    pub(super) accepted: u64,
    pub(super) failed: u64,
    /// Part of `accepted`.
    pub(super) warned: u64,
    pub(super) failures: Option<Span>,
    pub(super) warnings: Option<Span>,
    /// The accepted rows' values, if the settings ask for them.
    pub(super) rows: Vec<Vec<String>>,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    Failed,
    /// It never ends.
    Never,
}

/// An import.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) batch: u32,
    pub(super) object: Object,
    list: Option<u32>,
    pub(super) outcome: Outcome,
    failed: bool,
    /// `None`: never.
    start: Option<Instant>,
    end: Option<Instant>,
}

impl Job {
    pub(super) fn state(&self, now: Instant) -> JobState {
        match (self.start, self.end) {
            (_, Some(end)) if end <= now && self.failed => JobState::Failed,
            (_, Some(end)) if end <= now => JobState::Complete,
            (Some(start), _) if start <= now => JobState::Importing,
            _ => JobState::Queued,
        }
    }

    fn is_live(&self, now: Instant) -> bool {
        matches!(self.state(now), JobState::Queued | JobState::Importing)
    }

    /// Accepted, failed and warned rows so far (D: the numbers grow while the
    /// job runs).
    fn so_far(&self, now: Instant) -> (u64, u64, u64) {
        let share = match (self.state(now), self.start, self.end) {
            (JobState::Complete, ..) => 1.0,
            (JobState::Importing, Some(start), Some(end)) => {
                now.duration_since(start).as_secs_f64() / end.duration_since(start).as_secs_f64()
            }
            _ => 0.0,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a row count, between 0 and the count"
        )]
        let part = |rows: u64| (rows as f64 * share) as u64;
        let Outcome {
            accepted,
            failed,
            warned,
            ..
        } = self.outcome;
        (part(accepted), part(failed), part(warned))
    }

    /// What a create answers: for custom objects without `importId`, with
    /// `objectApiName` (D).
    pub(super) fn created(&self, word: Option<&str>, now: Instant) -> Value {
        let batch = self.batch;
        // A job that ended at once was queued all the same; `Failed` is the
        // one end that a create can tell (D).
        let status = word.unwrap_or(match self.state(now) {
            JobState::Failed => "Failed",
            _ => "Queued",
        });
        match &self.object {
            Object::Custom(name) => {
                json!({"batchId": batch, "status": status, "objectApiName": name})
            }
            Object::Leads | Object::Members => {
                json!({"batchId": batch, "importId": batch.to_string(), "status": status})
            }
        }
    }

    /// What a status call answers (D samples).
    pub(super) fn status(&self, word: Option<&str>, now: Instant) -> Value {
        let state = self.state(now);
        let (accepted, failed, warned) = self.so_far(now);
        let mut answer = json!({
            "batchId": self.batch,
            "status": word.unwrap_or(state.name()),
            "numOfRowsFailed": failed,
            "numOfRowsWithWarning": warned,
        });
        if let Some(message) = self.message(state) {
            answer["message"] = message.into();
        }
        if let Object::Custom(name) = &self.object {
            answer["operation"] = "import".into();
            answer["objectApiName"] = name.as_str().into();
            answer["numOfObjectsProcessed"] = accepted.into();
            if let (JobState::Complete, Some(start), Some(end)) = (state, self.start, self.end) {
                // Whole seconds, at least one (D samples).
                let seconds = end.duration_since(start).as_secs().max(1);
                answer["importTime"] = format!("{seconds} second(s)").into();
            }
        } else {
            answer["importId"] = self.batch.to_string().into();
            answer["numOfLeadsProcessed"] = accepted.into();
        }
        answer
    }

    /// Texts of the samples (D). None shows failures and warnings at once;
    /// that one is put together from the two.
    fn message(&self, state: JobState) -> Option<String> {
        let Outcome {
            accepted,
            failed,
            warned,
            ..
        } = self.outcome;
        match state {
            JobState::Queued | JobState::Importing => None,
            JobState::Failed => Some("Import failed: scripted fault job-failed".to_owned()),
            JobState::Complete => {
                let imported = format!("{accepted} records imported ({accepted} members)");
                Some(match (failed, warned) {
                    (0, 0) => format!("Import succeeded, {imported}"),
                    (0, _) => format!("Import succeeded, {imported}, {warned} warning."),
                    (_, 0) => format!("Import completed with errors, {imported}, {failed} failed"),
                    _ => format!(
                        "Import completed with errors, {imported}, {failed} failed, {warned} warning."
                    ),
                })
            }
        }
    }
}

/// All jobs, in the order in which they were taken.
#[derive(Debug)]
pub(super) struct Jobs {
    queued: usize,
    rows_per_second: Option<u32>,
    latency: Duration,
    one_per_list: bool,
    /// When each slot is free; `None`: never.
    slots: Vec<Option<Instant>>,
    taken: Vec<Job>,
    most_in_flight: usize,
}

/// The first batch id; the samples have four digits.
const FIRST_BATCH: u32 = 1001;

impl Jobs {
    pub(super) fn new(settings: &super::Settings, now: Instant) -> Self {
        Self {
            queued: settings.queued_jobs,
            rows_per_second: settings.rows_per_second.filter(|&rows| rows > 0),
            latency: settings.job_latency,
            one_per_list: settings.one_job_per_list,
            slots: vec![Some(now); settings.running_jobs.max(1)],
            taken: Vec::new(),
            most_in_flight: 0,
        }
    }

    /// Whether a job for `list` can be taken now: 1016 if the queue is full,
    /// 1019 if the list is being imported into.
    pub(super) fn room(&self, list: Option<u32>, now: Instant) -> Result<(), Refusal> {
        let live = || self.taken.iter().filter(|job| job.is_live(now));
        if live().count() >= self.queued {
            let text = format!(
                "There are {} imports currently being processed. Please try again later",
                self.queued
            );
            return Err(Refusal::with(1016, text));
        }
        if self.one_per_list && list.is_some() && live().any(|job| job.list == list) {
            return Err(Refusal::code(1019));
        }
        Ok(())
    }

    /// Takes a job and settles when it starts and ends.
    pub(super) fn take(
        &mut self,
        object: Object,
        list: Option<u32>,
        outcome: Outcome,
        end: End,
        now: Instant,
    ) -> Result<&Job, Refusal> {
        self.room(list, now)?;
        let rows = outcome.accepted + outcome.failed;
        let work = self.rows_per_second.map_or(Duration::ZERO, |per_second| {
            Duration::from_secs_f64(rows as f64 / f64::from(per_second))
        });
        // The slot that is free first; one that never is comes last.
        let slot = self
            .slots
            .iter_mut()
            .min_by_key(|slot| (slot.is_none(), **slot));
        let (mut starts, mut ends) = (None, None);
        if let Some(slot) = slot {
            starts = slot.map(|free| free.max(now));
            ends = starts
                .filter(|_| end != End::Never)
                .map(|start| start + self.latency + work);
            *slot = ends;
        }
        let in_flight = self.taken.iter().filter(|job| job.is_live(now)).count() + 1;
        self.most_in_flight = self.most_in_flight.max(in_flight);
        // Above 2^32 jobs the ids would repeat; no sandbox takes so many.
        let nth = u32::try_from(self.taken.len()).unwrap_or(u32::MAX - FIRST_BATCH);
        let job = Job {
            batch: FIRST_BATCH + nth,
            object,
            list,
            outcome,
            failed: end == End::Failed,
            start: starts,
            end: ends,
        };
        self.taken.push(job);
        self.taken.last().ok_or_else(|| Refusal::code(611))
    }

    /// A job by its batch id, if it is of that kind of object.
    pub(super) fn find(&self, object: &Object, batch: u32) -> Result<&Job, Refusal> {
        let nth = batch.checked_sub(FIRST_BATCH).map(|nth| nth as usize);
        nth.and_then(|nth| self.taken.get(nth))
            .filter(|job| job.object == *object)
            .ok_or_else(|| Refusal::with(1013, format!("Import with id '{batch}' not found")))
    }

    pub(super) fn all(&self) -> &[Job] {
        &self.taken
    }

    pub(super) fn most_in_flight(&self) -> usize {
        self.most_in_flight
    }
}

#[cfg(test)]
mod tests;
