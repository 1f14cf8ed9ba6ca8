//! The gate of a run: as many jobs as its plan allows.

use std::sync::Arc;

use crate::config::Target;
use crate::error::Result;
use crate::event::Events;
use crate::import::{Gate, LocalGate, SharedGate};
use crate::pipeline::Plan;

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
