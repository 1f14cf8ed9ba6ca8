//! Errors for what Marketo or the network refused, with what to do about it.

use crate::config::{Instance, Target};
use crate::error::{Error, ErrorKind};
use crate::marketo::verdict::{Call, Fault};
use crate::marketo::wire::Envelope;

/// A refusal by an envelope or an HTTP status.
pub(super) struct Refusal<'a> {
    pub(super) call: Call,
    pub(super) http: u16,
    pub(super) envelope: Option<&'a Envelope>,
    pub(super) target: Option<&'a Target>,
}

impl Refusal<'_> {
    /// The error of kind `kind`.
    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        let refused = self.envelope.and_then(Envelope::first_error);
        let code = refused.and_then(|error| error.code.clone());
        let text = refused
            .and_then(|error| error.message.clone())
            .unwrap_or_default();
        let mut message = match (&code, self.http) {
            (Some(code), _) => format!("Marketo refused {}: {code} {text}", self.call.name()),
            (None, http) => format!("Marketo answered {} with HTTP {http}", self.call.name()),
        };
        if let Some(id) = self
            .envelope
            .and_then(|envelope| envelope.request_id.as_deref())
        {
            message.push_str(&format!(" (request {id})"));
        }
        let error = Error::new(kind, message);
        match self.hint(code.as_deref()) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn hint(&self, code: Option<&str>) -> Option<String> {
        let permission = match self.target {
            Some(Target::CustomObjects { .. }) => "Read-Write Custom Object",
            _ => "Read-Write Lead",
        };
        Some(match code? {
            "603" => format!("the API user's role needs the permission {permission}; if Marketo has an IP allow-list, this machine's address must be on it"),
            "606" | "615" => "the call budget is shared with every other integration of the instance; a lower --rate-limit leaves more to them".to_owned(),
            "607" => "the daily quota resets at 12:00 AM CST; run the command again then".to_owned(),
            "610" => "check the endpoint, and the object's or program's id".to_owned(),
            "614" | "616" => "check the Munchkin id in the endpoint".to_owned(),
            "1001" | "1002" | "1003" => "check the parameters and that the file has rows".to_owned(),
            "1006" => "the header names a field that Marketo does not have: it takes REST API names, not display names".to_owned(),
            "1008" | "1009" | "1010" => "--partition names the lead partition".to_owned(),
            "1011" => "--lookup-field takes a searchable field's REST API name".to_owned(),
            "1013" => match self.target {
                Some(Target::Leads { list_id: Some(id), .. }) => format!("there is no static list {id}, or the API user may not see it"),
                Some(target) => format!("there are no {} in this instance, or the API user may not see them", target.describe()),
                None => "the object does not exist, or the API user may not see it".to_owned(),
            },
            "1025" => "--status must be a status of the program's channel".to_owned(),
            _ => return None,
        })
    }
}

/// Identity said no.
pub(super) fn login(http: u16, said: Option<&str>) -> Error {
    let said = said.map_or_else(String::new, |text| format!(": {text}"));
    Error::new(ErrorKind::Auth, format!("Marketo did not accept the credentials (HTTP {http}{said})"))
        .hint("check --client-id (MKTO_CLIENT_ID) and MKTO_CLIENT_SECRET or MKTO_CLIENT_SECRET_FILE; Marketo shows both under Admin > LaunchPoint > View Details")
}

/// No answer came.
pub(super) fn no_answer(
    call: Call,
    fault: Fault,
    instance: &Instance,
    cause: reqwest::Error,
) -> Error {
    let host = instance.host();
    let (message, hint) = match fault {
        Fault::Dns => (
            format!("the host {host} is not known"),
            "check the endpoint's spelling and this machine's name resolution",
        ),
        Fault::Tls => (
            format!("no secure connection to {host}"),
            "check this machine's clock and certificates, and whether a proxy stands between",
        ),
        Fault::Unreached => (
            format!("no connection to {host}"),
            "check the endpoint, the network and any proxy (HTTPS_PROXY)",
        ),
        Fault::Lost => (
            format!("the answer to {} from {host} was lost", call.name()),
            "run the command again when the network is stable",
        ),
    };
    // The cause's own text would repeat the URL; its chain says why.
    Error::new(ErrorKind::TryLater, message)
        .because(cause.without_url())
        .hint(hint)
}
