//! One attempt of one call: leave from the pace, a token, the request, the
//! answer, and what it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Response};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};

use super::fault;
use super::identity::Identity;
use super::pace::{CallPermit, Pace};
use super::refusal::Refusal;
use super::token::{Token, TokenCache};
use super::upload::{Progress, Upload};
use super::verdict::{Call, Fault, Seen, Verdict};
use super::wire::Envelope;

/// Further tokens that one call is tried with after 601 or 602. The first use
/// after a token's end and a clock that is off are each worth one.
const RENEWALS: usize = 2;

/// The longest envelope that is read: a describe call's, of thousands of
/// fields, is well under it.
const LONGEST_ENVELOPE: usize = 16 * 1024 * 1024;

/// The longest error envelope in place of a rows file. A file that begins like
/// one and is longer is a file.
const LONGEST_ERROR: usize = 64 * 1024;

/// What is asked.
pub(crate) enum Ask<'a> {
    Get(&'a str),
    Create(&'a str, &'a Upload),
}

/// What was answered.
pub(crate) enum Reply<'a> {
    Envelope(Envelope),
    Rows(Rows<'a>),
    /// A rows file without a byte.
    Empty,
}

/// A rows file on its way: what was read to tell it from an envelope, and the
/// rest. It is a running call until it is dropped.
pub(crate) struct Rows<'a> {
    head: Option<Bytes>,
    rest: Response,
    patience: Duration,
    _permit: CallPermit<'a>,
}

impl Rows<'_> {
    /// The next bytes, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        match self.head.take() {
            Some(head) => Ok(Some(head)),
            None => next_chunk(&mut self.rest, self.patience).await,
        }
    }
}

/// What all calls of a client share.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) identity: Identity,
    pub(crate) token: TokenCache,
    pub(crate) pace: Pace,
    pub(crate) calls: AtomicU64,
}

impl Exchange {
    /// A token that is not known to be refused.
    pub(crate) async fn token(&self, refused: Option<u64>) -> Result<Token> {
        self.token
            .get(refused, &self.identity.events, || self.identity.issue())
            .await
    }

    /// One attempt; a token that is refused is renewed and the call made again,
    /// for that proves that nothing was taken. The outer error is no answer to
    /// this call: no token could be had.
    pub(crate) async fn attempt(
        &self,
        call: Call,
        ask: &Ask<'_>,
    ) -> Result<Result<Reply<'_>, Refusal>> {
        let mut refused = None;
        let mut renewals = 0;
        loop {
            let permit = self.pace.permit().await?;
            let token = self.token(refused).await?;
            self.calls.fetch_add(1, Ordering::Relaxed);
            match self.send(call, ask, &token, permit).await? {
                Err(mut refusal) if refusal.verdict == Verdict::Reauthenticate => {
                    if renewals == RENEWALS {
                        refusal.verdict = Verdict::GiveUp(ErrorKind::Auth);
                        return Ok(Err(refusal));
                    }
                    renewals += 1;
                    refused = Some(token.serial);
                }
                answer => return Ok(answer),
            }
        }
    }

    async fn send<'p>(
        &'p self,
        call: Call,
        ask: &Ask<'_>,
        token: &Token,
        permit: CallPermit<'p>,
    ) -> Result<Result<Reply<'p>, Refusal>> {
        let (base, patience) = (self.identity.instance.base(), self.identity.patience);
        let http = &self.identity.http;
        let authorization = authorization(token)?;
        let head = |request: RequestBuilder| request.header(AUTHORIZATION, authorization);
        Ok(match ask {
            Ask::Create(path, upload) => {
                let (form, progress) = upload.form();
                let request = head(http.post(format!("{base}{path}"))).multipart(form);
                send_upload(request, progress, patience).await
            }
            Ask::Get(path) => {
                let request = head(http.get(format!("{base}{path}")));
                if call == Call::RowsFile {
                    read_rows(request, patience, permit).await
                } else {
                    read_envelope(call, request.timeout(patience), || true).await
                }
            }
        })
    }
}

/// The header, marked so that nothing below logs it.
fn authorization(token: &Token) -> Result<HeaderValue> {
    let text = format!("Bearer {}", token.secret.expose_secret());
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        Error::new(
            ErrorKind::Internal,
            "the access token cannot stand in a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// An upload may take long as long as it moves, so no timeout counts from its
/// start.
async fn send_upload<'p>(
    request: RequestBuilder,
    mut progress: Progress,
    patience: Duration,
) -> Result<Reply<'p>, Refusal> {
    let started = progress.clone();
    tokio::select! {
        reply = read_envelope(Call::Create, request, || started.started()) => reply,
        () = progress.stalled(patience) => {
            let fault = if started.started() { Fault::Lost } else { Fault::Unreached };
            Err(silent(Call::Create, fault, patience))
        }
    }
}

