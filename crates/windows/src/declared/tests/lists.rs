use super::*;
use crate::syncml::alert::{AlertCode, AlertType};
use crate::syncml::{Alert, Command, Header, Item, Kind, Location, Message, Meta};

#[test]
fn lists() {
    let list = DeclaredConfigurations::parse(LIST).unwrap();
    let [first, second] = &list.documents[..] else {
        panic!()
    };
    assert_eq!(
        *first,
        Listed {
            scope: Some(Scope::Device),
            id: DocId::new("5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90"),
            checksum: Some("V1".to_owned()),
            result_checksum: None,
            state: Some(State::CONFIG_REQUEST),
            abandoned: None,
        }
    );
    assert_eq!((second.scope, second.abandoned), (Some(Scope::User), Some(true)));
    assert_eq!(list.to_xml().as_deref(), Ok(LIST));
    let empty = DeclaredConfigurations::default();
    for text in [
        "<DeclaredConfigurations schema=\"1.0\"></DeclaredConfigurations>",
        "<DeclaredConfigurations/>",
    ] {
        assert_eq!(DeclaredConfigurations::parse(text).as_ref(), Ok(&empty));
    }

    let first = |old: &str, new: &str| {
        DeclaredConfigurations::parse(&with(LIST, old, new)).map(|mut list| list.documents.remove(0))
    };
    let absent = first(" result_checksum=\"\"", "").unwrap();
    assert_eq!(absent.result_checksum, None);
    // Numbers without a name are kept; what is no number is nothing that is known.
    assert_eq!(
        first("state=\"1\"", "state=\"4294967295\"").unwrap().state,
        Some(State(u32::MAX))
    );
    for odd in ["", "4294967296", "-1", "+1", "0x3C", "ConfigCompletedSuccess"] {
        let odd = format!("state=\"{odd}\"");
        assert_eq!(first("state=\"1\"", &odd).unwrap().state, None, "{odd}");
    }
    for (said, abandoned) in [
        ("state=\"1\" Abandoned=\"1\"/>", Some(true)),
        ("state=\"1\" abandoned=\"0\"/>", Some(false)),
        ("state=\"1\" abandoned=\"true\"/>", Some(true)),
        ("state=\"1\" abandoned=\"perhaps\"/>", None),
        (
            "state=\"1\"><Abandoned>1</Abandoned></DeclaredConfiguration>",
            Some(true),
        ),
        (
            "state=\"1\"><x><Abandoned>1</Abandoned></x></DeclaredConfiguration>",
            None,
        ),
    ] {
        assert_eq!(
            first("state=\"1\"/>", said).unwrap().abandoned,
            abandoned,
            "{said}"
        );
    }
    let twice = "state=\"1\" abandoned=\"0\"><Abandoned>1</Abandoned></DeclaredConfiguration>";
    assert_eq!(first("state=\"1\"/>", twice), Err(Error::Repeated("Abandoned")));
    // Neither of two could be believed, in whatever case they are.
    let same = with(
        LIST,
        "77777777-0000-4000-8000-000000000002",
        "5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90",
    );
    assert_eq!(DeclaredConfigurations::parse(&same), Err(Error::Repeated("id")));
    assert_eq!(first("id=", "is="), Err(Error::Missing("id")));
    assert_eq!(
        first("schema=\"1.0\"", "schema=\"2.0\""),
        Err(Error::Value("schema"))
    );
    // Too short for a GUID, as in published examples: read, and for the caller to see.
    assert!(!first("-2f6a8e4b7d90", "-2f6a8e4b7d9").unwrap().id.is_guid());
}

