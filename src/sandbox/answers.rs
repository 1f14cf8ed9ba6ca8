//! What answers look like: Marketo's envelope, its codes and their messages.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A call that is not done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A code in an envelope with HTTP 200, as Marketo answers nearly all of
    /// its errors (D).
    Code(u16, String),
    /// A bare HTTP status: 404 where a job has no such file (D, O), 413 for a
    /// body over the limit (D).
    Http(StatusCode),
}

impl Refusal {
    /// The refusal with the documented message of `code`.
    pub(super) fn code(code: u16) -> Self {
        Self::Code(code, message_of(code).unwrap_or("Unknown error").to_owned())
    }

    /// The refusal with a message of its own.
    pub(super) fn with(code: u16, message: impl Into<String>) -> Self {
        Self::Code(code, message.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Code(code, message) => Json(json!({
                "requestId": request_id(),
                "success": false,
                // A quoted integer (D).
                "errors": [{"code": code.to_string(), "message": message}],
            }))
            .into_response(),
            Self::Http(status) => {
                let reason = status.canonical_reason().unwrap_or_default();
                (status, format!("{} {reason}\n", status.as_u16())).into_response()
            }
        }
    }
}

/// The envelope of a call that was done.
pub(super) fn success(result: &[Value]) -> Response {
    Json(json!({"requestId": request_id(), "result": result, "success": true})).into_response()
}

/// A page such as a proxy puts in place of an answer.
pub(super) fn html() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head>\
                <body><h1>Service unavailable</h1></body></html>\n";
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    ([kind], page).into_response()
}

/// The first half of an answer, itself well-formed HTTP. Answers with a stream
/// are failure files, which are cut where they are read.
pub(super) async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    // Reading an answer of our own from memory cannot fail.
    let whole = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    Response::from_parts(parts, Body::from(half))
}

/// An id of the look `d01f#15d672f8560`: a number and the time in
/// milliseconds, both in base 16 (D samples).
fn request_id() -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    format!("{:x}#{now:x}", fastrand::u16(0x1000..))
}

/// The documented text of a code (D: error codes; 1003 and 1016 as seen by
/// others, O), the place-holders filled with Marketo's defaults.
pub(super) fn message_of(code: u16) -> Option<&'static str> {
    Some(match code {
        500 => "Internal error",
        502 => "Bad Gateway",
        601 => "Access token invalid",
        602 => "Access token expired",
        603 => "Access denied",
        604 => "Request time-out",
        605 => "HTTP Method not supported",
        606 => "Max rate limit '100' exceeded with in '20' secs",
        607 => "Daily quota reached",
        608 => "API Temporarily Unavailable",
        609 => "Invalid JSON",
        610 => "Requested resource not found",
        611 => "System error",
        612 => "Invalid Content Type",
        613 => "Invalid Multipart Request",
        614 => "Invalid Subscription",
        615 => "Concurrent access limit reached",
        616 => "Invalid subscription type",
        701 => "Value cannot be blank",
        702 => "No data found for given search scenario",
        703 => "The feature is not enabled for the subscription",
        704 => "Invalid date format",
        713 => "Transient Error",
        719 => "Lock wait timeout exception",
        1001 => "Invalid value. Required of another type",
        1002 => "Missing value for required parameter",
        1003 => "Empty file",
        1006 => "Field not found",
        1007 => "Multiple leads match the lookup criteria",
        1008 => "Access denied to partition",
        1009 => "Partition name must be specified",
        1010 => "Partition update not allowed",
        1011 => "Field not supported",
        1013 => "Object not found",
        1014 => "Failed to create Object",
        1015 => "Lead not in list",
        1016 => "There are 10 imports currently being processed. Please try again later",
        1017 => "Object already exists",
        1018 => "CRM Enabled",
        1019 => "Import in progress: the target list is already being imported to",
        1021 => "Company update not allowed",
        1022 => "Object in use",
        1025 => "Program status not found",
        1026 => "Custom object not enabled",
        1029 => "Too many jobs in queue",
        // Codes that no document names, to try a client on.
        9000..=9999 => "Unheard-of error",
        _ => return None,
    })
}
