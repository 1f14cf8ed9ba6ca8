//! The client: calls with token and pace, again where the verdict says so.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect;
use secrecy::ExposeSecret as _;

use crate::config::{CallRate, Credentials, Format, Instance, Target, limits};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events};
use crate::marketo::answer::{Created, JobStatus};
use crate::marketo::backoff::{Backoff, BackoffSettings};
use crate::marketo::fault::classify;
use crate::marketo::pace::Pace;
use crate::marketo::paths;
use crate::marketo::refusal::{self, Refusal};
use crate::marketo::token::{Issued, Token, TokenCache};
use crate::marketo::upload::Upload;
use crate::marketo::verdict::{Body, Call, Fault, Seen, Verdict, is_unlisted, verdict};
use crate::marketo::wire::{Envelope, WireToken};
use crate::units::BatchId;

/// What a client needs.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    instance: Instance,
    credentials: Credentials,
    rate: CallRate,
    events: Events,
    backoff: BackoffSettings,
}

impl ClientConfig {
    /// A client for `instance` with Marketo's backoff.
    #[must_use]
    pub fn new(
        instance: Instance,
        credentials: Credentials,
        rate: CallRate,
        events: Events,
    ) -> Self {
        Self {
            instance,
            credentials,
            rate,
            events,
            backoff: BackoffSettings::default(),
        }
    }

    /// The same with other waits between attempts.
    #[must_use]
    pub fn with_backoff(mut self, backoff: BackoffSettings) -> Self {
        self.backoff = backoff;
        self
    }
}

/// A client of one Marketo instance. Clones share token, pace and counts.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

pub(super) struct Shared {
    config: ClientConfig,
    http: reqwest::Client,
    /// For uploads: their answer comes only after a body that may take minutes.
    uploads: reqwest::Client,
    token: TokenCache,
    pace: Pace,
    calls: AtomicU64,
    bytes_sent: AtomicU64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.0.config.instance.host())
            .finish_non_exhaustive()
    }
}

/// How a create call ended.
#[derive(Debug)]
pub enum CreateOutcome {
    /// Marketo took the file as a job.
    Accepted(Created),
    /// Marketo proved that it did not.
    Refused {
        /// What may be done: wait for a slot or the list and send it again,
        /// split it, or nothing.
        verdict: Verdict,
        /// Why.
        error: Error,
    },
    /// The answer was lost: there may be a job or not.
    Unknown {
        /// What happened.
        error: Error,
    },
}

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time of a whole upload: 10 MB at 35 kB/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// How often one call gets a new token: a second refusal of a fresh token is
/// no matter of time.
const REAUTHENTICATIONS: u32 = 2;

/// Bytes of an answer that is no file; Marketo's are far smaller.
pub(super) const ANSWER_BYTES: usize = 1 << 20;

/// What one exchange came to.
pub(super) enum Exchange {
    /// An answer and its body.
    Answer { http: u16, body: Bytes },
    /// None.
    Fault { fault: Fault, error: reqwest::Error },
}