/// `started` says, after a transport error, whether the request can have left.
async fn read_envelope<'p>(
    call: Call,
    request: RequestBuilder,
    started: impl Fn() -> bool,
) -> Result<Reply<'p>, Refusal> {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Err(broken(call, error, started())),
    };
    let (http, kind) = (response.status().as_u16(), content_type(&response));
    let body = read_whole(response, LONGEST_ENVELOPE)
        .await
        .map_err(|error| broken(call, error, true))?;
    judge(call, http, &kind, &body).map(Reply::Envelope)
}

/// Whether `body` is what `call` gives.
fn judge(call: Call, http: u16, content_type: &str, body: &[u8]) -> Result<Envelope, Refusal> {
    let Some(envelope) = Envelope::parse(body) else {
        // The text is not repeated: a page may echo the request.
        let message = format!("no Marketo answer ({content_type}, {} bytes)", body.len());
        return Err(Refusal::garbage(call, http, &message));
    };
    let good = match call {
        // A batch id is a job, even beside a refusal (seen by others).
        Call::Create => {
            if envelope.job().is_some_and(|job| job.id().is_some()) {
                return Ok(envelope);
            }
            if envelope.succeeded() {
                let message = "an answer without a batch id";
                return Err(Refusal::garbage(call, http, message));
            }
            false
        }
        _ => envelope.succeeded() && (200..300).contains(&http),
    };
    if good {
        Ok(envelope)
    } else if envelope.succeeded() {
        Err(Refusal::garbage(
            call,
            http,
            "success with a failing HTTP status",
        ))
    } else {
        Err(envelope.refusal(call, http))
    }
}

/// Tells a rows file from an envelope by its first bytes: the types and formats
/// of the header are not documented, and the path ends in `.json` for both.
async fn read_rows(
    request: RequestBuilder,
    patience: Duration,
    permit: CallPermit<'_>,
) -> Result<Reply<'_>, Refusal> {
    let call = Call::RowsFile;
    let mut rest = timeout(patience, request.send())
        .await
        .map_err(|_| silent(call, Fault::Lost, patience))?
        .map_err(|error| broken(call, error, true))?;
    let (http, kind) = (rest.status().as_u16(), content_type(&rest));
    let mut head = Vec::new();
    let mut ended = false;
    while undecided(&head) || (!(200..300).contains(&http) && head.len() <= LONGEST_ERROR) {
        if let Some(chunk) = next_chunk(&mut rest, patience).await? {
            head.extend_from_slice(&chunk);
        } else {
            ended = true;
            break;
        }
    }
    let is_json = kind.contains("json");
    let not_rows = !(200..300).contains(&http)
        || (ended && Envelope::parse(&head).is_some())
        || (ended && is_json && head.trim_ascii_start().first() == Some(&b'{'))
        || kind.contains("html");
    if not_rows {
        return Err(match judge(call, http, &kind, &head) {
            Err(refusal) => refusal,
            Ok(_) => Refusal::garbage(call, http, "an answer without rows"),
        });
    }
    if ended && head.trim_ascii().is_empty() {
        return Ok(Reply::Empty);
    }
    Ok(Reply::Rows(Rows {
        head: Some(Bytes::from(head)),
        rest,
        patience,
        _permit: permit,
    }))
}

/// Whether more bytes are needed to tell what this is the beginning of.
fn undecided(head: &[u8]) -> bool {
    match head.trim_ascii_start().first() {
        None | Some(b'{') => head.len() <= LONGEST_ERROR,
        Some(_) => false,
    }
}

async fn next_chunk(response: &mut Response, patience: Duration) -> Result<Option<Bytes>, Refusal> {
    timeout(patience, response.chunk())
        .await
        .map_err(|_| silent(Call::RowsFile, Fault::Lost, patience))?
        .map_err(|error| broken(Call::RowsFile, error, true))
}

/// The whole body, cut after `longest` bytes; what is cut does not parse.
pub(crate) async fn read_whole(mut response: Response, longest: usize) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = longest - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    Ok(body)
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    text.unwrap_or("no content type").to_ascii_lowercase()
}

fn broken(call: Call, error: reqwest::Error, started: bool) -> Refusal {
    let fault = fault::classify(&error, started);
    Refusal::new(call, Seen::Fault(fault), &fault::describe(error))
}

fn silent(call: Call, fault: Fault, patience: Duration) -> Refusal {
    let message = format!("no answer within {}", humantime::format_duration(patience));
    Refusal::new(call, Seen::Fault(fault), &message)
}
