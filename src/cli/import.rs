//! `mktoload import`.

use std::future::pending;
use std::time::{Duration, Instant};

use clap::Subcommand;
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::plan::{Ready, resolve};
use super::progress::Progress;
use super::{Talk, say, signals, summary};
use crate::config::{Credentials, Endpoint, Options, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::marketo::{Client, ClientConfig};
use crate::pipeline::{self, Imported, Plan};
use crate::sandbox::{Sandbox, Settings};
use crate::units::RunId;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    object: Object,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::doc_markdown, reason = "the comments are help texts")]
enum Object {
    /// Import people
    #[command(
        after_help = "Example:\n  mktoload import leads leads.csv --endpoint https://123-ABC-456.mktorest.com --client-id ID"
    )]
    Leads {
        #[command(flatten)]
        sources: Sources,
        /// The field by which Marketo finds an existing person; `id` only
        /// updates [default: email]
        #[arg(long, value_name = "FIELD")]
        lookup_field: Option<String>,
        /// Add the people to this static list, too
        #[arg(long, value_name = "ID")]
        list_id: Option<u32>,
        /// The lead partition of new people
        #[arg(long, value_name = "NAME")]
        partition: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Import records of a custom object
    #[command(
        after_help = "Example:\n  mktoload import custom-objects car_c cars.csv --endpoint sandbox"
    )]
    CustomObjects {
        /// The object's API name, such as car_c
        api_name: String,
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        how: How,
    },
    /// Import members of a program
    #[command(
        after_help = "Example:\n  mktoload import program-members 1001 members.csv --status 'On List' --endpoint sandbox"
    )]
    ProgramMembers {
        /// The program's id
        program_id: u64,
        #[command(flatten)]
        sources: Sources,
        /// The status that the members get
        #[arg(long, value_name = "STATUS")]
        status: String,
        #[command(flatten)]
        how: How,
    },
}

/// What is read.
#[derive(Debug, clap::Args)]
struct Sources {
    /// Files, globs, or `-` for standard input (the default when it is no
    /// terminal), read as one stream in this order
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
}

/// How it is imported, and what is printed.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    #[command(flatten)]
    pub(super) options: Options,

    /// Print the summary as one JSON document on stdout
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,

    /// Refused with an explanation: a secret is never an argument.
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "", value_name = "SECRET")]
    client_secret: Option<SecretString>,
}

impl How {
    /// # Errors
    /// [`ErrorKind::Usage`] for a secret on the command line, where every user
    /// of the machine can read it.
    pub(super) fn refuse_secret(&self) -> Result<()> {
        if self.client_secret.is_none() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Usage, "a secret is never an argument: other users of this machine could read it")
            .hint("set MKTO_CLIENT_SECRET, or MKTO_CLIENT_SECRET_FILE to a file that holds it; and take this one as known"))
    }
}

/// Runs the verb.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    let (target, sources, how) = match args.object {
        Object::Leads {
            sources,
            lookup_field,
            list_id,
            partition,
            how,
        } => (
            Target::Leads {
                lookup_field,
                list_id,
                partition,
            },
            sources,
            how,
        ),
        Object::CustomObjects {
            api_name,
            sources,
            how,
        } => (Target::CustomObjects { api_name }, sources, how),
        Object::ProgramMembers {
            program_id,
            sources,
            status,
            how,
        } => (Target::ProgramMembers { program_id, status }, sources, how),
    };
    let json = how.json;
    let ready = how
        .refuse_secret()
        .and_then(|()| resolve(target, &sources.sources, how.options))
        .map_err(|error| summary::before(error, json, RunId::default(), Duration::ZERO))?;
    import(ready, json, talk).await
}

/// Imports what is ready, shows how it goes, and gives the exit code.
pub(super) async fn import(ready: Ready, json: bool, talk: &Talk) -> Result<u8> {
    let (begun, run) = (Instant::now(), ready.plan.run.clone());
    let progress = Progress::new(talk, ready.plan.target.describe());
    let result = run_to_end(ready, &progress).await;
    progress.finish();
    let imported = result.map_err(|error| summary::before(error, json, run, begun.elapsed()))?;
    tell(imported, json, talk)
}

/// The run itself, into an embedded Marketo if that is what is named.
async fn run_to_end(ready: Ready, progress: &Progress) -> Result<Imported> {
    let (endpoint, credentials) = match (ready.endpoint, ready.credentials) {
        (Endpoint::Sandbox, _) | (_, None) => embedded().await?,
        (endpoint @ Endpoint::Instance(_), Some(credentials)) => (endpoint, credentials),
    };
    let client = client(endpoint, credentials, &ready.plan, progress)?;
    let signal = signals::listen()?;
    pipeline::import(ready.plan, client, progress.events(), signal).await
}

/// A client for what `plan` says.
pub(super) fn client(
    endpoint: Endpoint,
    credentials: Credentials,
    plan: &Plan,
    progress: &Progress,
) -> Result<Client> {
    let Endpoint::Instance(instance) = endpoint else {
        return Err(Error::new(
            ErrorKind::Internal,
            "the embedded sandbox has no address",
        ));
    };
    Client::new(ClientConfig {
        rate: plan.rate,
        wait_for_quota: plan.wait_for_quota,
        events: progress.events(),
        ..ClientConfig::new(instance, credentials)
    })
}

/// Says how a run ended, and what to type to go on with it.
pub(super) fn tell(imported: Imported, json: bool, talk: &Talk) -> Result<u8> {
    let Imported {
        summary,
        error,
        resumable,
    } = imported;
    let written = if json {
        summary::print(&summary)
    } else {
        Ok(())
    };
    if let Some(error) = error {
        say(&error.render());
    }
    if !talk.quiet {
        say(crate::report::text::text(&summary).trim_end());
        if resumable {
            say_resume(&summary.run_id);
        }
    }
    written?;
    Ok(summary.exit_code)
}

/// The last line of a run that can be gone on with.
pub(super) fn say_resume(run: &RunId) {
    say(&format!("mktoload resume {run}"));
}

/// Starts the embedded Marketo, for as long as the process lives.
async fn embedded() -> Result<(Endpoint, Credentials)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "the embedded sandbox gets no port").because(error)
    })?;
    let sandbox = Sandbox::start(listener, Settings::default(), pending())?;
    let endpoint = Endpoint::parse(&sandbox.base_url(), false)?;
    // It takes any credentials that are not empty.
    let credentials = Credentials {
        client_id: "sandbox".to_owned(),
        client_secret: SecretString::from("sandbox"),
    };
    Ok((endpoint, credentials))
}
