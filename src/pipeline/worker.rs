//! One thread for the work that needs a chunk's worth of memory.

use std::sync::mpsc::{Sender, channel};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

type Task = Box<dyn FnOnce() + Send>;

/// A thread that does one piece of work after another; it ends with its last
/// clone.
///
/// Not tokio's blocking pool: glibc keeps what a thread freed for that thread,
/// so work that wanders over a pool's threads holds its peak once for each.
#[derive(Clone)]
pub(super) struct Worker(Sender<Task>);

impl Worker {
    pub(super) fn start() -> Self {
        let (sender, tasks) = channel::<Task>();
        std::thread::spawn(move || tasks.into_iter().for_each(|task| task()));
        Self(sender)
    }

    /// Does `work` after what was asked for before it.
    ///
    /// # Errors
    /// What `work` gives; [`ErrorKind::Internal`] when it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let task = move || {
            // Whoever asked may have gone.
            let _ = done.send(work());
        };
        // A thread that is gone shows in the result that never comes.
        let _ = self.0.send(Box::new(task));
        result.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "attributing failures broke off").because(error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_in_order_and_a_panic_is_an_error() {
        let worker = Worker::start();
        assert_eq!(worker.run(|| Ok(1)).await.unwrap(), 1);
        let error = worker.run::<()>(|| panic!("on purpose")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(
            worker.run(|| Ok(2)).await.unwrap_err().kind(),
            ErrorKind::Internal
        );
    }
}
