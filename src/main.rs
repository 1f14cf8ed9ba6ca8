//! The `mktoload` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mktoload::cli::main()
}
