//! Marketo's limits: body, jobs, calls, the life of a token.

use std::time::Duration;

use mktoload::sandbox::{Call, JobState, Settings};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Bench, LEADS, batch, code};

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_one_at_the_limit_is_taken() {
    let bench = Bench::new(Settings {
        body_limit: 20_000,
        ..Settings::default()
    })
    .await;
    batch(&bench.create(LEADS, "email\n").await);
    let frame = bench.sandbox.inspect().creates()[0].body_bytes - 6;
    // A header, and empty lines, which are no rows.
    let file = |bytes: u64| format!("email{}", "\n".repeat(usize::try_from(bytes - 5).unwrap()));
    let at_limit = bench.upload(LEADS, file(20_000 - frame)).await.unwrap();
    assert_eq!(at_limit.status(), StatusCode::OK);
    let over = bench.upload(LEADS, file(20_001 - frame)).await.unwrap();
    assert_eq!(over.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Chunked, so that only reading tells.
    let blocks = futures::stream::iter((0..4000).map(|_| Ok::<_, std::io::Error>("a@b.co\n")));
    let head = futures::stream::iter([Ok(
        "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nemail\n",
    )]);
    let body = reqwest::Body::wrap_stream(futures::StreamExt::chain(head, blocks));
    let request = bench
        .client
        .post(bench.url(LEADS))
        .bearer_auth(&bench.token);
    let request = request.header("content-type", "multipart/form-data; boundary=x");
    let over = request.body(body).send().await.unwrap();
    assert_eq!(over.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let creates = bench.sandbox.inspect().creates();
    assert_eq!(creates[1].content_length, Some(20_000));
    assert_eq!(creates[1].body_bytes, 20_000);
    assert!(!creates[1].chunked && creates[3].chunked);
    assert_eq!(bench.sandbox.inspect().jobs().len(), 2);
}

#[tokio::test]
async fn two_run_ten_queue_the_eleventh_is_1016() {
    let bench = Bench::new(Settings {
        job_latency: Duration::from_secs(3600),
        one_job_per_list: true,
        ..Settings::default()
    })
    .await;
    let file = "email\na@b.co\n";
    let listed = "/bulk/v1/leads.json?format=csv&listId=3";
    batch(&bench.create(listed, file).await);
    assert_eq!(bench.refused(listed, file).await, "1019");
    for _ in 0..9 {
        batch(&bench.create(LEADS, file).await);
    }
    let full = bench.create(LEADS, file).await;
    assert_eq!(code(&full), "1016");
    assert_eq!(
        full["errors"][0]["message"],
        "There are 10 imports currently being processed. Please try again later"
    );
    let states: Vec<JobState> = bench
        .sandbox
        .inspect()
        .jobs()
        .iter()
        .map(|job| job.state)
        .collect();
    assert_eq!(states[..2], [JobState::Importing; 2]);
    assert_eq!(states[2..], [JobState::Queued; 8]);
    assert_eq!(bench.sandbox.inspect().most_in_flight(), 10);
}

#[tokio::test]
async fn rates_are_606_and_615() {
    let bench = Bench::new(Settings {
        rate_calls: 3,
        ..Settings::default()
    })
    .await;
    for _ in 0..3 {
        assert_eq!(
            bench.json("/rest/v1/leads/describe.json").await["success"],
            true
        );
    }
    bench.identity().await;
    let answer = bench.json("/rest/v1/leads/describe.json").await;
    assert_eq!(code(&answer), "606");
    assert_eq!(
        answer["errors"][0]["message"],
        "Max rate limit '3' exceeded with in '20' secs"
    );

    let bench = Bench::new(Settings {
        calls_at_once: 1,
        ..Settings::default()
    })
    .await;
    // A create whose body never comes holds the one place.
    let mut slow = TcpStream::connect(bench.sandbox.addr()).await.unwrap();
    let head = format!(
        "POST {LEADS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 9\r\n\
         content-type: multipart/form-data; boundary=x\r\n\r\n--x",
        bench.token
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    while bench.sandbox.inspect().calls_of(Call::Create) == 0 {
        tokio::task::yield_now().await;
    }
    let code_of = code(&bench.json("/rest/v1/stats/usage.json").await);
    assert_eq!(code_of, "615");
}

#[tokio::test]
async fn a_token_is_handed_out_again_and_ends() {
    let bench = Bench::new(Settings {
        token_life: Duration::from_millis(1500),
        denied: vec![Call::Describe],
        ..Settings::default()
    })
    .await;
    let again = bench.identity().await;
    assert_eq!(again["access_token"], bench.token.as_str());
    assert!(again["expires_in"].as_u64().unwrap() <= 1);
    assert_eq!(
        code(&bench.json("/rest/v1/leads/describe.json").await),
        "603"
    );
    assert_eq!(
        bench.json("/rest/v1/stats/usage.json").await["success"],
        true
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "i d"),
        ("client_secret", "&"),
    ];
    let posted = bench
        .client
        .post(bench.url("/identity/oauth/token"))
        .form(&form);
    let posted: Value = posted.send().await.unwrap().json().await.unwrap();
    assert_eq!(posted["token_type"], "bearer");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let codes = [
        code(&bench.json("/rest/v1/stats/usage.json").await),
        code(&bench.json("/rest/v1/stats/usage.json").await),
    ];
    assert_eq!(codes, ["602", "601"]);
    assert_ne!(bench.identity().await["access_token"], bench.token.as_str());
}
