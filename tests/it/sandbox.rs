//! The sandbox keeps Marketo's contract: paths, answers, limits, files, faults.
//! Driven with plain reqwest and raw sockets, so that it shares nothing with
//! the client it is there to test.

mod conformity;
mod faults;
mod limits;
mod rows;

use mktoload::sandbox::{Sandbox, Settings};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// A sandbox and a client with a token.
struct Bench {
    sandbox: Sandbox,
    client: Client,
    token: String,
}

const LEADS: &str = "/bulk/v1/leads.json?format=csv";

impl Bench {
    async fn new(settings: Settings) -> Self {
        // A second installation is refused; the first one serves all tests.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(listener, settings, std::future::pending()).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let mut bench = Self {
            sandbox,
            client,
            token: String::new(),
        };
        let token = bench.identity().await;
        bench.token = token["access_token"].as_str().unwrap().into();
        bench
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    async fn identity(&self) -> Value {
        let path =
            "/identity/oauth/token?grant_type=client_credentials&client_id=a&client_secret=b";
        self.client
            .get(self.url(path))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(self.url(path)).bearer_auth(&self.token);
        request.send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    async fn upload(&self, path: &str, file: impl Into<String>) -> reqwest::Result<Response> {
        let file: String = file.into();
        let length = file.len() as u64;
        let part = reqwest::multipart::Part::stream_with_length(file, length).file_name("f.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = self.client.post(self.url(path)).bearer_auth(&self.token);
        request.multipart(form).send().await
    }

    async fn create(&self, path: &str, file: impl Into<String>) -> Value {
        self.upload(path, file).await.unwrap().json().await.unwrap()
    }

    /// The code that a create is refused with.
    async fn refused(&self, path: &str, file: &str) -> String {
        code(&self.create(path, file).await)
    }
}

fn code(answer: &Value) -> String {
    assert_eq!(answer["success"], false, "{answer}");
    answer["errors"][0]["code"].as_str().unwrap().to_owned()
}

fn batch(answer: &Value) -> u64 {
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"][0]["batchId"].as_u64().unwrap()
}
