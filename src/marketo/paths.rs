//! The paths of the calls. The three object types differ in ways that trap:
//! a lead's status has no `/status`, and the program's id stands in the create
//! path only (Adobe's API description).

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::Format;
use crate::config::Target;
use crate::units::BatchId;

/// Identity has no `/rest` and takes no token.
pub(crate) const IDENTITY: &str = "/identity/oauth/token";

/// What may stand for itself in a segment or a query value (RFC 3986,
/// unreserved). A blank becomes `%20`: `+` means a blank in forms only.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Which file of rows that Marketo remarked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowsFile {
    /// Rows that were not imported.
    Failures,
    /// Rows that were imported with a remark.
    Warnings,
}

impl RowsFile {
    /// The word in the path and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Warnings => "warnings",
        }
    }
}

fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// The path and query of the create call.
pub(crate) fn create(target: &Target, format: Format) -> String {
    let mut path = match target {
        Target::Leads { .. } => "/bulk/v1/leads.json".to_owned(),
        Target::CustomObjects { api_name } => {
            format!("/bulk/v1/customobjects/{}/import.json", encode(api_name))
        }
        Target::ProgramMembers { program_id, .. } => {
            format!("/bulk/v1/program/{program_id}/members/import.json")
        }
    };
    path.push_str("?format=");
    path.push_str(format.name());
    let mut add = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(path, "&{name}={}", encode(value));
    };
    match target {
        Target::Leads {
            lookup_field,
            list_id,
            partition,
        } => {
            if let Some(field) = lookup_field {
                add("lookupField", field);
            }
            if let Some(id) = list_id {
                add("listId", &id.to_string());
            }
            if let Some(name) = partition {
                add("partitionName", name);
            }
        }
        Target::CustomObjects { .. } => {}
        Target::ProgramMembers { status, .. } => add("programMemberStatus", status),
    }
    path
}

fn job(target: &Target, batch: BatchId) -> String {
    match target {
        Target::Leads { .. } => format!("/bulk/v1/leads/batch/{batch}"),
        Target::CustomObjects { api_name } => {
            format!("/bulk/v1/customobjects/{}/import/{batch}", encode(api_name))
        }
        Target::ProgramMembers { .. } => format!("/bulk/v1/program/members/import/{batch}"),
    }
}

/// The path of the status call.
pub(crate) fn status(target: &Target, batch: BatchId) -> String {
    let job = job(target, batch);
    match target {
        Target::Leads { .. } => format!("{job}.json"),
        Target::CustomObjects { .. } | Target::ProgramMembers { .. } => {
            format!("{job}/status.json")
        }
    }
}

/// The path of the failures or warnings call.
pub(crate) fn rows_file(target: &Target, batch: BatchId, file: RowsFile) -> String {
    format!("{}/{}.json", job(target, batch), file.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path() {
        let leads = |lookup: Option<&str>, list_id, partition: Option<&str>| Target::Leads {
            lookup_field: lookup.map(str::to_owned),
            list_id,
            partition: partition.map(str::to_owned),
        };
        let targets = [
            leads(None, None, None),
            leads(Some("customKey"), Some(1001), Some("EMEA & APAC+1 ü")),
            Target::CustomObjects {
                api_name: "car_c".to_owned(),
            },
            Target::CustomObjects {
                api_name: "a/b?c#d".to_owned(),
            },
            Target::ProgramMembers {
                program_id: 1044,
                status: "On List".to_owned(),
            },
        ];
        let mut lines = Vec::new();
        for target in &targets {
            let batch = BatchId::new(3404);
            lines.push(create(target, Format::Ssv));
            lines.push(status(target, batch));
            lines.push(rows_file(target, batch, RowsFile::Failures));
            lines.push(rows_file(target, batch, RowsFile::Warnings));
        }
        insta::assert_snapshot!(lines.join("\n"), @r##"
/bulk/v1/leads.json?format=ssv
/bulk/v1/leads/batch/3404.json
/bulk/v1/leads/batch/3404/failures.json
/bulk/v1/leads/batch/3404/warnings.json
/bulk/v1/leads.json?format=ssv&lookupField=customKey&listId=1001&partitionName=EMEA%20%26%20APAC%2B1%20%C3%BC
/bulk/v1/leads/batch/3404.json
/bulk/v1/leads/batch/3404/failures.json
/bulk/v1/leads/batch/3404/warnings.json
/bulk/v1/customobjects/car_c/import.json?format=ssv
/bulk/v1/customobjects/car_c/import/3404/status.json
/bulk/v1/customobjects/car_c/import/3404/failures.json
/bulk/v1/customobjects/car_c/import/3404/warnings.json
/bulk/v1/customobjects/a%2Fb%3Fc%23d/import.json?format=ssv
/bulk/v1/customobjects/a%2Fb%3Fc%23d/import/3404/status.json
/bulk/v1/customobjects/a%2Fb%3Fc%23d/import/3404/failures.json
/bulk/v1/customobjects/a%2Fb%3Fc%23d/import/3404/warnings.json
/bulk/v1/program/1044/members/import.json?format=ssv&programMemberStatus=On%20List
/bulk/v1/program/members/import/3404/status.json
/bulk/v1/program/members/import/3404/failures.json
/bulk/v1/program/members/import/3404/warnings.json
"##);
    }
}
