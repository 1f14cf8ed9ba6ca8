//! An answer that is not the one asked for, and its text for a person.

use crate::config::{Target, limits};
use crate::error::{Error, ErrorKind};

use super::verdict::{Body, Call, Fault, Seen, Verdict, verdict};

/// What came back instead of an answer, with the verdict on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was called.
    pub call: Call,
    /// What came back, as the verdict sees it.
    pub seen: Seen,
    /// What is done next.
    pub verdict: Verdict,
    /// Marketo's code as it was sent, where there is one.
    pub code: Option<String>,
    /// Marketo's or the network's own words, on one line.
    pub message: String,
    /// Marketo's name of the request; Adobe's support asks for it.
    pub request_id: Option<String>,
}

impl Refusal {
    pub(crate) fn new(call: Call, seen: Seen, message: &str) -> Self {
        Self {
            call,
            seen,
            verdict: verdict(call, seen),
            code: None,
            message: one_line(message),
            request_id: None,
        }
    }

    /// A whole answer with this HTTP status that is not what the call gives.
    pub(crate) fn garbage(call: Call, http: u16, message: &str) -> Self {
        let body = Body::Garbage;
        Self::new(call, Seen::Answer { http, body }, message)
    }

    /// What happened in a few words, for events and errors: code, text,
    /// request id.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = match (&self.code, self.seen) {
            (Some(code), _) => format!("{code} {}", self.message),
            (None, Seen::Answer { http, .. }) => format!("HTTP {http}: {}", self.message),
            (None, Seen::Fault(_)) => self.message.clone(),
        };
        if let Some(id) = &self.request_id {
            text.push_str(" (request ");
            text.push_str(id);
            text.push(')');
        }
        text
    }

    /// The error to stop with. `host` is the instance's; `target` names the
    /// object where the call has one.
    pub(crate) fn to_error(&self, host: &str, target: Option<&Target>) -> Error {
        let kind = match self.verdict {
            Verdict::GiveUp(kind) => kind,
            Verdict::Reauthenticate => ErrorKind::Auth,
            // The chunk as it is will never be taken.
            Verdict::Split => ErrorKind::Refused,
            Verdict::Retry { .. } if self.gave_a_doubtful_code() => ErrorKind::Refused,
            _ => ErrorKind::TryLater,
        };
        let object = target.map_or_else(String::new, |target| format!(" of {}", target.describe()));
        let call = self.call.name();
        let message = match self.seen {
            Seen::Fault(Fault::Lost) => {
                format!("{host} did not answer {call}{object}: {}", self.describe())
            }
            Seen::Fault(_) => format!("{host} cannot be reached: {}", self.describe()),
            Seen::Answer { .. } => format!("{host} refused {call}{object}: {}", self.describe()),
        };
        let error = Error::new(kind, message);
        match self.hint(host, target) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// A code that may pass but did not: what was asked for is as likely at
    /// fault, so "later" would be a promise that nothing supports.
    fn gave_a_doubtful_code(&self) -> bool {
        matches!(self.seen, Seen::Answer { body: Body::Refusal(code), .. }
            if !matches!(code, Some(500..=599 | 608 | 611 | 614 | 604 | 713 | 719 | 1022 | 1029)))
    }

    fn hint(&self, host: &str, target: Option<&Target>) -> Option<String> {
        match self.seen {
            Seen::Fault(fault) => Some(fault_hint(fault, host)),
            Seen::Answer {
                body: Body::Refusal(Some(code)),
                ..
            } => code_hint(code, target),
            Seen::Answer { http, .. } => http_hint(self.call, http, host),
        }
    }
}

fn fault_hint(fault: Fault, host: &str) -> String {
    match fault {
        Fault::Dns => format!(
            "check `{host}` against the Endpoint under Admin > Web Services, and this machine's name service"
        ),
        Fault::Tls => format!(
            "check that `{host}` speaks https, this machine's clock, and its certificates (SSL_CERT_FILE, a proxy that opens TLS)"
        ),
        Fault::Unreached => format!(
            "check that `{host}` can be reached from here (firewall, HTTPS_PROXY), then run the same command again"
        ),
        Fault::Lost => {
            "run the same command again when the network or Marketo has recovered".to_owned()
        }
    }
}

