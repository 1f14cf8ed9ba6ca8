//! Failure and warning files, streamed to disk.

use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::config::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::marketo::client::{ANSWER_BYTES, Attempts, Client, Exchange, read};
use crate::marketo::fault::classify;
use crate::marketo::paths::{self, RowsFile};
use crate::marketo::verdict::{Body, Call, Fault, Seen, Verdict, verdict};
use crate::marketo::wire::Envelope;
use crate::units::BatchId;

impl Client {
    /// Downloads a job's failures or warnings to `file`, from its beginning,
    /// and gives their bytes; none where there is no such file (HTTP 404, or an
    /// empty body).
    ///
    /// The answer is the file itself, despite the `.json` of its path; an error
    /// comes as an envelope in its place. Which of the two it is shows in the
    /// body: the content type of TSV and SSV files is not documented.
    ///
    /// # Errors
    /// As the verdict has it, after its retries; [`ErrorKind::Internal`] when
    /// the disk does not take it.
    pub async fn download(
        &self,
        target: &Target,
        batch_id: BatchId,
        which: RowsFile,
        file: &mut File,
    ) -> Result<Option<u64>> {
        let shared = self.shared();
        let url = shared.url(&paths::rows_file(target, batch_id, which));
        let mut attempts = Attempts::new(shared, Call::RowsFile);
        loop {
            let (response, permit) = attempts.open(shared.http().get(&url)).await?;
            let (verdict, exchange, envelope) = match response {
                Err(error) => {
                    let fault = classify(&error);
                    (
                        verdict(Call::RowsFile, Seen::Fault(fault)),
                        Exchange::Fault { fault, error },
                        None,
                    )
                }
                Ok(response) => match receive(response, file).await? {
                    Received::File(0) => return Ok(None),
                    Received::File(bytes) => return Ok(Some(bytes)),
                    Received::BrokeOff(error) => {
                        let fault = Fault::Lost;
                        (
                            verdict(Call::RowsFile, Seen::Fault(fault)),
                            Exchange::Fault { fault, error },
                            None,
                        )
                    }
                    Received::Refusal { http, envelope } => {
                        let body = match &envelope {
                            Some(envelope) => Body::Refusal(envelope.code()),
                            None => Body::Garbage,
                        };
                        let exchange = Exchange::Answer {
                            http,
                            body: bytes::Bytes::new(),
                        };
                        (
                            verdict(Call::RowsFile, Seen::Answer { http, body }),
                            exchange,
                            envelope,
                        )
                    }
                },
            };
            // The wait must not hold one of the few calls at once.
            drop(permit);
            if verdict == Verdict::NoFile {
                return Ok(None);
            }
            let error = shared.error(
                Call::RowsFile,
                verdict,
                exchange,
                envelope.as_ref(),
                Some(target),
            );
            attempts.again(verdict, error).await?;
        }
    }
}

/// What came in place of a file.
enum Received {
    File(u64),
    Refusal {
        http: u16,
        envelope: Option<Envelope>,
    },
    BrokeOff(reqwest::Error),
}

async fn receive(mut response: reqwest::Response, file: &mut File) -> Result<Received> {
    let http = response.status();
    if !http.is_success() {
        return Ok(match read(&mut response).await {
            Ok(body) => Received::Refusal {
                http: http.as_u16(),
                envelope: Envelope::parse(&body),
            },
            Err(error) => Received::BrokeOff(error),
        });
    }
    let disk = |error| {
        Error::new(
            ErrorKind::Internal,
            "a failure file cannot be written to the run's folder",
        )
        .because(error)
        .hint("is the disk full? --state-dir names another place")
    };
    // An earlier attempt may have left a part.
    file.set_len(0).await.map_err(disk)?;
    file.rewind().await.map_err(disk)?;
    let mut bytes = 0;
    // A body that begins like an envelope is held back until it is known.
    let mut held = Vec::new();
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => return Ok(Received::BrokeOff(error)),
        };
        bytes += piece.len() as u64;
        if (bytes == piece.len() as u64 || !held.is_empty()) && may_be_envelope(&held, &piece) {
            held.extend_from_slice(&piece);
            continue;
        }
        file.write_all(&held).await.map_err(disk)?;
        held.clear();
        file.write_all(&piece).await.map_err(disk)?;
    }
    if let Some(envelope) = Envelope::parse(&held).filter(|envelope| !envelope.succeeded()) {
        return Ok(Received::Refusal {
            http: http.as_u16(),
            envelope: Some(envelope),
        });
    }
    file.write_all(&held).await.map_err(disk)?;
    file.flush().await.map_err(disk)?;
    Ok(Received::File(bytes))
}

fn may_be_envelope(held: &[u8], piece: &[u8]) -> bool {
    let first = held
        .iter()
        .chain(piece)
        .find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{') | None) && held.len() + piece.len() <= ANSWER_BYTES
}
