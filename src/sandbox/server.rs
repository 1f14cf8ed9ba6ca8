//! The server: what befalls a call from its first byte to its answer.

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::answers::{self, Refusal};
use super::describe;
use super::faults::Effect;
use super::files::Span;
use super::inspection::{Inspection, JobState};
use super::jobs::End;
use super::line::{Lines, Scissors};
use super::route::{Call, JobFile, Object, Route};
use super::settings::Settings;
use super::upload;
use super::world::World;
use crate::error::{Error, ErrorKind, Result};

/// A running sandbox. It ends with its shutdown future, not when dropped.
#[derive(Debug)]
pub struct Sandbox {
    addr: SocketAddr,
    world: Arc<World>,
    serving: JoinHandle<()>,
}

/// How long calls under way may take once the server ends.
const GRACE: Duration = Duration::from_secs(1);

impl Sandbox {
    /// Serves on `listener` (bound by the caller; port 0 in tests) until
    /// `shutdown` ends. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `Internal` where the listener does not know its address.
    pub fn start<F>(listener: TcpListener, settings: Settings, shutdown: F) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let addr = listener.local_addr().map_err(|error| {
            Error::new(ErrorKind::Internal, "the sandbox's socket has no address").because(error)
        })?;
        let (close, closing) = watch::channel(false);
        let world = Arc::new(World::new(settings, closing.clone()));
        let app = Router::new()
            .fallback(answer)
            // Ours is in the settings, and counts the multipart frame.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&world))
            .into_make_service_with_connect_info::<Scissors>();
        let ended = {
            let mut closing = closing;
            async move {
                let _ = closing.wait_for(|closing| *closing).await;
            }
        };
        let server = axum::serve(Lines(listener), app).with_graceful_shutdown(ended);
        let serving = tokio::spawn(async move {
            let mut server = server.into_future();
            let early = tokio::select! {
                ended = &mut server => Some(ended),
                () = shutdown => None,
            };
            if early.is_none() {
                // The receiver lives in the world, so this cannot fail.
                let _ = close.send(true);
                let _ = tokio::time::timeout(GRACE, server).await;
            }
        });
        Ok(Self {
            addr,
            world,
            serving,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address as an endpoint: `http://127.0.0.1:PORT`, without a last `/`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// A look into it, for tests.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        Inspection(Arc::clone(&self.world))
    }

    /// Returns once it has ended: after the shutdown future, when calls under
    /// way are answered or a second has passed.
    pub async fn ended(self) {
        // An error here is a runtime that is shutting down: ended as well.
        let _ = self.serving.await;
    }
}

/// Answers a call, faults and all.
async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let route = Route::of(request.method(), request.uri().path());
    let call = route.call();
    *world.tally().calls.entry(call).or_default() += 1;
    let effect = world.faults().strike(call);
    if let Some(effect) = &effect {
        tracing::debug!(%call, ?effect, "sandbox: scripted fault");
    }
    let early = match &effect {
        Some(Effect::CutBefore) => {
            scissors.cut();
            return StatusCode::OK.into_response();
        }
        Some(Effect::Timeout) => {
            world.closed().await;
            scissors.cut();
            return StatusCode::OK.into_response();
        }
        Some(Effect::Code(code)) => Some(refused(&world, Refusal::code(*code))),
        Some(Effect::Http(status)) => Some(Refusal::Http(*status).into_response()),
        Some(Effect::Html) => Some(answers::html()),
        _ => None,
    };
    if let Some(response) = early {
        upload::drain(request.into_body()).await;
        return response;
    }
    let response = match carry_out(&world, route, request, effect.as_ref()).await {
        Ok(response) => response,
        Err(refusal) => refused(&world, refusal),
    };
    match effect {
        Some(Effect::CutAfter) => scissors.cut(),
        Some(Effect::Hang(wait)) => {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = world.closed() => {}
            }
        }
        Some(Effect::EmptyResult) => return answers::success(&[]),
        Some(Effect::Truncated) if !is_file(call) => return answers::halved(response).await,
        _ => {}
    }
    response
}

fn is_file(call: Call) -> bool {
    matches!(call, Call::Failures | Call::Warnings)
}

fn refused(world: &World, refusal: Refusal) -> Response {
    if let Refusal::Code(code, _) = &refusal {
        *world.tally().errors.entry(*code).or_default() += 1;
    }
    refusal.into_response()
}

