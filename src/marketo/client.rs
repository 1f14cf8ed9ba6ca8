//! Marketo as the import station calls it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::config::{CallRate, Credentials, Format, Instance, Target, limits};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Events;
use crate::units::BatchId;

use super::backoff::{Backoff, BackoffSettings};
use super::exchange::{Ask, Exchange, Reply, Rows};
use super::identity::Identity;
use super::job::{JobState, JobStatus};
use super::pace::Pace;
use super::paths::{self, RowsFile};
use super::refusal::Refusal;
use super::retry::Retry;
use super::token::TokenCache;
use super::upload::Upload;
use super::verdict::{Call, Verdict};
use super::wire::Envelope;

/// A connection that takes longer than this will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where Marketo is.
    pub instance: Instance,
    /// Who calls.
    pub credentials: Credentials,
    /// The call budget.
    pub rate: CallRate,
    /// Told of each wait.
    pub events: Events,
    /// The waits between attempts.
    pub backoff: BackoffSettings,
    /// Time for a small call, and for an upload or download to move.
    pub call_timeout: Duration,
    /// After 607, wait for the quota's reset instead of giving up.
    pub wait_for_quota: bool,
}

impl ClientConfig {
    /// The settings that Adobe advises, without telling anyone of waits.
    #[must_use]
    pub fn new(instance: Instance, credentials: Credentials) -> Self {
        Self {
            instance,
            credentials,
            rate: CallRate::default(),
            events: Events::silent(),
            backoff: BackoffSettings::default(),
            call_timeout: limits::CALL_TIMEOUT,
            wait_for_quota: false,
        }
    }
}

/// What came of one create call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    /// Marketo has a job.
    Accepted {
        /// Its number.
        batch_id: BatchId,
        /// Where it is; it can have failed already.
        status: JobState,
        /// Marketo's remark, or empty.
        message: String,
        /// Marketo's name of the call.
        request_id: Option<String>,
    },
    /// It is proven that Marketo has no job of this upload.
    Refused(Refusal),
    /// The answer was lost: there may be a job, whose number nobody knows.
    Unknown {
        /// What was seen instead of an answer.
        why: Refusal,
    },
}

/// A client of one instance. Clones share token, pace and count.
#[derive(Debug, Clone)]
pub struct Client {
    exchange: Arc<Exchange>,
    backoff: BackoffSettings,
    wait_for_quota: bool,
}

impl Client {
    /// A client; nothing is called yet.
    ///
    /// Errors (kind `Usage`) when this machine has no usable TLS certificates;
    /// a loopback endpoint needs none.
    pub fn new(config: ClientConfig) -> Result<Self> {
        // Another client of this process may have done so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("mktoload/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            // The verdict decides what is sent twice, not the library.
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .https_only(!config.instance.is_plain_http());
        if config.instance.is_loopback() {
            http = http.no_proxy();
            if config.instance.is_plain_http() {
                // No TLS, so no need to find this machine's certificates.
                http = http.tls_certs_only([]);
            }
        }
        let http = http.build().map_err(|error| {
            Error::new(ErrorKind::Usage, "the https client cannot be set up")
                .because(error)
                .hint("install this machine's CA certificates (package `ca-certificates`), or point SSL_CERT_FILE at them")
        })?;
        let identity = Identity {
            http,
            instance: config.instance,
            credentials: config.credentials,
            events: config.events,
            backoff: config.backoff,
            patience: config.call_timeout,
        };
        Ok(Self {
            exchange: Arc::new(Exchange {
                identity,
                token: TokenCache::default(),
                pace: Pace::new(config.rate),
                calls: AtomicU64::new(0),
            }),
            backoff: config.backoff,
            wait_for_quota: config.wait_for_quota,
        })
    }

