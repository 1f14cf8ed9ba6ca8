//! What is imported into: the object, and the parameters of its create call.

use serde::{Deserialize, Serialize};

/// An import's object with the parameters that Marketo takes for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// People (`/bulk/v1/leads.json`).
    Leads {
        /// The field by which Marketo finds an existing person; `email` when
        /// left out. `id` only updates.
        lookup_field: Option<String>,
        /// A static list to which the imported people are added. Two jobs of
        /// one list cannot overlap (1019).
        list_id: Option<u32>,
        /// The lead partition of new people.
        partition: Option<String>,
    },
    /// Records of a custom object (`/bulk/v1/customobjects/{apiName}/import.json`).
    CustomObjects {
        /// The object's API name, such as `car_c`.
        api_name: String,
    },
    /// Members of a program (`/bulk/v1/program/{programId}/members/import.json`).
    ProgramMembers {
        /// The program's id.
        program_id: u64,
        /// The status that the members get, such as `On List`.
        status: String,
    },
}

impl Target {
    /// The columns by which Marketo tells records apart, as far as they are
    /// known without asking it: a custom object's are known only to its
    /// describe call, so the list is empty for it.
    #[must_use]
    pub fn key_columns(&self) -> Vec<String> {
        match self {
            Self::Leads { lookup_field, .. } => {
                vec![lookup_field.clone().unwrap_or_else(|| "email".to_owned())]
            }
            Self::CustomObjects { .. } => Vec::new(),
            // "Every record must include the email field, which is used for
            // deduplication" (Adobe, bulk program member import).
            Self::ProgramMembers { .. } => vec!["email".to_owned()],
        }
    }

    /// The object in words, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Leads { .. } => "leads".to_owned(),
            Self::CustomObjects { api_name } => format!("custom objects {api_name}"),
            Self::ProgramMembers { program_id, .. } => format!("members of program {program_id}"),
        }
    }
}