fn http_hint(call: Call, http: u16, host: &str) -> Option<String> {
    match (call, http) {
        (Call::Identity, 400 | 401 | 403) => Some(
            "check --client-id (MKTO_CLIENT_ID) and MKTO_CLIENT_SECRET or MKTO_CLIENT_SECRET_FILE: \
             Marketo shows both under Admin > LaunchPoint > View Details of the custom service"
                .to_owned(),
        ),
        (_, 300..=399 | 404) => Some(format!(
            "check `{host}` against the Endpoint under Admin > Web Services; redirects are not followed, for they would carry the token elsewhere"
        )),
        (_, 401 | 403) => Some(permission_hint(None)),
        (_, 413) => Some(format!(
            "lower --max-part-bytes (default {})",
            limits::REQUEST_BODY_BYTES
        )),
        (_, 500..=599) => Some("run the same command again when Marketo has recovered".to_owned()),
        _ => None,
    }
}

fn permission_hint(target: Option<&Target>) -> String {
    let permission = match target {
        Some(Target::CustomObjects { .. }) => "Read-Write Custom Object",
        Some(Target::Leads { .. } | Target::ProgramMembers { .. }) => "Read-Write Lead",
        None => "Access API",
    };
    format!(
        "give the API user a role with the permission `{permission}` (Admin > Users & Roles), and check that this \
         machine's address is on the IP allow-list, if there is one (Admin > Web Services > IP Restrictions)"
    )
}

fn code_hint(code: i64, target: Option<&Target>) -> Option<String> {
    Some(match code {
        601 | 602 => "Marketo refuses tokens that it has just issued: check that the client id is of this instance".to_owned(),
        603 => permission_hint(target),
        606 | 615 => "other integrations use this instance's call budget; lower --rate-limit or run later".to_owned(),
        607 => "run the same command again after the quota's reset at midnight US Central time, or with --wait-for-quota".to_owned(),
        610 | 1013 => match target {
            Some(Target::CustomObjects { api_name }) => format!(
                "check that the custom object's API name is `{api_name}` (Admin > Marketo Custom Objects) and that it is approved; jobs are forgotten after seven days"
            ),
            Some(Target::ProgramMembers { program_id, .. }) => format!(
                "check that program {program_id} exists (the number in the program's address in Marketo); jobs are forgotten after seven days"
            ),
            Some(Target::Leads { list_id: Some(id), .. }) => format!(
                "check that static list {id} exists (the number in the list's address in Marketo); jobs are forgotten after seven days"
            ),
            _ => "check the endpoint; jobs are forgotten after seven days".to_owned(),
        },
        614 => "check the endpoint's Munchkin id; a subscription can be out of reach for a while".to_owned(),
        1003 => "the file had no data rows as Marketo reads it".to_owned(),
        1006 => "every header field has to be a REST API name of the object, blanks and all".to_owned(),
        1008..=1010 => "check --partition, and that the API user's workspace reaches it".to_owned(),
        1011 => "check --lookup-field: not every field can find people".to_owned(),
        1016 | 1019 => "other imports keep Marketo busy; run the same command again later".to_owned(),
        1025 => "check --status against the statuses of the program's channel (Admin > Tags)".to_owned(),
        1026 => "approve the custom object under Admin > Marketo Custom Objects".to_owned(),
        _ => return None,
    })
}

