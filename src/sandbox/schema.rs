//! What the sandbox's Marketo knows: fields, custom objects, programs, lists
//! and partitions.

use std::path::Path;

use serde::Deserialize;

use super::lead_fields::LEAD_FIELDS;
use super::types::DataType;
use crate::error::{Error, ErrorKind, Place, Result};

/// What the sandbox's Marketo knows.
///
/// The lead fields are built in. A schema file (TOML) adds to them and defines
/// the rest:
///
/// ```toml
/// partitions = ["Default", "Europe"]
///
/// [[lead_fields]]                 # custom fields of people
/// name = "loyaltyTier"            # REST API name
/// display_name = "Loyalty Tier"   # the name if left out
/// type = "string"                 # string if left out; see below
/// length = 40                     # characters; 255 if left out
///
/// [[member_fields]]               # custom fields of program members
/// name = "webinarRating"
/// type = "integer"
///
/// [[objects]]
/// name = "car_c"
/// display_name = "Car"
/// dedupe_fields = ["vin"]
/// fields = [
///   { name = "vin", display_name = "VIN" },
///   { name = "year", display_name = "Year", type = "integer" },
/// ]
///
/// [[programs]]
/// id = 1044
/// statuses = ["On List", "Registered", "Attended"]
///
/// [[lists]]
/// id = 1001
/// name = "Newsletter"
/// ```
///
/// Types: string, text, email, phone, url, integer, score, percent, float,
/// currency, boolean, date, datetime, reference. `read_only = true` marks a
/// field that imports pass over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    #[serde(default)]
    pub(super) lead_fields: Vec<Field>,
    #[serde(default)]
    pub(super) member_fields: Vec<Field>,
    #[serde(default)]
    pub(super) objects: Vec<CustomObject>,
    #[serde(default)]
    pub(super) programs: Vec<Program>,
    #[serde(default)]
    pub(super) lists: Vec<List>,
    #[serde(default = "default_partitions")]
    pub(super) partitions: Vec<String>,
}

/// A field of people, members or a custom object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: String,
    display_name: Option<String>,
    #[serde(rename = "type", default = "string")]
    pub(super) data_type: DataType,
    #[serde(default = "default_length")]
    pub(super) length: usize,
    #[serde(default)]
    pub(super) read_only: bool,
}

/// A custom object.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomObject {
    pub(super) name: String,
    display_name: Option<String>,
    pub(super) dedupe_fields: Vec<String>,
    pub(super) fields: Vec<Field>,
}

/// A program and the statuses of its channel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    pub(super) id: u32,
    pub(super) statuses: Vec<String>,
}

/// A static list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    pub(super) id: u32,
    pub(super) name: String,
}

fn string() -> DataType {
    DataType::String
}

/// Characters of a string field (D: field types).
fn default_length() -> usize {
    255
}

/// The partition that every instance has (D).
fn default_partitions() -> Vec<String> {
    vec!["Default".to_owned()]
}

impl Field {
    /// A writable string field of that name.
    pub(super) fn plain(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            display_name: None,
            data_type: DataType::String,
            length: default_length(),
            read_only: false,
        }
    }

    /// The name that people see, which failure reasons use (D sample).
    pub(super) fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }
}

impl CustomObject {
    /// The object that open mode makes of an upload's header: strings, keyed by
    /// the first one.
    pub(super) fn from_header(name: &str, header: &[String]) -> Self {
        Self {
            name: name.to_owned(),
            display_name: None,
            dedupe_fields: header.first().cloned().into_iter().collect(),
            fields: header.iter().map(Field::plain).collect(),
        }
    }

    /// The name that people see.
    pub(super) fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }
}

impl Default for Schema {
    fn default() -> Self {
        let built_in = |&(name, display_name, data_type, length, read_only): &_| {
            let (name, display_name): (&str, &str) = (name, display_name);
            Field {
                name: name.to_owned(),
                display_name: Some(display_name.to_owned()),
                data_type,
                length,
                read_only,
            }
        };
        Self {
            lead_fields: LEAD_FIELDS.iter().map(built_in).collect(),
            member_fields: Vec::new(),
            objects: Vec::new(),
            programs: Vec::new(),
            lists: Vec::new(),
            partitions: default_partitions(),
        }
    }
}

impl Schema {
    /// The built-in lead fields and what `text` adds; `name` is how messages
    /// call the file. The text of [`Schema`] shows every key.
    ///
    /// # Errors
    /// `Usage` where the text is no TOML, has an unknown key, or a dedupe field
    /// is no field of its object.
    pub fn from_toml(text: &str, name: &str) -> Result<Self> {
        let place = || Place {
            source: Some(name.to_owned()),
            ..Place::default()
        };
        let mut schema: Self = toml::from_str(text).map_err(|error| {
            Error::new(ErrorKind::Usage, "this schema cannot be read")
                .at(place())
                .because(error)
        })?;
        for object in &schema.objects {
            let known = |key: &&String| object.fields.iter().any(|field| field.name == **key);
            let missing = object.dedupe_fields.iter().find(|key| !known(key));
            if missing.is_some() || object.dedupe_fields.is_empty() {
                let what = missing.map_or_else(
                    || format!("object `{}` has no dedupe field", object.name),
                    |key| format!("object `{}` has no field `{key}` to dedupe on", object.name),
                );
                return Err(Error::new(ErrorKind::Usage, what)
                    .at(place())
                    .hint("name one or more of the object's fields in dedupe_fields"));
            }
        }
        let custom = std::mem::replace(&mut schema.lead_fields, Self::default().lead_fields);
        schema.lead_fields.extend(custom);
        Ok(schema)
    }

    /// Reads a schema file, see [`Schema::from_toml`].
    ///
    /// # Errors
    /// `Usage` where the file cannot be read or is no schema.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Usage, format!("cannot read the schema {name}")).because(error)
        })?;
        Self::from_toml(&text, &name)
    }

    pub(super) fn object(&self, name: &str) -> Option<&CustomObject> {
        self.objects.iter().find(|object| object.name == name)
    }

    pub(super) fn list(&self, id: u32) -> Option<&List> {
        self.lists.iter().find(|list| list.id == id)
    }

    pub(super) fn program(&self, id: u32) -> Option<&Program> {
        self.programs.iter().find(|program| program.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_schema_says_what_is_wrong() {
        let said = |text: &str| Schema::from_toml(text, "s.toml").unwrap_err().render();
        insta::assert_snapshot!(
            said("[[objects]]\nname = \"car_c\"\ndedupe_fields = [\"vin\"]\nfields = []\n"),
            @"
        error: object `car_c` has no field `vin` to dedupe on
          at: s.toml
          hint: name one or more of the object's fields in dedupe_fields
        ");
        let unknown = said("[[list]]\nid = 1\n");
        assert!(unknown.contains("unknown field `list`"), "{unknown}");
    }

    #[test]
    fn lead_fields_are_added_to_those_built_in() {
        let text = "[[lead_fields]]\nname = \"tier\"\ntype = \"integer\"\n";
        let schema = Schema::from_toml(text, "s.toml").unwrap();
        assert_eq!(schema.lead_fields.len(), LEAD_FIELDS.len() + 1);
        assert_eq!(schema.lead_fields.last().unwrap().display_name(), "tier");
    }
}
