//! The access token: kept, renewed before its end, and asked for by one caller
//! at a time.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::config::limits;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events, WaitReason};

/// A token with less life than this is not worth a call: it would end on the
/// way. Identity gives the same token until its end (Adobe), so a new one is
/// had only by waiting that out.
const TOO_SHORT: Duration = Duration::from_secs(5);

/// Waited past a token's end before identity is asked again.
const PAST_THE_END: Duration = Duration::from_secs(1);

/// How often identity may answer a token that is about to end (`expires_in: 0`
/// was observed) before it is called broken.
const SHORT_LIVES: u32 = 5;

/// What identity answered.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    /// Remaining life, not the life of a new token (Adobe: `expires_in`).
    pub(crate) life: Duration,
}

/// A token to call with, and which one it is.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    pub(crate) serial: u64,
}

struct Held {
    token: Token,
    until: Instant,
}

/// The token of one client.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<State>);

#[derive(Default)]
struct State {
    held: Option<Held>,
    issued: u64,
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache")
    }
}

impl TokenCache {
    /// The token, from `fetch` when none is held, the held one is near its end,
    /// or it is the `refused` one (601, 602). Callers that come while one
    /// fetches wait for its token.
    ///
    /// Errors as `fetch` does, and (kind `TryLater`) when identity answers only
    /// tokens that are about to end.
    pub(crate) async fn get<F, Fetching>(
        &self,
        refused: Option<u64>,
        events: &Events,
        mut fetch: F,
    ) -> Result<Token>
    where
        F: FnMut() -> Fetching,
        Fetching: Future<Output = Result<Issued>>,
    {
        let mut state = self.0.lock().await;
        if let Some(held) = &state.held
            && Some(held.token.serial) != refused
            && Instant::now() < held.until
        {
            return Ok(held.token.clone());
        }
        state.held = None;
        for _ in 0..SHORT_LIVES {
            // From before the question: the way there and back is part of the life.
            let asked = Instant::now();
            let issued = fetch().await?;
            if issued.life > TOO_SHORT {
                // One that is inside the margin already is the same for every
                // further question, so it is used to near its end.
                let margin = if issued.life > limits::TOKEN_MARGIN {
                    limits::TOKEN_MARGIN
                } else {
                    TOO_SHORT
                };
                state.issued += 1;
                let token = Token {
                    secret: issued.token,
                    serial: state.issued,
                };
                state.held = Some(Held {
                    token: token.clone(),
                    until: asked + issued.life.saturating_sub(margin),
                });
                return Ok(token);
            }
            let wait = issued.life + PAST_THE_END;
            events.emit(Event::Waiting {
                chunk: None,
                reason: WaitReason::Fault,
                for_: Some(wait),
                detail: format!(
                    "the access token ends in {} s; a new one is issued only after that",
                    issued.life.as_secs()
                ),
            });
            sleep(wait).await;
        }
        Err(Error::new(
            ErrorKind::TryLater,
            format!("Marketo issued {SHORT_LIVES} access tokens in a row that had already ended"),
        )
        .hint("run the same command again in a minute; if it stays so, Marketo's identity service is at fault"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use futures::future::join_all;
    use secrecy::ExposeSecret as _;

    use super::*;

    /// An identity service that answers these lives, in seconds, and then an
    /// hour each time.
    struct Identity {
        lives: StdMutex<Vec<u64>>,
        asked: StdMutex<u64>,
    }

    impl Identity {
        fn new(lives: &[u64]) -> Self {
            Self {
                lives: StdMutex::new(lives.to_vec()),
                asked: StdMutex::new(0),
            }
        }

        fn asked(&self) -> u64 {
            *self.asked.lock().unwrap()
        }

        async fn issue(&self) -> Result<Issued> {
            sleep(Duration::from_millis(100)).await;
            let mut lives = self.lives.lock().unwrap();
            let life = if lives.is_empty() {
                3600
            } else {
                lives.remove(0)
            };
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            Ok(Issued {
                token: SecretString::from(format!("t{asked}")),
                life: Duration::from_secs(life),
            })
        }
    }

    async fn get(cache: &TokenCache, identity: &Identity, refused: Option<u64>) -> String {
        cache
            .get(refused, &Events::silent(), || identity.issue())
            .await
            .unwrap()
            .secret
            .expose_secret()
            .to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_ask_once() {
        let (cache, identity) = (TokenCache::default(), Identity::new(&[]));
        let tokens = join_all((0..50).map(|_| get(&cache, &identity, None))).await;
        assert!(tokens.iter().all(|token| token == "t1"));
        assert_eq!(identity.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_refused_with_one_token_ask_once_more() {
        let (cache, identity) = (TokenCache::default(), Identity::new(&[]));
        get(&cache, &identity, None).await;
        let tokens = join_all((0..50).map(|_| get(&cache, &identity, Some(1)))).await;
        assert!(tokens.iter().all(|token| token == "t2"));
        assert_eq!(identity.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_a_margin_before_its_end() {
        let (cache, identity) = (TokenCache::default(), Identity::new(&[3600]));
        get(&cache, &identity, None).await;
        sleep(Duration::from_secs(3600 - 61)).await;
        assert_eq!(get(&cache, &identity, None).await, "t1");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(get(&cache, &identity, None).await, "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_inside_the_margin_is_used_and_not_asked_for_at_each_call() {
        let (cache, identity) = (TokenCache::default(), Identity::new(&[30]));
        for _ in 0..10 {
            assert_eq!(get(&cache, &identity, None).await, "t1");
        }
        sleep(Duration::from_secs(26)).await;
        assert_eq!(get(&cache, &identity, None).await, "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_about_to_end_is_waited_out() {
        let (cache, identity) = (TokenCache::default(), Identity::new(&[3, 0]));
        let start = Instant::now();
        assert_eq!(get(&cache, &identity, None).await, "t3");
        assert!(start.elapsed() >= Duration::from_secs(3 + 1 + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_have_always_ended_are_an_error() {
        let (cache, identity) = (TokenCache::default(), Identity::new(&[0; 50]));
        let error = cache
            .get(None, &Events::silent(), || identity.issue())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TryLater);
    }
}
