//! The Marketo client against a server that shares nothing with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mktoload::ErrorKind;
use mktoload::config::Format;
use mktoload::config::{Credentials, Endpoint, Target};
use mktoload::event::{Event, Events};
use mktoload::marketo::{
    BackoffSettings, Client, ClientConfig, CreateOutcome, JobState, RowsFile, Upload, Verdict,
    frame_len,
};
use mktoload::units::BatchId;
use tokio::io::AsyncWriteExt as _;

use crate::scripted_server::{Act, Scripted, code, json};

const SECRET: &str = "hunter2";

fn leads() -> Target {
    Target::Leads {
        lookup_field: None,
        list_id: None,
        partition: None,
    }
}

fn config(address: &str) -> ClientConfig {
    let Endpoint::Instance(instance) = Endpoint::parse(address, false).unwrap() else {
        panic!("no instance");
    };
    let credentials = Credentials::find(Some("an-id".to_owned()), |name| {
        (name == "MKTO_CLIENT_SECRET").then(|| SECRET.to_owned())
    });
    let mut config = ClientConfig::new(instance, credentials.unwrap());
    config.rate = "10000/1s".parse().unwrap();
    config.backoff = BackoffSettings {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(4),
        total: Duration::from_secs(5),
        queue: Duration::from_secs(5),
        window: Duration::from_millis(1),
        quota: None,
    };
    config.call_timeout = Duration::from_secs(5);
    config
}

fn client(server: &Scripted) -> Client {
    Client::new(config(&server.address)).unwrap()
}

fn upload() -> Upload {
    let segments = vec![
        Bytes::from_static(b"email\n"),
        Bytes::from_static(b"a@b.c\n"),
    ];
    Upload::new("chunk-000001.csv", segments)
}

async fn create(client: &Client) -> CreateOutcome {
    client
        .create(&leads(), Format::Csv, &upload())
        .await
        .unwrap()
}

const ACCEPTED: &str = r#"{"requestId":"d01f#15d672f8560","result":[{"batchId":3404,"importId":"3404","status":"Queued"}],"success":true}"#;
const COMPLETE: &str = r#"{"requestId":"1f63#1","result":[{"batchId":3404,"status":"Complete","numOfLeadsProcessed":2,"numOfRowsFailed":1,"numOfRowsWithWarning":0,"message":"done"}],"success":true}"#;