/// Text from the wire must neither break a line nor drive the terminal.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    text.trim()
        .chars()
        .take(LONGEST)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(call: Call, http: u16, code: Option<i64>, message: &str) -> Refusal {
        let body = code.map_or(Body::Garbage, |code| Body::Refusal(Some(code)));
        let mut refusal = Refusal::new(call, Seen::Answer { http, body }, message);
        refusal.code = code.map(|code| code.to_string());
        refusal.request_id = code.map(|_| "e42b#14272d07d78".to_owned());
        refusal
    }

    #[test]
    fn every_stop_says_what_to_do() {
        let leads = Target::Leads {
            lookup_field: None,
            list_id: Some(1001),
            partition: None,
        };
        let cars = Target::CustomObjects {
            api_name: "car_c".to_owned(),
        };
        let members = Target::ProgramMembers {
            program_id: 1044,
            status: "On List".to_owned(),
        };
        let fault = |fault| Refusal::new(Call::Create, Seen::Fault(fault), "the cause");
        let texts = [
            refusal(
                Call::Identity,
                401,
                None,
                "invalid_client: No client with requested id: x",
            )
            .to_error("h", None),
            refusal(Call::Create, 200, Some(603), "Access denied").to_error("h", Some(&leads)),
            refusal(Call::Create, 200, Some(603), "Access denied").to_error("h", Some(&cars)),
            refusal(Call::Create, 200, Some(610), "Requested resource not found")
                .to_error("h", Some(&cars)),
            refusal(Call::Status, 200, Some(610), "Requested resource not found")
                .to_error("h", Some(&members)),
            refusal(Call::Create, 200, Some(1013), "Object not found").to_error("h", Some(&leads)),
            refusal(Call::Create, 200, Some(1006), "Field 'x' not found")
                .to_error("h", Some(&leads)),
            refusal(Call::Status, 200, Some(607), "Daily quota reached")
                .to_error("h", Some(&leads)),
            refusal(Call::Status, 200, Some(4711), "New\u{1b}[31m").to_error("h", Some(&leads)),
            refusal(Call::Status, 200, Some(601), "Access token invalid")
                .to_error("h", Some(&leads)),
            refusal(Call::Create, 413, None, "no JSON").to_error("h", Some(&leads)),
            refusal(Call::Describe, 302, None, "no JSON").to_error("h", None),
            refusal(Call::Status, 502, None, "no JSON").to_error("h", Some(&leads)),
            fault(Fault::Dns).to_error("h", Some(&leads)),
            fault(Fault::Tls).to_error("h", Some(&leads)),
            fault(Fault::Unreached).to_error("h", Some(&leads)),
            fault(Fault::Lost).to_error("h", Some(&leads)),
        ];
        let all: Vec<String> = texts
            .iter()
            .map(|error| format!("[{}] {}", error.kind().exit_code(), error.render()))
            .collect();
        insta::assert_snapshot!(all.join("\n"), @r##"
[6] error: h refused the login: HTTP 401: invalid_client: No client with requested id: x
  hint: check --client-id (MKTO_CLIENT_ID) and MKTO_CLIENT_SECRET or MKTO_CLIENT_SECRET_FILE: Marketo shows both under Admin > LaunchPoint > View Details of the custom service
[6] error: h refused the upload of leads: 603 Access denied (request e42b#14272d07d78)
  hint: give the API user a role with the permission `Read-Write Lead` (Admin > Users & Roles), and check that this machine's address is on the IP allow-list, if there is one (Admin > Web Services > IP Restrictions)
[6] error: h refused the upload of custom objects car_c: 603 Access denied (request e42b#14272d07d78)
  hint: give the API user a role with the permission `Read-Write Custom Object` (Admin > Users & Roles), and check that this machine's address is on the IP allow-list, if there is one (Admin > Web Services > IP Restrictions)
[8] error: h refused the upload of custom objects car_c: 610 Requested resource not found (request e42b#14272d07d78)
  hint: check that the custom object's API name is `car_c` (Admin > Marketo Custom Objects) and that it is approved; jobs are forgotten after seven days
[8] error: h refused the job's status of members of program 1044: 610 Requested resource not found (request e42b#14272d07d78)
  hint: check that program 1044 exists (the number in the program's address in Marketo); jobs are forgotten after seven days
[8] error: h refused the upload of leads: 1013 Object not found (request e42b#14272d07d78)
  hint: check that static list 1001 exists (the number in the list's address in Marketo); jobs are forgotten after seven days
[8] error: h refused the upload of leads: 1006 Field 'x' not found (request e42b#14272d07d78)
  hint: every header field has to be a REST API name of the object, blanks and all
[75] error: h refused the job's status of leads: 607 Daily quota reached (request e42b#14272d07d78)
  hint: run the same command again after the quota's reset at midnight US Central time, or with --wait-for-quota
[8] error: h refused the job's status of leads: 4711 New [31m (request e42b#14272d07d78)
[6] error: h refused the job's status of leads: 601 Access token invalid (request e42b#14272d07d78)
  hint: Marketo refuses tokens that it has just issued: check that the client id is of this instance
[8] error: h refused the upload of leads: HTTP 413: no JSON
  hint: lower --max-part-bytes (default 10000000)
[2] error: h refused the describe call: HTTP 302: no JSON
  hint: check `h` against the Endpoint under Admin > Web Services; redirects are not followed, for they would carry the token elsewhere
[75] error: h refused the job's status of leads: HTTP 502: no JSON
  hint: run the same command again when Marketo has recovered
[75] error: h cannot be reached: the cause
  hint: check `h` against the Endpoint under Admin > Web Services, and this machine's name service
[75] error: h cannot be reached: the cause
  hint: check that `h` speaks https, this machine's clock, and its certificates (SSL_CERT_FILE, a proxy that opens TLS)
[75] error: h cannot be reached: the cause
  hint: check that `h` can be reached from here (firewall, HTTPS_PROXY), then run the same command again
[75] error: h did not answer the upload of leads: the cause
  hint: run the same command again when the network or Marketo has recovered
"##);
    }
}
