//! The terminal: whether it shows colours, and secrets that are typed at it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::domain::report::colour::Colours;

/// The longest password that is accepted.
const LONGEST: u64 = 4096;

/// Colours for standard output: on a terminal, unless `NO_COLOR` is set, `CLICOLOR` is 0 or
/// `TERM` is dumb. `CLICOLOR_FORCE` turns them on everywhere.
pub fn colours() -> Colours {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => Colours::Off,
        ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => Colours::On,
    }
}

/// Reads one line from standard input; a terminal does not show what is typed.
pub fn secret(prompt: &str) -> io::Result<String> {
    let input = io::stdin();
    if !input.is_terminal() {
        return line();
    }
    let shown = tcgetattr(&input)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL);
    write!(io::stderr(), "{prompt}: ")?;
    tcsetattr(&input, OptionalActions::Flush, &hidden)?;
    let read = line();
    tcsetattr(&input, OptionalActions::Flush, &shown)?;
    read
}

pub fn is_typed() -> bool {
    io::stdin().is_terminal()
}

fn line() -> io::Result<String> {
    let mut text = String::new();
    io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