impl Client {
    /// A client. Nothing is called yet.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when TLS cannot be set up.
    pub fn new(config: ClientConfig) -> Result<Self> {
        // Somebody else of the process may have installed one: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |timeout: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder| {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("mktoload/", env!("CARGO_PKG_VERSION")))
                // A redirect would carry the token to another host.
                .redirect(redirect::Policy::none())
                .https_only(!config.instance.is_plain_http())
                .connect_timeout(CONNECT_TIMEOUT);
            timeout(builder).build().map_err(|error| {
                Error::new(ErrorKind::Internal, "the HTTP client cannot be set up").because(error)
            })
        };
        let http = build(|builder| builder.read_timeout(limits::CALL_TIMEOUT))?;
        let uploads = build(|builder| builder.timeout(UPLOAD_TIMEOUT))?;
        let pace = Pace::new(config.rate);
        Ok(Self(Arc::new(Shared {
            config,
            http,
            uploads,
            token: TokenCache::default(),
            pace,
            calls: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
        })))
    }

    /// Calls made so far, repetitions included; identity is not counted, as
    /// Marketo does not count it.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Bytes of create requests sent so far, repetitions included.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.0.bytes_sent.load(Ordering::Relaxed)
    }

    /// Logs in, so that wrong credentials show before anything is read or sent.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] for wrong credentials, [`ErrorKind::TryLater`] when
    /// Marketo cannot be reached.
    pub async fn log_in(&self) -> Result<()> {
        self.0.token(None).await.map(|_| ())
    }

    /// Submits `upload`. Answers that prove that Marketo did not take it and
    /// that it may later are waited out here, but for a full queue (1016) and a
    /// busy list (1019), which take the caller's knowledge of its own jobs.
    pub async fn create(&self, target: &Target, format: Format, upload: &Upload) -> CreateOutcome {
        let url = self.0.url(&paths::create(target, format));
        let mut attempts = Attempts::new(&self.0, Call::Create);
        loop {
            let form = match upload.form() {
                Ok(form) => form,
                Err(error) => {
                    return CreateOutcome::Refused {
                        verdict: Verdict::GiveUp(ErrorKind::Internal),
                        error,
                    };
                }
            };
            self.0
                .bytes_sent
                .fetch_add(upload.body_len(), Ordering::Relaxed);
            let exchange = match attempts
                .exchange(self.0.uploads.post(&url).multipart(form))
                .await
            {
                Ok(exchange) => exchange,
                Err(error) => {
                    return CreateOutcome::Refused {
                        verdict: Verdict::GiveUp(error.kind()),
                        error,
                    };
                }
            };
            let (verdict, envelope) = judge(Call::Create, &exchange, |envelope| {
                Created::from_envelope(envelope).is_some()
            });
            if let (Verdict::Done, Some(created)) =
                (verdict, envelope.as_ref().and_then(Created::from_envelope))
            {
                return CreateOutcome::Accepted(created);
            }
            let error = self.0.error(
                Call::Create,
                verdict,
                exchange,
                envelope.as_ref(),
                Some(target),
            );
            match verdict {
                Verdict::Unknown => return CreateOutcome::Unknown { error },
                Verdict::WaitForSlot
                | Verdict::WaitForList
                | Verdict::Split
                | Verdict::GiveUp(_) => {
                    return CreateOutcome::Refused { verdict, error };
                }
                _ => {
                    if let Err(error) = attempts.again(verdict, error).await {
                        return CreateOutcome::Refused {
                            verdict: Verdict::GiveUp(error.kind()),
                            error,
                        };
                    }
                }
            }
        }
    }

    /// Asks for a job's status.
    ///
    /// # Errors
    /// As the verdict has it, after its retries.
    pub async fn status(&self, target: &Target, batch_id: BatchId) -> Result<JobStatus> {
        let path = paths::status(target, batch_id);
        let envelope = self.get(Call::Status, &path, Some(target)).await?;
        Ok(JobStatus::from_envelope(&envelope))
    }

    /// Gets an envelope, again where the verdict says so.
    async fn get(&self, call: Call, path: &str, target: Option<&Target>) -> Result<Envelope> {
        let url = self.0.url(path);
        let mut attempts = Attempts::new(&self.0, call);
        loop {
            let exchange = attempts.exchange(self.0.http.get(&url)).await?;
            let (verdict, envelope) = judge(call, &exchange, |_| true);
            match (verdict, envelope) {
                (Verdict::Done, Some(envelope)) => return Ok(envelope),
                (verdict, envelope) => {
                    let error = self
                        .0
                        .error(call, verdict, exchange, envelope.as_ref(), target);
                    attempts.again(verdict, error).await?;
                }
            }
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }
}

/// The verdict on an exchange, and the envelope if there is one. `good` says
/// whether a success holds what the call is for.
fn judge(
    call: Call,
    exchange: &Exchange,
    good: impl Fn(&Envelope) -> bool,
) -> (Verdict, Option<Envelope>) {
    match exchange {
        Exchange::Fault { fault, .. } => (verdict(call, Seen::Fault(*fault)), None),
        Exchange::Answer { http, body } => {
            let envelope = Envelope::parse(body);
            let body = match &envelope {
                Some(envelope) if envelope.succeeded() && good(envelope) => Body::Good,
                Some(envelope) if envelope.succeeded() => Body::Garbage,
                Some(envelope) => Body::Refusal(envelope.code()),
                None => Body::Garbage,
            };
            (verdict(call, Seen::Answer { http: *http, body }), envelope)
        }
    }
}

