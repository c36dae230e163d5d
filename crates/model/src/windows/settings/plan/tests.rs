//! Which commands settings become.

use super::*;

fn settings(atomic: bool, all: &[(&str, DataFormat, &str)]) -> Settings {
    let settings = all.iter().map(|(path, format, text)| Setting {
        path: path.parse().unwrap(),
        format: *format,
        value: Wanted::read(*format, text).unwrap(),
    });
    Settings {
        atomic,
        settings: settings.collect(),
    }
}

fn shown(commands: &[Command]) -> Vec<String> {
    let shown = |command: &Command| {
        let instead = command.if_there.map(|verb| format!(" or {verb}"));
        let value = command.value.as_ref();
        let value = value.map(|(format, value)| format!(" {format} {}", value.text()));
        let path = command.path.to_string();
        let path = path.rsplit("MSFT/").next().unwrap();
        format!(
            "{}{} {path}{}",
            command.verb,
            instead.unwrap_or_default(),
            value.unwrap_or_default()
        )
    };
    commands.iter().map(shown).collect()
}

fn steps(settings: &Settings) -> Vec<(Bound, Vec<String>)> {
    let steps = reach(settings, WindowsCatalog::builtin());
    let steps = steps.iter();
    steps.map(|step| (step.bound, shown(&step.commands))).collect()
}

const CAMERA: (&str, DataFormat, &str) = (
    "./Vendor/MSFT/Policy/Config/Camera/AllowCamera",
    DataFormat::Int,
    "0",
);
const NAME: (&str, DataFormat, &str) = ("./DevDetail/Ext/Microsoft/DeviceName", DataFormat::Chr, "lab");

#[test]
fn each_node_is_changed_in_its_own_way() {
    let all = [
        CAMERA,
        NAME,
        (
            "./Vendor/MSFT/DMClient/Provider/Ordain/EntDMID",
            DataFormat::Chr,
            "a",
        ),
        ("./Vendor/MSFT/Unknown/Node", DataFormat::Int, "1"),
    ];
    assert_eq!(
        steps(&settings(false, &all)),
        [
            (
                Bound::Message,
                vec!["Replace Policy/Config/Camera/AllowCamera int 0".to_owned()]
            ),
            (
                Bound::Message,
                vec!["Add or Replace ./DevDetail/Ext/Microsoft/DeviceName chr lab".to_owned()]
            ),
            (
                Bound::Message,
                vec![
                    "Delete DMClient/Provider/Ordain/EntDMID".to_owned(),
                    "Add DMClient/Provider/Ordain/EntDMID chr a".to_owned()
                ]
            ),
            (
                Bound::Message,
                vec!["Add or Replace Unknown/Node int 1".to_owned()]
            ),
        ]
    );
}

#[test]
fn what_belongs_together_is_sent_together() {
    let all = [
        ("./Vendor/MSFT/VPNv2/Work/AlwaysOn", DataFormat::Bool, "true"),
        CAMERA,
        (
            "./Vendor/MSFT/BitLocker/RequireDeviceEncryption",
            DataFormat::Int,
            "1",
        ),
        ("./Vendor/MSFT/VPNv2/Home/AlwaysOn", DataFormat::Bool, "false"),
        (
            "./Vendor/MSFT/VPNv2/Work/DnsSuffix",
            DataFormat::Chr,
            "example.com",
        ),
        ("./Vendor/MSFT/WiFi/Profile/Lab/WlanXml", DataFormat::Chr, "x"),
        (
            "./Vendor/MSFT/BitLocker/AllowStandardUserEncryption",
            DataFormat::Int,
            "1",
        ),
        (
            "./Vendor/MSFT/WiFi/Profile/Lab/ProxyWPAD",
            DataFormat::Bool,
            "true",
        ),
    ];
    let steps = steps(&settings(false, &all));
    let expected: [(Bound, &[&str]); 7] = [
        (Bound::Message, &["Delete VPNv2/Work"]),
        (
            Bound::Atomic,
            &[
                "Add VPNv2/Work/AlwaysOn bool true",
                "Add VPNv2/Work/DnsSuffix chr example.com",
            ],
        ),
        (
            Bound::Message,
            &["Replace Policy/Config/Camera/AllowCamera int 0"],
        ),
        (
            Bound::Message,
            &[
                "Add or Replace BitLocker/RequireDeviceEncryption int 1",
                "Add or Replace BitLocker/AllowStandardUserEncryption int 1",
            ],
        ),
        (Bound::Message, &["Delete VPNv2/Home"]),
        (Bound::Atomic, &["Add VPNv2/Home/AlwaysOn bool false"]),
        (
            Bound::Message,
            &[
                "Delete WiFi/Profile/Lab",
                "Add WiFi/Profile/Lab/WlanXml chr x",
                "Add WiFi/Profile/Lab/ProxyWPAD bool true",
            ],
        ),
    ];
    assert_eq!(steps.len(), expected.len(), "{steps:?}");
    for (step, (bound, commands)) in steps.iter().zip(expected) {
        assert_eq!(
            (step.0, step.1.iter().map(String::as_str).collect::<Vec<_>>()),
            (bound, commands.to_vec())
        );
    }
}

