//! The body of a create call: multipart with one file part.

use bytes::Bytes;
use futures::stream;
use reqwest::Body;
use reqwest::multipart::{Form, Part};

use crate::error::{Error, ErrorKind, Result};

/// A file to be imported.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its name, which means nothing to Marketo.
    pub file_name: String,
    /// Its content in slices.
    pub segments: Vec<Bytes>,
    /// Bytes of all slices.
    pub len: u64,
}

/// The type of the file part. Marketo is not strict about it: `text/csv`,
/// `text/plain` and `application/octet-stream` are all in use.
const PART_TYPE: &str = "text/csv";

/// Bytes of the boundary that reqwest makes: four words of 16 hexadecimal
/// digits with a dash between.
const BOUNDARY_BYTES: u64 = 4 * 16 + 3;

/// Bytes that the multipart frame adds round a file of that name: part head,
/// part end and closing boundary. Adobe's limit is on the whole body.
#[must_use]
pub fn frame_len(file_name: &str) -> u64 {
    let head = "--\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\nContent-Type: \r\n\r\n";
    let end = "\r\n----\r\n";
    (head.len() + PART_TYPE.len() + file_name.len() + end.len()) as u64 + 2 * BOUNDARY_BYTES
}

impl Upload {
    /// The form. The lengths of all parts are known, so reqwest sends an exact
    /// Content-Length; nothing confirms that Marketo takes chunked bodies.
    pub(super) fn form(&self) -> Result<Form> {
        let slices: Vec<Result<Bytes, std::convert::Infallible>> =
            self.segments.iter().cloned().map(Ok).collect();
        let part = Part::stream_with_length(Body::wrap_stream(stream::iter(slices)), self.len)
            .file_name(self.file_name.clone())
            .mime_str(PART_TYPE)
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "the upload cannot be framed").because(error)
            })?;
        // The API's name for the one part is `file` (Adobe, OpenAPI).
        Ok(Form::new().part("file", part))
    }

    /// Bytes of the whole body.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.len + frame_len(&self.file_name)
    }
}
