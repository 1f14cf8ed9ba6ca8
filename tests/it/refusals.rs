//! Marketo or the network says no: which exit code, and what to do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use mktoload::sandbox::{Call, Settings};
use mktoload::{Error, ErrorKind};
use tokio::sync::watch;

use super::in_process::{LEADS, Lab, import_at, people, settings};

/// The error of an import into `base_url`, before a run began.
async fn refused(base_url: &str) -> Error {
    let lab = Lab::new(settings(&[])).await;
    let plan = lab.plan("p.csv", people(3), 10_000);
    let (_signal, never) = watch::channel(None);
    import_at(base_url, plan, never).await.err().unwrap()
}

/// The text of an error without the cause, whose words are the operating
/// system's or a library's.
fn text(error: &Error) -> String {
    let text = error.render();
    let (first, hint) = text.split_once('\n').unwrap();
    let (ours, _) = first.split_once(": error sending request").unwrap();
    format!("{ours}\n{hint}")
}

#[tokio::test]
async fn a_connection_that_is_refused_is_for_later() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = refused(&format!("http://{free}")).await;
    assert_eq!(error.kind(), ErrorKind::TryLater);
    assert_eq!(error.kind().exit_code(), 75);
    insta::assert_snapshot!(text(&error), @"
    error: 127.0.0.1 cannot be reached
      hint: check that `127.0.0.1` can be reached from here (firewall, HTTPS_PROXY), then run the same command again
    ");
    assert!(error.render().contains("refused"), "{}", error.render());
}

#[tokio::test]
async fn a_host_that_is_not_known_is_for_later() {
    let error = refused("https://no-such-host.invalid").await;
    assert_eq!(error.kind(), ErrorKind::TryLater);
    insta::assert_snapshot!(text(&error), @"
    error: no-such-host.invalid cannot be reached
      hint: check `no-such-host.invalid` against the Endpoint under Admin > Web Services, and this machine's name service
    ");
}

/// Serves each connection with `answer`, on a thread that ends with the test.
fn serve(answer: impl Fn(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap());
        }
    });
    format!("https://{address}")
}

#[tokio::test]
async fn garbage_for_a_tls_hello_is_no_secure_connection() {
    let base_url = serve(|mut stream| {
        let mut hello = [0; 1024];
        let _ = stream.read(&mut hello);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let error = refused(&base_url).await;
    assert_eq!(error.kind(), ErrorKind::TryLater);
    insta::assert_snapshot!(text(&error), @"
    error: 127.0.0.1 cannot be reached
      hint: check that `127.0.0.1` speaks https, this machine's clock, and its certificates (SSL_CERT_FILE, a proxy that opens TLS)
    ");
}

/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes
/// -days 36500 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -addext
/// basicConstraints=critical,CA:FALSE`: signed by nobody else.
const UNTRUSTED: &[u8] = include_bytes!("untrusted.pem");

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_not_trusted() {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(UNTRUSTED).unwrap();
    let key = PrivateKeyDer::from_pem_slice(UNTRUSTED).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let base_url = serve(move |mut stream| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        // The client ends the handshake: that is what is tested.
        while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        assert!(tls.is_handshaking(), "the certificate was taken");
    });
    let error = refused(&base_url).await;
    assert_eq!(error.kind(), ErrorKind::TryLater);
    insta::assert_snapshot!(text(&error), @"
    error: 127.0.0.1 cannot be reached
      hint: check that `127.0.0.1` speaks https, this machine's clock, and its certificates (SSL_CERT_FILE, a proxy that opens TLS)
    ");
    let whole = error.render().to_lowercase();
    assert!(whole.contains("certificate"), "{whole}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_are_found_before_anything_is_sent() {
    let lab = Lab::new(Settings {
        client_secret: Some("another".into()),
        ..settings(&[])
    })
    .await;
    lab.workdir.write("p.csv", people(3));
    let run = lab.run(&[&LEADS[..], &["p.csv"]].concat()).exits(6);
    insta::assert_snapshot!(run.error(), @"
    error: 127.0.0.1 refused the login: HTTP 401: invalid_client: Bad client credentials
      hint: check --client-id (MKTO_CLIENT_ID) and MKTO_CLIENT_SECRET or MKTO_CLIENT_SECRET_FILE: Marketo shows both under Admin > LaunchPoint > View Details of the custom service
    ");
    assert!(lab.inspect().creates().is_empty());
    assert_eq!(lab.inspect().calls_of(Call::Identity), 1, "not tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_marketo_refuses_for_good_is_said_with_its_own_words() {
    /// A fault that no call is late enough for.
    const NONE: &str = "create:9:606";
    let lead = "email\na@b.co\n";
    let unknown = "email,shoeSize\na@b.co,42\n";
    let cases: [(i32, &str, &[&str], &str); 6] = [
        (6, "create:1:603", &["leads"], lead),
        (6, "create:1:1008", &["leads", "--partition", "x"], lead),
        (8, "create:1:610", &["leads"], lead),
        (8, NONE, &["leads"], unknown),
        (8, NONE, &["custom-objects", "car"], "vin\n1\n"),
        (
            8,
            NONE,
            &["leads", "--lookup-field", "city"],
            "email,city\na@b.co,x\n",
        ),
    ];
    let mut texts = String::new();
    for (code, fault, args, source) in cases {
        // A scripted refusal comes before the body is looked at.
        let creates = usize::from(fault == NONE);
        let lab = Lab::new(settings(&[fault])).await;
        lab.workdir.write("p.csv", source);
        let how = ["p.csv", "--poll-interval", "10ms", "--json"];
        let run = lab.run(&[&["import"], args, &how].concat()).exits(code);
        let summary = run.summary();
        assert_eq!(summary["balanced"], true, "{run}");
        // The contract: rows of a chunk that Marketo refused for good are
        // rejected. Without a permission nothing was judged, nor read.
        let rejected = u64::from(code == 8);
        assert_eq!(summary["rows"]["read"], rejected, "{run}");
        assert_eq!(summary["rows"]["rejected"], rejected, "{run}");
        assert!(lab.inspect().jobs().is_empty());
        assert_eq!(lab.inspect().creates().len(), creates, "{run}");
        texts += &format!("{}\n", without_request(&run.error()));
    }
    insta::assert_snapshot!(texts, @"
    error: 127.0.0.1 refused the upload of leads: 603 Access denied
      hint: give the API user a role with the permission `Read-Write Lead` (Admin > Users & Roles), and check that this machine's address is on the IP allow-list, if there is one (Admin > Web Services > IP Restrictions)
    error: 127.0.0.1 refused the upload of leads: 1008 Access denied to partition
      hint: check --partition, and that the API user's workspace reaches it
    error: 127.0.0.1 refused the upload of leads: 610 Requested resource not found
      hint: check the endpoint; jobs are forgotten after seven days
    error: 127.0.0.1 refused the upload of leads: 1006 Field 'shoeSize' not found
      hint: every header field has to be a REST API name of the object, blanks and all
    error: 127.0.0.1 refused the upload of custom objects car: 1013 Object not found
      hint: check that the custom object's API name is `car` (Admin > Marketo Custom Objects) and that it is approved; jobs are forgotten after seven days
    error: 127.0.0.1 refused the upload of leads: 1011 Field 'city' not supported as lookup field
      hint: check --lookup-field: not every field can find people
    ");
}

/// `text` without the id that each answer has.
fn without_request(text: &str) -> String {
    let Some((before, after)) = text.split_once(" (request ") else {
        return text.to_owned();
    };
    before.to_owned() + after.split_once(')').unwrap().1
}
