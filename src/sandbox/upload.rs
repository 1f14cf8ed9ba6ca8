//! Import files: read as they come in, row by row.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use csv_async::{AsyncReaderBuilder, ByteRecord};
use futures::{StreamExt, TryStreamExt, future};
use tokio::io::AsyncBufReadExt;
use tokio::time::Instant;
use tokio_util::io::StreamReader;

use super::answers::Refusal;
use super::check::{Columns, Verdict};
use super::files::Remarks;
use super::inspection::CreateSeen;
use super::jobs::Outcome;
use super::route::Object;
use super::world::World;

/// An upload that was read to its end.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) list: Option<u32>,
    pub(super) outcome: Outcome,
}

/// Reads away what is left of a body, so that a client that is still sending
/// sees the answer and not a broken connection.
pub(super) async fn drain(body: Body) {
    let mut blocks = body.into_data_stream();
    while let Some(Ok(_)) = blocks.next().await {}
}

/// Reads an upload and checks its rows. `parameters` are those of the query;
/// form fields before the file add to them.
pub(super) async fn read(
    world: &Arc<World>,
    object: &Object,
    program: Option<u32>,
    parameters: BTreeMap<String, String>,
    request: Request,
) -> Result<Upload, Refusal> {
    let headers = request.headers();
    let content_length = header_text(headers, header::CONTENT_LENGTH).and_then(|n| n.parse().ok());
    let chunked = header_text(headers, header::TRANSFER_ENCODING)
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let meter = Meter::default();
    let limit = world.settings.body_limit;
    let request = meter.attach(request, limit);
    let too_large = content_length.is_some_and(|length: u64| length > limit);
    let early = if too_large {
        Err(Refusal::Http(StatusCode::PAYLOAD_TOO_LARGE))
    } else {
        world.jobs().room(None, Instant::now())
    };
    let result = match early {
        Ok(()) => read_parts(world, object, program, parameters, request).await,
        Err(refusal) => {
            drain(request.into_body()).await;
            Err(refusal)
        }
    };
    world.tally().creates.push(CreateSeen {
        content_length,
        chunked,
        body_bytes: meter.bytes.load(Ordering::Acquire),
    });
    if meter.over.load(Ordering::Acquire) {
        return Err(Refusal::Http(StatusCode::PAYLOAD_TOO_LARGE));
    }
    result
}

/// Counts a body's bytes.
#[derive(Debug, Default)]
struct Meter {
    bytes: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Meter {
    /// The same request; what lies over `limit` is read and thrown away.
    fn attach(&self, request: Request, limit: u64) -> Request {
        let (bytes, over) = (Arc::clone(&self.bytes), Arc::clone(&self.over));
        request.map(|body| {
            Body::from_stream(body.into_data_stream().try_filter(move |block| {
                let before = bytes.fetch_add(block.len() as u64, Ordering::AcqRel);
                let within = before + block.len() as u64 <= limit;
                over.fetch_or(!within, Ordering::AcqRel);
                future::ready(within)
            }))
        })
    }
}

async fn read_parts(
    world: &Arc<World>,
    object: &Object,
    program: Option<u32>,
    mut parameters: BTreeMap<String, String>,
    request: Request,
) -> Result<Upload, Refusal> {
    let is_multipart = header_text(request.headers(), header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"));
    if !is_multipart {
        drain(request.into_body()).await;
        return Err(Refusal::code(612));
    }
    let bad = |_| Refusal::code(613);
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| Refusal::code(613))?;
    let mut upload = None;
    while let Some(part) = parts.next_field().await.map_err(bad)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let value = part.text().await.map_err(bad)?;
            parameters.insert(name, value);
            continue;
        }
        // Parameters after the file come too late: it is read as it arrives.
        let read = match Order::new(world, object, program, &parameters) {
            Ok(order) => read_file(world, object, order, part).await,
            Err(refusal) => {
                drop(part);
                Err(refusal)
            }
        };
        match read {
            Ok(read) => upload = Some(read),
            Err(refusal) => {
                while let Ok(Some(_)) = parts.next_field().await {}
                return Err(refusal);
            }
        }
    }
    upload.ok_or_else(|| Refusal::code(1003))
}

/// An import's parameters, checked.
#[derive(Debug)]
struct Order {
    separator: u8,
    lookup: String,
    list: Option<u32>,
}

