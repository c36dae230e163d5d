//! The messages of a linked Windows client that is written by hand, as `windows_wire` is: its XML is text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::windows_answer::is_command;
use crate::windows_element::{Element, escaped};
use crate::windows_wire::*;

pub(crate) const ROOT: &str = "./Device/Vendor/MSFT/DeclaredConfiguration/Host";

const SECEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const X509: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0";
const TOKEN: &str = "uuid-44444444-0000-4000-8000-000000000001";

/// A command of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) id: u32,
    pub(crate) target: String,
    /// `Format` and `Type`.
    pub(crate) meta: (Option<String>, Option<String>),
    pub(crate) data: Option<String>,
    /// Whether more of the data follows.
    pub(crate) has_more: bool,
}

/// What the server answers to a message.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// The number of its message.
    message: u32,
    /// (`Cmd`, `Data`) of its statuses, without that of the header.
    pub(crate) statuses: Vec<(String, String)>,
    pub(crate) commands: Vec<Command>,
    pub(crate) is_final: bool,
}

/// The value of an attribute.
#[track_caller]
pub(crate) fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    between(text, &format!(" {name}=\""), "\"")
}

impl Command {
    fn of(element: &Element) -> Self {
        let text = |path: &str| element.find(path).map(|found| found.text.clone());
        Self {
            name: element.name.clone(),
            id: element.at("CmdID").parse().expect("a number"),
            target: element.at("Item/Target/LocURI").to_owned(),
            meta: (text("Item/Meta/Format"), text("Item/Meta/Type")),
            data: text("Item/Data").or(text("Data")),
            has_more: element.find("Item/MoreData").is_some(),
        }
    }
}

impl Heard {
    /// An answer, which must have taken the message.
    #[track_caller]
    pub(crate) fn of(answer: &Element) -> Self {
        let body = &answer.find("SyncBody").expect("a body").children;
        let statuses = body.iter().filter(|it| it.name == "Status");
        let told = |it: &Element| (it.at("Cmd").to_owned(), it.at("Data").to_owned());
        let mut heard = Self {
            message: answer.at("SyncHdr/MsgID").parse().expect("a number"),
            statuses: statuses.map(told).collect(),
            commands: body.iter().filter(is_command).map(Command::of).collect(),
            is_final: body.last().is_some_and(|last| last.name == "Final"),
        };
        assert_eq!(heard.statuses.remove(0).1, "200");
        heard
    }

    /// (name, target) of each command.
    pub(crate) fn asked(&self) -> Vec<(&str, &str)> {
        self.commands
            .iter()
            .map(|command| (command.name.as_str(), command.target.as_str()))
            .collect()
    }

    /// The session is over: nothing but statuses.
    #[track_caller]
    pub(crate) fn is_over(&self) {
        assert!(self.is_final && self.commands.is_empty(), "{self:?}");
        assert!(self.statuses.iter().all(|(_, code)| code == "200"), "{self:?}");
    }

    /// The only command that there is.
    #[track_caller]
    pub(crate) fn only(&self) -> &Command {
        assert_eq!(self.commands.len(), 1, "{self:?}");
        &self.commands[0]
    }

    /// The status of its header.
    pub(crate) fn header_status(&self) -> (&'static str, String) {
        let message = self.message;
        (
            "Status",
            format!("<MsgRef>{message}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data>"),
        )
    }

    /// The status of `command`.
    pub(crate) fn status(&self, command: &Command, code: u16) -> (&'static str, String) {
        self.status_with(command, &format!("<Data>{code}</Data>"))
    }

    /// A refusal with the error behind it.
    pub(crate) fn failure(&self, command: &Command, error: &str) -> (&'static str, String) {
        let data = format!(
            "<Data xmlns:msft=\"http://schemas.microsoft.com/MobileDevice/MDM\" msft:originalerror=\"{error}\">500</Data>"
        );
        self.status_with(command, &data)
    }

    fn status_with(&self, command: &Command, data: &str) -> (&'static str, String) {
        let Command { id, name, .. } = command;
        (
            "Status",
            format!(
                "<MsgRef>{}</MsgRef><CmdRef>{id}</CmdRef><Cmd>{name}</Cmd>{data}",
                self.message
            ),
        )
    }

    /// The result of `command`, a Get, after its status. `item` is what follows its source.
    pub(crate) fn results(&self, command: &Command, item: &str) -> (&'static str, String) {
        let Command { id, target, .. } = command;
        (
            "Results",
            format!(
                "<MsgRef>{}</MsgRef><CmdRef>{id}</CmdRef><Item><Source><LocURI>{target}</LocURI></Source>{item}</Item>",
                self.message
            ),
        )
    }

