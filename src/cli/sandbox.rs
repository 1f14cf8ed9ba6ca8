//! `mktoload sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;

use super::{Talk, say, signals};
use crate::config::choice::Time;
use crate::error::{Error, ErrorKind, Result};
use crate::sandbox::{FaultRule, FileStyle, Sandbox, Schema, Settings};

/// Arguments of `sandbox`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mktoload sandbox --rows-per-second 5000 --fault create:2:1016\n  mktoload import leads leads.csv --endpoint http://127.0.0.1:8642 --client-id any"
)]
pub(super) struct Args {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8642")]
    listen: SocketAddr,
    /// Rows that one job processes in a second [default: jobs take no time]
    #[arg(long, value_name = "N")]
    rows_per_second: Option<u32>,
    /// Time that each job takes besides its rows
    #[arg(long, value_name = "TIME", default_value = "0s")]
    job_latency: Time,
    /// A scripted fault, WHAT:WHEN:EFFECT, such as create:2:1016, status:5%:606
    /// or create:1:cut-after; may be given several times, the first that
    /// applies to a call is the one
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<FaultRule>,
    /// Custom objects, more lead fields, programs, lists and partitions, in
    /// TOML; without it any custom object, program and list is taken
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Quote values in failure files where RFC 4180 wants it; Marketo is seen
    /// not to
    #[arg(long)]
    strict_quoting: bool,
    /// Leave columns out of failure files that are empty in all their rows
    #[arg(long)]
    drop_empty_columns: bool,
    /// Answer a create for a list that is being imported into with 1019
    #[arg(long)]
    one_job_per_list: bool,
    /// Life of a token
    #[arg(long, value_name = "TIME", default_value = "1h")]
    token_life: Time,
    /// The seed of the odds in fault rules
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Runs the verb until a signal comes.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    let open_objects = args.schema.is_none();
    let schema = args
        .schema
        .as_deref()
        .map(Schema::open)
        .transpose()?
        .unwrap_or_default();
    let settings = Settings {
        token_life: args.token_life.0,
        rows_per_second: args.rows_per_second,
        job_latency: args.job_latency.0,
        one_job_per_list: args.one_job_per_list,
        files: FileStyle {
            quoted: args.strict_quoting,
            drop_empty_columns: args.drop_empty_columns,
            ..FileStyle::default()
        },
        schema,
        open_objects,
        faults: args.faults,
        seed: args.seed,
        ..Settings::default()
    };
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("{} cannot be listened on", args.listen),
        )
        .because(error)
        .hint("--listen names another address and port")
    })?;
    let mut signal = signals::listen()?;
    let sandbox = Sandbox::start(listener, settings, async move {
        // An error means that signals are no longer listened to: end as well.
        let _ = signal.wait_for(Option::is_some).await;
    })?;
    if !talk.quiet {
        say(&format!(
            "an embedded Marketo listens on {}; any client id and secret will do",
            sandbox.base_url()
        ));
        say(&format!(
            "try: MKTO_CLIENT_SECRET=any mktoload import leads FILE --client-id any --endpoint {}",
            sandbox.base_url()
        ));
    }
    sandbox.ended().await;
    Ok(0)
}
