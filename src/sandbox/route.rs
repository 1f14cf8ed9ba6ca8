//! The calls of the API and their paths.
//!
//! Matched by hand: axum's router takes no parameter with a suffix
//! (`{batchId}.json`), and nearly all of these paths have one.

use std::fmt;
use std::str::FromStr;

use axum::http::Method;

/// A kind of call, as faults, permissions and counters know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A token from identity.
    Identity,
    /// The upload of an import file.
    Create,
    /// A look at a job.
    Status,
    /// The failure file of a job.
    Failures,
    /// The warning file of a job.
    Warnings,
    /// Fields, objects, partitions and lists.
    Describe,
    /// Counts of calls and errors.
    Usage,
    /// A path or method that does not exist.
    Unknown,
}

impl Call {
    /// The kinds that a fault rule can name.
    pub(super) const NAMED: [Self; 7] = [
        Self::Identity,
        Self::Create,
        Self::Status,
        Self::Failures,
        Self::Warnings,
        Self::Describe,
        Self::Usage,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Create => "create",
            Self::Status => "status",
            Self::Failures => "failures",
            Self::Warnings => "warnings",
            Self::Describe => "describe",
            Self::Usage => "usage",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is imported, named as the paths name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Object {
    /// People.
    Leads,
    /// A custom object by its API name.
    Custom(String),
    /// Members of a program. Status and files name no program.
    Members,
}

/// A file of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobFile {
    /// Rows that were refused.
    Failures,
    /// Rows that were imported with a remark.
    Warnings,
}

/// A call with what its path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Token,
    Create(Object, Option<u32>),
    Status(Object, u32),
    File(Object, u32, JobFile),
    LeadFields,
    LeadFields2,
    MemberFields,
    Objects,
    ObjectFields(String),
    Partitions,
    List(u32),
    Usage,
    Errors,
    WrongMethod,
    Unknown,
}

impl Route {
    /// The route of a request; paths are those of Adobe's description, letter
    /// by letter.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        let Some(path) = path.strip_prefix('/') else {
            return Self::Unknown;
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (route, methods) = match parts.as_slice() {
            ["identity", "oauth", "token"] => (Some(Self::Token), [Method::GET, Method::POST]),
            ["bulk", "v1", rest @ ..] => Self::bulk(rest),
            ["rest", "v1", rest @ ..] => (Self::rest(rest), [Method::GET, Method::GET]),
            _ => (None, [Method::GET, Method::GET]),
        };
        match route {
            Some(_) if !methods.contains(method) => Self::WrongMethod,
            Some(route) => route,
            None => Self::Unknown,
        }
    }

    fn bulk(parts: &[&str]) -> (Option<Self>, [Method; 2]) {
        let create = match parts {
            ["leads.json"] => Some(Self::Create(Object::Leads, None)),
            ["customobjects", name, "import.json"] => {
                Some(Self::Create(Object::Custom((*name).to_owned()), None))
            }
            ["program", program, "members", "import.json"] => {
                number(program).map(|program| Self::Create(Object::Members, Some(program)))
            }
            _ => None,
        };
        if create.is_some() {
            return (create, [Method::POST, Method::POST]);
        }
        let (object, rest) = match parts {
            ["leads", "batch", rest @ ..] => (Object::Leads, rest),
            ["customobjects", name, "import", rest @ ..] => {
                (Object::Custom((*name).to_owned()), rest)
            }
            ["program", "members", "import", rest @ ..] => (Object::Members, rest),
            _ => return (None, [Method::GET, Method::GET]),
        };
        // Leads alone have no `/status` in the path.
        let batch = match (&object, rest) {
            (Object::Leads, [batch]) => batch.strip_suffix(".json"),
            (Object::Leads, [_, "status.json"]) => None,
            (_, [batch, _]) => Some(*batch),
            _ => None,
        };
        let route = batch.and_then(number).and_then(|batch| match rest {
            [_] | [_, "status.json"] => Some(Self::Status(object, batch)),
            [_, "failures.json"] => Some(Self::File(object, batch, JobFile::Failures)),
            [_, "warnings.json"] => Some(Self::File(object, batch, JobFile::Warnings)),
            _ => None,
        });
        (route, [Method::GET, Method::GET])
    }

    fn rest(parts: &[&str]) -> Option<Self> {
        Some(match parts {
            ["leads", "describe.json"] => Self::LeadFields,
            ["leads", "describe2.json"] => Self::LeadFields2,
            ["leads", "partitions.json"] => Self::Partitions,
            ["programs", "members", "describe.json"] => Self::MemberFields,
            ["customobjects.json"] => Self::Objects,
            ["customobjects", name, "describe.json"] => Self::ObjectFields((*name).to_owned()),
            ["lists", list] => Self::List(list.strip_suffix(".json").and_then(number)?),
            ["stats", "usage.json"] | ["stats", "usage", "last7days.json"] => Self::Usage,
            ["stats", "errors.json"] | ["stats", "errors", "last7days.json"] => Self::Errors,
            _ => return None,
        })
    }

    /// The kind of call.
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Token => Call::Identity,
            Self::Create(..) => Call::Create,
            Self::Status(..) => Call::Status,
            Self::File(_, _, JobFile::Failures) => Call::Failures,
            Self::File(_, _, JobFile::Warnings) => Call::Warnings,
            Self::LeadFields
            | Self::LeadFields2
            | Self::MemberFields
            | Self::Objects
            | Self::ObjectFields(_)
            | Self::Partitions
            | Self::List(_) => Call::Describe,
            Self::Usage | Self::Errors => Call::Usage,
            Self::WrongMethod | Self::Unknown => Call::Unknown,
        }
    }
}

/// A number as paths hold it: digits only, above 0.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str(text).ok().filter(|&n| digits && n > 0)
}
