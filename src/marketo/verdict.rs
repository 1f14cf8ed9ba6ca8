//! What an answer means: from what was called and what came back to what is
//! done next. The only place that knows Marketo's codes, and pure.
//!
//! HTTP 200 is not success: most refusals arrive in a 200 as `errors[].code`.
//! Sources of the codes: Adobe's error code page; 1016 and 1019 for imports as
//! observed by the connectors of others.

use crate::error::ErrorKind;
use crate::event::WaitReason;

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// The token.
    Identity,
    /// A new import job: the only call that is not safe to repeat.
    Create,
    /// A job's status.
    Status,
    /// A job's failures or warnings.
    RowsFile,
    /// Anything else that only reads.
    Describe,
}

impl Call {
    /// The call in words, for messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "the login",
            Self::Create => "the upload",
            Self::Status => "the job's status",
            Self::RowsFile => "the job's rows file",
            Self::Describe => "the describe call",
        }
    }
}

/// What went wrong before a whole answer was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The host's name has no address.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// No connection, or one that ended before the request left.
    Unreached,
    /// The request left, wholly or in part, and no whole answer came.
    Lost,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seen {
    /// No whole answer.
    Fault(Fault),
    /// An answer.
    Answer {
        /// Its HTTP status.
        http: u16,
        /// Its body.
        body: Body,
    },
}

/// An answer's body, as far as a verdict needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// What the call is meant to give.
    Good,
    /// An envelope that says no; the code is missing when it is no number.
    Refusal(Option<i64>),
    /// Nothing that the call gives: HTML, truncated JSON, no batch id.
    Garbage,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Use the answer.
    Done,
    /// There is no such file: no row failed, or none was remarked on.
    NoFile,
    /// Ask again after a backoff, so many times at most.
    Retry {
        /// Further attempts.
        retries: u32,
    },
    /// Get a new token and ask again.
    Reauthenticate,
    /// 606: ask again when the window of calls has passed.
    WaitForWindow,
    /// 615: ask again when fewer calls run.
    WaitForCalls,
    /// 1016: the queue of jobs is full; send the same chunk again later.
    WaitForSlot,
    /// 1019: another job imports into the list; send the same chunk again later.
    WaitForList,
    /// 607: nothing goes before the quota's reset.
    WaitForQuota,
    /// 413: send the chunk in two parts.
    Split,
    /// Whether Marketo took the upload is not known.
    Unknown,
    /// Asking again cannot help; the error has this kind.
    GiveUp(ErrorKind),
}

/// Retries of a fault that passes by its nature.
const PASSING: Verdict = Verdict::Retry { retries: 8 };
/// Retries of what may pass, but is as often a fault in what was asked.
const DOUBTFUL: Verdict = Verdict::Retry { retries: 4 };
/// A broken handshake is mostly a wrong clock, proxy or certificate store.
const HANDSHAKE: Verdict = Verdict::Retry { retries: 2 };

impl Verdict {
    /// What the user is told while the next attempt is waited for.
    #[must_use]
    pub const fn wait_reason(self) -> WaitReason {
        match self {
            Self::WaitForWindow | Self::WaitForCalls => WaitReason::RateLimited,
            Self::WaitForSlot => WaitReason::QueueFull,
            Self::WaitForList => WaitReason::ListBusy,
            Self::WaitForQuota => WaitReason::Quota,
            _ => WaitReason::Fault,
        }
    }
}

/// The verdict on what came back from a call.
#[must_use]
pub fn verdict(call: Call, seen: Seen) -> Verdict {
    match seen {
        Seen::Fault(fault) => on_fault(call, fault),
        Seen::Answer {
            http: 200..=299,
            body: Body::Good,
        } => Verdict::Done,
        // What stands in this body is not documented, so no code in it counts.
        Seen::Answer { http: 404, .. } if call == Call::RowsFile => Verdict::NoFile,
        // A code says more than the HTTP status that it came with.
        Seen::Answer {
            body: Body::Refusal(Some(code)),
            ..
        } => on_code(call, code),
        // A refusal whose code is missing or no number, like an unknown code.
        Seen::Answer {
            http: 200..=299,
            body: Body::Refusal(None),
        } => DOUBTFUL,
        Seen::Answer {
            http: 200..=299,
            body: Body::Garbage,
        } => lost_or(call, PASSING),
        Seen::Answer { http, .. } => on_http(call, http),
    }
}

/// For a create, an answer that proves nothing leaves it unknown whether there
/// is a job; every other call is simply made again.
fn lost_or(call: Call, otherwise: Verdict) -> Verdict {
    if call == Call::Create {
        Verdict::Unknown
    } else {
        otherwise
    }
}

fn on_fault(call: Call, fault: Fault) -> Verdict {
    match fault {
        Fault::Tls => HANDSHAKE,
        Fault::Dns => DOUBTFUL,
        Fault::Unreached => PASSING,
        Fault::Lost => lost_or(call, PASSING),
    }
}

fn on_http(call: Call, http: u16) -> Verdict {
    match (call, http) {
        (Call::Identity, 400 | 401 | 403) | (_, 403) => Verdict::GiveUp(ErrorKind::Auth),
        (_, 401) => Verdict::Reauthenticate,
        (Call::Create, 413) => Verdict::Split,
        (_, 429) => Verdict::WaitForWindow,
        // A gateway that gave up waiting does not know what came of the call.
        (_, 408 | 500..=599) => lost_or(call, PASSING),
        // Redirects are not followed: they would carry the token elsewhere.
        (Call::Identity, 404) | (_, 300..=399 | 414) => Verdict::GiveUp(ErrorKind::Usage),
        _ => Verdict::GiveUp(ErrorKind::Refused),
    }
}

fn on_code(call: Call, code: i64) -> Verdict {
    match code {
        // These say that Marketo itself does not know how far it got.
        502 | 604 => lost_or(call, PASSING),
        500 | 611 => lost_or(call, DOUBTFUL),
        503 | 608 | 713 | 719 | 1022 | 1029 => PASSING,
        601 | 602 => Verdict::Reauthenticate,
        603 | 1008 => Verdict::GiveUp(ErrorKind::Auth),
        606 => Verdict::WaitForWindow,
        615 => Verdict::WaitForCalls,
        607 => Verdict::WaitForQuota,
        413 if call == Call::Create => Verdict::Split,
        1016 => Verdict::WaitForSlot,
        1019 => Verdict::WaitForList,
        404 | 702 if call == Call::RowsFile => Verdict::NoFile,
        // Names the caller's fault: the path, the parameters, the header, the
        // object, a feature that the instance lacks.
        404
        | 413
        | 414
        | 605
        | 609
        | 610
        | 612
        | 613
        | 616
        | 701..=704
        | 709..=712
        | 714
        | 718
        | 1001..=1007
        | 1009..=1011
        | 1013..=1015
        | 1017
        | 1018
        | 1020
        | 1021
        | 1025..=1028
        | 1035..=1037
        | 1042
        | 1048
        | 1049
        | 1076..=1079 => Verdict::GiveUp(ErrorKind::Refused),
        // 614 among these: mostly passing, but also a wrong Munchkin id.
        _ => DOUBTFUL,
    }
}

#[cfg(test)]
mod tests;
