//! F2.6, F2.9, F2.11: what nodes are, and what they make of commands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_catalog::windows::Join;
use ordain_twin::windows::{Event, Standing, Twin};
use ordain_windows::syncml::loc_uri::LocUri;

use crate::fake::{Fake, NOW, code, command, converse, enrolled, get, order, results, say};

const CAMERA: &str = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";
const PROVIDER: &str = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM";

/// What a `Get` is answered with: the code, and what it got.
fn ask(twin: &mut Twin, fake: &mut Fake, uri: &str) -> (u16, Vec<(String, String, String)>) {
    let messages = converse(twin, fake, [say(get(100, uri))], NOW);
    (code(&messages[1], 100), results(&messages[1], 100))
}

/// F2.6
#[test]
fn formats_commands_and_nodes_that_are_not_there() {
    let (mut twin, mut fake) = enrolled();
    let wifi = "./Vendor/MSFT/WiFi/Profile/Lab";
    let vpn = "./Device/Vendor/MSFT/VPNv2/Lab";
    for (verb, uri, format, data, expected) in [
        ("Get", CAMERA, "", "", 404),
        ("Delete", CAMERA, "", "", 404),
        ("Replace", CAMERA, "int", "0", 200),
        ("Add", CAMERA, "int", "1", 418),
        ("Replace", CAMERA, "chr", "0", 415),
        ("Replace", CAMERA, "", "0", 415),
        ("Replace", CAMERA, "nonsense", "0", 415),
        ("Replace", CAMERA, "int", "zero", 500),
        ("Get", CAMERA, "", "", 200),
        ("Exec", CAMERA, "", "", 405),
        ("Delete", CAMERA, "", "", 200),
        ("Get", CAMERA, "", "", 404),
        // Read only.
        ("Replace", "./DevInfo/Man", "chr", "x", 405),
        ("Delete", "./DevInfo/Man", "", "", 405),
        (
            "Replace",
            "./Vendor/MSFT/Policy/Result/Camera/AllowCamera",
            "int",
            "0",
            405,
        ),
        // Only to be done.
        ("Get", "./Vendor/MSFT/RemoteWipe/doWipe", "", "", 405),
        // Ranges and choices.
        (
            "Replace",
            "./Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays",
            "int",
            "31",
            500,
        ),
        (
            "Replace",
            "./Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays",
            "int",
            "30",
            200,
        ),
        ("Add", &format!("{wifi}/WiFiCost"), "int", "9", 500),
        // What needs something to replace.
        ("Replace", &format!("{wifi}/WiFiCost"), "int", "3", 404),
        ("Add", &format!("{wifi}/WiFiCost"), "int", "3", 200),
        ("Replace", &format!("{wifi}/WiFiCost"), "int", "2", 200),
        // Interior nodes on the way are made, go with all that is in them, and are there once.
        (
            "Add",
            &format!("{vpn}/NativeProfile/Servers"),
            "chr",
            "vpn.example.org",
            200,
        ),
        ("Add", vpn, "node", "", 418),
        ("Get", vpn, "", "", 200),
        ("Delete", vpn, "", "", 200),
        ("Get", &format!("{vpn}/NativeProfile/Servers"), "", "", 404),
        ("Add", vpn, "node", "", 200),
        ("Get", vpn, "", "", 200),
        // Names.
        ("Get", "./Vendor/MSFT/NoSuch/Node", "", "", 404),
        ("Get", "./Vendor/MSFT/policy", "", "", 404),
        ("Add", "./Vendor/MSFT/NoSuch", "node", "", 404),
        ("Delete", "./Vendor/MSFT", "", "", 405),
        // Other providers' accounts are not there.
        (
            "Get",
            "./Vendor/MSFT/DMClient/Provider/Other/EntDMID",
            "",
            "",
            404,
        ),
        ("Get", &format!("{PROVIDER}/EntDMID"), "", "", 200),
        (
            "Replace",
            &format!("{PROVIDER}/HelpWebsite"),
            "chr",
            "https://help.example.org",
            200,
        ),
        // Documents are for linked enrollments.
        (
            "Get",
            "./Device/Vendor/MSFT/DeclaredConfiguration/Host",
            "",
            "",
            404,
        ),
        ("Replace", &format!("{CAMERA}?list=StructData"), "int", "0", 406),
    ] {
        assert_eq!(
            order(&mut twin, &mut fake, verb, uri, format, data),
            expected,
            "{verb} {uri} {format} {data}"
        );
    }
}

