//! SIGINT and SIGTERM as values.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::say;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Signal;

/// Listens to both signals. The value changes with each one that comes; the
/// third ends the process at once, for whoever has lost patience.
///
/// # Errors
/// [`ErrorKind::Internal`] when the process may not listen.
pub(super) fn listen() -> Result<watch::Receiver<Option<Signal>>> {
    let wrong =
        |error| Error::new(ErrorKind::Internal, "signals cannot be listened to").because(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(wrong)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(wrong)?;
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        for count in 1.. {
            let (raised, code) = tokio::select! {
                _ = interrupt.recv() => (Signal::Interrupt, 130),
                _ = terminate.recv() => (Signal::Terminate, 143),
            };
            match count {
                1 => say(
                    "stopping: nothing more is sent; waiting up to 30s for jobs in flight (again: at once)",
                ),
                2 => say("stopping at once: jobs in flight are reported as unknown"),
                _ => std::process::exit(code),
            }
            sender.send_replace(Some(raised));
        }
    });
    Ok(receiver)
}