#[tokio::test]
async fn a_create_sends_what_it_announces() {
    let server = Scripted::start([json(ACCEPTED)]).await;
    let client = client(&server);
    let outcome = create(&client).await;
    let CreateOutcome::Accepted {
        batch_id,
        status,
        request_id,
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((batch_id, status), (BatchId::new(3404), JobState::Queued));
    assert_eq!(request_id.as_deref(), Some("d01f#15d672f8560"));

    let calls = server.calls();
    assert_eq!(calls[0].line, "POST /bulk/v1/leads.json?format=csv");
    assert_eq!(calls[0].header("authorization"), Some("Bearer t1"));
    assert_eq!(calls[0].header("transfer-encoding"), None);
    let announced: u64 = calls[0].header("content-length").unwrap().parse().unwrap();
    assert_eq!(announced, frame_len("chunk-000001.csv") + upload().len());
    assert_eq!(announced, calls[0].body.len() as u64);
    let user_agent = calls[0].header("user-agent").unwrap();
    assert!(user_agent.starts_with("mktoload/"));

    let logins = server.logins();
    assert_eq!(logins[0].line, "POST /identity/oauth/token");
    let form = String::from_utf8(logins[0].body.clone()).unwrap();
    assert_eq!(
        form,
        "grant_type=client_credentials&client_id=an-id&client_secret=hunter2"
    );
    assert_eq!(client.calls(), 1);
    let request = format!("{calls:?}");
    assert!(
        !request.contains(SECRET),
        "the secret goes to identity only"
    );
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_unknown_and_sent_once() {
    let garbage = [
        Act::CloseUnanswered,
        Act::Answer(502, "text/html", "<html>".to_owned()),
        Act::Answer(200, "text/html", "<html>login</html>".to_owned()),
        Act::Answer(
            200,
            "application/json",
            r#"{"requestId":"a","succ"#.to_owned(),
        ),
        Act::Raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"success\":true".to_owned()),
        Act::Raw("nonsense\r\n\r\n".to_owned()),
        json(r#"{"success":true,"result":[]}"#),
        code(604),
        code(611),
    ];
    for act in garbage {
        let server = Scripted::start([act.clone()]).await;
        let outcome = create(&client(&server)).await;
        assert!(
            matches!(outcome, CreateOutcome::Unknown { .. }),
            "{act:?}: {outcome:?}"
        );
        assert_eq!(server.calls().len(), 1, "{act:?}");
    }
}

#[tokio::test]
async fn a_silent_server_leaves_a_create_unknown() {
    let server = Scripted::start([Act::Silence]).await;
    let mut config = config(&server.address);
    config.call_timeout = Duration::from_millis(100);
    let outcome = create(&Client::new(config).unwrap()).await;
    assert!(
        matches!(outcome, CreateOutcome::Unknown { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_proven_refusal_is_no_job() {
    for (act, expected) in [
        (code(606), Verdict::WaitForWindow),
        (code(607), Verdict::WaitForQuota),
        (code(608), Verdict::Retry { retries: 8 }),
        (code(1006), Verdict::GiveUp(ErrorKind::Refused)),
        (code(1016), Verdict::WaitForSlot),
        (code(1019), Verdict::WaitForList),
        (code(4711), Verdict::Retry { retries: 4 }),
        (Act::Answer(413, "text/html", String::new()), Verdict::Split),
    ] {
        let server = Scripted::start([act.clone()]).await;
        let CreateOutcome::Refused(refusal) = create(&client(&server)).await else {
            panic!("{act:?}");
        };
        assert_eq!(refusal.verdict, expected, "{act:?}");
        assert_eq!(server.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_batch_id_beside_a_refusal_is_a_job() {
    let body = r#"{"success":false,"errors":[{"code":"611"}],"result":[{"importId":"7","status":"Failed"}]}"#;
    let server = Scripted::start([json(body)]).await;
    let outcome = create(&client(&server)).await;
    assert!(
        matches!(outcome, CreateOutcome::Accepted { batch_id, status: JobState::Failed, .. } if batch_id.get() == 7)
    );
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_call_made_again() {
    let server = Scripted::start([code(602), code(601), json(ACCEPTED)]).await;
    let outcome = create(&client(&server)).await;
    assert!(matches!(outcome, CreateOutcome::Accepted { .. }));
    let tokens: Vec<_> = server
        .calls()
        .iter()
        .map(|call| call.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer t1", "Bearer t2", "Bearer t3"]);
}

#[tokio::test]
async fn tokens_that_are_always_refused_end_in_an_auth_error() {
    let server = Scripted::start((0..9).map(|_| code(601))).await;
    let error = client(&server)
        .status(&leads(), BatchId::new(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn wrong_credentials_are_told_at_once_and_without_the_secret() {
    let body = r#"{"error":"invalid_client","error_description":"Bad client credentials"}"#;
    let refusal = Act::Answer(401, "application/json", body.to_owned());
    let server = Scripted::start([]).await.identity([refusal]);
    let client = client(&server);
    let error = client
        .create(&leads(), Format::Csv, &upload())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert_eq!(server.logins().len(), 1);
    let text = format!("{error:?} {} {client:?}", error.render());
    assert!(!text.contains(SECRET), "{text}");
    assert!(text.contains("MKTO_CLIENT_SECRET_FILE"));
}

#[tokio::test]
async fn identity_is_asked_again_after_a_passing_fault() {
    let faults = [
        Act::CloseUnread,
        Act::CloseUnanswered,
        Act::Answer(503, "text/html", "<html>".to_owned()),
        json(r#"{"access_tok"#),
    ];
    let server = Scripted::start([json(COMPLETE)]).await.identity(faults);
    client(&server)
        .status(&leads(), BatchId::new(3404))
        .await
        .unwrap();
    assert_eq!(server.logins().len(), 5);
}

#[tokio::test]
async fn concurrent_calls_log_in_once() {
    let server = Scripted::start((0..12).map(|_| json(COMPLETE))).await;
    let client = client(&server);
    let (target, batch) = (leads(), BatchId::new(3404));
    let looks = (0..12).map(|_| client.status(&target, batch));
    for status in futures::future::join_all(looks).await {
        assert_eq!(status.unwrap().failed, Some(1));
    }
    assert_eq!(server.logins().len(), 1);
    assert_eq!(client.calls(), 12);
}

#[tokio::test]
async fn a_status_is_asked_until_it_is_one() {
    let faults = [
        Act::CloseUnread,
        Act::CloseUnanswered,
        Act::Answer(500, "text/html", "<html>".to_owned()),
        json(r#"{"success":tr"#),
        code(606),
        code(615),
        code(713),
        json(r#"{"success":true,"result":[{"batchId":9,"status":"Complete"}]}"#),
    ];
    let server = Scripted::start(faults.into_iter().chain([json(COMPLETE)])).await;
    let waits = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&waits);
    let mut config = config(&server.address);
    config.events = Events::new(move |event| {
        if let Event::Waiting { reason, detail, .. } = event {
            sink.lock().unwrap().push((reason, detail));
        }
    });
    let client = Client::new(config).unwrap();
    let status = client.status(&leads(), BatchId::new(3404)).await.unwrap();
    assert_eq!(status.word, JobState::Complete);
    assert_eq!(
        (status.processed, status.failed, status.warned),
        (Some(2), Some(1), Some(0))
    );
    assert_eq!(client.calls(), 9);
    assert_eq!(waits.lock().unwrap().len(), 8, "each wait is told");
}

#[tokio::test]
async fn a_status_without_a_result_or_with_a_new_word_is_still_running() {
    let paused = r#"{"success":true,"result":[{"batchId":3404,"status":"Paused"}]}"#;
    let server = Scripted::start([
        json(r#"{"success":true,"result":[]}"#),
        json(r#"{"success":true}"#),
        json(paused),
    ])
    .await;
    let client = client(&server);
    for word in ["", "", "Paused"] {
        let status = client.status(&leads(), BatchId::new(3404)).await.unwrap();
        assert_eq!(status.word, JobState::Other(word.to_owned()));
        assert!(!status.word.is_final());
        assert_eq!(status.failed, None);
    }
}

#[tokio::test]
async fn an_unknown_code_is_asked_again_so_often_and_then_shown() {
    let server = Scripted::start((0..20).map(|_| code(4711))).await;
    let error = client(&server)
        .status(&leads(), BatchId::new(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error
            .message()
            .contains("4711 text of 4711 (request r4711#1)"),
        "{error}"
    );
    assert_eq!(server.left(), 15);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Scripted::start([]).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        other.address
    );
    let server = Scripted::start([Act::Raw(redirect)]).await;
    let error = client(&server)
        .status(&leads(), BatchId::new(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(other.calls().is_empty());
}

async fn download(server: &Scripted) -> (mktoload::Result<Option<u64>>, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut handle = tokio::fs::File::from_std(file.reopen().unwrap());
    let got = client(server)
        .download(
            &leads(),
            BatchId::new(3404),
            RowsFile::Failures,
            &mut handle,
        )
        .await;
    (got, std::fs::read_to_string(file.path()).unwrap())
}

fn rows(text: &str) -> Act {
    Act::Answer(200, "text/csv;charset=UTF-8", text.to_owned())
}

#[tokio::test]
async fn a_rows_file_is_written_whole_after_a_broken_one() {
    let text = "email,Import Failure Reason\na,Invalid\n";
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 900\r\n\r\nemail,and a longer beginning than the whole file has, so that a rest would be seen";
    let server = Scripted::start([
        Act::Raw(cut.to_owned()),
        code(611),
        Act::Answer(200, "text/html", "<html>".to_owned()),
        json(r#"{"requestId":"a","success":fal"#),
        rows(text),
    ])
    .await;
    let (got, written) = download(&server).await;
    assert_eq!(got.unwrap(), Some(text.len() as u64));
    assert_eq!(written, text);
    assert_eq!(server.left(), 0);
}

#[tokio::test]
async fn no_rows_file_is_none() {
    for act in [
        rows(""),
        Act::Answer(404, "text/html", "<html>".to_owned()),
        Act::Answer(404, "application/json", String::new()),
        Act::Answer(
            404,
            "application/json",
            r#"{"success":false,"errors":[{"code":"610"}]}"#.to_owned(),
        ),
        code(702),
    ] {
        let server = Scripted::start([act.clone()]).await;
        let (got, _) = download(&server).await;
        assert_eq!(got.unwrap(), None, "{act:?}");
    }
}

#[tokio::test]
async fn a_header_that_begins_like_json_is_still_a_header() {
    let text = "{email},Import Failure Reason\na,b\n";
    let server = Scripted::start([rows(text)]).await;
    assert_eq!(download(&server).await.1, text);
}

#[tokio::test]
async fn an_envelope_sent_as_csv_is_still_an_envelope() {
    let body = r#"{"requestId":"a","success":false,"errors":[{"code":610,"message":"no"}]}"#;
    let server = Scripted::start([rows(body)]).await;
    let error = download(&server).await.0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn nobody_at_the_address_is_try_later_with_a_hint() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(config(&address)).unwrap();
    let error = client.status(&leads(), BatchId::new(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryLater);
    assert!(
        error.message().contains("127.0.0.1 cannot be reached"),
        "{error}"
    );
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    // Without certificates on this machine the client says that instead.
    let Ok(client) = Client::new(config(&address)) else {
        return;
    };
    let error = client.status(&leads(), BatchId::new(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryLater);
    assert!(
        error.hint_text().unwrap().contains("speaks https"),
        "{}",
        error.render()
    );
}

#[tokio::test]
async fn a_large_upload_arrives_byte_for_byte() {
    let server = Scripted::start([json(ACCEPTED)]).await;
    let file: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let segments = file.chunks(300_001).map(Bytes::copy_from_slice).collect();
    let upload = Upload::new("chunk-000001.csv", segments);
    let client = client(&server);
    client.create(&leads(), Format::Csv, &upload).await.unwrap();
    let body = &server.calls()[0].body;
    let start = body
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap()
        + 4;
    assert!(body[start..].starts_with(&file));
}

#[tokio::test]
async fn a_client_works_in_tasks_of_their_own() {
    let server = Scripted::start([json(ACCEPTED), json(COMPLETE), rows("a\n")]).await;
    let client = client(&server);
    let task = tokio::spawn(async move {
        create(&client).await;
        client.status(&leads(), BatchId::new(3404)).await.unwrap();
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().unwrap());
        let which = RowsFile::Warnings;
        client
            .download(&leads(), BatchId::new(3404), which, &mut file)
            .await
            .unwrap()
    });
    assert_eq!(task.await.unwrap(), Some(2));
    assert!(server.calls()[2].line.ends_with("/warnings.json"));
}
