//! The two streams of a command: what was asked for on the one, remarks for people on the other.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

/// Whoever read the output has stopped to, as `head` does. That is no failure.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
pub(crate) struct ReaderGone;

/// What was asked about was refused, and the output says why.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
pub(crate) struct Refused;

/// What was compared differs, and the output says in what.
#[derive(Debug, thiserror::Error)]
#[error("there are differences")]
pub(crate) struct Different;

/// Writes a text to standard output, ended by one line feed.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    bytes(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
}

/// Writes a value to standard output, as JSON for people and machines.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    text(&serde_json::to_string_pretty(value)?)
}

/// Writes bytes to standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        other => Ok(other?),
    }
}

/// Writes a remark to standard error. One that cannot be written is no reason to stop.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