    /// Both, where there is a text.
    pub(crate) fn value(&self, command: &Command, text: &str) -> [(&'static str, String); 2] {
        let data = format!(
            "<Meta><Format xmlns=\"syncml:metinf\">chr</Format></Meta><Data>{}</Data>",
            escaped(text)
        );
        [self.status(command, 200), self.results(command, &data)]
    }
}

/// The alert that lists the documents: `list` is the content of its `Data`.
pub(crate) fn alert(list: &str) -> (&'static str, String) {
    (
        "Alert",
        format!(
            "<Data>1224</Data><Item><Meta><Type xmlns=\"syncml:metinf\">com.microsoft.mdm.declaredconfigurationdocuments</Type></Meta>\
             <Data>{list}</Data></Item>"
        ),
    )
}

/// The alert with which a device leaves.
pub(crate) fn unenrolls() -> (&'static str, String) {
    let alert = "<Data>1226</Data><Item><Meta><Type xmlns=\"syncml:metinf\">com.microsoft:mdm.unenrollment.userrequest</Type>\
        <Format xmlns=\"syncml:metinf\">int</Format></Meta><Data>1</Data></Item>";
    ("Alert", alert.to_owned())
}

/// The markup of the list.
pub(crate) fn list(documents: &[Listed<'_>]) -> String {
    let documents: String = documents
        .iter()
        .map(|Listed { id, checksum, result, state, more }| {
            format!(
                "\n          <DeclaredConfiguration context=\"Device\" id=\"{id}\" checksum=\"{checksum}\" result_checksum=\"{result}\" state=\"{state}\"{more}/>"
            )
        })
        .collect();
    match documents.as_str() {
        "" => "<DeclaredConfigurations schema=\"1.0\"/>".to_owned(),
        documents => format!(
            "\n        <DeclaredConfigurations schema=\"1.0\">{documents}\n        </DeclaredConfigurations>\n      "
        ),
    }
}

/// A document, as the list has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) id: &'a str,
    pub(crate) checksum: &'a str,
    pub(crate) result: &'a str,
    pub(crate) state: u32,
    /// Further attributes.
    pub(crate) more: &'a str,
}

/// A document without more to it.
pub(crate) fn listed<'a>(id: &'a str, checksum: &'a str, result: &'a str, state: u32) -> Listed<'a> {
    Listed {
        id,
        checksum,
        result,
        state,
        more: "",
    }
}

/// A document that the server sends: its DocID and checksum.
#[track_caller]
pub(crate) fn sent(command: &Command) -> (String, String) {
    let id = between(&command.target, "/Documents/", "/").to_owned();
    assert_eq!(command.name, "Replace");
    assert_eq!(
        command.meta,
        (Some("chr".to_owned()), Some("text/plain".to_owned())),
        "{command:?}"
    );
    let document = command.data.as_deref().expect("a document");
    // It is text, so it was escaped.
    assert!(
        document.starts_with("<DeclaredConfiguration schema=\"1.0\" "),
        "{command:?}"
    );
    assert_eq!(attribute(document, "id"), id);
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
    (id, attribute(document, "checksum").to_owned())
}

/// A result with parts, as it travels.
pub(crate) struct Outcome<'a> {
    pub(crate) id: &'a str,
    pub(crate) scenario: &'a str,
    pub(crate) checksum: &'a str,
    pub(crate) result: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) state: u32,
    pub(crate) parts: String,
}

impl Outcome<'_> {
    pub(crate) fn text(&self) -> String {
        let Self {
            id,
            scenario,
            checksum,
            result,
            operation,
            state,
            parts,
        } = self;
        format!(
            "<DeclaredConfigurationResult context=\"Device\" schema=\"1.0\" id=\"{id}\" osdefinedscenario=\"{scenario}\" checksum=\"{checksum}\" \
             result_checksum=\"{result}\" result_timestamp=\"2027-01-15T08:05:00Z\" operation=\"{operation}\" state=\"{state}\">{parts}\
             </DeclaredConfigurationResult>"
        )
    }
}

