//! The run in process, against a sandbox that can be asked what it saw.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mktoload::Error;
use mktoload::config::choice::{OnBadRow, OnUnknown, ReportColumns};
use mktoload::config::{CallRate, Credentials, Endpoint, Target, limits, state};
use mktoload::event::{Event, Events};
use mktoload::marketo::{BackoffSettings, Client, ClientConfig};
use mktoload::pipeline::{self, Imported, Left, Plan, Signal};
use mktoload::report::Summary;
use mktoload::sandbox::{Inspection, Sandbox, Settings};
use mktoload::source::Source;
use mktoload::units::RunId;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::workdir::{Line, Run, SECRET, Workdir, read_report};

/// A sandbox, and a folder for what is imported into it.
pub(crate) struct Lab {
    pub(crate) workdir: Workdir,
    pub(crate) sandbox: Sandbox,
}

/// A run that ended.
pub(crate) struct Done {
    pub(crate) summary: Summary,
    pub(crate) error: Option<Error>,
    pub(crate) resumable: bool,
    pub(crate) events: Vec<Event>,
}

impl Done {
    pub(crate) fn report(&self) -> Vec<Line> {
        read_report(self.summary.report.as_ref())
    }

    pub(crate) fn rejects(&self) -> Vec<u8> {
        std::fs::read(&self.summary.rejects).unwrap()
    }
}

/// A sandbox's settings that leave the calls uncounted, with these fault rules.
pub(crate) fn settings(faults: &[&str]) -> Settings {
    Settings {
        rate_calls: 1_000_000,
        keep_accepted: true,
        faults: faults.iter().map(|rule| rule.parse().unwrap()).collect(),
        ..Settings::default()
    }
}

/// Bytes of a request whose chunk holds `bytes`.
pub(crate) fn request_bytes(bytes: u64) -> u64 {
    bytes + mktoload::marketo::frame_len("chunk-4294967295.csv")
}

/// People as the target.
pub(crate) fn leads() -> Target {
    Target::Leads {
        lookup_field: None,
        list_id: None,
        partition: None,
    }
}

/// `rows` people, of 20 bytes each.
pub(crate) fn people(rows: usize) -> String {
    let rows = (1..=rows).map(|row| format!("p{row:06}@example.org\n"));
    std::iter::once("email\n".to_owned()).chain(rows).collect()
}

impl Lab {
    pub(crate) async fn new(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            workdir: Workdir::new(),
            sandbox: Sandbox::start(listener, settings, pending()).unwrap(),
        }
    }

    pub(crate) fn inspect(&self) -> Inspection {
        self.sandbox.inspect()
    }

    /// A plan for the file `name` with `text`, in requests of at most
    /// `max_part_bytes`.
    pub(crate) fn plan(&self, name: &str, text: impl AsRef<[u8]>, max_part_bytes: u64) -> Plan {
        self.workdir.write(name, text);
        let run = RunId::generate(jiff::Timestamp::now());
        let folder = state::run_folder(&self.workdir.path("state"), &run).unwrap();
        Plan {
            run,
            state: self.workdir.path("state"),
            instance: self.sandbox.base_url(),
            embedded: false,
            rate: CallRate::default(),
            wait_for_quota: false,
            gate_folder: None,
            target: leads(),
            sources: vec![Source::File(self.workdir.path(name))],
            format: None,
            max_part_bytes,
            max_in_flight: limits::RUNNING_JOBS,
            poll_interval: Duration::from_millis(10),
            job_timeout: Duration::from_secs(60),
            serialize_on: None,
            max_errors: None,
            on_bad_row: OnBadRow::Reject,
            on_unknown: OnUnknown::Resend,
            report: folder.join("report.csv"),
            rejects: folder.join("rejects.csv"),
            report_columns: ReportColumns::All,
            folder,
        }
    }

    /// Imports as `plan` says.
    pub(crate) async fn import(&self, plan: Plan) -> Done {
        let (_signal, never) = watch::channel(None);
        let at = self.sandbox.base_url();
        import_at(&at, plan, never).await.unwrap()
    }

    /// Goes on with a run of this lab, in this process.
    pub(crate) async fn resume(&self, run: &RunId) -> Result<Done, Error> {
        self.resume_with(run, None, |_| {}).await
    }

    /// The same with another plan, and a signal that may have been raised.
    pub(crate) async fn resume_with(
        &self,
        run: &RunId,
        signal: Option<Signal>,
        change: impl FnOnce(&mut Plan),
    ) -> Result<Done, Error> {
        let state = self.workdir.path("state");
        let mut left = Left::find(&state, Some(run.as_str())).await?;
        change(&mut left.plan);
        let (raise, heard) = watch::channel(None);
        raise.send_replace(signal);
        let work = |client, events| pipeline::resume(left, client, events, heard);
        done_by(&self.sandbox.base_url(), |_| (), work).await
    }

    /// The ledger of this lab's runs, as a database to change.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.workdir.path("state/ledger.sqlite")).unwrap()
    }
}

