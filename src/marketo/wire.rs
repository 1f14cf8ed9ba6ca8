//! The JSON that Marketo answers. Everything is optional and unknown fields
//! are ignored, for Adobe's description marks as required what its own samples
//! leave out.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::refusal::Refusal;
use super::verdict::{Body, Call, Seen};

/// The envelope round every answer but identity's and the rows files.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Envelope {
    pub(crate) request_id: Option<String>,
    pub(crate) success: Option<bool>,
    pub(crate) result: Option<Vec<serde_json::Value>>,
    pub(crate) errors: Option<Vec<WireError>>,
}

/// One error of an envelope.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireError {
    #[serde(deserialize_with = "text_or_number")]
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

/// One import job, in the answers of create and status.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireJob {
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) batch_id: Option<i64>,
    /// The same number; some answers carry only one of the two.
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) import_id: Option<i64>,
    pub(crate) status: Option<String>,
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) num_of_leads_processed: Option<i64>,
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) num_of_objects_processed: Option<i64>,
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) num_of_rows_failed: Option<i64>,
    #[serde(deserialize_with = "number_or_text")]
    pub(crate) num_of_rows_with_warning: Option<i64>,
    pub(crate) message: Option<String>,
}

/// Identity's answer. Its refusal has `error` and `error_description` instead.
#[derive(Deserialize)]
pub(crate) struct WireToken {
    pub(crate) access_token: Option<SecretString>,
    #[serde(default, deserialize_with = "number_or_text")]
    pub(crate) expires_in: Option<i64>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

impl Envelope {
    /// `body` as an envelope. A JSON document that has none of its marks
    /// (`success`, `errors`) is not one.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let envelope: Self = serde_json::from_slice(body).ok()?;
        (envelope.success.is_some() || envelope.errors.is_some()).then_some(envelope)
    }

    /// Whether the call succeeded: `success` is true and no error stands
    /// beside it.
    pub(crate) fn succeeded(&self) -> bool {
        self.success == Some(true) && self.first_error().is_none()
    }

    pub(crate) fn first_error(&self) -> Option<&WireError> {
        self.errors.as_ref()?.first()
    }

    /// The refusal that this is, as an answer with HTTP status `http`.
    pub(crate) fn refusal(self, call: Call, http: u16) -> Refusal {
        let code = self.first_error().and_then(|error| error.code.clone());
        let number = code.as_ref().and_then(|code| code.trim().parse().ok());
        let message = self
            .first_error()
            .and_then(|error| error.message.as_deref())
            .unwrap_or("no message");
        let body = Body::Refusal(number);
        Refusal {
            code,
            request_id: self.request_id.clone(),
            ..Refusal::new(call, Seen::Answer { http, body }, message)
        }
    }

    /// The first result as a job; `None` when there is none.
    pub(crate) fn job(&self) -> Option<WireJob> {
        let first = self.result.as_ref()?.first()?;
        WireJob::deserialize(first).ok()
    }
}

impl WireJob {
    /// The job's number, by either of its names.
    pub(crate) fn id(&self) -> Option<i64> {
        self.batch_id.or(self.import_id)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Loose::deserialize(from)? {
        Loose::Number(number) => Some(number.to_string()),
        Loose::Text(text) => Some(text),
        Loose::Other(_) => None,
    })
}

fn number_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match Loose::deserialize(from)? {
        Loose::Number(number) => Some(number),
        Loose::Text(text) => text.trim().parse().ok(),
        Loose::Other(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_text_or_a_number() {
        for body in [
            r#"{"success":false,"errors":[{"code":"1016","message":"Too many imports"}]}"#,
            r#"{"errors":[{"code":1016,"extra":[1]}],"success":false,"new":{}}"#,
        ] {
            let envelope = Envelope::parse(body.as_bytes()).unwrap();
            assert!(!envelope.succeeded());
            assert_eq!(
                envelope.first_error().unwrap().code.as_deref(),
                Some("1016")
            );
        }
    }

    #[test]
    fn what_is_no_envelope() {
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            r#"{"success":tr"#,
            r#"{"email":"a"}"#,
        ] {
            assert!(Envelope::parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn success_beside_an_error_is_no_success() {
        let body = br#"{"success":true,"errors":[{"code":"610"}]}"#;
        assert!(!Envelope::parse(body).unwrap().succeeded());
    }

    #[test]
    fn the_documented_jobs_are_read() {
        let body = br#"{"requestId":"2a5#15a68dd9be1","result":[{"batchId":1013,"operation":"import","status":"Complete","objectApiName":"car_c","numOfObjectsProcessed":3,"numOfRowsFailed":0,"numOfRowsWithWarning":0,"importTime":"2 second(s)","message":"Import succeeded, 3 records imported (3 members)"}],"success":true}"#;
        let job = Envelope::parse(body).unwrap().job().unwrap();
        assert_eq!(job.batch_id, Some(1013));
        assert_eq!(job.num_of_objects_processed, Some(3));
        assert_eq!(job.num_of_leads_processed, None);
    }
}
