//! What is in flight together: as many jobs as the plan allows, and which.

use std::sync::Arc;

use crate::config::Target;
use crate::config::pipeline_file::nearest;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::event::Events;
use crate::import::{Gate, LocalGate, Serial, SharedGate};
use crate::pipeline::Plan;
use crate::report::Layout;

/// The gate that `plan` names: shared with other processes where it has a
/// folder for that.
///
/// # Errors
/// What the shared gate's files give.
pub(super) fn gate(plan: &Plan, events: &Events) -> Result<Arc<dyn Gate>> {
    let places = places(plan);
    Ok(match &plan.gate_folder {
        // A list's one job takes any of the slots.
        Some(folder) => Arc::new(SharedGate::open(
            folder,
            places,
            plan.max_in_flight,
            events.clone(),
        )?),
        None => Arc::new(LocalGate::new(places)),
    })
}

/// What keeps apart the chunks that share a value of the plan's column, if it
/// names one.
///
/// # Errors
/// [`ErrorKind::Usage`] for a column that is not in the header.
pub(super) fn serial(plan: &Plan, layout: &Layout, events: &Events) -> Result<Option<Arc<Serial>>> {
    let Some(column) = &plan.serialize_on else {
        return Ok(None);
    };
    let names = &layout.names;
    if let Some(place) = names.iter().position(|name| name == column) {
        let separator = layout.format.separator();
        let serial = Serial::new(place, column.clone(), separator, events.clone());
        return Ok(Some(Arc::new(serial)));
    }
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = match nearest(column, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the header has: {}", known.join(", ")),
    };
    Err(Error::new(
        ErrorKind::Usage,
        format!("--serialize-on names `{column}`, which is no column of the header"),
    )
    .at(Place {
        source: layout.sources.first().cloned(),
        ..Place::default()
    })
    .hint(hint))
}

/// Jobs in flight at most. Two jobs of one list cannot overlap (1019), so a
/// second upload would only be refused, 10 MB at a time.
pub(super) fn places(plan: &Plan) -> usize {
    match plan.target {
        Target::Leads {
            list_id: Some(_), ..
        } => 1,
        _ => plan.max_in_flight,
    }
}
