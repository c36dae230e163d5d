//! `ordain events`.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use ordain_model::event::EventKind;
use ordain_server::api::{EventFilter, EventRow};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, ClientError, with_query};
use crate::connection::Connection;
use crate::table::{clean, shortened};
use crate::{output, time};

/// The server says something at least every 15 s.
const SILENCE: Duration = Duration::from_secs(60);
/// How long to wait before listening again.
const AGAIN: Duration = Duration::from_secs(2);
/// No message is as long.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Options of `ordain events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Go on with what happens from now on, or after the cursor, until interrupted
    #[arg(long)]
    follow: bool,
    /// Begin after the event with this cursor [default: all that are kept; with --follow, now]
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Only these kinds: enrolled, checked-out, reported, converged, diverged, command-answered, drifted, drift-repaired
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<EventKind>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Tells events, each on a line of its own.
pub(crate) async fn run(args: EventsArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let from_all = || (!args.follow).then(|| "0".to_owned());
    let words: Vec<&str> = args.kinds.iter().map(|kind| kind.word()).collect();
    let mut filter = EventFilter {
        after: args.after.clone().or_else(from_all),
        kind: (!words.is_empty()).then(|| words.join(",")),
        follow: Some(args.follow),
    };
    let mut is_first = true;
    loop {
        let ended = match client.listen(&with_query("events", &filter)?).await {
            Ok(body) => tell(body, &mut filter.after, args.output.json).await?,
            // Whoever has listened before knows that the server is there, and comes back to it.
            Err(error) if !is_first && may_pass(&error) => Some(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        match ended {
            None if !args.follow => return Ok(()),
            Some(problem) if !args.follow => anyhow::bail!("the events broke off: {problem}"),
            _ => {}
        }
        is_first = false;
        sleep(AGAIN).await;
    }
}

fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. }
        | ClientError::Gone { .. }
        | ClientError::Foreign { .. }
        | ClientError::Slow { .. } => true,
        ClientError::Problem { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
        ClientError::Untrusted { .. } | ClientError::TokenRefused { .. } => false,
    }
}

/// Tells what comes, and keeps `cursor` up to date; in the end, what broke it off if anything did.
async fn tell(body: Incoming, cursor: &mut Option<String>, is_json: bool) -> anyhow::Result<Option<String>> {
    let mut messages = Messages::default();
    let mut body = body;
    loop {
        let frame = match timeout(SILENCE, body.frame()).await {
            Err(_) => return Ok(Some("the server is silent".to_owned())),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Ok(Some(error.to_string())),
            Ok(Some(Ok(frame))) => frame,
        };
        for message in messages.read(&frame.into_data().unwrap_or_default())? {
            match (message.event.as_str(), message.data) {
                ("gap", _) => output::note("some events are missing here: they are kept no more"),
                (_, Some(data)) => {
                    let event: EventRow = serde_json::from_str(&data).context("an event")?;
                    output::text(&if is_json { data } else { line(&event) })?;
                }
                (_, None) => {}
            }
            *cursor = message.id.or(cursor.take());
        }
    }
}

/// One message of the stream; one without data only moves the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: Option<String>,
    event: String,
    data: Option<String>,
}

/// What has come of a stream of server-sent events, up to the last empty line.
#[derive(Default)]
struct Messages {
    octets: Vec<u8>,
}

impl Messages {
    /// The messages that `octets` complete.
    fn read(&mut self, octets: &[u8]) -> anyhow::Result<Vec<Message>> {
        self.octets.extend_from_slice(octets);
        let mut messages = Vec::new();
        while let Some(end) = self.octets.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.octets.drain(..end + 2).collect();
            let mut message = Message::default();
            for line in String::from_utf8_lossy(&block).lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => message.id = Some(id.to_owned()),
                    Some(("event", event)) => event.clone_into(&mut message.event),
                    Some(("data", data)) => message.data = Some(data.to_owned()),
                    // A comment, or a field that is not known.
                    _ => {}
                }
            }
            messages.push(message);
        }
        anyhow::ensure!(self.octets.len() <= MAX_MESSAGE, "the server sends no events");
        Ok(messages)
    }
}

/// An event for people.
fn line(event: &EventRow) -> String {
    let (at, kind, enrollment) = (time::date(event.at), &event.kind, clean(&event.enrollment));
    let detail = words(&event.detail).join(" ");
    format!("{at}  {kind:<16}  {enrollment}  {detail}")
        .trim_end()
        .to_owned()
}

/// The fields of an event's detail, without what only machines compare.
fn words(detail: &Value) -> Vec<String> {
    let fields = detail.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| !["wanted", "held"].contains(&name.as_str()))
        .flat_map(|(name, value)| match value {
            Value::Null => vec![],
            Value::Object(_) => words(value),
            Value::String(text) => vec![format!("{name}={:?}", shortened(text, 60))],
            other => vec![format!("{name}={other}")],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_read_however_they_are_cut() {
        let stream = "id: 0-1\n\nid: 0-2\nevent: enrolled\ndata: {\"a\": \"ü\"}\n\n: nothing\n\nevent: gap\ndata: {}\n\nid: 0";
        let message = |id: Option<&str>, event: &str, data: Option<&str>| Message {
            id: id.map(str::to_owned),
            event: event.to_owned(),
            data: data.map(str::to_owned),
        };
        let expected = [
            message(Some("0-1"), "", None),
            message(Some("0-2"), "enrolled", Some("{\"a\": \"ü\"}")),
            message(None, "", None),
            message(None, "gap", Some("{}")),
        ];
        for size in 1..stream.len() {
            let mut messages = Messages::default();
            let read = stream
                .as_bytes()
                .chunks(size)
                .map(|part| messages.read(part).unwrap());
            let read: Vec<Message> = read.flatten().collect();
            assert_eq!(read, expected, "in pieces of {size}");
        }
        assert!(Messages::default().read(&[b'x'; MAX_MESSAGE + 1]).is_err());
    }

    #[test]
    fn events_are_told_on_a_line() {
        let event = |kind: &str, detail: Value| EventRow {
            cursor: "0-1".into(),
            kind: kind.into(),
            enrollment: "D\u{1b}1".into(),
            at: 1_795_264_807,
            detail,
        };
        let lines = [
            event(
                "enrolled",
                json!({"generation": 1, "name": "Ann's\nMac", "udid": null}),
            ),
            event(
                "reported",
                json!({"held": "ab", "counts": {"confirmed": 3, "failed": 1}, "problems": 0}),
            ),
            event(
                "command-answered",
                json!({"state": "failed", "failure": "x".repeat(100)}),
            ),
        ]
        .map(|event| line(&event));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        2026-11-21 12:40:07Z  enrolled          D�1  generation=1 name="Ann's Mac"
        2026-11-21 12:40:07Z  reported          D�1  confirmed=3 failed=1 problems=0
        2026-11-21 12:40:07Z  command-answered  D�1  failure="xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" state="failed"
        "#);
    }
}