/// The result of the VPN document; `servers` is what became of one of its nodes.
pub(crate) fn vpn_result(id: &str, checksum: &str, result: &str, state: u32, servers: &str) -> String {
    let parts = format!(
        "<CSP name=\"./Vendor/MSFT/VPNv2\" state=\"{state}\">\
         <URI path=\"LabVPN/NativeProfile/Servers\" {servers} type=\"chr\"/>\
         <URI path=\"LabVPN/NativeProfile/NativeProtocolType\" status=\"200\" state=\"60\" type=\"chr\"/>\
         <URI path=\"LabVPN/NativeProfile/Authentication/MachineMethod\" status=\"200\" state=\"60\" type=\"chr\"/>\
         <URI path=\"LabVPN/AlwaysOn\" status=\"200\" state=\"60\" type=\"bool\"/></CSP>"
    );
    Outcome {
        id,
        scenario: "MSFTVPN",
        checksum,
        result,
        operation: "Set",
        state,
        parts,
    }
    .text()
}

pub(crate) const GOOD: &str = "status=\"200\" state=\"60\"";

/// Asks for the policies, signed with `key`, as a device does that is registered in Entra.
pub(crate) fn signed_policies(certificate: &[u8], key: &KeyPair) -> String {
    let body = "<GetPolicies xmlns=\"http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><client><lastUpdate xsi:nil=\"true\"></lastUpdate>\
        <preferredLanguage xsi:nil=\"true\"></preferredLanguage></client><requestFilter xsi:nil=\"true\"></requestFilter></GetPolicies>";
    signed(
        "pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies",
        body,
        certificate,
        key,
    )
}

/// Asks for a certificate, likewise.
pub(crate) fn signed_request(
    certificate: &[u8],
    key: &KeyPair,
    csr: &[u8],
    items: &[(&str, &str)],
) -> String {
    let items: String = items
        .iter()
        .map(|(name, value)| {
            format!("<ac:ContextItem Name=\"{name}\"><ac:Value>{value}</ac:Value></ac:ContextItem>")
        })
        .collect();
    let body = format!(
        "<wst:RequestSecurityToken>\
         <wst:TokenType>http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken</wst:TokenType>\
         <wst:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</wst:RequestType>\
         <wsse:BinarySecurityToken EncodingType=\"{SECEXT}#base64binary\" ValueType=\"{PKCS10}\">{}</wsse:BinarySecurityToken>\
         <ac:AdditionalContext>{items}</ac:AdditionalContext></wst:RequestSecurityToken>",
        STANDARD.encode(csr)
    );
    signed("pki/2009/01/enrollment/RST/wstep", &body, certificate, key)
}

/// All of the message is written in canonical form, so that its digest is that of its text.
fn signed(action: &str, body: &str, certificate: &[u8], key: &KeyPair) -> String {
    let certificate = STANDARD.encode(certificate);
    let message = |signature: &str| {
        format!(
            "<s:Envelope xmlns:a=\"http://www.w3.org/2005/08/addressing\" xmlns:ac=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\" \
             xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\" xmlns:wsse=\"{SECEXT}\" \
             xmlns:wst=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\"><s:Header>\
             <a:Action s:mustUnderstand=\"1\">http://schemas.microsoft.com/windows/{action}</a:Action>\
             <a:MessageID>urn:uuid:11111111-0000-4000-8000-000000000003</a:MessageID>\
             <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>\
             <a:To s:mustUnderstand=\"1\">https://mdm.example.org/</a:To>\
             <wsse:Security s:mustUnderstand=\"1\"><u:Timestamp><u:Created>2027-01-15T08:00:00Z</u:Created>\
             <u:Expires>2027-01-15T08:05:00Z</u:Expires></u:Timestamp>\
             <wsse:BinarySecurityToken EncodingType=\"{SECEXT}#base64binary\" ValueType=\"{X509}#X509v3\" u:Id=\"{TOKEN}\">{certificate}</wsse:BinarySecurityToken>\
             {signature}</wsse:Security></s:Header><s:Body>{body}</s:Body></s:Envelope>"
        )
    };
    let digest = STANDARD.encode(Sha256::digest(message("")));
    let info = |namespace: &str| {
        format!(
            "<ds:SignedInfo{namespace}>\
             <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
             <ds:Reference URI=\"\"><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
    };
    let namespace = " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
    let value = STANDARD.encode(key.sign(info(namespace).as_bytes()).expect("a signature"));
    message(&format!(
        "<ds:Signature{namespace}>{}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference>\
         <wsse:Reference URI=\"#{TOKEN}\" ValueType=\"{X509}#X509\"></wsse:Reference>\
         </wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>",
        info("")
    ))
}
