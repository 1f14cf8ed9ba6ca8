//! The create call's body: one multipart part named `file`, its length known
//! before the first byte goes.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::executor::block_on;
use futures::stream;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Handed to the connection at once, so that a slow upload is seen to move.
const PIECE: usize = 64 * 1024;

/// One import file.
#[derive(Debug, Clone)]
pub struct Upload {
    file_name: String,
    segments: Vec<Bytes>,
    len: u64,
}

impl Upload {
    /// A file of these bytes, one segment behind the other. Marketo gives the
    /// name no meaning (Adobe documents none).
    #[must_use]
    pub fn new(file_name: impl Into<String>, segments: Vec<Bytes>) -> Self {
        Self {
            file_name: file_name.into(),
            len: segments.iter().map(|segment| segment.len() as u64).sum(),
            segments,
        }
    }

    /// Bytes of the file, without the frame.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no bytes; Marketo answers 1003 to such a one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The form that carries the file, and how far the connection has taken it.
    /// The segments are shared, not copied.
    pub(crate) fn form(&self) -> (Form, Progress) {
        let (moved, progress) = watch::channel(0_u64);
        let pieces = self.segments.clone().into_iter().flat_map(|segment| {
            (0..segment.len())
                .step_by(PIECE)
                .map(move |start| segment.slice(start..segment.len().min(start + PIECE)))
        });
        let body = stream::iter(pieces).map(move |piece| {
            moved.send_modify(|bytes| *bytes += piece.len() as u64);
            Ok::<_, Infallible>(piece)
        });
        let body = Body::wrap_stream(body);
        (framed(body, self.len, &self.file_name), Progress(progress))
    }
}

/// Bytes of the multipart frame round a file of this name: file and frame
/// together are the body that Marketo limits
/// ([`limits::REQUEST_BODY_BYTES`](crate::config::limits::REQUEST_BODY_BYTES)).
#[must_use]
pub fn frame_len(file_name: &str) -> u64 {
    // Every boundary that reqwest makes has one length, so the frame round an
    // empty file is measured. All of its stream is there at once.
    let stream = framed(Body::from(Bytes::new()), 0, file_name).into_stream();
    block_on(stream.fold(0, |sum, piece| async move {
        sum + piece.map_or(0, |bytes| bytes.len() as u64)
    }))
}

fn framed(body: Body, len: u64, file_name: &str) -> Form {
    let part = Part::stream_with_length(body, len)
        .file_name(file_name.to_owned())
        .mime_str("text/csv")
        .expect("`text/csv` is a media type");
    Form::new().part("file", part)
}

/// How far the connection has taken an upload's body.
#[derive(Debug, Clone)]
pub(crate) struct Progress(watch::Receiver<u64>);

impl Progress {
    /// Whether any of the file was handed to the connection.
    pub(crate) fn started(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Returns when for `patience` nothing moved: neither was a piece taken,
    /// nor, after the last one, an answer had by whoever races this.
    pub(crate) async fn stalled(&mut self, patience: Duration) {
        loop {
            match timeout(patience, self.0.changed()).await {
                Ok(Ok(())) => {}
                // The body is gone: all of it was taken, and Marketo has its
                // time to answer.
                Ok(Err(_)) => return sleep(patience).await,
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn body(upload: &Upload) -> Vec<u8> {
        upload
            .form()
            .0
            .into_stream()
            .fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece.unwrap());
                all
            })
            .await
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_frame_and_the_file_are_the_body(
            name in "[a-zA-Z0-9 ü._-]{1,40}",
            segments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..5),
        ) {
            let segments: Vec<Bytes> = segments.into_iter().map(Bytes::from).collect();
            let file = segments.concat();
            let upload = Upload::new(name.clone(), segments);
            prop_assert_eq!(upload.len(), file.len() as u64);
            let sent = block_on(body(&upload));
            prop_assert_eq!(sent.len() as u64, frame_len(&name) + upload.len());
            let text = [b"\r\n\r\n", file.as_slice(), b"\r\n--"].concat();
            prop_assert!(sent.windows(text.len()).any(|window| window == text));
        }
    }

    #[test]
    fn the_frame_is_as_documented() {
        let upload = Upload::new(
            "chunk-000001.csv",
            vec![Bytes::from_static(b"email\na@b.c\n")],
        );
        let (form, _) = upload.form();
        let boundary = form.boundary().to_owned();
        let sent = block_on(form.into_stream().map(Result::unwrap).collect::<Vec<_>>()).concat();
        let text = String::from_utf8(sent).unwrap();
        insta::assert_snapshot!(text.replace(&boundary, "BOUNDARY").replace('\r', "␍"), @r##"
--BOUNDARY␍
Content-Disposition: form-data; name="file"; filename="chunk-000001.csv"␍
Content-Type: text/csv␍
␍
email
a@b.c
␍
--BOUNDARY--␍
"##);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_upload_is_not_a_stalled_one() {
        let patience = Duration::from_secs(60);
        let segments = vec![Bytes::from(vec![b'x'; PIECE * 10])];
        let (form, mut progress) = Upload::new("a.csv", segments).form();
        assert!(!progress.started());
        let start = tokio::time::Instant::now();
        let sender = async {
            let mut stream = form.into_stream();
            while stream.next().await.is_some() {
                sleep(Duration::from_secs(50)).await;
            }
        };
        tokio::join!(sender, progress.stalled(patience));
        assert!(progress.started());
        // Ten pieces and the frame at 50 s each, then a minute for the answer.
        assert!(
            start.elapsed() >= Duration::from_secs(560),
            "{:?}",
            start.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_stops_is_stalled() {
        let segments = vec![Bytes::from(vec![b'x'; PIECE * 10])];
        let (form, mut progress) = Upload::new("a.csv", segments).form();
        let mut stream = form.into_stream();
        for _ in 0..3 {
            stream.next().await.unwrap().unwrap();
        }
        let start = tokio::time::Instant::now();
        progress.stalled(Duration::from_secs(60)).await;
        assert!(start.elapsed() <= Duration::from_secs(61));
    }
}