/// F2.6, F6: what the edition or the build has not.
#[test]
fn what_this_device_has_not() {
    let (mut twin, mut fake) = enrolled();
    let weekly = "./Vendor/MSFT/Reboot/Schedule/WeeklyRecurrent";
    let at = "2027-01-31T18:00:00Z";
    assert_eq!(order(&mut twin, &mut fake, "Add", weekly, "chr", at), 404);
    twin.pc_mut().version = "10.0.26100.1301".to_owned();
    assert_eq!(order(&mut twin, &mut fake, "Add", weekly, "chr", at), 200);
    let status = format!("{PROVIDER}/LinkedEnrollment/DiscoveryEndpoint");
    assert_eq!(ask(&mut twin, &mut fake, &status).0, 404);
    twin.pc_mut().join = Join::Joined;
    let (code, got) = ask(&mut twin, &mut fake, &status);
    assert_eq!((code, got[0].2.as_str()), (200, ""), "unset, and there");
    let enroll = format!("{PROVIDER}/LinkedEnrollment/Enroll");
    assert_eq!(order(&mut twin, &mut fake, "Exec", &enroll, "", ""), 500);
}

/// F2.9
#[test]
fn interior_nodes_structure_and_properties() {
    let (mut twin, mut fake) = enrolled();
    let (code, got) = ask(&mut twin, &mut fake, "./DevInfo");
    let row = |uri: &str, format: &str, data: &str| (uri.to_owned(), format.to_owned(), data.to_owned());
    assert_eq!(
        (code, got),
        (200, vec![row("./DevInfo", "node", "DevId/DmV/Lang/Man/Mod")])
    );
    let (_, got) = ask(&mut twin, &mut fake, "./Device/Vendor/MSFT");
    let names: Vec<_> = got[0].2.split('/').collect();
    assert!(names.contains(&"Policy") && names.contains(&"WiFi"), "{names:?}");
    let product = "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000001%7D/DownloadInstall";
    assert_eq!(order(&mut twin, &mut fake, "Add", product, "", ""), 200);
    let (_, got) = ask(
        &mut twin,
        &mut fake,
        "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI",
    );
    assert_eq!(
        got[0].2, "%7B88888888-0000-4000-8000-000000000001%7D",
        "names are escaped"
    );
    let (code, got) = ask(&mut twin, &mut fake, "./Vendor/MSFT/Update/InstalledUpdates");
    assert_eq!((code, got[0].2.as_str()), (200, ""), "there, and empty");

    assert_eq!(order(&mut twin, &mut fake, "Replace", CAMERA, "int", "0"), 200);
    let camera = "./Device/Vendor/MSFT/Policy/Config/Camera";
    let (_, got) = ask(&mut twin, &mut fake, &format!("{camera}?list=StructData"));
    assert_eq!(got, [row(camera, "node", ""), row(CAMERA, "int", "0")]);
    let (_, got) = ask(&mut twin, &mut fake, &format!("{camera}?list=Struct"));
    assert_eq!(got, [row(camera, "node", ""), row(CAMERA, "int", "")]);
    let (_, got) = ask(&mut twin, &mut fake, "./DevInfo?list=StructData");
    assert_eq!(got.len(), 6);
    for (property, expected) in [
        ("Format", "int"),
        ("Type", "text/plain"),
        ("Name", "AllowCamera"),
        ("Size", "1"),
    ] {
        let uri = format!("{CAMERA}?prop={property}");
        assert_eq!(ask(&mut twin, &mut fake, &uri).1, [row(&uri, "chr", expected)]);
    }
    assert_eq!(ask(&mut twin, &mut fake, &format!("{CAMERA}?prop=ACL")).0, 406);
    assert_eq!(ask(&mut twin, &mut fake, &format!("{CAMERA}?what")).0, 406);
    assert_eq!(ask(&mut twin, &mut fake, "./DevInfo/X?prop=Format").0, 404);
}

