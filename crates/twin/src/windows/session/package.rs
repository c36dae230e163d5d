//! F2.1: package 1, and the header of all messages.

use ordain_windows::syncml::alert::{AlertCode, AlertType};
use ordain_windows::syncml::{Alert, Format, Header, Item, Kind, Location, Meta, Verb};

use super::{Cause, Session, start};
use crate::windows::account::Account;
use crate::windows::pc::Pc;

impl Session {
    /// The alerts, and what the device is.
    pub(super) fn package_1(&mut self, account: &Account, pc: &Pc) {
        let alert = |code, items| Kind::Alert(Alert { code, items });
        let event = |kind: &AlertType, format, data: &str| {
            let mut item = Item::default().with(format, data);
            item.meta.kind = Some(kind.as_str().to_owned());
            item
        };
        self.outbox.push(alert(start(self.cause), Vec::new()));
        let login = event(&AlertType::LoginStatus, Format::Chr, pc.login.as_str());
        self.outbox.push(alert(AlertCode::CLIENT_EVENT, vec![login]));
        if self.cause == Cause::Unenrollment {
            let leaving = event(&AlertType::Unenrolling, Format::Int, "1");
            self.outbox.push(alert(AlertCode::GENERIC, vec![leaving]));
        }
        for item in &account.alerts {
            self.outbox
                .push(alert(AlertCode::CLIENT_EVENT, vec![item.clone()]));
        }
        self.alerts = account.alerts.len();
        let info = [
            ("DevId", account.device_id.as_str()),
            ("Man", &pc.manufacturer),
            ("Mod", &pc.model),
            ("DmV", "1.3"),
            ("Lang", &pc.locale),
        ];
        let items = info.map(|(name, data)| Item {
            data: Some(data.to_owned()),
            ..Item::from(format!("./DevInfo/{name}"))
        });
        self.outbox.push(Kind::Verb(Verb::Replace, items.to_vec()));
        self.outbox.begin_package_1();
    }

    pub(super) fn header(&mut self, account: &Account) -> Header {
        // F2.13: what the device takes is told once.
        let limits = (self.message == 1).then_some(self.limits);
        let octets = |size: usize| u64::try_from(size).ok();
        Header {
            session_id: self.id.clone(),
            message_id: self.message,
            target: Location::new(self.url.clone()),
            source: Location::new(account.device_id.clone()),
            response_uri: None,
            no_response: false,
            credential: self.credentials.show(account),
            meta: Meta {
                max_message_size: limits.and_then(|limits| octets(limits.message)),
                max_object_size: limits.and_then(|limits| octets(limits.object)),
                ..Meta::default()
            },
        }
    }
}
