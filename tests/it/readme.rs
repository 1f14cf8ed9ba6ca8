//! Every console block of the README runs, in order, in one folder, as a reader
//! would type it.
//!
//! A line that begins with `$ ` is a command, and goes on where it ends with a
//! backslash. After the word `console` in the block's first line may follow
//! `fails-with=N`, the exit code of the block's last command, or `norun`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::pipelines;
use super::workdir::{Run, Workdir};

/// A block that is run.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// The line on which it begins.
    line: usize,
    exit_code: i32,
    commands: Vec<String>,
}

/// The blocks of `text` that are run, and the number of those that are not.
fn blocks(text: &str) -> (Vec<Block>, usize) {
    let (mut found, mut passed_over) = (Vec::new(), 0);
    let mut lines = (1..).zip(text.lines());
    while let Some((line, first)) = lines.next() {
        let Some(info) = first.trim_start().strip_prefix("```console") else {
            continue;
        };
        let words: Vec<&str> = info
            .split([',', ' '])
            .filter(|word| !word.is_empty())
            .collect();
        let mut block = Block {
            line,
            exit_code: 0,
            commands: Vec::new(),
        };
        let mut goes_on = false;
        for (_, text) in lines
            .by_ref()
            .take_while(|(_, text)| !text.trim_start().starts_with("```"))
        {
            let text = text.trim_start();
            if let Some(command) = text.strip_prefix("$ ") {
                block.commands.push(command.to_owned());
            } else if goes_on {
                let command = block.commands.last_mut().unwrap();
                *command = format!("{command}\n{text}");
            } else {
                continue;
            }
            goes_on = text.ends_with('\\');
        }
        match words[..] {
            [] => found.push(block),
            ["norun"] => passed_over += 1,
            [word] if word.starts_with("fails-with=") => {
                block.exit_code = word["fails-with=".len()..].parse().unwrap();
                found.push(block);
            }
            _ => panic!("line {line}: {words:?} is nothing that a console block may say"),
        }
    }
    (found, passed_over)
}

/// Where a README's sandbox listens.
const LISTENS: &str = "127.0.0.1:8642";

/// A port that nobody has: two test runs on one machine must not share theirs.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Programs that a README's commands find: the binary, whose sandbox listens at
/// `address`, and a cargo that runs it.
fn programs(workdir: &Workdir, address: &str) {
    let binary = env!("CARGO_BIN_EXE_mktoload");
    let cargo = "#!/bin/sh\ncase \"$*\" in\n'run --release -- '*) shift 3; exec mktoload \"$@\";;\n\
         *) echo \"no such command in a README: cargo $*\" >&2; exit 97;;\nesac\n";
    workdir.write("bin/cargo", cargo);
    let mktoload = format!(
        "#!/bin/sh\ncase \"$*\" in\nsandbox*--listen*) ;;\n\
         sandbox*) set -- \"$@\" --listen {address};;\nesac\nexec '{binary}' \"$@\"\n"
    );
    workdir.write("bin/mktoload", mktoload);
    for name in ["bin/cargo", "bin/mktoload"] {
        let path = workdir.path(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Runs a block as one script: what it exports and starts in the background
/// lasts to its end.
fn run(workdir: &Workdir, block: &Block, address: &str) -> Run {
    let mut script = "set -e\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n".to_owned();
    for command in &block.commands {
        if !command.starts_with("scripts/") && !command.starts_with("./scripts/") {
            script += &format!("{}\n", command.replace(LISTENS, address));
        }
    }
    let path = std::env::var("PATH").unwrap();
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", &script])
        .current_dir(workdir.path("reader"))
        .env_clear()
        .env("PATH", format!("{}:{path}", workdir.path("bin").display()))
        .env("HOME", workdir.path("home"))
        .env("MKTOLOAD_STATE_DIR", workdir.path("state"))
        .stdin(std::process::Stdio::null());
    Run::of(&workdir.path("reader"), &mut command, b"")
}

#[test]
fn every_console_block_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (blocks, passed_over) = blocks(&text);
    assert!(!blocks.is_empty());
    assert!(
        passed_over * 3 <= blocks.len(),
        "{passed_over} blocks are not run"
    );
    let workdir = Workdir::new();
    let address = free_address();
    programs(&workdir, &address);
    std::fs::create_dir(workdir.path("home")).unwrap();
    std::fs::create_dir(workdir.path("reader")).unwrap();
    pipelines::copy(&pipelines::shipped(), &workdir.path("reader/pipelines"));
    for block in blocks {
        assert!(
            !block.commands.is_empty(),
            "README.md:{}: no command",
            block.line
        );
        let run = run(&workdir, &block, &address);
        let wanted = Some(block.exit_code);
        assert_eq!(run.code(), wanted, "README.md:{}{run}", block.line);
    }
}

#[test]
fn blocks_are_read_as_they_are_written() {
    let text = "a\n```console\n$ one \\\n    --two\nsaid\n$ three\n```\n```sh\n$ no\n```\n\
                ```console,fails-with=3\n$ four\n```\n```console,norun\n$ five\n```\n";
    let (found, passed_over) = blocks(text);
    let block = |line, exit_code, commands: &[&str]| Block {
        line,
        exit_code,
        commands: commands
            .iter()
            .map(|command| (*command).to_owned())
            .collect(),
    };
    let wanted = [
        block(2, 0, &["one \\\n--two", "three"]),
        block(11, 3, &["four"]),
    ];
    assert_eq!((&found[..], passed_over), (&wanted[..], 1));
}

#[test]
fn a_block_fails_where_any_of_its_commands_does() {
    let workdir = Workdir::new();
    let address = free_address();
    programs(&workdir, &address);
    std::fs::create_dir(workdir.path("reader")).unwrap();
    for (code, commands) in [
        (
            0,
            &[
                "cargo run --release -- --version | grep mktoload",
                "scripts/test",
            ][..],
        ),
        (2, &["mktoload import leads x.csv", "true"]),
        (97, &["cargo publish"]),
    ] {
        let (text, _) = blocks(&format!("```console\n$ {}\n```\n", commands.join("\n$ ")));
        run(&workdir, &text[0], &address).exits(code);
    }
}
