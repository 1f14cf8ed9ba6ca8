//! What a transport error says about the request: whether it can have arrived.

use std::error::Error as StdError;

use super::verdict::Fault;

/// The fault that `error` is. `started` says whether any of a create's file was
/// handed to the connection: without that Marketo cannot have taken it.
pub(crate) fn classify(error: &reqwest::Error, started: bool) -> Fault {
    if error.is_dns() {
        Fault::Dns
    } else if error.is_connect() {
        if chain(error).any(is_tls) {
            Fault::Tls
        } else {
            Fault::Unreached
        }
    } else if started {
        Fault::Lost
    } else {
        Fault::Unreached
    }
}

/// The error and its causes in one line. The address is left out: it is said
/// elsewhere, and its query may hold names.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = String::new();
    for cause in chain(&error) {
        let line = cause.to_string();
        // Causes often repeat the text of what they caused.
        if !text.contains(&line) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&line);
        }
    }
    text
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// rustls' errors come inside one or two I/O errors, whose `source` skips them.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}
