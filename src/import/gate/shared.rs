//! One gate for all processes of this machine that import into one instance.
//!
//! A slot is a file that is locked as long as its job is in flight. The kernel
//! lets go of a lock when its process ends, however it ends, so that no slot is
//! ever left behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::config::state;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events, WaitReason};
use crate::import::gate::{Gate, LocalGate, Permit};
use crate::units::ChunkNumber;

/// The first wait for a slot. A slot is held for seconds at least.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// No wait is longer: a slot that nobody uses is time lost.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The gate of all processes that share a folder.
///
/// A process that allows more jobs than another uses more of the slots; the
/// slots of both are the same.
#[derive(Debug, Clone)]
pub struct SharedGate {
    /// Before the slots: one task of a process looks for each.
    local: LocalGate,
    slots: Arc<Slots>,
    events: Events,
}

#[derive(Debug)]
struct Slots {
    folder: PathBuf,
    /// The lock files, from slot 1 on; none while a job of ours holds it. A
    /// lock is the open file's and not the task's: locking it once more would
    /// succeed.
    files: Vec<Mutex<Option<File>>>,
}

/// A slot that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    index: usize,
    file: Option<File>,
}

impl SharedGate {
    /// A gate for `places` jobs of this process in the `slots` of `folder`,
    /// which is made if need be. Waits for other processes go to `events`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when the lock files cannot be made or locked.
    pub fn open(folder: &Path, places: usize, slots: usize, events: Events) -> Result<Self> {
        let unusable = |error| unusable(folder, error);
        state::private_folder(folder).map_err(unusable)?;
        let mut files = Vec::with_capacity(slots);
        for slot in 1..=slots {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options
                .open(folder.join(format!("slot-{slot}.lock")))
                .map_err(unusable)?;
            files.push(Mutex::new(Some(file)));
        }
        let slots = Arc::new(Slots {
            folder: folder.to_owned(),
            files,
        });
        // A disk that knows no locks is found out now, not after an upload.
        drop(slots.take()?);
        Ok(Self {
            local: LocalGate::new(places),
            slots,
            events,
        })
    }
}

impl Gate for SharedGate {
    fn enter(&self, chunk: ChunkNumber) -> BoxFuture<'static, Result<Permit>> {
        let gate = self.clone();
        Box::pin(async move {
            let mut permit = gate.local.place().await;
            let mut wait = FIRST_LOOK;
            loop {
                if let Some(slot) = gate.slots.take()? {
                    permit.slot = Some(slot);
                    return Ok(permit);
                }
                if wait == FIRST_LOOK {
                    gate.events.emit(Event::Waiting {
                        chunk: Some(chunk),
                        reason: WaitReason::OtherProcesses,
                        for_: None,
                        detail: gate.slots.folder.display().to_string(),
                    });
                }
                tokio::time::sleep(wait).await;
                wait = wait.mul_f64(1.5).min(LONGEST_LOOK);
            }
        })
    }
}

impl Slots {
    /// The first slot that is free, if one is.
    fn take(self: &Arc<Self>) -> Result<Option<Slot>> {
        for (index, file) in self.files.iter().enumerate() {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(ours) = &*file else { continue };
            match ours.try_lock() {
                Ok(()) => {
                    return Ok(Some(Slot {
                        slots: Arc::clone(self),
                        index,
                        file: file.take(),
                    }));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(unusable(&self.folder, error)),
            }
        }
        Ok(None)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // If it failed, the slot would stay ours, and free for our next job.
        let _ = file.unlock();
        let place = &self.slots.files[self.index];
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }
}

fn unusable(folder: &Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!(
            "the slots that mktoload's processes share cannot be used in `{}`",
            folder.display()
        ),
    )
    .because(error)
    .hint("name another folder with --state-dir or MKTOLOAD_STATE_DIR")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn gate(folder: &Path, places: usize, events: Events) -> SharedGate {
        SharedGate::open(&folder.join("gates/host"), places, places, events).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn two_gates_over_one_folder_let_no_more_in_than_one() {
        let folder = tempfile::tempdir().unwrap();
        let gates = [(); 2].map(|()| gate(folder.path(), 2, Events::silent()));
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut jobs = tokio::task::JoinSet::new();
        for job in 0..30 {
            let enter = gates[job as usize % 2].enter(ChunkNumber::new(job));
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            jobs.spawn(async move {
                let permit = enter.await.unwrap();
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(u64::from(job % 5) + 1)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            });
        }
        assert_eq!(jobs.join_all().await.len(), 30);
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_another_process_is_said_once_and_ends_when_it_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let events = Events::new(move |event| sink.lock().unwrap().push(event));
        let theirs = gate(folder.path(), 1, Events::silent());
        let ours = gate(folder.path(), 1, events);
        let held = theirs.enter(ChunkNumber::new(1)).await.unwrap();
        let entering = tokio::spawn(ours.enter(ChunkNumber::new(7)));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!entering.is_finished());
        drop(held);
        tokio::time::timeout(LONGEST_LOOK, entering)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let seen = seen.lock().unwrap();
        assert!(
            matches!(
                seen[..],
                [Event::Waiting {
                    chunk: Some(chunk),
                    reason: WaitReason::OtherProcesses,
                    ..
                }] if chunk.get() == 7
            ),
            "{seen:?}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_are_the_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        drop(gate(folder.path(), 2, Events::silent()));
        let mode = |path: &str| {
            let path = folder.path().join("gates").join(path);
            path.metadata().unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode(""), mode("host")), (0o700, 0o700));
        assert_eq!(mode("host/slot-1.lock"), 0o600);
        assert_eq!(mode("host/slot-2.lock"), 0o600);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_usage_error_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let taken = folder.path().join("file/host");
        let error = SharedGate::open(&taken, 1, 1, Events::silent()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.hint_text().unwrap().contains("--state-dir"));
    }
}
