//! A TCP server that answers each request with the next line of a script, byte
//! for byte, and keeps what it was sent. It knows nothing of the client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is done with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Status, content type, body; the connection is closed after it.
    Answer(u16, &'static str, String),
    /// These bytes, whatever they are, and the end.
    Raw(String),
    /// The connection is closed before the request is read.
    CloseUnread,
    /// The whole request is read and the connection closed.
    CloseUnanswered,
    /// The whole request is read and no answer comes.
    Silence,
}

/// A JSON answer with HTTP 200.
pub(crate) fn json(body: &str) -> Act {
    Act::Answer(200, "application/json", body.to_owned())
}

/// A refusal with this code.
pub(crate) fn code(code: u32) -> Act {
    json(&format!(
        r#"{{"requestId":"r{code}#1","success":false,"errors":[{{"code":"{code}","message":"text of {code}"}}]}}"#
    ))
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET /path?query`
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

#[derive(Default)]
struct State {
    tokens: u32,
    identity: VecDeque<Act>,
    script: VecDeque<Act>,
    seen: Vec<Request>,
}

/// The server; it answers until it is dropped with its runtime.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    /// A server that answers the calls other than identity with `script`, and
    /// 599 after its end. Identity issues `t1`, `t2`, … unless told otherwise.
    pub(crate) async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        server.state.lock().unwrap().script = script.into_iter().collect();
        let state = Arc::clone(&server.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        server
    }

    /// Identity answers these before it issues tokens.
    pub(crate) fn identity(self, acts: impl IntoIterator<Item = Act>) -> Self {
        self.state.lock().unwrap().identity = acts.into_iter().collect();
        self
    }

    /// The requests other than identity's, in the order in which they came.
    pub(crate) fn calls(&self) -> Vec<Request> {
        self.requests(|line| !line.contains("/identity/"))
    }

    /// Identity's requests.
    pub(crate) fn logins(&self) -> Vec<Request> {
        self.requests(|line| line.contains("/identity/"))
    }

    /// Acts of the script that were not used.
    pub(crate) fn left(&self) -> usize {
        self.state.lock().unwrap().script.len()
    }

    fn requests(&self, wanted: impl Fn(&str) -> bool) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        let seen = state.seen.iter();
        seen.filter(|request| wanted(&request.line))
            .cloned()
            .collect()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let mut request = Request {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        headers: headers.to_owned(),
        body: bytes.split_off(head_end + 4),
    };
    let identity = request.line.contains("/identity/");
    let act = {
        let mut state = state.lock().unwrap();
        if identity {
            let token = state.tokens + 1;
            state.identity.pop_front().unwrap_or_else(|| {
                state.tokens = token;
                json(&format!(
                    r#"{{"access_token":"t{token}","token_type":"bearer","expires_in":3599,"scope":"a@b.c"}}"#
                ))
            })
        } else {
            let act = state.script.pop_front();
            act.unwrap_or(Act::Answer(599, "text/plain", "script ended".to_owned()))
        }
    };
    if !matches!(act, Act::CloseUnread) {
        let length = request
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        while request.body.len() < length {
            if stream.read_buf(&mut request.body).await.unwrap_or(0) == 0 {
                return;
            }
        }
    }
    state.lock().unwrap().seen.push(request);
    let answer = match act {
        Act::Answer(status, kind, body) => format!(
            "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
        Act::Raw(text) => text,
        Act::CloseUnread | Act::CloseUnanswered => return,
        Act::Silence => return std::future::pending().await,
    };
    // The client may have gone; that is its affair.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
