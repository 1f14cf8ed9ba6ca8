//! Secrets are shown nowhere, and personal data belongs to its owner alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::in_process::{LEADS, Lab, people, settings};
use super::workdir::{Run, SECRET};

/// All files and folders below `folder`, and itself.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder).unwrap() {
            found.extend(below(&entry.unwrap().path()));
        }
    }
    found
}

pub(crate) fn contains(text: &[u8], what: &str) -> bool {
    memchr::memmem::find(text, what.as_bytes()).is_some()
}

/// The token that the lab's sandbox hands out, as identity gives the same one
/// until its end.
async fn token(lab: &Lab) -> String {
    let query = format!("grant_type=client_credentials&client_id=tests&client_secret={SECRET}");
    let url = format!("{}/identity/oauth/token?{query}", lab.sandbox.base_url());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer: serde_json::Value = client.get(url).send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_and_token_are_in_no_output_log_or_file() {
    let cases: [&[&str]; 4] = [
        &[],
        &["create:1:603", "create:2:602"],
        &["status:1:html", "create:1:cut-after"],
        &["identity:2+:http-401", "status:1:601"],
    ];
    for faults in cases {
        for form in ["text", "json"] {
            let lab = Lab::new(settings(faults)).await;
            let token = token(&lab).await;
            lab.workdir.write("p.csv", people(3) + "\"\"\n");
            let args = ["p.csv", "-vv", "--log-format", form];
            let mut command = lab.command();
            command.args(LEADS).args(args).env("MKTOLOAD_LOG", "trace");
            let folder = lab.workdir.path("");
            let run = tokio::task::block_in_place(|| Run::of(&folder, &mut command, b""));
            let stderr = run.stderr();
            assert!(stderr.len() > 1000, "it was logged{run}");
            for secret in [SECRET, &token] {
                assert!(!run.stdout().contains(secret), "{faults:?}");
                let line = stderr.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{faults:?}");
                for path in below(&folder).iter().filter(|path| path.is_file()) {
                    let text = std::fs::read(path).unwrap();
                    assert!(!contains(&text, secret), "{faults:?}: {}", path.display());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_0600_and_folders_0700() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir
        .write("p.csv", "email,city\na@b.co,Rome\n,Oslo\n,x,y\n");
    let args = ["p.csv", "--report", "report.csv"];
    lab.run(&[&LEADS[..], &args].concat()).exits(3);
    let mut paths = below(&lab.workdir.path("state"));
    assert!(
        paths.iter().any(|path| path.ends_with("rejects.csv")),
        "{paths:?}"
    );
    paths.push(lab.workdir.path("report.csv"));
    for path in paths {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{} has {mode:o}", path.display());
    }
}