#[test]
fn certificates_are_installed_by_what_comes_last() {
    let scep = "./Vendor/MSFT/ClientCertificateInstall/SCEP/Lab";
    let pfx = "./User/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/Lab";
    let paths = ["ServerURL", "Challenge"].map(|name| format!("{scep}/Install/{name}"));
    let all = settings(
        false,
        &[
            (paths[0].as_str(), DataFormat::Chr, "https://example.org/scep"),
            (paths[1].as_str(), DataFormat::Chr, "secret"),
        ],
    );
    let lines = [
        "Add or Replace ClientCertificateInstall/SCEP/Lab/Install/ServerURL chr https://example.org/scep",
        "Add or Replace ClientCertificateInstall/SCEP/Lab/Install/Challenge chr secret",
        "Exec ClientCertificateInstall/SCEP/Lab/Install/Enroll",
    ];
    assert_eq!(steps(&all), [(Bound::Atomic, lines.map(str::to_owned).to_vec())]);
    let says = |settings: &Settings, text: &str| {
        let proofs = proofs(settings, WindowsCatalog::builtin());
        assert_eq!(proofs.len(), 1, "{proofs:?}");
        let path = proofs[0].path.to_string();
        (path, proofs[0].says(text, WindowsCatalog::builtin()))
    };
    let status = format!("{scep}/Status").replace("./Vendor", "./Device/Vendor");
    for (text, proven) in [
        ("1", Some(Proven::Done)),
        ("2", Some(Proven::Pending)),
        ("32", Some(Proven::Pending)),
        ("16", Some(Proven::Failed("16 (failed)".to_owned()))),
        ("-7", Some(Proven::Failed("-7".to_owned()))),
        ("enrolled", None),
    ] {
        assert_eq!(says(&all, text), (status.clone(), proven));
    }
    let paths = ["PFXCertBlob", "KeyLocation"].map(|name| format!("{pfx}/{name}"));
    let all = settings(
        false,
        &[
            (paths[0].as_str(), DataFormat::Chr, "AAAA"),
            (paths[1].as_str(), DataFormat::Int, "3"),
        ],
    );
    let lines = [
        "Add or Replace ClientCertificateInstall/PFXCertInstall/Lab/KeyLocation int 3",
        "Add or Replace ClientCertificateInstall/PFXCertInstall/Lab/PFXCertBlob chr AAAA",
    ];
    assert_eq!(steps(&all), [(Bound::Atomic, lines.map(str::to_owned).to_vec())]);
    assert_eq!(says(&all, "0"), (format!("{pfx}/Status"), Some(Proven::Done)));
    // Other outcomes tell no more than the values do, and nothing is run for other settings.
    let renewal = "./Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RetryInterval";
    let others = settings(false, &[CAMERA, (renewal, DataFormat::Int, "7")]);
    assert_eq!(proofs(&others, WindowsCatalog::builtin()), []);
    assert!(
        !steps(&others)
            .iter()
            .any(|(_, lines)| lines.iter().any(|line| line.contains("Exec")))
    );
}

