//! Tokens: how they are handed out and what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::Instant;

use super::answers::Refusal;
use super::settings::Settings;

/// The tokens of the one custom service that the sandbox has.
#[derive(Debug)]
pub(super) struct Identity {
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    life: Duration,
    token: Option<Token>,
    /// The last token, until its end was told once.
    expired: Option<SecretString>,
}

#[derive(Debug)]
struct Token {
    text: SecretString,
    until: Instant,
}

impl Identity {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            life: settings.token_life,
            token: None,
            expired: None,
        }
    }

    /// A token for the credentials in `parameters`. While one lives, it is
    /// handed out again with what is left of its life (D).
    pub(super) fn hand_out(
        &mut self,
        parameters: &BTreeMap<String, String>,
        now: Instant,
        no_life: bool,
    ) -> Response {
        let given = |name| parameters.get(name).map_or("", String::as_str);
        if given("grant_type") != "client_credentials" {
            let text = "Unsupported grant type";
            return refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
        }
        let (id, secret) = (given("client_id"), given("client_secret"));
        let id_known = self
            .client_id
            .as_deref()
            .map_or(!id.is_empty(), |own| own == id);
        if !id_known {
            let text = "No client with requested id";
            return refusal(StatusCode::UNAUTHORIZED, "unauthorized", text);
        }
        let secret_right = self
            .client_secret
            .as_ref()
            .map_or(!secret.is_empty(), |own| own.expose_secret() == secret);
        if !secret_right {
            let text = "Bad client credentials";
            return refusal(StatusCode::UNAUTHORIZED, "invalid_client", text);
        }
        self.expire(now);
        let token = self.token.get_or_insert_with(|| Token {
            text: new_token().into(),
            until: now + self.life,
        });
        let left = token.until.duration_since(now).as_secs();
        // No `success`: identity does not use Marketo's envelope (D).
        Json(json!({
            "access_token": token.text.expose_secret(),
            "token_type": "bearer",
            "expires_in": if no_life { 0 } else { left },
            "scope": "sandbox@example.com",
        }))
        .into_response()
    }

    /// Whether `bearer` lets a call in. After a token's end the first call is
    /// told 602, later ones 601 (D).
    pub(super) fn check(&mut self, bearer: Option<&str>, now: Instant) -> Result<(), Refusal> {
        self.expire(now);
        let Some(bearer) = bearer else {
            return Err(Refusal::code(601));
        };
        let same = |text: &SecretString| text.expose_secret() == bearer;
        if self.token.as_ref().is_some_and(|token| same(&token.text)) {
            return Ok(());
        }
        if self.expired.as_ref().is_some_and(same) {
            self.expired = None;
            return Err(Refusal::code(602));
        }
        Err(Refusal::code(601))
    }

    fn expire(&mut self, now: Instant) {
        if self.token.as_ref().is_some_and(|token| token.until <= now) {
            self.expired = self.token.take().map(|token| token.text);
        }
    }
}

fn refusal(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    (status, Json(body)).into_response()
}

/// A token of the look `cdf01657-110d-4155-99a7-f986b2ff13a0:int` (D sample).
fn new_token() -> String {
    let hex = format!("{:032x}", fastrand::u128(..));
    format!(
        "{}-{}-{}-{}-{}:int",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
