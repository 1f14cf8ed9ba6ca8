//! The client id and secret of Marketo's custom service.

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result};

const SECRET: &str = "MKTO_CLIENT_SECRET";
const SECRET_FILE: &str = "MKTO_CLIENT_SECRET_FILE";
const WHERE: &str =
    "Marketo shows it under Admin > LaunchPoint > View Details of the custom service";

/// What proves to Marketo who calls. `Debug` masks the secret, and the memory
/// that held it is wiped on drop.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The custom service's client id; not secret.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: SecretString,
}

impl Credentials {
    /// The credentials of `client_id` (from `--client-id`, `MKTO_CLIENT_ID` or
    /// a pipeline file), the secret being found by [`client_secret`].
    ///
    /// Errors (kind `Usage`) without a client id, and as [`client_secret`] does.
    pub fn find(
        client_id: Option<String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let client_id = client_id
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .ok_or_else(|| {
                Error::new(ErrorKind::Usage, "no client id is given")
                    .hint(format!("pass --client-id or set MKTO_CLIENT_ID; {WHERE}"))
            })?;
        Ok(Self {
            client_id,
            client_secret: client_secret(environment)?,
        })
    }
}

/// The client secret: the value of `MKTO_CLIENT_SECRET`, or the text of the
/// file that `MKTO_CLIENT_SECRET_FILE` names, in either case without line ends
/// behind it. `environment` looks a variable up.
///
/// Errors (kind `Usage`) when neither or both are set, when the secret is
/// empty, and when the file cannot be read.
pub fn client_secret(environment: impl Fn(&str) -> Option<String>) -> Result<SecretString> {
    match (environment(SECRET), environment(SECRET_FILE)) {
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Usage,
            format!("both {SECRET} and {SECRET_FILE} are set"),
        )
        .hint("unset one of them, so that it is plain which secret is used")),
        (None, None) => Err(
            Error::new(ErrorKind::Usage, "no client secret is given").hint(format!(
                "set {SECRET}, or {SECRET_FILE} to a file that holds it; {WHERE}"
            )),
        ),
        (Some(value), None) => checked(&SecretString::from(value), SECRET),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Error::new(
                    ErrorKind::Usage,
                    format!("the client secret's file `{path}` cannot be read"),
                )
                .because(error)
                .hint(format!("{SECRET_FILE} has to name a readable text file"))
            })?;
            checked(&SecretString::from(text), &format!("the file `{path}`"))
        }
    }
}

/// `secret` without the line end that editors and `echo` put behind it.
fn checked(secret: &SecretString, held_by: &str) -> Result<SecretString> {
    let text = secret.expose_secret().trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{held_by} holds no client secret"),
        )
        .hint(WHERE));
    }
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn the_variable_and_the_file_give_the_same_secret() {
        let file = file("hunter2\r\n");
        let path = file.path().display().to_string();
        let from_file = client_secret(|name| (name == SECRET_FILE).then(|| path.clone())).unwrap();
        let from_variable =
            client_secret(|name| (name == SECRET).then(|| "hunter2\n".to_owned())).unwrap();
        assert_eq!(from_file.expose_secret(), "hunter2");
        assert_eq!(from_variable.expose_secret(), "hunter2");
    }

    #[test]
    fn a_secret_keeps_its_blanks() {
        let secret = client_secret(|name| (name == SECRET).then(|| " a b ".to_owned())).unwrap();
        assert_eq!(secret.expose_secret(), " a b ");
    }

    #[test]
    fn debug_masks_the_secret() {
        let credentials = Credentials::find(Some("id".to_owned()), |name| {
            (name == SECRET).then(|| "hunter2".to_owned())
        })
        .unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    #[test]
    fn refusals_say_which_variable() {
        let render = |secret: Option<&str>, file: Option<&str>| {
            client_secret(|name| if name == SECRET { secret } else { file }.map(str::to_owned))
                .unwrap_err()
                .render()
        };
        let all = [
            render(None, None),
            render(Some("hunter2"), Some("hunter2.txt")),
            render(Some("\n"), None),
            render(None, Some("/nonexistent/secret")),
            Credentials::find(Some(" ".to_owned()), |_| None)
                .unwrap_err()
                .render(),
        ]
        .join("\n");
        insta::assert_snapshot!(all, @r##"
error: no client secret is given
  hint: set MKTO_CLIENT_SECRET, or MKTO_CLIENT_SECRET_FILE to a file that holds it; Marketo shows it under Admin > LaunchPoint > View Details of the custom service
error: both MKTO_CLIENT_SECRET and MKTO_CLIENT_SECRET_FILE are set
  hint: unset one of them, so that it is plain which secret is used
error: MKTO_CLIENT_SECRET holds no client secret
  hint: Marketo shows it under Admin > LaunchPoint > View Details of the custom service
error: the client secret's file `/nonexistent/secret` cannot be read
  why: No such file or directory (os error 2)
  hint: MKTO_CLIENT_SECRET_FILE has to name a readable text file
error: no client id is given
  hint: pass --client-id or set MKTO_CLIENT_ID; Marketo shows it under Admin > LaunchPoint > View Details of the custom service
"##);
    }

    #[test]
    fn an_empty_file_is_no_secret() {
        let file = file("\n");
        let path = file.path().display().to_string();
        let error = client_secret(|name| (name == SECRET_FILE).then(|| path.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
