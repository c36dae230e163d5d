//! The commands that devices get, as they are sent.

use axum::response::Response;
use ordain_apple::command::Command;
use ordain_apple::plist::{Dictionary, Value};
use ordain_model::decision::EscrowKind;
use ordain_model::enrollment::Enrollment;
use ordain_model::inventory::Survey;
use ordain_model::queries::queries;
use ordain_model::queue::Delivery;
use ordain_model::session::Give;
use ordain_store::StoreError;

use super::answer::{done, property_list, tokens};
use super::checkin::escrowed;
use crate::app::App;
use crate::keys::Unopened;
use crate::orders::{CLEAR_PASSCODE, UNLOCK_TOKEN};

/// Why something is not given.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ungiven {
    /// This command of the queue never can be.
    #[error("{1}")]
    Never(Delivery, String),
    /// It cannot now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The answer that carries what is given to a channel of `device`.
pub(super) async fn answer(app: &App, device: &Enrollment, given: Option<Give>) -> Result<Response, Ungiven> {
    let command = match given {
        None => return Ok(done()),
        Some(Give::Declarations { uuid, offer }) => Command::declarative_management(uuid, tokens(offer)),
        Some(Give::Survey { uuid, survey }) => Command {
            uuid,
            request_type: survey.request_type().to_owned(),
            payload: questions(survey, device),
        },
        Some(Give::Queued(delivery)) => match payload(app, device, &delivery).await {
            Ok(payload) => Command {
                uuid: delivery.uuid,
                request_type: delivery.request_type,
                payload,
            },
            Err(Unopened::Lost(why)) => return Err(Ungiven::Never(delivery, why)),
            Err(Unopened::Store(error)) => return Err(error.into()),
        },
    };
    Ok(property_list(command.to_xml()))
}

fn questions(survey: Survey, device: &Enrollment) -> Dictionary {
    match survey {
        Survey::DeviceInformation => {
            let names = queries(&device.facts).into_iter().map(Value::from).collect();
            Dictionary::from_iter([("Queries".to_owned(), Value::Array(names))])
        }
        Survey::SecurityInfo | Survey::InstalledApplicationList => Dictionary::new(),
    }
}

/// The keys of a command of the queue, with what only the house knows filled in.
async fn payload(app: &App, device: &Enrollment, delivery: &Delivery) -> Result<Dictionary, Unopened> {
    let mut payload = app.payload(&delivery.command).await?;
    if delivery.request_type == CLEAR_PASSCODE
        && !payload.contains_key(UNLOCK_TOKEN)
        && let Some(token) = escrowed(app, &device.id, EscrowKind::Unlock).await?
    {
        payload.insert(UNLOCK_TOKEN.to_owned(), Value::Data(token));
    }
    Ok(payload)
}
