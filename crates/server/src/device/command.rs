//! The command channel: what a device says, and the command that it gets.

use std::sync::Arc;

use axum::response::Response;
use ordain_apple::command::{Command, Message, Status};
use ordain_model::checkin::Presented;
use ordain_model::command::{self, Says};
use ordain_model::enrollment::Answer;

use super::answer::{done, property_list, tokens};
use super::fault::Fault;
use crate::app::App;

/// Reads a message of the command channel and answers it with the next command, or with nothing to do.
pub(crate) async fn command(app: &Arc<App>, presented: &Presented, body: &[u8]) -> Result<Response, Fault> {
    let message = Message::parse(body).map_err(|error| Fault::Unreadable(error.to_string()))?;
    let says = says(&message);
    let id = &message.ids.enrollment;
    let give = app
        .decide_wanted(id, presented, |scene, wanted| {
            let (channel, device) = (scene.channel()?, scene.device()?);
            if says == Says::Idle {
                app.sightings.woke(channel, scene.now);
            }
            let catalog = scene.world.catalog();
            Ok(command::respond(
                channel,
                &says,
                wanted,
                catalog,
                &device.facts,
                scene.now,
            )?)
        })
        .await?;
    Ok(match give {
        Some(give) => property_list(Command::declarative_management(give.uuid, tokens(give.offer)).to_xml()),
        None => done(),
    })
}

fn says(message: &Message) -> Says {
    let answer = match message.status {
        Status::Idle => return Says::Idle,
        Status::Acknowledged => Answer::Acknowledged,
        Status::NotNow => Answer::NotNow,
        Status::Error | Status::CommandFormatError => Answer::Failed(failure(message)),
    };
    Says::Outcome(message.command_uuid.clone().unwrap_or_default(), answer)
}

/// What the device says of its failure, for administrators: codes change between releases, so nothing is concluded.
fn failure(message: &Message) -> String {
    let errors = message.error_chain.iter().map(|error| {
        let text = error
            .us_english_description
            .as_deref()
            .or(error.localized_description.as_deref());
        let domain = error.domain.as_deref().unwrap_or("no domain");
        let code = error
            .code
            .map_or_else(|| "no code".to_owned(), |code| code.to_string());
        format!("{domain} {code}: {}", text.unwrap_or("no description"))
    });
    let chain: Vec<String> = errors.collect();
    if chain.is_empty() {
        message.status.as_str().to_owned()
    } else {
        chain.join("; ")
    }
}
