//! What kind of fault kept an answer away.

use std::error::Error as StdError;

use crate::marketo::verdict::Fault;

/// The class of an error of the network.
pub(super) fn classify(error: &reqwest::Error) -> Fault {
    if chain(error).any(is_tls) {
        Fault::Tls
    } else if error.is_connect()
        && chain(error).any(|cause| cause.to_string().contains("dns error"))
    {
        // hyper's connector has no type for it that can be named.
        Fault::Dns
    } else if error.is_connect() || error.is_builder() {
        Fault::Unreached
    } else {
        Fault::Lost
    }
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let now = next?;
        next = now.source();
        Some(now)
    })
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    let inside = cause
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    cause.is::<rustls::Error>() || inside.is_some_and(|inside| inside.is::<rustls::Error>())
}
