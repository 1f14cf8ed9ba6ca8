//! Every request of the client's is one that Adobe's description has: path,
//! method, query parameters, parts of the form.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use mktoload::config::Target;
use mktoload::pipeline::Plan;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::in_process::{Lab, import_at, settings};
use super::workdir::SECRET;

/// A request as it passed by.
#[derive(Debug)]
struct Seen {
    method: String,
    path: String,
    query: BTreeSet<String>,
    parts: BTreeSet<String>,
    has_token: bool,
    url: String,
}

/// What the proxy needs: where it sends to, and what it saw.
#[derive(Clone)]
struct Proxy {
    upstream: String,
    http: reqwest::Client,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Proxy {
    /// Listens before `upstream`; the address to call instead.
    async fn before(upstream: String) -> (Self, String) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy = Self {
            upstream,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            seen: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (proxy, address)
    }
}

/// Notes a request and passes it on.
async fn pass(State(proxy): State<Proxy>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let header = |name: &str| {
        head.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (kind, token) = (header("content-type"), header("authorization"));
    let query = head.uri.query().unwrap_or_default();
    let names = query.split('&').filter(|pair| !pair.is_empty());
    let mut parts = BTreeSet::new();
    if kind
        .as_ref()
        .is_some_and(|kind| kind.starts_with("multipart/"))
    {
        for line in String::from_utf8_lossy(&body).lines() {
            if let Some(disposition) = line.strip_prefix("Content-Disposition: form-data; name=\"")
            {
                parts.insert(disposition.split('"').next().unwrap().to_owned());
            }
        }
    }
    proxy.seen.lock().unwrap().push(Seen {
        method: head.method.as_str().to_lowercase(),
        path: head.uri.path().to_owned(),
        query: names
            .map(|pair| pair.split('=').next().unwrap().to_owned())
            .collect(),
        parts,
        has_token: token
            .as_ref()
            .is_some_and(|token| token.starts_with("Bearer ")),
        url: head.uri.to_string(),
    });
    let url = format!("{}{}", proxy.upstream, head.uri);
    let mut onward = proxy.http.request(head.method, url).body(body);
    for (name, value) in [("content-type", kind), ("authorization", token)] {
        if let Some(value) = value {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.send().await.unwrap();
    let status = answer.status();
    let body = Body::from(answer.bytes().await.unwrap());
    Response::builder().status(status).body(body).unwrap()
}

/// Whether `path` is of the form of `template`, such as `/a/{id}.json`.
fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(form), Some(segment)) => {
                let fits = match form.split_once('{') {
                    Some((before, rest)) => {
                        let after = rest.split_once('}').unwrap().1;
                        let inner = segment
                            .strip_prefix(before)
                            .and_then(|s| s.strip_suffix(after));
                        inner.is_some_and(|inner| !inner.is_empty())
                    }
                    None => form == segment,
                };
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// The names of a described call's parameters in `place`, all or those that it
/// requires.
fn parameters(call: &Value, place: &str, only_required: bool) -> BTreeSet<String> {
    let all = call["parameters"].as_array().cloned().unwrap_or_default();
    all.iter()
        .filter(|parameter| parameter["in"] == place)
        .filter(|parameter| !only_required || parameter["required"] == true)
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Holds a request against the description; the path's form in it.
fn assert_described(description: &Value, seen: &Seen) -> String {
    let paths = description["paths"].as_object().unwrap();
    let fitting = paths.iter().find(|(template, methods)| {
        fits(template, &seen.path) && methods.get(&seen.method).is_some()
    });
    let Some((template, methods)) = fitting else {
        panic!("no such call is described: {seen:?}");
    };
    let call = &methods[&seen.method];
    assert!(
        seen.query.is_subset(&parameters(call, "query", false)),
        "{seen:?}"
    );
    assert!(
        seen.query.is_superset(&parameters(call, "query", true)),
        "{seen:?}"
    );
    assert_eq!(seen.parts, parameters(call, "formData", false), "{seen:?}");
    assert!(seen.has_token, "{seen:?}");
    template.clone()
}

#[tokio::test]
async fn every_request_is_in_the_description() {
    let description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let lab = Lab::new(settings(&[])).await;
    let (proxy, address) = Proxy::before(lab.sandbox.base_url()).await;
    // A row that fails, and for people one with a remark: both files are fetched.
    let people = "email,city\n,Rome\nnonsense,Oslo\n";
    let plans: [(Target, &str); 4] = [
        (super::in_process::leads(), people),
        (
            Target::Leads {
                lookup_field: Some("email".to_owned()),
                list_id: Some(1001),
                partition: Some("EMEA & APAC".to_owned()),
            },
            people,
        ),
        (
            Target::ProgramMembers {
                program_id: 1044,
                status: "On List".to_owned(),
            },
            people,
        ),
        (
            Target::CustomObjects {
                api_name: "car_c".to_owned(),
            },
            "vin,city\n,Rome\n2,Oslo\n",
        ),
    ];
    for (target, text) in plans {
        let plan = Plan {
            target,
            ..lab.plan("p.csv", text, 10_000)
        };
        let (_signal, never) = watch::channel(None);
        let done = import_at(&address, plan, never).await.unwrap();
        assert_eq!(done.summary.exit_code, 3, "{:?}", done.summary);
    }
    let seen = proxy.seen.lock().unwrap();
    let mut forms = BTreeSet::new();
    for request in seen.iter() {
        assert!(!request.url.contains(SECRET) && !request.url.contains("access_token"));
        assert!(!request.path.contains("//"), "{request:?}");
        if request.path == "/identity/oauth/token" {
            // Not in this description; Adobe's page of authentication has it.
            assert!(!request.has_token);
            continue;
        }
        let form = assert_described(&description, request);
        forms.insert(format!("{} {form}", request.method));
    }
    let forms: Vec<String> = forms.into_iter().collect();
    insta::assert_snapshot!(forms.join("\n"), @"
    get /bulk/v1/customobjects/{apiName}/import/{batchId}/failures.json
    get /bulk/v1/customobjects/{apiName}/import/{batchId}/status.json
    get /bulk/v1/leads/batch/{batchId}.json
    get /bulk/v1/leads/batch/{batchId}/failures.json
    get /bulk/v1/leads/batch/{batchId}/warnings.json
    get /bulk/v1/program/members/import/{batchId}/failures.json
    get /bulk/v1/program/members/import/{batchId}/status.json
    get /bulk/v1/program/members/import/{batchId}/warnings.json
    post /bulk/v1/customobjects/{apiName}/import.json
    post /bulk/v1/leads.json
    post /bulk/v1/program/{programId}/members/import.json
    ");
}

#[test]
fn forms_of_paths() {
    let form = "/bulk/v1/leads/batch/{batchId}.json";
    assert!(fits(form, "/bulk/v1/leads/batch/12.json"));
    assert!(!fits(form, "/bulk/v1/leads/batch/.json"));
    assert!(!fits(form, "/bulk/v1/leads/batch/12/failures.json"));
    assert!(!fits(form, "/bulk/v1/leads/batch"));
}
