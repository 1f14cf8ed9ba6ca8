//! The sandbox against Adobe's description of the API.

use mktoload::sandbox::{Schema, Settings};
use reqwest::StatusCode;
use serde_json::Value;

use super::{Bench, LEADS, batch};

/// Every path of Adobe's description answers, and every field of the answers is
/// in it, but for those that only Adobe's samples have.
#[tokio::test]
async fn every_path_and_field_is_in_the_description() {
    let description: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let bench = Bench::new(Settings {
        schema: Schema::from_toml(
            "[[objects]]\nname = \"car_c\"\ndedupe_fields = [\"vin\"]\nfields = [{ name = \"vin\" }]\n\
             [[member_fields]]\nname = \"rating\"\ntype = \"integer\"\n",
            "schema.toml",
        )
        .unwrap(),
        ..Settings::default()
    })
    .await;
    // One failure and one warning in each family, so that both files exist.
    let leads = "email,city\nnonsense,x\n,y\n";
    let members = "/bulk/v1/program/7/members/import.json?format=CSV&programMemberStatus=On%20List";
    let cars = "/bulk/v1/customobjects/car_c/import.json?format=csv";
    let creates = [
        ("leads", bench.create(LEADS, leads).await),
        ("members", bench.create(members, leads).await),
        ("cars", bench.create(cars, "vin,a\n1,2\n,3\n").await),
    ];
    let batch_of = |path: &str| {
        let family = match path {
            _ if path.contains("/leads/") => "leads",
            _ if path.contains("/program/") => "members",
            _ => "cars",
        };
        let found = creates.iter().find(|(name, _)| *name == family);
        batch(&found.unwrap().1).to_string()
    };
    let mut answered = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            if method == "post" && path.ends_with("partitions.json") {
                // Moves leads between partitions: no part of an import.
                continue;
            }
            let url = path
                .replace("{apiName}", "car_c")
                .replace("{customObjectName}", "car_c")
                .replace("{programId}", "7")
                .replace("{listId}", "3")
                .replace("{batchId}", &batch_of(path));
            let answer = if method == "post" {
                let own = creates.iter().find(|(family, _)| match *family {
                    "leads" => path.ends_with("leads.json"),
                    "members" => path.contains("members"),
                    _ => path.contains("customobjects"),
                });
                own.unwrap().1.clone()
            } else if path.ends_with("failures.json") || path.ends_with("warnings.json") {
                let answer = bench.get(&url).await;
                let exists = !(path.contains("customobjects") && path.ends_with("warnings.json"));
                assert_eq!(answer.status() == StatusCode::OK, exists, "{url}");
                answered += 1;
                continue;
            } else {
                bench.json(&url).await
            };
            assert_eq!(answer["success"], true, "{url}: {answer}");
            let reference = &call["responses"]["200"]["schema"]["$ref"];
            assert_described(&description, reference.as_str().unwrap(), &answer, path);
            answered += 1;
        }
    }
    assert_eq!(answered, 21);
}

/// Fields of Adobe's samples that its description lacks.
const ONLY_IN_SAMPLES: [(&str, &str); 5] = [
    ("ImportProgramMemberResponse", "numOfLeadsProcessed"),
    ("ImportProgramMemberResponse", "numOfRowsFailed"),
    ("ImportProgramMemberResponse", "numOfRowsWithWarning"),
    ("ImportProgramMemberResponse", "message"),
    ("ObjectMetaData", "name"),
];

fn assert_described(description: &Value, reference: &str, value: &Value, path: &str) {
    let name = reference.rsplit('/').next().unwrap();
    let Some(properties) = description["definitions"][name]["properties"].as_object() else {
        return;
    };
    for (key, value) in value.as_object().unwrap() {
        let Some(property) = properties.get(key) else {
            let known = ONLY_IN_SAMPLES.contains(&(name, key.as_str()));
            assert!(known, "{path}: {name} has no `{key}`");
            continue;
        };
        let kind = match property["type"].as_str() {
            Some("integer") => value.is_i64(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            _ => value.is_object(),
        };
        assert!(kind, "{path}: {name}.{key} is {value}, not {property}");
        let inner = property["$ref"]
            .as_str()
            .or(property["items"]["$ref"].as_str());
        let values = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values.iter().filter(|value| value.is_object()) {
            if let Some(inner) = inner {
                assert_described(description, inner, value, path);
            }
        }
    }
}
