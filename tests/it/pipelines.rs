//! Every pipeline file that is shipped runs.

use std::path::Path;

use toml::Table;

use super::workdir::{Run, Workdir};

/// The folder of the shipped files.
pub(crate) fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines")
}

/// Copies a folder with what is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// A source that the file's target takes.
fn source_for(target: &Table) -> &'static str {
    match target["object"].as_str().unwrap() {
        "custom-objects" => "vin,make\n1,Fiat\n",
        _ => "email,firstName\na@b.co,Ann\n",
    }
}

/// Makes the sources that `pipeline` reads and that are not shipped with it.
fn make_sources(workdir: &Workdir, pipeline: &Table) {
    let files = pipeline["source"]
        .get("files")
        .and_then(|files| files.as_array());
    for name in files.into_iter().flatten() {
        let name = format!("pipelines/{}", name.as_str().unwrap());
        if name.ends_with("/-") || workdir.path(&name).exists() {
            continue;
        }
        let name = name.replace(['*', '?'], "1");
        if !workdir.path(&name).exists() {
            workdir.write(&name, source_for(pipeline["target"].as_table().unwrap()));
        }
    }
}

#[test]
fn every_shipped_file_runs() {
    let mut ran = Vec::new();
    for entry in std::fs::read_dir(shipped()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let workdir = Workdir::new();
        copy(&shipped(), &workdir.path("pipelines"));
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let file = format!("pipelines/{name}");
        let pipeline: Table = workdir.text(&file).parse().unwrap();
        make_sources(&workdir, &pipeline);
        let run = run(&workdir, &file, &pipeline);
        let summary = run.summary();
        assert_eq!(summary["balanced"], true, "{name}{run}");
        assert!(
            summary["rows"]["accepted"].as_u64() > Some(0),
            "{name}{run}"
        );
        // A file may show what failed rows look like; nothing else may go wrong.
        assert!([Some(0), Some(3)].contains(&run.code()), "{name}{run}");
        ran.push(name);
    }
    assert!(ran.contains(&"quickstart.toml".to_owned()), "{ran:?}");
}

fn run(workdir: &Workdir, file: &str, pipeline: &Table) -> Run {
    let mut args = vec!["run", file, "--json", "--poll-interval", "10ms"];
    // The quickstart works as it stands.
    if !file.ends_with("/quickstart.toml") {
        args.extend(["--endpoint", "sandbox"]);
    }
    let target = pipeline["target"].as_table().unwrap();
    workdir.run_with_input(&args, source_for(target).as_bytes())
}
