//! What the sandbox's Marketo says of itself: fields, objects, partitions,
//! lists, usage and errors.

use serde_json::{Value, json};

use super::answers::Refusal;
use super::lead_fields::{LOOKUP_FIELDS, MEMBER_FIELDS};
use super::schema::{CustomObject, Field, Schema};
use super::settings::Settings;
use super::world::World;

/// When everything here was made; no live instance says otherwise.
const MADE: &str = "2024-01-01T00:00:00Z";

/// `/rest/v1/leads/describe.json`.
pub(super) fn lead_fields(schema: &Schema) -> Vec<Value> {
    let fields = (1..).zip(&schema.lead_fields);
    fields
        .map(|(id, field): (u32, _)| {
            let mut attribute = json!({
                "id": id,
                "displayName": field.display_name(),
                "dataType": field.data_type.name(),
                "rest": {"name": field.name, "readOnly": field.read_only},
            });
            if field.data_type.has_length() {
                attribute["length"] = field.length.into();
            }
            attribute
        })
        .collect()
}

/// `/rest/v1/leads/describe2.json`.
pub(super) fn lead_fields2(schema: &Schema) -> Vec<Value> {
    let searchable: Vec<[&str; 1]> = LOOKUP_FIELDS.iter().map(|name| [*name]).collect();
    vec![json!({
        "name": "API Lead",
        "searchableFields": searchable,
        "fields": schema.lead_fields.iter().map(field).collect::<Vec<_>>(),
    })]
}

/// `/rest/v1/programs/members/describe.json`.
pub(super) fn member_fields(schema: &Schema) -> Vec<Value> {
    let standard = MEMBER_FIELDS.iter().map(|(name, display_name, data_type)| {
        let mut field = json!({
            "name": name,
            "displayName": display_name,
            "dataType": data_type.name(),
            "updateable": false,
            "crmManaged": false,
        });
        if data_type.has_length() {
            field["length"] = 255.into();
        }
        field
    });
    vec![json!({
        "name": "API Program Membership",
        "description": "API Program Membership Map",
        "createdAt": MADE,
        "updatedAt": MADE,
        "dedupeFields": ["leadId", "programId"],
        "searchableFields": [["leadId"], ["statusName"]],
        "fields": standard.chain(schema.member_fields.iter().map(field)).collect::<Vec<_>>(),
    })]
}

/// `/rest/v1/customobjects.json`.
pub(super) fn objects(schema: &Schema) -> Vec<Value> {
    schema.objects.iter().map(summary).collect()
}

/// `/rest/v1/customobjects/{name}/describe.json`. An object that exists in open
/// mode only has no fields and no dedupe fields here: the first are those of an
/// upload's header, which is not known before.
pub(super) fn object_fields(settings: &Settings, name: &str) -> Result<Vec<Value>, Refusal> {
    let Some(object) = settings.schema.object(name) else {
        if settings.open_objects && name.ends_with("_c") {
            let mut described = summary(&CustomObject::from_header(name, &[]));
            described["fields"] = json!([]);
            return Ok(vec![described]);
        }
        return Err(Refusal::with(1013, format!("Object '{name}' not found")));
    };
    let mut described = summary(object);
    // What every custom object has and nobody can write (D sample).
    let standard = [("createdAt", "Created At", "datetime", None)]
        .into_iter()
        .chain([("marketoGUID", "Marketo GUID", "string", Some(36))])
        .chain([("updatedAt", "Updated At", "datetime", None)])
        .map(
            |(name, display_name, data_type, length): (_, _, _, Option<u32>)| {
                let mut field = json!({
                    "name": name,
                    "displayName": display_name,
                    "dataType": data_type,
                    "updateable": false,
                    "crmManaged": false,
                });
                if let Some(length) = length {
                    field["length"] = length.into();
                }
                field
            },
        );
    let fields: Vec<Value> = standard.chain(object.fields.iter().map(field)).collect();
    described["fields"] = fields.into();
    Ok(vec![described])
}

/// `name` as the samples have it (D); Adobe's description says `apiName`.
fn summary(object: &CustomObject) -> Value {
    json!({
        "name": object.name,
        "displayName": object.display_name(),
        "description": "",
        "createdAt": MADE,
        "updatedAt": MADE,
        "idField": "marketoGUID",
        "dedupeFields": object.dedupe_fields,
        "searchableFields": [object.dedupe_fields, ["marketoGUID"]],
    })
}

fn field(field: &Field) -> Value {
    let mut described = json!({
        "name": field.name,
        "displayName": field.display_name(),
        "dataType": field.data_type.name(),
        "updateable": !field.read_only,
        "crmManaged": false,
    });
    if field.data_type.has_length() {
        described["length"] = field.length.into();
    }
    described
}

/// `/rest/v1/leads/partitions.json`.
pub(super) fn partitions(schema: &Schema) -> Vec<Value> {
    let partitions = (1..).zip(&schema.partitions);
    partitions
        .map(|(id, name): (u32, _)| json!({"id": id, "name": name, "description": ""}))
        .collect()
}

/// `/rest/v1/lists/{id}.json`.
pub(super) fn list(settings: &Settings, id: u32) -> Result<Vec<Value>, Refusal> {
    let name = match settings.schema.list(id) {
        Some(list) => list.name.clone(),
        None if settings.open_objects => format!("List {id}"),
        None => {
            return Err(Refusal::with(
                1013,
                format!("List with id '{id}' not found"),
            ));
        }
    };
    Ok(vec![json!({
        "id": id,
        "name": name,
        "workspaceName": "Default",
        "createdAt": MADE,
        "updatedAt": MADE,
    })])
}

/// `/rest/v1/stats/usage.json`: every call but identity's, which are not
/// counted (D).
pub(super) fn usage(world: &World) -> Vec<Value> {
    let tally = world.tally();
    let total: u64 = tally
        .calls
        .iter()
        .filter(|(call, _)| **call != super::Call::Identity)
        .map(|(_, calls)| calls)
        .sum();
    vec![json!({
        "date": today(),
        "total": total,
        "users": [{"userId": "sandbox@example.com", "count": total}],
    })]
}

/// `/rest/v1/stats/errors.json`.
pub(super) fn errors(world: &World) -> Vec<Value> {
    let tally = world.tally();
    let total: u64 = tally.errors.values().sum();
    let errors: Vec<Value> = tally
        .errors
        .iter()
        .map(|(code, count)| json!({"errorCode": code.to_string(), "count": count}))
        .collect();
    vec![json!({"date": today(), "total": total, "errors": errors})]
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
