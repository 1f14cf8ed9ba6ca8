//! Where Marketo is: what the user wrote for `--endpoint`, made into one base
//! address.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::error::{Error, ErrorKind, Result};

/// What `--endpoint` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Marketo instance, or something on loopback that speaks like one.
    Instance(Instance),
    /// The embedded Marketo, on loopback, for this run only.
    Sandbox,
}

/// The base address of an instance, without a path and without a last `/`:
/// Marketo's gateway refuses double slashes (Adobe, REST API notice).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    base: String,
    host: String,
    loopback: bool,
}

impl Endpoint {
    /// Reads what the user wrote: the "Endpoint" or "Identity" address that
    /// Marketo shows under Admin > Web Services, the same without its path, a
    /// Munchkin id such as `123-ABC-456`, or the word `sandbox`.
    ///
    /// Errors (kind `Usage`) when it is none of these, and when it is plain
    /// `http` to another machine without `allow_insecure_http`: the client
    /// secret would cross the network in the clear.
    pub fn parse(text: &str, allow_insecure_http: bool) -> Result<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("sandbox") {
            return Ok(Self::Sandbox);
        }
        let address = if is_munchkin_id(text) {
            format!("https://{text}.mktorest.com")
        } else if is_bare_marketo_host(text) {
            format!("https://{text}")
        } else {
            text.to_owned()
        };
        let url = Url::parse(&address).map_err(|_| not_an_address())?;
        Instance::from_url(&url, allow_insecure_http).map(Self::Instance)
    }
}

impl Instance {
    fn from_url(url: &Url, allow_insecure_http: bool) -> Result<Self> {
        let (Some(host), "http" | "https") = (url.host_str(), url.scheme()) else {
            return Err(not_an_address());
        };
        // The offending part is not repeated: it may be a password or a token.
        let refused = if !url.username().is_empty() || url.password().is_some() {
            Some("a user name or password")
        } else if url.query().is_some() {
            Some("a query")
        } else if url.fragment().is_some() {
            Some("a fragment")
        } else {
            None
        };
        if let Some(part) = refused {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the endpoint holds {part}"),
            )
            .hint(format!(
                "give only the address, `https://{host}`; credentials go into --client-id and MKTO_CLIENT_SECRET"
            )));
        }
        let path = url.path().trim_end_matches('/');
        if !matches!(path, "" | "/rest" | "/identity") {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the endpoint has the path `{path}`, which no Marketo instance has"),
            )
            .hint(format!("leave the path out: `https://{host}`")));
        }
        let loopback = is_loopback(host);
        if url.scheme() == "http" && !loopback && !allow_insecure_http {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the endpoint is plain http to another machine ({host})"),
            )
            .hint(format!(
                "write `https://{host}`, or pass --allow-insecure-http if the client secret may cross this network unencrypted"
            )));
        }
        Ok(Self {
            base: url.origin().ascii_serialization(),
            host: host.to_owned(),
            loopback,
        })
    }

    /// Scheme, host and port, without a last `/`; a path that begins with `/`
    /// goes behind it.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The host, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host and its port, if it has one of its own, as the name of a
    /// folder.
    #[must_use]
    pub fn folder_name(&self) -> String {
        let (_, authority) = self.base.split_once("://").unwrap_or(("", &self.base));
        // A colon is no part of a name everywhere.
        authority.replace(
            |c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-',
            "_",
        )
    }

    /// Whether it is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether it is reached without TLS.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        self.base.starts_with("http://")
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// The text is not repeated, since it may hold a password.
fn not_an_address() -> Error {
    Error::new(ErrorKind::Usage, "the endpoint is not a Marketo address").hint(
        "copy the Endpoint from Admin > Web Services (`https://123-ABC-456.mktorest.com/rest`), \
         give the Munchkin id (`123-ABC-456`), or the word `sandbox`",
    )
}

/// Three digits, three letters, three digits, as Marketo names instances.
fn is_munchkin_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let all =
        |part: &str, test: fn(&u8) -> bool| part.len() == 3 && part.as_bytes().iter().all(test);
    matches!(parts[..], [a, b, c]
        if all(a, u8::is_ascii_digit) && all(b, u8::is_ascii_alphabetic) && all(c, u8::is_ascii_digit))
}