/// F6: a value that was set is not therefore in force.
#[test]
fn the_result_of_a_policy_is_another_node() {
    let (mut twin, mut fake) = enrolled();
    let result = "./Device/Vendor/MSFT/Policy/Result/Camera/AllowCamera";
    assert_eq!(ask(&mut twin, &mut fake, result).0, 404);
    let messages = converse(
        &mut twin,
        &mut fake,
        [say(command("Replace", 100, CAMERA, "int", "0"))],
        NOW,
    );
    assert!(!messages[1].contains("<Results>"), "what is set is not echoed");
    assert_eq!(ask(&mut twin, &mut fake, result).1[0].2, "0");
    let (_, names) = ask(&mut twin, &mut fake, "./Device/Vendor/MSFT/Policy/Result/Camera");
    assert_eq!(names[0].2, "AllowCamera");
    twin.hold_back(LocUri::parse(CAMERA).unwrap());
    assert_eq!(ask(&mut twin, &mut fake, result).0, 404);
    assert_eq!(ask(&mut twin, &mut fake, CAMERA).0, 200);
    twin.remove(&LocUri::parse(CAMERA).unwrap());
    assert_eq!(
        ask(&mut twin, &mut fake, CAMERA).0,
        404,
        "somebody at the device took it away"
    );
}

#[test]
fn a_name_is_in_force_after_a_reboot() {
    let (mut twin, mut fake) = enrolled();
    let name = "./DevDetail/Ext/Microsoft/DeviceName";
    let before = twin.pc().name.clone();
    assert_eq!(
        order(&mut twin, &mut fake, "Replace", name, "chr", "NEW-NAME"),
        200
    );
    assert_eq!(ask(&mut twin, &mut fake, name).1[0].2, before);
    assert_eq!(
        order(
            &mut twin,
            &mut fake,
            "Exec",
            "./Vendor/MSFT/Reboot/RebootNow",
            "null",
            ""
        ),
        200
    );
    assert_eq!(twin.history().last(), Some(&Event::Rebooted));
    assert_eq!(ask(&mut twin, &mut fake, name).1[0].2, "NEW-NAME");
    assert_eq!(twin.pc().name, "NEW-NAME");
}

#[test]
fn certificates_are_under_their_thumbprints() {
    let (mut twin, mut fake) = enrolled();
    let certificate = fake.authority.certificate().clone();
    let data = STANDARD.encode(certificate.der());
    let place = |thumbprint: &str| {
        format!("./Device/Vendor/MSFT/RootCATrustedCertificates/Root/{thumbprint}/EncodedCertificate")
    };
    let own = place(&certificate.thumbprint());
    assert_eq!(
        order(&mut twin, &mut fake, "Add", &place(&"0".repeat(40)), "b64", &data),
        500
    );
    assert_eq!(order(&mut twin, &mut fake, "Add", &own, "b64", "AAAA"), 500);
    assert_eq!(
        order(&mut twin, &mut fake, "Add", &place("XYZ"), "b64", &data),
        500
    );
    assert_eq!(order(&mut twin, &mut fake, "Add", &own, "b64", &data), 200);
}

/// F2.11
#[test]
fn actions() {
    let (mut twin, mut fake) = enrolled();
    for (uri, format, data, expected) in [
        ("./Vendor/MSFT/Defender/Scan", "int", "2", 200),
        ("./Vendor/MSFT/Defender/Scan", "int", "7", 500),
        ("./Vendor/MSFT/Defender/UpdateSignature", "", "", 200),
        ("./Vendor/MSFT/BitLocker/RotateRecoveryPasswords", "chr", "", 200),
        (
            "./Vendor/MSFT/EnterpriseModernAppManagement/AppInstallation/A/StoreInstall",
            "",
            "",
            406,
        ),
        // What was not added before.
        (
            "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000001%7D/DownloadInstall",
            "xml",
            "<MsiInstallJob/>",
            404,
        ),
    ] {
        assert_eq!(
            order(&mut twin, &mut fake, "Exec", uri, format, data),
            expected,
            "{uri} {data}"
        );
    }
    let product = "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000001%7D/DownloadInstall";
    assert_eq!(order(&mut twin, &mut fake, "Add", product, "", ""), 200);
    assert_eq!(
        order(&mut twin, &mut fake, "Exec", product, "xml", "<MsiInstallJob/>"),
        500
    );
    // 200, and then it is gone.
    assert_eq!(
        order(
            &mut twin,
            &mut fake,
            "Exec",
            "./Vendor/MSFT/RemoteWipe/doWipeProtected",
            "chr",
            ""
        ),
        200
    );
    assert_eq!(twin.standing(), Standing::Wiped);
    assert!(
        twin.history()
            .contains(&Event::Wiped("doWipeProtected".to_owned()))
    );
    assert!(twin.account().is_none());
    assert_eq!(twin.value(CAMERA, NOW), None);
    twin.push(NOW);
    assert!(twin.request(NOW).is_none());
}
