//! Pipeline files: an import in TOML, fit for git.

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use crate::config::{Options, Target};
use crate::error::{Error, ErrorKind, Place, Result};

/// A pipeline file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineFile {
    /// What is read.
    pub source: SourceTable,
    /// What it is imported into.
    pub target: TargetTable,
    /// How.
    #[serde(default)]
    pub options: Options,
}

/// `[source]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// Paths and globs, relative to the pipeline file; `-` is standard input.
    pub files: Vec<String>,
}

/// `[target]`.
#[derive(Debug, Deserialize)]
#[serde(tag = "object", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TargetTable {
    /// `object = "leads"`.
    Leads {
        /// See [`Target::Leads`].
        lookup_field: Option<String>,
        /// See [`Target::Leads`].
        list_id: Option<u32>,
        /// See [`Target::Leads`].
        partition: Option<String>,
    },
    /// `object = "custom-objects"`.
    CustomObjects {
        /// See [`Target::CustomObjects`].
        api_name: String,
    },
    /// `object = "program-members"`.
    ProgramMembers {
        /// See [`Target::ProgramMembers`].
        program_id: u64,
        /// See [`Target::ProgramMembers`].
        status: String,
    },
}

impl From<TargetTable> for Target {
    fn from(table: TargetTable) -> Self {
        match table {
            TargetTable::Leads {
                lookup_field,
                list_id,
                partition,
            } => Self::Leads {
                lookup_field,
                list_id,
                partition,
            },
            TargetTable::CustomObjects { api_name } => Self::CustomObjects { api_name },
            TargetTable::ProgramMembers { program_id, status } => {
                Self::ProgramMembers { program_id, status }
            }
        }
    }
}

/// Keys of the file's top level.
const TABLES: &[&str] = &["source", "target", "options"];
/// Keys of `[source]`.
const SOURCE_KEYS: &[&str] = &["files"];
/// Keys of `[target]`, over all objects.
const TARGET_KEYS: &[&str] = &[
    "object",
    "lookup_field",
    "list_id",
    "partition",
    "api_name",
    "program_id",
    "status",
];

impl PipelineFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] with line and column for what is no TOML, a key
    /// that is not known (with the nearest that is) or a value that is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Usage, "the pipeline file cannot be read")
                .at(Place {
                    source: Some(path.display().to_string()),
                    ..Place::default()
                })
                .because(error)
        })?;
        let mut file = Self::parse(&text, &path.display().to_string())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for name in &mut file.source.files {
            if name != "-" && !name.contains("://") && !Path::new(name).is_absolute() {
                *name = folder.join(&*name).display().to_string();
            }
        }
        // Outputs stay relative to where the command runs, as flags are.
        Ok(file)
    }

    fn parse(text: &str, name: &str) -> Result<Self> {
        let wrong = |error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            at_offset(
                Error::new(ErrorKind::Usage, error.message().trim()),
                text,
                at,
                name,
                None,
            )
        };
        let table = DeTable::parse(text).map_err(|error| wrong(&error))?;
        known(table.get_ref(), TABLES, text, name)?;
        for (key, value) in table.get_ref() {
            let keys = match key.get_ref().as_ref() {
                "source" => SOURCE_KEYS,
                "target" => TARGET_KEYS,
                _ => Options::KEYS,
            };
            if let DeValue::Table(inner) = value.get_ref() {
                known(inner, keys, text, name)?;
            }
        }
        toml::from_str(text).map_err(|error| wrong(&error))
    }
}

/// Refuses the first key of `table` that is none of `keys`.
fn known(table: &DeTable<'_>, keys: &[&str], text: &str, name: &str) -> Result<()> {
    let unknown = table
        .iter()
        .map(|(key, _)| key)
        .find(|key| !keys.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown else { return Ok(()) };
    let written = key.get_ref().as_ref();
    let error = Error::new(ErrorKind::Usage, format!("unknown key `{written}`"));
    let hint = match nearest(written, keys) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", keys.join(", ")),
    };
    Err(at_offset(error, text, key.span().start, name, Some(written)).hint(hint))
}

/// The word of `words` that `written` is most likely meant to be.
pub(crate) fn nearest<'a>(written: &str, words: &[&'a str]) -> Option<&'a str> {
    words
        .iter()
        .map(|word| {
            (
                strsim::jaro_winkler(&written.replace('-', "_"), word),
                *word,
            )
        })
        .filter(|(alike, _)| *alike > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, word)| word)
}

/// Puts `error` at a byte of `text`, with line and column.
fn at_offset(error: Error, text: &str, offset: usize, name: &str, key: Option<&str>) -> Error {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    error.at(Place {
        source: Some(format!("{name}:{line}:{column}")),
        line: None,
        row: None,
        column: key.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PipelineFile> {
        PipelineFile::parse(text, "leads.toml")
    }

    const GOOD: &str = r#"
[source]
files = ["leads.csv"]
[target]
object = "program-members"
program_id = 1001
status = "On List"
[options]
endpoint = "sandbox"
client_id = "id"
allow_insecure_http = false
format = "csv"
max_part_bytes = 10000000
max_in_flight = 2
poll_interval = "5s"
rate_limit = "50/20s"
max_errors = 10
serialize_on = "email"
on_bad_row = "reject"
on_unknown = "hold"
job_timeout = "24h"
wait_for_quota = true
state_dir = "state"
report = "report.csv"
rejects = "rejects.csv"
report_columns = "key"
"#;

    #[test]
    fn every_key_is_taken() {
        let file = parse(GOOD).unwrap();
        assert!(
            Options::KEYS
                .iter()
                .all(|key| GOOD.contains(&format!("\n{key} = ")))
        );
        assert_eq!(
            file.options.max_errors,
            Some(crate::config::choice::MaxErrors::Rows(10))
        );
        assert!(matches!(
            Target::from(file.target),
            Target::ProgramMembers {
                program_id: 1001,
                ..
            }
        ));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let wrong = [
            ("max_in_flight = 2", "max_inflight = 2"),
            ("[options]", "[optoins]"),
            ("files =", "zebra ="),
            ("poll_interval = \"5s\"", "poll_interval = \"soon\""),
            ("max_part_bytes = 10000000", "max_part_bytes = \"many\""),
            ("object = \"program-members\"", "object = \"companies\""),
            ("status = \"On List\"", ""),
            (
                "program_id = 1001",
                "program_id = 1001\napi_name = \"car_c\"",
            ),
            ("files = [", "files = "),
        ];
        let mut texts = String::new();
        for (from, to) in wrong {
            texts += &format!(
                "{}\n",
                parse(&GOOD.replacen(from, to, 1)).unwrap_err().render()
            );
        }
        insta::assert_snapshot!(texts, @r#"
        error: unknown key `max_inflight`
          at: leads.toml:14:1, column `max_inflight`
          hint: did you mean `max_in_flight`?
        error: unknown key `optoins`
          at: leads.toml:8:2, column `optoins`
          hint: did you mean `options`?
        error: unknown key `zebra`
          at: leads.toml:3:1, column `zebra`
          hint: known here: files
        error: `soon` is not a time: expected number at 0; write for example 5s, 250ms or 24h
          at: leads.toml:15:17
        error: invalid type: string "many", expected u64
          at: leads.toml:13:18
        error: unknown variant `companies`, expected one of `leads`, `custom-objects`, `program-members`
          at: leads.toml:5:10
        error: missing field `status`
          at: leads.toml:4:1
        error: unknown field `api_name`, expected `program_id` or `status`
          at: leads.toml:4:1
        error: unexpected key or value, expected newline, `#`
          at: leads.toml:3:20
        "#);
    }
}