/// A call that no fault keeps from taking effect.
async fn carry_out(
    world: &Arc<World>,
    route: Route,
    request: Request,
    effect: Option<&Effect>,
) -> Result<Response, Refusal> {
    let parameters = query(&request);
    if route == Route::Token {
        return token(world, parameters, request, effect).await;
    }
    let entered = enter(world, &route, &parameters, &request);
    let _under_way = match entered {
        Ok(under_way) => under_way,
        Err(refusal) => {
            upload::drain(request.into_body()).await;
            return Err(refusal);
        }
    };
    let schema = &world.settings.schema;
    let status = match effect {
        Some(Effect::StatusWord(status)) => Some(status.as_str()),
        _ => None,
    };
    let now = Instant::now();
    let result = match route {
        Route::Create(object, program) => {
            let upload = upload::read(world, &object, program, parameters, request).await?;
            let end = match effect {
                Some(Effect::JobFailed) => End::Failed,
                Some(Effect::Stuck) => End::Never,
                _ => End::Complete,
            };
            // The upload took its time.
            let now = Instant::now();
            let mut jobs = world.jobs();
            let job = jobs.take(object, upload.list, upload.outcome, end, now)?;
            vec![job.created(status, now)]
        }
        Route::Status(object, batch) => {
            vec![world.jobs().find(&object, batch)?.status(status, now)]
        }
        Route::File(object, batch, file) => {
            let half = effect == Some(&Effect::Truncated);
            let span = shelved(world, &object, batch, file)?;
            return Ok(send_file(world, span, half));
        }
        Route::LeadFields => describe::lead_fields(schema),
        Route::LeadFields2 => describe::lead_fields2(schema),
        Route::MemberFields => describe::member_fields(schema),
        Route::Objects => describe::objects(schema),
        Route::ObjectFields(name) => describe::object_fields(&world.settings, &name)?,
        Route::Partitions => describe::partitions(schema),
        Route::List(id) => describe::list(&world.settings, id)?,
        Route::Usage => describe::usage(world),
        Route::Errors => describe::errors(world),
        Route::WrongMethod => return Err(Refusal::code(605)),
        Route::Unknown | Route::Token => return Err(Refusal::code(610)),
    };
    Ok(answers::success(&result))
}

/// Token, permission, limits, in this order.
fn enter(
    world: &World,
    route: &Route,
    parameters: &BTreeMap<String, String>,
    request: &Request,
) -> Result<super::limits::UnderWay, Refusal> {
    // Marketo removes `access_token` as a parameter (D): with one, a call has
    // no token.
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|_| !parameters.contains_key("access_token"));
    let now = Instant::now();
    world.identity().check(bearer, now)?;
    if world.settings.denied.contains(&route.call()) {
        return Err(Refusal::code(603));
    }
    world.limits().enter(now)
}

async fn token(
    world: &World,
    mut parameters: BTreeMap<String, String>,
    request: Request,
    effect: Option<&Effect>,
) -> Result<Response, Refusal> {
    // A form of three short values; the body stands in for the query (O).
    let form = axum::body::to_bytes(request.into_body(), 1 << 16)
        .await
        .map_err(|_| Refusal::Http(StatusCode::PAYLOAD_TOO_LARGE))?;
    if !form.is_empty() {
        let form = String::from_utf8_lossy(&form);
        parameters.extend(pairs(&form));
    }
    let no_life = effect == Some(&Effect::ExpiresNow);
    let now = Instant::now();
    Ok(world.identity().hand_out(&parameters, now, no_life))
}

fn query(request: &Request) -> BTreeMap<String, String> {
    pairs(request.uri().query().unwrap_or_default())
}

/// `a=b&c=d`, decoded; nothing where it is not of that form.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let uri = axum::http::Uri::builder().path_and_query(format!("/?{text}"));
    uri.build()
        .ok()
        .and_then(|uri| Query::try_from_uri(&uri).ok())
        .map(|Query(pairs)| pairs)
        .unwrap_or_default()
}

/// A file of a job that is complete; HTTP 404 where there is none (D).
fn shelved(world: &World, object: &Object, batch: u32, file: JobFile) -> Result<Span, Refusal> {
    let jobs = world.jobs();
    let job = jobs.find(object, batch)?;
    let span = match (job.state(Instant::now()), file) {
        (JobState::Complete, JobFile::Failures) => job.outcome.failures,
        (JobState::Complete, JobFile::Warnings) => job.outcome.warnings,
        _ => None,
    };
    span.ok_or(Refusal::Http(StatusCode::NOT_FOUND))
}

/// The file itself, despite the `.json` in its path (O), block by block.
fn send_file(world: &Arc<World>, mut span: Span, half: bool) -> Response {
    const BLOCK: usize = 1 << 16;
    if half {
        span.end = span.start + (span.end - span.start) / 2;
    }
    let world = Arc::clone(world);
    let blocks = stream::try_unfold(span, move |span| {
        let world = Arc::clone(&world);
        async move {
            if span.start == span.end {
                return Ok(None);
            }
            let block = Bytes::from(world.shelf.read(span, BLOCK)?);
            let rest = Span {
                start: span.start + block.len() as u64,
                end: span.end,
            };
            std::io::Result::Ok(Some((block, rest)))
        }
    });
    let kind = HeaderValue::from_static("text/csv;charset=UTF-8");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(blocks)).into_response()
}