fn is_bare_marketo_host(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    !text.contains("://")
        && !text.contains('@')
        && host.to_ascii_lowercase().ends_with(".mktorest.com")
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> String {
        match Endpoint::parse(text, false).unwrap() {
            Endpoint::Instance(instance) => instance.base().to_owned(),
            Endpoint::Sandbox => "sandbox".to_owned(),
        }
    }

    #[test]
    fn all_spellings_of_an_instance_are_one_address() {
        for text in [
            "https://123-ABC-456.mktorest.com",
            "https://123-abc-456.mktorest.com/",
            "https://123-ABC-456.mktorest.com/rest",
            "https://123-ABC-456.mktorest.com/rest/",
            "https://123-ABC-456.mktorest.com/identity",
            "https://123-ABC-456.mktorest.com/identity/",
            " https://123-ABC-456.mktorest.com:443// ",
            "123-ABC-456",
            "123-abc-456.mktorest.com/rest",
        ] {
            assert_eq!(base(text), "https://123-abc-456.mktorest.com", "{text}");
        }
        assert_eq!(base("Sandbox"), "sandbox");
    }

    #[test]
    fn each_instance_has_a_folder_of_its_own() {
        let name = |text: &str| match Endpoint::parse(text, false).unwrap() {
            Endpoint::Instance(instance) => instance.folder_name(),
            Endpoint::Sandbox => panic!("{text} is no instance"),
        };
        assert_eq!(name("123-ABC-456"), "123-abc-456.mktorest.com");
        assert_eq!(name("http://127.0.0.1:8642"), "127.0.0.1_8642");
        assert_eq!(name("http://[::1]:80"), "___1_");
    }

    #[test]
    fn plain_http_is_for_loopback_or_by_leave() {
        for text in [
            "http://localhost:8642",
            "http://127.0.0.1:8642",
            "http://127.8.9.1:8642",
            "http://[::1]:8642",
        ] {
            assert_eq!(base(text), text);
        }
        // A name that only begins like a loopback address is another machine.
        for text in [
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
        ] {
            assert_eq!(
                Endpoint::parse(text, false).unwrap_err().kind(),
                ErrorKind::Usage
            );
            assert!(Endpoint::parse(text, true).is_ok());
        }
    }

    #[test]
    fn refusals_say_what_to_write() {
        let texts: Vec<String> = [
            "",
            "marketo",
            "ftp://123-ABC-456.mktorest.com",
            "https://me:hunter2@123-ABC-456.mktorest.com",
            "https://123-ABC-456.mktorest.com/rest?access_token=hunter2",
            "https://123-ABC-456.mktorest.com#hunter2",
            "https://123-ABC-456.mktorest.com/bulk/v1",
            "http://example.com/rest",
        ]
        .iter()
        .map(|text| Endpoint::parse(text, false).unwrap_err().render())
        .collect();
        let all = texts.join("\n");
        assert!(!all.contains("hunter2"));
        insta::assert_snapshot!(all, @r##"
error: the endpoint is not a Marketo address
  hint: copy the Endpoint from Admin > Web Services (`https://123-ABC-456.mktorest.com/rest`), give the Munchkin id (`123-ABC-456`), or the word `sandbox`
error: the endpoint is not a Marketo address
  hint: copy the Endpoint from Admin > Web Services (`https://123-ABC-456.mktorest.com/rest`), give the Munchkin id (`123-ABC-456`), or the word `sandbox`
error: the endpoint is not a Marketo address
  hint: copy the Endpoint from Admin > Web Services (`https://123-ABC-456.mktorest.com/rest`), give the Munchkin id (`123-ABC-456`), or the word `sandbox`
error: the endpoint holds a user name or password
  hint: give only the address, `https://123-abc-456.mktorest.com`; credentials go into --client-id and MKTO_CLIENT_SECRET
error: the endpoint holds a query
  hint: give only the address, `https://123-abc-456.mktorest.com`; credentials go into --client-id and MKTO_CLIENT_SECRET
error: the endpoint holds a fragment
  hint: give only the address, `https://123-abc-456.mktorest.com`; credentials go into --client-id and MKTO_CLIENT_SECRET
error: the endpoint has the path `/bulk/v1`, which no Marketo instance has
  hint: leave the path out: `https://123-abc-456.mktorest.com`
error: the endpoint is plain http to another machine (example.com)
  hint: write `https://example.com`, or pass --allow-insecure-http if the client secret may cross this network unencrypted
"##);
    }
}