impl Shared {
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.instance.base())
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The error for what came back, its kind by the verdict.
    pub(super) fn error(
        &self,
        call: Call,
        verdict: Verdict,
        exchange: Exchange,
        envelope: Option<&Envelope>,
        target: Option<&Target>,
    ) -> Error {
        match exchange {
            Exchange::Fault { fault, error } => {
                refusal::no_answer(call, fault, &self.config.instance, error)
            }
            Exchange::Answer { http, .. } => {
                let kind = match verdict {
                    Verdict::GiveUp(kind) => kind,
                    Verdict::Reauthenticate => ErrorKind::Auth,
                    Verdict::Split => ErrorKind::Refused,
                    // An unknown code that does not pass is a refusal; what
                    // passes by its nature may pass later.
                    Verdict::Retry { .. }
                        if envelope.and_then(Envelope::code).is_some_and(is_unlisted) =>
                    {
                        ErrorKind::Refused
                    }
                    _ => ErrorKind::TryLater,
                };
                Refusal {
                    call,
                    http,
                    envelope,
                    target,
                }
                .error(kind)
            }
        }
    }

    async fn token(&self, refused: Option<u64>) -> Result<Token> {
        self.token
            .get(refused, &self.config.events, || self.issue())
            .await
    }

    /// Asks identity for the token. The secret goes in the body: a URL ends up
    /// in logs.
    async fn issue(&self) -> Result<Issued> {
        let mut attempts = Attempts::new(self, Call::Identity);
        loop {
            let credentials = &self.config.credentials;
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", &credentials.client_id),
                ("client_secret", credentials.client_secret.expose_secret()),
            ];
            let exchange = exchange(self.http.post(self.url(paths::IDENTITY)).form(&form)).await;
            let wire = match &exchange {
                Exchange::Answer { body, .. } => serde_json::from_slice::<WireToken>(body).ok(),
                Exchange::Fault { .. } => None,
            };
            let seen = match &exchange {
                Exchange::Fault { fault, .. } => Seen::Fault(*fault),
                Exchange::Answer { http, .. } => {
                    let good = wire
                        .as_ref()
                        .is_some_and(|wire| wire.access_token.is_some());
                    Seen::Answer {
                        http: *http,
                        body: if good { Body::Good } else { Body::Garbage },
                    }
                }
            };
            let verdict = verdict(Call::Identity, seen);
            if let (
                Verdict::Done,
                Some(WireToken {
                    access_token: Some(token),
                    expires_in,
                    ..
                }),
            ) = (verdict, &wire)
            {
                let life = u64::try_from(expires_in.unwrap_or(0)).unwrap_or(0);
                return Ok(Issued {
                    token: token.clone(),
                    life: Duration::from_secs(life),
                });
            }
            let error = match (verdict, exchange) {
                (Verdict::GiveUp(ErrorKind::Auth), Exchange::Answer { http, .. }) => {
                    let said = wire.and_then(|wire| wire.error_description.or(wire.error));
                    refusal::login(http, said.as_deref())
                }
                (verdict, exchange) => self.error(Call::Identity, verdict, exchange, None, None),
            };
            attempts.again(verdict, error).await?;
        }
    }
}

/// The attempts of one call.
pub(super) struct Attempts<'a> {
    shared: &'a Shared,
    call: Call,
    backoff: Backoff,
    reauthentications: u32,
    refused: Option<u64>,
    used: Option<u64>,
    told: bool,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(shared: &'a Shared, call: Call) -> Self {
        Self {
            shared,
            call,
            backoff: Backoff::new(shared.config.backoff, fastrand::Rng::new()),
            reauthentications: 0,
            refused: None,
            used: None,
            told: false,
        }
    }

    /// Sends a request, with the token and within the pace, and reads its
    /// answer whole.
    async fn exchange(&mut self, request: reqwest::RequestBuilder) -> Result<Exchange> {
        let request = self.authorized(request).await?;
        let _permit = self.shared.pace.permit().await?;
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        Ok(exchange(request).await)
    }

    /// Sends a request and hands its answer over as soon as it begins. The
    /// permit lasts as long as the body is read.
    pub(super) async fn open(
        &mut self,
        request: reqwest::RequestBuilder,
    ) -> Result<(
        Result<reqwest::Response, reqwest::Error>,
        crate::marketo::pace::CallPermit<'a>,
    )> {
        let request = self.authorized(request).await?;
        let permit = self.shared.pace.permit().await?;
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        Ok((request.send().await, permit))
    }

    async fn authorized(
        &mut self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder> {
        let token = self.shared.token(self.refused.take()).await?;
        self.used = Some(token.serial);
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret()))
            .map_err(|_| {
            Error::new(
                ErrorKind::Auth,
                "Marketo issued a token that fits into no header",
            )
        })?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }

    /// Waits as the verdict wants before the next attempt.
    ///
    /// # Errors
    /// `error`, when there is none.
    pub(super) async fn again(&mut self, verdict: Verdict, error: Error) -> Result<()> {
        if verdict == Verdict::Reauthenticate {
            if self.reauthentications == REAUTHENTICATIONS {
                return Err(error);
            }
            self.reauthentications += 1;
            self.refused = self.used;
            return Ok(());
        }
        let Some(wait) = self.backoff.next(verdict) else {
            return Err(error);
        };
        tracing::debug!(call = self.call.name(), wait_ms = wait.as_millis(), %error, "again");
        if !self.told {
            self.told = true;
            self.shared.config.events.emit(Event::Waiting {
                chunk: None,
                reason: verdict.wait_reason(),
                for_: wait,
                detail: error.to_string(),
            });
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Sends a request and reads the answer whole.
async fn exchange(request: reqwest::RequestBuilder) -> Exchange {
    let fault = |error: reqwest::Error| Exchange::Fault {
        fault: classify(&error),
        error,
    };
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return fault(error),
    };
    let http = response.status().as_u16();
    match read(&mut response).await {
        Ok(body) => Exchange::Answer { http, body },
        // The status line was an answer; that its body broke off makes it one
        // that proves nothing.
        Err(error) => Exchange::Fault {
            fault: Fault::Lost,
            error,
        },
    }
}

/// The body, cut off where no answer of Marketo's would go on.
pub(super) async fn read(response: &mut reqwest::Response) -> Result<Bytes, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES {
            break;
        }
    }
    Ok(Bytes::from(body))
}