#[test]
fn a_file_may_be_all_or_nothing() {
    let admx = "./Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/App/Policy/file";
    let all = [
        (admx, DataFormat::Chr, "<x/>"),
        CAMERA,
        ("./Vendor/MSFT/WiFi/Profile/Lab/WlanXml", DataFormat::Chr, "x"),
        NAME,
    ];
    let steps = steps(&settings(true, &all));
    let bounds: Vec<(Bound, usize)> = steps
        .iter()
        .map(|(bound, commands)| (*bound, commands.len()))
        .collect();
    assert_eq!(
        bounds,
        [(Bound::Message, 1), (Bound::Message, 1), (Bound::Atomic, 3)]
    );
    assert!(steps[0].1[0].starts_with("Add or Replace Policy/ConfigOperations"));
    assert_eq!(steps[1].1, ["Delete WiFi/Profile/Lab"]);
}

#[test]
fn what_is_removed_goes_by_what_its_node_says() {
    let all = [
        CAMERA,
        NAME,
        ("./Vendor/MSFT/VPNv2/Work/AlwaysOn", DataFormat::Bool, "true"),
        (
            "./Vendor/MSFT/VPNv2/Work/DnsSuffix",
            DataFormat::Chr,
            "example.com",
        ),
        (
            "./Vendor/MSFT/Reboot/Schedule/Single",
            DataFormat::Chr,
            "2027-01-31T18:00:00Z",
        ),
        (
            "./Vendor/MSFT/DMClient/Provider/Ordain/ManagementServerAddressList",
            DataFormat::Chr,
            "<https://mdm.example.com>",
        ),
        (
            "./Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/00000000-0000-4000-8000-000000000001/Document",
            DataFormat::Chr,
            "<x/>",
        ),
    ];
    let settings = settings(false, &all);
    let removing = remove(&settings, &[], WindowsCatalog::builtin());
    assert_eq!(
        shown(&removing.commands),
        [
            "Delete DeclaredConfiguration/Host/Complete/Documents/00000000-0000-4000-8000-000000000001",
            "Replace Reboot/Schedule/Single chr ",
            "Delete VPNv2/Work",
            "Delete ./DevDetail/Ext/Microsoft/DeviceName",
            "Delete Policy/Config/Camera/AllowCamera",
        ]
    );
    let stays: Vec<(String, &str)> = removing
        .stays
        .iter()
        .map(|stays| (stays.path.to_string(), stays.why))
        .collect();
    let list = settings.settings[5].path.to_string();
    assert_eq!(
        stays,
        [(list, "the node takes no Delete: its value stays on the device")]
    );
}

#[test]
fn what_is_still_wanted_stays() {
    let work = ("./Vendor/MSFT/VPNv2/Work/AlwaysOn", DataFormat::Bool, "true");
    let suffix = (
        "./Vendor/MSFT/VPNv2/Work/DnsSuffix",
        DataFormat::Chr,
        "example.com",
    );
    let before = settings(false, &[CAMERA, work, suffix]);
    let other = settings(
        false,
        &[(
            "./Vendor/MSFT/Policy/Config/Camera/AllowCamera",
            DataFormat::Int,
            "1",
        )],
    );
    let after = settings(false, &[work]);
    let removing = remove(&before, &[&other, &after], WindowsCatalog::builtin());
    assert_eq!(shown(&removing.commands), ["Delete VPNv2/Work/DnsSuffix"]);
    assert_eq!(removing.stays, []);
    let all = remove(&before, &[&before], WindowsCatalog::builtin());
    assert_eq!(all, Removing::default());
}

#[test]
fn every_setting_is_read_back() {
    let settings = settings(true, &[CAMERA, NAME]);
    let read: Vec<String> = read_back(&settings).map(ToString::to_string).collect();
    assert_eq!(
        read,
        [
            "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera",
            "./DevDetail/Ext/Microsoft/DeviceName"
        ]
    );
}