/// Imports into whatever listens at `base_url`.
pub(crate) async fn import_at(
    base_url: &str,
    plan: Plan,
    signal: watch::Receiver<Option<Signal>>,
) -> Result<Done, Error> {
    import_with(base_url, plan, signal, |_| ()).await
}

/// The same with other settings of the client.
pub(crate) async fn import_with(
    base_url: &str,
    plan: Plan,
    signal: watch::Receiver<Option<Signal>>,
    change: impl FnOnce(&mut ClientConfig),
) -> Result<Done, Error> {
    let work = |client, events| pipeline::import(plan, client, events, signal);
    done_by(base_url, change, work).await
}

/// What `work` did with a client of whatever listens at `base_url`.
async fn done_by<W>(
    base_url: &str,
    change: impl FnOnce(&mut ClientConfig),
    work: impl FnOnce(Client, Events) -> W,
) -> Result<Done, Error>
where
    W: Future<Output = Result<Imported, Error>>,
{
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let emit = Events::new(move |event| seen.lock().unwrap().push(event));
    let mut config = config(base_url, emit.clone());
    change(&mut config);
    let client = Client::new(config).unwrap();
    let imported = work(client, emit).await?;
    let events = std::mem::take(&mut *events.lock().unwrap());
    Ok(Done {
        summary: imported.summary,
        error: imported.error,
        resumable: imported.resumable,
        events,
    })
}

/// A client's settings whose waits are short.
fn config(base_url: &str, events: Events) -> ClientConfig {
    let Endpoint::Instance(instance) = Endpoint::parse(base_url, false).unwrap() else {
        panic!("{base_url} is no instance");
    };
    let credentials = Credentials {
        client_id: "tests".to_owned(),
        client_secret: SECRET.into(),
    };
    let rate = CallRate::new(100_000, Duration::from_secs(1)).unwrap();
    let mut config = ClientConfig::new(instance, credentials);
    config.rate = rate;
    config.events = events;
    config.backoff = BackoffSettings {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(10),
        total: Duration::from_secs(5),
        queue: Duration::from_secs(5),
        window: Duration::from_millis(10),
        quota: Some(Duration::from_millis(30)),
    };
    config
}

impl Lab {
    /// Runs the real binary in the lab's folder against its sandbox. For tests
    /// of more than one thread: the sandbox has to go on meanwhile.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let mut command = self.command();
        command.args(args);
        tokio::task::block_in_place(|| Run::of(&self.workdir.path(""), &mut command, b""))
    }

    /// The real binary with the lab's sandbox as its endpoint.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = self.workdir.command();
        command
            .env("MKTO_ENDPOINT", self.sandbox.base_url())
            .env("MKTO_CLIENT_ID", "tests")
            .env("MKTO_CLIENT_SECRET", SECRET);
        command
    }
}

/// The arguments of an import of people into a lab's sandbox.
pub(crate) const LEADS: [&str; 7] = [
    "import",
    "leads",
    "--poll-interval",
    "10ms",
    "--rate-limit",
    "10000/1s",
    "--json",
];
