//! Imports run one way: cli → pipeline → the stations → the wire → the ground.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What everything above may use.
const GROUND: [&str; 4] = ["units", "error", "event", "config"];

/// The wire, and what is known on disk.
const WIRE: [&str; 2] = ["ledger", "marketo"];

/// The stations, in the order in which the data passes them.
const STATIONS: [&str; 6] = ["source", "rows", "chunk", "import", "failures", "report"];

/// The allowed edges: what `module` may use besides itself; none if it has no
/// place. A station may use those before it, since data flows from one to the
/// next.
fn allowed(module: &str) -> Option<Vec<&'static str>> {
    let before = |end: usize| [&GROUND[..], &WIRE, &STATIONS[..end]].concat();
    let station = STATIONS.iter().position(|station| *station == module);
    Some(match module {
        "units" => vec![],
        "error" | "event" => vec!["units"],
        "config" => vec!["error", "units"],
        // Shares nothing with what it is there to test.
        "sandbox" => vec!["error"],
        "ledger" | "marketo" => GROUND.to_vec(),
        "pipeline" => before(STATIONS.len()),
        "cli" => [before(STATIONS.len()), vec!["pipeline", "sandbox"]].concat(),
        _ => before(station?),
    })
}

/// Rust files below `folder`, but for tests.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().unwrap() == "tests" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The modules of the crate that `code` names by `crate::`, tests and comments
/// left out.
fn used(code: &str) -> BTreeSet<String> {
    let end = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    let code: String = code[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut modules = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => first_level(group),
            None => vec![name(rest)],
        };
        // A type that lib.rs hands on is named as itself.
        let lowercase = |name: &String| name.starts_with(|c: char| c.is_lowercase());
        modules.extend(names.into_iter().filter(lowercase));
    }
    modules
}

fn name(text: &str) -> String {
    let ends = |c: char| !c.is_alphanumeric() && c != '_';
    text[..text.find(ends).unwrap_or(text.len())].to_owned()
}

/// The names at the first level of a `{…}` whose brace is already open.
fn first_level(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut begins) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && c.is_alphabetic() => {
                names.push(name(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn no_import_runs_upward() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut edges = 0;
    for file in files(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap();
        let module = module.trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let Some(allowed) = allowed(module) else {
            wrong.push(format!("{module} has no place among the layers"));
            continue;
        };
        for used in used(&std::fs::read_to_string(&file).unwrap()) {
            edges += 1;
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("src/{} uses {used}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(edges > 100, "only {edges} imports were seen");
}

#[test]
fn every_form_of_import_is_seen() {
    let code = "use crate::error::Error;\nuse crate::{units::{RowNumber, config}, marketo};\n\
                // crate::cli\nfn f() -> crate::report::Summary { crate::Result::Ok(()) }\n\
                pub(crate) fn g() {}\n#[cfg(test)]\nmod tests {\n    use crate::sandbox;\n}\n";
    let seen: Vec<String> = used(code).into_iter().collect();
    assert_eq!(seen, ["error", "marketo", "report", "units"]);
}
