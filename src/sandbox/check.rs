//! Header and rows against the schema.

use csv_async::ByteRecord;

use super::answers::Refusal;
use super::lead_fields::LOOKUP_FIELDS;
use super::route::Object;
use super::schema::{CustomObject, Field, Schema};
use super::types::{DataType, Fit};

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    /// Imported, with a remark.
    Warned(String),
    /// Not imported, and why.
    Failed(String),
}

/// An upload's header, matched against the fields it may name.
#[derive(Debug)]
pub(super) struct Columns {
    /// The field of each column; `None` is a column that is passed over.
    fields: Vec<Option<Field>>,
    keys: Vec<Key>,
}

/// A value that every row must have.
#[derive(Debug)]
struct Key {
    /// `None` where the header does not name it: then every row fails.
    column: Option<usize>,
    reason: String,
}

impl Columns {
    /// People, looked up by `lookup`.
    ///
    /// An unknown name refuses the upload with 1006 (O); what Marketo does with
    /// a read-only field is not known, here it is passed over.
    pub(super) fn leads(schema: &Schema, lookup: &str, header: &[String]) -> Result<Self, Refusal> {
        let fields: Vec<&Field> = schema.lead_fields.iter().collect();
        check_lookup(schema, lookup)?;
        Ok(Self {
            keys: vec![lookup_key(lookup, header)],
            fields: named(&fields, header, Some(lookup))?,
        })
    }

    /// Members of a program: fields of people and custom member fields, deduped
    /// on `email` (D).
    pub(super) fn members(schema: &Schema, header: &[String]) -> Result<Self, Refusal> {
        let fields: Vec<&Field> = schema
            .lead_fields
            .iter()
            .chain(&schema.member_fields)
            .collect();
        Ok(Self {
            keys: vec![lookup_key("email", header)],
            fields: named(&fields, header, None)?,
        })
    }

    /// A custom object. Unknown names are passed over, and rows without a
    /// dedupe value fail (D: the sample whose header says ` vin`).
    pub(super) fn custom(object: &CustomObject, header: &[String]) -> Self {
        let known = |name: &String| object.fields.iter().find(|field| field.name == *name);
        Self {
            keys: object
                .dedupe_fields
                .iter()
                .map(|key| Key {
                    column: header.iter().position(|name| name == key),
                    reason: "missing.dedupe.fields".to_owned(),
                })
                .collect(),
            fields: header.iter().map(|name| known(name).cloned()).collect(),
        }
    }

    /// The header of an upload to `object`; see the functions above.
    pub(super) fn of(
        object: &Object,
        schema: &Schema,
        open: bool,
        lookup: &str,
        header: &[String],
    ) -> Result<Self, Refusal> {
        match object {
            Object::Leads => Self::leads(schema, lookup, header),
            Object::Members => Self::members(schema, header),
            Object::Custom(name) => match schema.object(name) {
                Some(object) => Ok(Self::custom(object, header)),
                None if open && name.ends_with("_c") => Ok(Self::custom(
                    &CustomObject::from_header(name, header),
                    header,
                )),
                None => Err(Refusal::with(1013, "Object not found")),
            },
        }
    }

    /// What becomes of a row. Missing cells count as empty; a row with more
    /// cells than the header fails, with a text of ours: what Marketo does is
    /// not known (I).
    pub(super) fn judge(&self, row: &ByteRecord) -> Verdict {
        for key in &self.keys {
            let value = key.column.and_then(|column| row.get(column));
            if value.is_none_or(<[u8]>::is_empty) {
                return Verdict::Failed(key.reason.clone());
            }
        }
        if row.len() > self.fields.len() {
            return Verdict::Failed(format!(
                "Row has {} values, the header has {}",
                row.len(),
                self.fields.len()
            ));
        }
        let mut verdict = Verdict::Accepted;
        for (value, field) in row.iter().zip(&self.fields) {
            let Some(field) = field else { continue };
            match field.data_type.fit(value, field.length) {
                Fit::Good => {}
                Fit::WrongType => {
                    // The display name, not the API name (D sample).
                    let name = field.display_name();
                    return Verdict::Failed(format!("Invalid data type in field {name}"));
                }
                Fit::TooLong => {
                    // The text is ours: Marketo's is not known (I).
                    let name = field.display_name();
                    return Verdict::Failed(format!("Value too long for field {name}"));
                }
                Fit::BadEmail => verdict = Verdict::Warned("Invalid email address".to_owned()),
            }
        }
        verdict
    }
}

fn check_lookup(schema: &Schema, lookup: &str) -> Result<(), Refusal> {
    let field = schema
        .lead_fields
        .iter()
        .find(|field| field.name == lookup)
        .ok_or_else(|| Refusal::with(1006, format!("Field '{lookup}' not found")))?;
    let built_in = super::lead_fields::LEAD_FIELDS
        .iter()
        .any(|(name, ..)| *name == lookup);
    // Custom fields can be looked up by where they are strings, emails or
    // integers (D).
    let custom = !built_in
        && matches!(
            field.data_type,
            DataType::String | DataType::Email | DataType::Integer
        );
    if custom || LOOKUP_FIELDS.contains(&lookup) {
        Ok(())
    } else {
        let text = format!("Field '{lookup}' not supported as lookup field");
        Err(Refusal::with(1011, text))
    }
}

fn lookup_key(lookup: &str, header: &[String]) -> Key {
    Key {
        column: header.iter().position(|name| name == lookup),
        // O: TEK's sample, letter by letter.
        reason: format!("Value for lookup field '{lookup}' not found"),
    }
}

fn named(
    fields: &[&Field],
    header: &[String],
    lookup: Option<&str>,
) -> Result<Vec<Option<Field>>, Refusal> {
    header
        .iter()
        .map(|name| {
            let field = fields
                .iter()
                .find(|field| field.name == *name)
                .ok_or_else(|| Refusal::with(1006, format!("Field '{name}' not found")))?;
            let written = !field.read_only || lookup == Some(name.as_str());
            Ok(written.then(|| (*field).clone()))
        })
        .collect()
}
