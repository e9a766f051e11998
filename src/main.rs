//! The binary. [`onreserve::cli`] is the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    onreserve::cli::main()
}