    /// Calls made so far; identity's are not counted, as Marketo does not.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.exchange.calls.load(Ordering::Relaxed)
    }

    /// Logs in, so that wrong credentials show before anything is sent.
    ///
    /// Errors as no token could be had.
    pub async fn log_in(&self) -> Result<()> {
        self.exchange.token(None).await.map(|_| ())
    }

    /// Uploads `upload` as a new job, once. Only what proves that nothing was
    /// taken and is the client's own affair (601, 602) is tried again inside.
    ///
    /// Errors when no token could be had: then nothing was sent.
    pub async fn create(
        &self,
        target: &Target,
        format: Format,
        upload: &Upload,
    ) -> Result<CreateOutcome> {
        let path = paths::create(target, format);
        let ask = Ask::Create(&path, upload);
        let envelope = match self.exchange.attempt(Call::Create, &ask).await? {
            Ok(Reply::Envelope(envelope)) => envelope,
            Ok(Reply::Rows(_) | Reply::Empty) => return Err(wrong_reply()),
            Err(refusal) if refusal.verdict == Verdict::Unknown => {
                return Ok(CreateOutcome::Unknown { why: refusal });
            }
            Err(refusal) => return Ok(CreateOutcome::Refused(refusal)),
        };
        let job = envelope.job().unwrap_or_default();
        let batch_id = job.id().map(BatchId::new).ok_or_else(wrong_reply)?;
        let status = JobStatus::from_wire(job, envelope.request_id);
        Ok(CreateOutcome::Accepted {
            batch_id,
            status: status.word,
            message: status.message,
            request_id: status.request_id,
        })
    }

    /// Where a job is. An answer without a result is a job that is still to
    /// appear: its word is `Other("")` and its counts are `None`.
    ///
    /// Errors when the refusal is final or the retries are used up.
    pub async fn status(&self, target: &Target, batch: BatchId) -> Result<JobStatus> {
        let path = paths::status(target, batch);
        let mut retry = self.retry();
        loop {
            let envelope = self
                .envelope(Call::Status, &path, Some(target), &mut retry)
                .await?;
            let job = envelope.job().unwrap_or_default();
            if job.id().is_none_or(|id| id == batch.get()) {
                return Ok(JobStatus::from_wire(job, envelope.request_id));
            }
            let mut refusal = Refusal::garbage(Call::Status, 200, "the status of another job");
            refusal.request_id = envelope.request_id;
            self.wait_or_stop(&refusal, Some(target), &mut retry)
                .await?;
        }
    }

    /// Writes a job's failures or warnings to `file`, from its beginning, and
    /// gives their bytes; `None` when there is no such file or it is empty. A
    /// download that breaks off begins again with the file cut to nothing.
    ///
    /// Errors when the refusal is final or the retries are used up, and (kind
    /// `Internal`) when `file` cannot be written.
    pub async fn download(
        &self,
        target: &Target,
        batch: BatchId,
        which: RowsFile,
        file: &mut File,
    ) -> Result<Option<u64>> {
        let path = paths::rows_file(target, batch, which);
        let ask = Ask::Get(&path);
        let mut retry = self.retry();
        loop {
            // Whatever a broken attempt left must not outlive it.
            file.rewind().await.map_err(disk)?;
            file.set_len(0).await.map_err(disk)?;
            let refusal = match self.exchange.attempt(Call::RowsFile, &ask).await? {
                Ok(Reply::Rows(rows)) => match save(rows, file).await? {
                    Ok(bytes) => return Ok(Some(bytes)),
                    Err(refusal) => refusal,
                },
                Ok(Reply::Empty) => return Ok(None),
                Ok(Reply::Envelope(_)) => return Err(wrong_reply()),
                Err(refusal) if refusal.verdict == Verdict::NoFile => return Ok(None),
                Err(refusal) => refusal,
            };
            self.wait_or_stop(&refusal, Some(target), &mut retry)
                .await?;
        }
    }

    /// The `result` of a call that only reads, such as
    /// `/rest/v1/leads/describe.json`; values in `path` have to be escaped.
    ///
    /// Errors as [`status`](Self::status) does, and (kind `TryLater`) when a
    /// result is not a `T`.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let mut retry = self.retry();
        let envelope = self
            .envelope(Call::Describe, path, None, &mut retry)
            .await?;
        let results = envelope.result.unwrap_or_default().into_iter();
        results
            .map(|value| {
                serde_json::from_value(value).map_err(|error| {
                    Error::new(
                        ErrorKind::TryLater,
                        format!("Marketo's answer to {path} is not as documented"),
                    )
                    .because(error)
                })
            })
            .collect()
    }

    /// The waits for one chunk's create calls, as this client was set up.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::new(self.backoff, fastrand::Rng::new()).waiting_for_quota(self.wait_for_quota)
    }

    /// The error to stop with after `refusal`, with its hint.
    #[must_use]
    pub fn explain(&self, target: &Target, refusal: &Refusal) -> Error {
        refusal.to_error(self.exchange.identity.instance.host(), Some(target))
    }

    fn retry(&self) -> Retry<'_> {
        Retry {
            backoff: self.backoff(),
            events: &self.exchange.identity.events,
        }
    }

    async fn envelope(
        &self,
        call: Call,
        path: &str,
        target: Option<&Target>,
        retry: &mut Retry<'_>,
    ) -> Result<Envelope> {
        loop {
            match self.exchange.attempt(call, &Ask::Get(path)).await? {
                Ok(Reply::Envelope(envelope)) => return Ok(envelope),
                Ok(Reply::Rows(_) | Reply::Empty) => return Err(wrong_reply()),
                Err(refusal) => self.wait_or_stop(&refusal, target, retry).await?,
            }
        }
    }

    async fn wait_or_stop(
        &self,
        refusal: &Refusal,
        target: Option<&Target>,
        retry: &mut Retry<'_>,
    ) -> Result<()> {
        if retry.wait_after(refusal).await {
            return Ok(());
        }
        Err(refusal.to_error(self.exchange.identity.instance.host(), target))
    }
}

async fn save(mut rows: Rows<'_>, file: &mut File) -> Result<Result<u64, Refusal>> {
    let mut bytes = 0;
    loop {
        match rows.next().await {
            Ok(Some(piece)) => {
                file.write_all(&piece).await.map_err(disk)?;
                bytes += piece.len() as u64;
            }
            Ok(None) => break,
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    file.flush().await.map_err(disk)?;
    Ok(Ok(bytes))
}

fn disk(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "a rows file cannot be written to disk")
        .because(error)
        .hint("check the room and the rights of --state-dir")
}

/// Each call's reply has one form; another is a bug here.
fn wrong_reply() -> Error {
    Error::new(ErrorKind::Internal, "a call gave the reply of another call")
}
