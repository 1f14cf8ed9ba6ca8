//! Everything a running sandbox knows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::faults::Faults;
use super::files::Shelf;
use super::identity::Identity;
use super::inspection::CreateSeen;
use super::jobs::Jobs;
use super::limits::Limits;
use super::route::Call;
use super::settings::Settings;

/// Everything a running sandbox knows. No lock is held over an await.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    identity: Mutex<Identity>,
    limits: Mutex<Limits>,
    faults: Mutex<Faults>,
    jobs: Mutex<Jobs>,
    tally: Mutex<Tally>,
    pub(super) shelf: Shelf,
    /// Turns true when the server ends: a call that hangs need not be waited
    /// for.
    closing: watch::Receiver<bool>,
}

/// Counters for usage, errors and tests.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: BTreeMap<Call, u64>,
    pub(super) errors: BTreeMap<u16, u64>,
    pub(super) creates: Vec<CreateSeen>,
}

/// The lock on `state`. A thread that panicked has no say in it: each state
/// here is changed by whole statements.
pub(super) fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(super) fn new(settings: Settings, closing: watch::Receiver<bool>) -> Self {
        Self {
            identity: Mutex::new(Identity::new(&settings)),
            limits: Mutex::new(Limits::new(
                settings.rate_calls,
                settings.rate_window,
                settings.calls_at_once,
            )),
            faults: Mutex::new(Faults::new(settings.faults.clone(), settings.seed)),
            jobs: Mutex::new(Jobs::new(&settings, Instant::now())),
            tally: Mutex::default(),
            shelf: Shelf::default(),
            closing,
            settings,
        }
    }

    pub(super) fn identity(&self) -> MutexGuard<'_, Identity> {
        locked(&self.identity)
    }

    pub(super) fn limits(&self) -> MutexGuard<'_, Limits> {
        locked(&self.limits)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(super) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        locked(&self.jobs)
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        locked(&self.tally)
    }

    /// Returns when the server ends.
    pub(super) async fn closed(&self) {
        // An error means that the server is gone: closed as well.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }
}