/// A message with one alert whose item has `data`, a whole element.
fn alert(data: &str) -> Vec<u8> {
    format!(
        r#"<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>A1</SessionID><MsgID>1</MsgID>
        <Target><LocURI>https://dc.lab.test/omadm</LocURI></Target><Source><LocURI>DC</LocURI></Source></SyncHdr>
        <SyncBody><Alert><CmdID>3</CmdID><Data>1224</Data><Item>
        <Meta><Type xmlns="syncml:metinf">com.microsoft.mdm.declaredconfigurationdocuments</Type></Meta>
        {data}</Item></Alert><Final/></SyncBody></SyncML>"#
    )
    .into_bytes()
}

fn listed(message: &[u8]) -> DeclaredConfigurations {
    let message = Message::parse(message).unwrap();
    let Kind::Alert(alert) = &message.body[0].kind else {
        panic!()
    };
    assert_eq!(
        AlertType::of(&alert.items[0]),
        Some(AlertType::DeclaredConfigurationDocuments)
    );
    DeclaredConfigurations::parse(alert.items[0].data.as_deref().unwrap()).unwrap()
}

#[test]
fn lists_come_in_three_ways() {
    let expected = DeclaredConfigurations::parse(LIST).unwrap();
    let escaped = LIST
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    for data in [
        LIST.to_owned(),
        format!("\n  {LIST}\n<!-- a -->"),
        escaped.clone(),
        format!("\n {escaped} "),
        format!("<![CDATA[{LIST}]]>"),
        format!("<![CDATA[<?xml version=\"1.0\" encoding=\"utf-16\"?>{LIST}]]>"),
    ] {
        let message = alert(&format!("<Data>{data}</Data>"));
        assert_eq!(listed(&message), expected, "{data}");
    }
    // In a namespace of its own, under a prefix that is declared in it, around it, or at the very beginning.
    let own = LIST.replace(
        "<DeclaredConfigurations",
        "<DeclaredConfigurations xmlns=\"urn:dc\"",
    );
    assert_eq!(listed(&alert(&format!("<Data>{own}</Data>"))), expected);
    let prefixed = LIST.replace("<Decl", "<d:Decl").replace("</Decl", "</d:Decl");
    let declares = "xmlns:d=\"urn:dc\"";
    let own = prefixed.replacen(" schema", &format!(" {declares} schema"), 1);
    assert_eq!(listed(&alert(&format!("<Data>{own}</Data>"))), expected);
    assert_eq!(
        listed(&alert(&format!("<Data {declares}>{prefixed}</Data>"))),
        expected
    );
    let message = alert(&format!("<Data>{prefixed}</Data>"));
    let message = with(
        std::str::from_utf8(&message).unwrap(),
        "<SyncML ",
        &format!("<SyncML {declares} "),
    );
    assert_eq!(listed(message.as_bytes()), expected);
}

#[test]
fn lists_are_sent_as_markup() {
    let list = DeclaredConfigurations::parse(LIST).unwrap();
    let message = |item: Item| Message {
        header: Header {
            session_id: "A1".to_owned(),
            message_id: 1,
            target: Location::new("https://dc.lab.test/omadm"),
            source: Location::new("DC"),
            response_uri: None,
            no_response: false,
            credential: None,
            meta: Meta::default(),
        },
        body: vec![Command::new(
            3,
            Kind::Alert(Alert {
                code: AlertCode::CLIENT_EVENT,
                items: vec![item],
            }),
        )],
        is_final: true,
    };
    let mut item = Item::default().with_markup(list.to_xml().unwrap());
    item.meta.kind = Some(AlertType::DeclaredConfigurationDocuments.as_str().to_owned());
    let written = message(item).to_xml().unwrap();
    assert!(std::str::from_utf8(&written).unwrap().contains(LIST));
    assert_eq!(listed(&written), list);
    // Nothing gets out of the element that it is in.
    for hostile in [
        "</Data></Item><Item><Data>",
        "<a>",
        "<x:a/>",
        "a & b",
        "<!DOCTYPE a>",
        "<a/>\0",
    ] {
        assert!(
            message(Item::default().with_markup(hostile)).to_xml().is_err(),
            "{hostile}"
        );
    }
}
