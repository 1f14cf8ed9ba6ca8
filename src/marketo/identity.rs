//! The identity call: credentials against a token.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::config::{Credentials, Instance};
use crate::error::Result;
use crate::event::Events;

use super::backoff::{Backoff, BackoffSettings};
use super::exchange::read_whole;
use super::fault;
use super::paths::IDENTITY;
use super::refusal::Refusal;
use super::retry::Retry;
use super::token::Issued;
use super::verdict::{Call, Seen};
use super::wire::{Envelope, WireToken};

/// Far above any token's answer.
const LONGEST: usize = 64 * 1024;

/// Who asks for tokens, and where.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) http: reqwest::Client,
    pub(crate) instance: Instance,
    pub(crate) credentials: Credentials,
    pub(crate) events: Events,
    pub(crate) backoff: BackoffSettings,
    pub(crate) patience: Duration,
}

impl Identity {
    /// Asks until a token is there or a refusal is final. The pace does not
    /// count these calls ("not counted towards API call limit", Adobe).
    pub(crate) async fn issue(&self) -> Result<Issued> {
        let mut retry = Retry {
            backoff: Backoff::new(self.backoff, fastrand::Rng::new()),
            events: &self.events,
        };
        loop {
            let refusal = match self.ask().await {
                Ok(issued) => return Ok(issued),
                Err(refusal) => refusal,
            };
            if !retry.wait_after(&refusal).await {
                return Err(refusal.to_error(self.instance.host(), None));
            }
        }
    }

    async fn ask(&self) -> Result<Issued, Refusal> {
        let lost = |error| {
            let fault = fault::classify(&error, true);
            Refusal::new(Call::Identity, Seen::Fault(fault), &fault::describe(error))
        };
        // In the body: an address is written to logs on the way.
        let response = self
            .http
            .post(format!("{}{IDENTITY}", self.instance.base()))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", &self.credentials.client_id),
                (
                    "client_secret",
                    self.credentials.client_secret.expose_secret(),
                ),
            ])
            .timeout(self.patience)
            .send()
            .await
            .map_err(lost)?;
        let http = response.status().as_u16();
        let body = read_whole(response, LONGEST).await.map_err(lost)?;
        let token: Option<WireToken> = serde_json::from_slice(&body).ok();
        match token {
            Some(WireToken {
                access_token: Some(token),
                expires_in: Some(seconds),
                ..
            }) if (200..300).contains(&http) && is_header_value(token.expose_secret()) => {
                Ok(Issued {
                    token,
                    life: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
                })
            }
            Some(WireToken {
                error: Some(error),
                error_description,
                ..
            }) => {
                let words = error_description.unwrap_or_default();
                // Some gateways send the refusal with 200.
                let http = if (200..300).contains(&http) {
                    401
                } else {
                    http
                };
                let message = format!("{error}: {words}");
                Err(Refusal::garbage(Call::Identity, http, &message))
            }
            _ => Err(refused(http, &body)),
        }
    }
}

fn refused(http: u16, body: &[u8]) -> Refusal {
    match Envelope::parse(body) {
        Some(envelope) if !envelope.succeeded() => envelope.refusal(Call::Identity, http),
        // The body is not repeated: it may hold half a token.
        _ => {
            let message = format!("no token in the answer ({} bytes)", body.len());
            Refusal::garbage(Call::Identity, http, &message)
        }
    }
}

/// A token goes into a header, so it must be able to stand in one.
fn is_header_value(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}