impl Order {
    fn new(
        world: &World,
        object: &Object,
        program: Option<u32>,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, Refusal> {
        let (schema, open) = (&world.settings.schema, world.settings.open_objects);
        let given = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
        let required = |name: &str| {
            let text = || format!("Missing value for required parameter '{name}'");
            given(name).ok_or_else(|| Refusal::with(1002, text()))
        };
        let format = required("format")?;
        let separator = match format.to_ascii_lowercase().as_str() {
            "csv" => b',',
            "tsv" => b'\t',
            "ssv" => b';',
            _ => {
                let text = format!("Invalid value '{format}'. Required of type 'csv, tsv, ssv'");
                return Err(Refusal::with(1001, text));
            }
        };
        let mut order = Self {
            separator,
            lookup: "email".to_owned(),
            list: None,
        };
        match object {
            Object::Leads => {
                if let Some(lookup) = given("lookupField") {
                    order.lookup.clone_from(lookup);
                }
                if let Some(partition) = given("partitionName")
                    && !open
                    && !schema.partitions.contains(partition)
                {
                    let text = format!("Access denied to partition '{partition}'");
                    return Err(Refusal::with(1008, text));
                }
                if let Some(list) = given("listId") {
                    let id = list
                        .parse()
                        .ok()
                        .filter(|&id: &u32| id > 0)
                        .ok_or_else(|| {
                            let text =
                                format!("Invalid value '{list}'. Required of type 'Integer'");
                            Refusal::with(1001, text)
                        })?;
                    if !open && schema.list(id).is_none() {
                        return Err(Refusal::with(
                            1013,
                            format!("List with id '{id}' not found"),
                        ));
                    }
                    world.jobs().room(Some(id), Instant::now())?;
                    order.list = Some(id);
                }
            }
            Object::Members => {
                let status = required("programMemberStatus")?;
                let program = program.unwrap_or_default();
                match schema.program(program) {
                    Some(program) if program.statuses.contains(status) => {}
                    None if open => {}
                    Some(_) => return Err(Refusal::code(1025)),
                    None => {
                        let text = format!("Program with id '{program}' not found");
                        return Err(Refusal::with(1013, text));
                    }
                }
            }
            Object::Custom(_) => {}
        }
        Ok(order)
    }
}

/// Reads the file part: its header, then row by row.
async fn read_file(
    world: &Arc<World>,
    object: &Object,
    order: Order,
    part: Field<'_>,
) -> Result<Upload, Refusal> {
    let settings = &world.settings;
    let mut bytes = StreamReader::new(part.map_err(io::Error::other));
    // The CSV reader would swallow it; to Marketo it belongs to the first name
    // (I), which then is no field.
    let bom = "\u{feff}";
    let start = bytes.fill_buf().await.map_err(|_| Refusal::code(613))?;
    if start.is_empty() {
        return Err(Refusal::code(1003));
    }
    let has_bom = start.starts_with(bom.as_bytes());
    let mut rows = AsyncReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(order.separator)
        .buffer_capacity(1 << 16)
        .create_reader(bytes);
    let mut row = ByteRecord::new();
    let bad = |_| Refusal::code(613);
    if !rows.read_byte_record(&mut row).await.map_err(bad)? {
        return Err(Refusal::code(1003));
    }
    // Blanks round a name are part of it (D).
    let mut header: Vec<String> = row
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    if has_bom && let Some(first) = header.first_mut() {
        first.insert_str(0, bom);
    }
    let (schema, open) = (&settings.schema, settings.open_objects);
    let columns = Columns::of(object, schema, open, &order.lookup, &header)?;
    let style = settings.files;
    let mut failures = Remarks::new("Import Failure Reason", header.len(), style);
    let mut warnings = Remarks::new("Import Warning Reason", header.len(), style);
    let mut outcome = Outcome::default();
    let full = |_: io::Error| Refusal::code(611);
    while rows.read_byte_record(&mut row).await.map_err(bad)? {
        let verdict = columns.judge(&row);
        if let Verdict::Failed(reason) = verdict {
            outcome.failed += 1;
            failures.push(&row, &reason).map_err(full)?;
            continue;
        }
        outcome.accepted += 1;
        if let Verdict::Warned(reason) = verdict {
            outcome.warned += 1;
            warnings.push(&row, &reason).map_err(full)?;
        }
        if settings.keep_accepted {
            let value = |value| String::from_utf8_lossy(value).into_owned();
            outcome.rows.push(row.iter().map(value).collect());
        }
    }
    let world = Arc::clone(world);
    let shelved = tokio::task::spawn_blocking(move || {
        let mut dice = fastrand::Rng::with_seed(world.settings.seed);
        let mut shelve = |remarks: Remarks| {
            remarks.shelve(&world.shelf, &header, order.separator, style, &mut dice)
        };
        io::Result::Ok((shelve(failures)?, shelve(warnings)?))
    });
    let shelved = shelved.await.map_err(|_| Refusal::code(611))?;
    (outcome.failures, outcome.warnings) = shelved.map_err(full)?;
    let list = order.list;
    Ok(Upload { list, outcome })
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
