//! How a run goes, on stderr: one steady line on a terminal, else a line every
//! few seconds and whenever something has to be known.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::{Talk, say};
use crate::event::{Event, Events, WaitReason};

/// Time between two lines off a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The display of one run. Clones show the same.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

struct State {
    quiet: bool,
    what: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
    /// When a wait of our own making was last told of.
    last_wait: Option<(WaitReason, Instant)>,
    begun: Instant,
    bytes_total: Option<u64>,
    bytes_read: u64,
    rows_read: u64,
    chunks_sent: u64,
    chunks_done: u64,
    accepted: u64,
    failed: u64,
    warned: u64,
}

impl Progress {
    /// A display for an import into `what`.
    pub(super) fn new(talk: &Talk, what: String) -> Self {
        let bar = (!talk.quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            // The template is a constant that parses; if it did not, the
            // default style shows the same message.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self(Arc::new(Mutex::new(State {
            quiet: talk.quiet,
            what,
            bar,
            last_line: Instant::now(),
            last_wait: None,
            begun: Instant::now(),
            bytes_total: None,
            bytes_read: 0,
            rows_read: 0,
            chunks_sent: 0,
            chunks_done: 0,
            accepted: 0,
            failed: 0,
            warned: 0,
        })))
    }

    /// Events that this display shows.
    pub(super) fn events(&self) -> Events {
        let state = Arc::clone(&self.0);
        Events::new(move |event| {
            log(&event);
            state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(event);
        })
    }

    /// The run is over: nothing is shown any more.
    pub(super) fn finish(&self) {
        if let Some(bar) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bar
            .take()
        {
            bar.finish_and_clear();
        }
    }
}

/// How long a wait is, and until when where that is worth a look at the clock.
fn wait_text(wait: Duration, now: Timestamp) -> String {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let mut text = format!(
        " {}",
        humantime::format_duration(Duration::from_millis(millis))
    );
    if wait >= Duration::from_secs(60)
        && let Ok(end) = now.checked_add(wait)
    {
        let _ = write!(text, " (until {})", end.strftime("%Y-%m-%d %H:%M UTC"));
    }
    text
}

/// The same events as logs, with identifiers as fields.
fn log(event: &Event) {
    match event {
        Event::RunStarted { run, .. } => tracing::info!(%run, "run started"),
        Event::ChunkRead { chunk, rows, .. } => tracing::debug!(%chunk, rows, "chunk read"),
        Event::Submitted { chunk, batch_id } => tracing::info!(%chunk, %batch_id, "submitted"),
        Event::JobSeen {
            chunk,
            batch_id,
            status,
            processed,
            failed,
        } => {
            tracing::info!(%chunk, %batch_id, status, processed, failed, "job seen");
        }
        Event::ChunkDone {
            chunk,
            accepted,
            failed,
            warned,
        } => {
            tracing::info!(%chunk, accepted, failed, warned, "chunk done");
        }
        Event::Halved {
            chunk,
            first,
            second,
        } => tracing::info!(%chunk, %first, %second, "too large, sent in halves"),
        Event::SourceGrew { source } => tracing::info!(source, "source grew"),
        Event::Waiting {
            chunk,
            reason,
            for_,
            detail,
        } => {
            let chunk = chunk.map(crate::units::ChunkNumber::get);
            tracing::info!(chunk, %reason, wait_ms = for_.map(|wait| wait.as_millis()), detail, "waiting");
        }
    }
}

impl State {
    fn take(&mut self, event: Event) {
        match event {
            Event::RunStarted { run, bytes_total } => {
                self.bytes_total = bytes_total;
                let size = bytes_total
                    .map_or_else(String::new, |bytes| format!(", {}", HumanBytes(bytes)));
                self.say(&format!("run {run}: importing {}{size}", self.what));
            }
            Event::ChunkRead {
                rows, bytes_read, ..
            } => {
                self.rows_read += rows;
                self.bytes_read = bytes_read;
            }
            Event::Submitted { .. } => self.chunks_sent += 1,
            Event::JobSeen { .. } => {}
            Event::ChunkDone {
                accepted,
                failed,
                warned,
                ..
            } => {
                self.chunks_done += 1;
                self.accepted += accepted;
                self.failed += failed;
                self.warned += warned;
            }
            Event::Halved {
                chunk,
                first,
                second,
            } => self.say(&format!(
                "chunk {chunk} is too large for Marketo (413): sent in halves {first} and {second}"
            )),
            Event::SourceGrew { source } => self.say(&format!(
                "{source} has grown while it was read: what came after it was opened is not imported"
            )),
            Event::Waiting {
                chunk,
                reason,
                for_,
                detail,
            } => {
                if self.told_just_now(reason) {
                    return;
                }
                let who = chunk.map_or_else(String::new, |chunk| format!("chunk {chunk} "));
                let wait = for_.map_or_else(String::new, |wait| wait_text(wait, Timestamp::now()));
                self.say(&format!("{who}waits{wait}: {reason}: {detail}"));
            }
        }
        self.show();
    }

    /// Chunks can wait for chunks one after another, all through a run: that is
    /// told now and then.
    fn told_just_now(&mut self, reason: WaitReason) -> bool {
        if !matches!(reason, WaitReason::OtherProcesses | WaitReason::SharedValue) {
            return false;
        }
        let just_now = self
            .last_wait
            .is_some_and(|(last, at)| last == reason && at.elapsed() < LINE_EVERY);
        if !just_now {
            self.last_wait = Some((reason, Instant::now()));
        }
        just_now
    }

    fn show(&mut self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.line());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.say(&self.line());
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None if !self.quiet => say(text),
            None => {}
        }
    }

    fn line(&self) -> String {
        let mut line = match self.bytes_total {
            Some(total) if total > 0 => {
                format!(
                    "read {}% of {}",
                    self.bytes_read.min(total) * 100 / total,
                    HumanBytes(total)
                )
            }
            _ => format!("read {}", HumanBytes(self.bytes_read)),
        };
        let _ = write!(
            line,
            ", {} rows; chunks {} sent, {} done; accepted {}, failed {}, warned {}; {}",
            HumanCount(self.rows_read),
            self.chunks_sent,
            self.chunks_done,
            HumanCount(self.accepted),
            HumanCount(self.failed),
            HumanCount(self.warned),
            humantime::format_duration(Duration::from_secs(self.begun.elapsed().as_secs())),
        );
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_says_until_when() {
        let now: Timestamp = "2026-11-25T00:26:48Z".parse().unwrap();
        let text = |seconds: f64| wait_text(Duration::from_secs_f64(seconds), now);
        assert_eq!(text(0.932), " 932ms");
        assert_eq!(text(20.5), " 20s 500ms");
        assert_eq!(text(20_052.0), " 5h 34m 12s (until 2026-11-25 06:01 UTC)");
    }
}
