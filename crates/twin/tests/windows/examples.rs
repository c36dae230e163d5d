//! The sequences of the specification's examples, as they stand there.

use ordain_twin::windows::{Event, Fault, Standing};
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;

use crate::fake::{NOW, code, converse, enrolled, results, run, say, statuses};

/// Example 3.4 and 3.5.
#[test]
fn first_commands() {
    let (mut twin, mut fake) = enrolled();
    let messages = converse(
        &mut twin,
        &mut fake,
        [say(
            r#"<Get><CmdID>5</CmdID><Item><Target><LocURI>./DevDetail/SwV</LocURI></Target></Item></Get>
    <Replace><CmdID>6</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion</LocURI></Target>
        <Meta><Format xmlns="syncml:metinf">chr</Format></Meta><Data>3.0</Data></Item></Replace>
    <Replace><CmdID>7</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera</LocURI></Target>
        <Meta><Format xmlns="syncml:metinf">int</Format></Meta><Data>0</Data></Item></Replace>
    <Get><CmdID>8</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/NoSuchCsp</LocURI></Target></Item></Get>"#,
        )],
        NOW,
    );
    assert_eq!(
        [5, 6, 7, 8].map(|id| code(&messages[1], id)),
        [200, 200, 200, 404]
    );
    assert_eq!(results(&messages[1], 5)[0].2, "10.0.22631.3958");
    assert_eq!(twin.complaints().kept(), []);
}

/// Example 4.
#[test]
fn failing_atomic() {
    let (mut twin, mut fake) = enrolled();
    twin.inject(Fault {
        node: LocUri::parse("./Device/Vendor/MSFT/Policy/Config/Experience/NoSuchPolicy").unwrap(),
        verb: None,
        status: StatusCode::NOT_FOUND,
        original_error: Some(0x8600_0002),
        times: None,
    });
    let version = r#"<Replace><CmdID>6</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion</LocURI></Target>
        <Meta><Format xmlns="syncml:metinf">chr</Format></Meta><Data>3.0</Data></Item></Replace>"#;
    converse(&mut twin, &mut fake, [say(version)], NOW);
    let set = |id, policy, value| {
        format!(
            r#"<Replace><CmdID>{id}</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/Policy/Config/{policy}</LocURI></Target>
            <Meta><Format xmlns="syncml:metinf">int</Format></Meta><Data>{value}</Data></Item></Replace>"#
        )
    };
    let atomic = format!(
        "<Atomic><CmdID>9</CmdID>{}{}{}</Atomic>",
        set(10, "Experience/AllowCortana", 0),
        set(11, "Experience/NoSuchPolicy", 1),
        set(12, "Camera/AllowCamera", 1)
    );
    let messages = converse(&mut twin, &mut fake, [say(atomic)], NOW);
    assert_eq!(
        [9, 10, 11, 12].map(|id| code(&messages[1], id)),
        [507, 216, 404, 215]
    );
    assert_eq!(statuses(&messages[1], 11)[0].1.as_deref(), Some("0x86000002"));
    assert_eq!(
        twin.value("./Vendor/MSFT/Policy/Config/Experience/AllowCortana", NOW),
        None
    );
}

/// Example 12: the server's wish, and the device's last message.
#[test]
fn unenrollment_by_the_server() {
    let (mut twin, mut fake) = enrolled();
    let messages = converse(
        &mut twin,
        &mut fake,
        [say(
            r#"<Exec><CmdID>2</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/ExampleMDM/Unenroll</LocURI></Target>
            <Meta><Format xmlns="syncml:metinf">chr</Format></Meta><Data>ExampleMDM</Data></Item></Exec>"#,
        )],
        NOW,
    );
    assert_eq!(messages.len(), 2);
    let last = &messages[1];
    assert!(
        last.contains("<MsgID>1</MsgID>") && !last.contains("<Status>"),
        "{last}"
    );
    assert!(last.contains("<Data>1226</Data>"));
    assert!(last.contains("com.microsoft:mdm.unenrollment.userrequest"));
    assert_eq!(twin.standing(), Standing::Unenrolled);
    assert_eq!(twin.history().last(), Some(&Event::Unenrolled));
    assert_eq!(twin.due(), None);
}

/// Example 13: an installation, and its outcome in a later session.
#[test]
fn msi_install_and_its_outcome() {
    let product =
        "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000001%7D";
    let job = r#"<MsiInstallJob id="{88888888-0000-4000-8000-000000000001}"><Product Version="1.2.0"><Download><ContentURLList><ContentURL>https://mdm.example.org/content/app.msi</ContentURL></ContentURLList></Download><Validation><FileHash>0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF</FileHash></Validation><Enforcement><CommandLine>/quiet</CommandLine><TimeOut>10</TimeOut><RetryCount>3</RetryCount><RetryInterval>5</RetryInterval></Enforcement></Product></MsiInstallJob>"#;
    let install = format!(
        r#"<Add><CmdID>2</CmdID><Item><Target><LocURI>{product}/DownloadInstall</LocURI></Target></Item></Add>
        <Exec><CmdID>3</CmdID><Item><Target><LocURI>{product}/DownloadInstall</LocURI></Target>
        <Meta><Format xmlns="syncml:metinf">xml</Format><Type xmlns="syncml:metinf">text/plain</Type></Meta><Data>{job}</Data></Item></Exec>"#
    );
    for (hresult, status) in [(0, "70"), (0x8007_0643_u32, "60")] {
        let (mut twin, mut fake) = enrolled();
        twin.install_ends_with("{88888888-0000-4000-8000-000000000001}", hresult);
        // The markup is not escaped, as it stands in the example.
        let messages = converse(&mut twin, &mut fake, [say(install.clone())], NOW);
        assert_eq!(
            [2, 3].map(|id| code(&messages[1], id)),
            [200, 200],
            "{}",
            messages[1]
        );
        let state = |twin: &ordain_twin::windows::Twin, now| {
            twin.value(&format!("{product}/Status"), now).unwrap().data
        };
        assert_eq!(
            state(&twin, NOW),
            "50",
            "F6: nothing is done in the message that asks for it"
        );
        let messages = converse(&mut twin, &mut fake, [], NOW + 1);
        assert!(!messages[0].contains("win32csp_install"));
        assert_eq!(state(&twin, NOW + 60), status);
        let messages = converse(&mut twin, &mut fake, [], NOW + 60);
        let first = &messages[0];
        assert!(
            first.contains("Reversed-Domain-Name:com.microsoft.mdm.win32csp_install"),
            "{first}"
        );
        assert!(
            first.contains(&format!("<Source><LocURI>{product}</LocURI></Source>")),
            "{first}"
        );
        assert!(
            first.contains(&format!("informational</Mark></Meta><Data>{hresult}</Data>")),
            "{first}"
        );
        let messages = converse(&mut twin, &mut fake, [], NOW + 61);
        assert!(!messages[0].contains("win32csp_install"), "once");
        assert_eq!(twin.complaints().kept(), []);
    }
}

/// An alert that no server has taken is sent again.
#[test]
fn an_outcome_is_told_until_it_is_taken() {
    let (mut twin, mut fake) = enrolled();
    let product =
        "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000002%7D";
    let job = r#"<MsiInstallJob id="{88888888-0000-4000-8000-000000000002}"><Product Version="1"><ContentURL>https://a.example.org/a.msi</ContentURL><FileHash>0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF</FileHash></Product></MsiInstallJob>"#;
    let commands = format!(
        "<Add><CmdID>2</CmdID><Item><Target><LocURI>{product}/DownloadInstall</LocURI></Target></Item></Add>{}",
        crate::fake::command("Exec", 3, &format!("{product}/DownloadInstall"), "xml", job)
    );
    converse(&mut twin, &mut fake, [say(commands)], NOW);
    let later = NOW + 100;
    twin.push(later);
    fake.requests.clear();
    assert!(twin.request(later).is_some());
    twin.interrupted(later);
    twin.push(later);
    run(&mut twin, &mut fake, later);
    assert!(fake.messages()[0].contains("win32csp_install"));
}

/// Example 16: an ADMX file, and a policy of it.
#[test]
fn admx_ingestion() {
    let (mut twin, mut fake) = enrolled();
    let admx = r#"<policyDefinitions revision="1.0" schemaVersion="1.0"><categories><category name="ExampleCat"/><category name="Inner"><parentCategory ref="ExampleCat"/></category></categories><policies><policy name="Banner" class="Machine" displayName="Banner" explainText="Shows a banner" key="Software\Policies\ExampleApp" valueName="Banner"><parentCategory ref="ExampleCat"/><supportedOn ref="x"/><enabledValue><decimal value="1"/></enabledValue><disabledValue><decimal value="0"/></disabledValue></policy><policy name="Deep" class="User" key="Software\Policies\ExampleApp"><parentCategory ref="Inner"/></policy></policies></policyDefinitions>"#;
    let set = |id, uri: &str, data: &str| crate::fake::command("Replace", id, uri, "chr", data);
    let base = "./Device/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat";
    let file = "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/ExampleApp/Policy/ExampleAppAdmx01";
    let commands = [
        set(1, &format!("{base}/Banner"), "<enabled/>"),
        crate::fake::command("Add", 2, file, "chr", admx),
        set(
            3,
            &format!("{base}/Banner"),
            "<enabled/><data id=\"A\" value=\"1\"/>",
        ),
        set(4, &format!("{base}/Banner"), "on"),
        set(5, &format!("{base}/Other"), "<enabled/>"),
        set(
            6,
            "./User/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat/Banner",
            "<enabled/>",
        ),
        set(
            7,
            "./User/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat~Inner/Deep",
            "<disabled/>",
        ),
        crate::fake::command(
            "Add",
            8,
            &format!("{file}2"),
            "chr",
            &admx.replace("Policies\\ExampleApp", "Microsoft\\X"),
        ),
    ];
    let messages = converse(&mut twin, &mut fake, [say(commands.concat())], NOW);
    let codes = [1, 2, 3, 4, 5, 6, 7, 8].map(|id| code(&messages[1], id));
    assert_eq!(codes, [404, 200, 200, 500, 404, 404, 200, 500]);
}

/// Examples 17 and 18: a Wi-Fi profile, and a certificate by SCEP.
#[test]
fn wifi_and_scep() {
    let (mut twin, mut fake) = enrolled();
    let profile = "<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>LabWifi</name></WLANProfile>";
    let wifi = |id, ssid: &str| {
        crate::fake::command(
            "Add",
            id,
            &format!("./Device/Vendor/MSFT/WiFi/Profile/{ssid}/WlanXml"),
            "chr",
            profile,
        )
    };
    let messages = converse(
        &mut twin,
        &mut fake,
        [say([wifi(1, "LabWifi"), wifi(2, "Other")].concat())],
        NOW,
    );
    assert_eq!([1, 2].map(|id| code(&messages[1], id)), [200, 500]);
    let scep = |id, name: &str, format: &str, data: &str| {
        let uri = format!("./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/LabCert1/Install/{name}");
        match name {
            "Enroll" => crate::fake::command("Exec", id, &uri, "", ""),
            _ => crate::fake::command("Add", id, &uri, format, data),
        }
    };
    let parts = [
        scep(3, "ServerURL", "chr", "https://scep.example.org/scep"),
        scep(4, "Challenge", "chr", "one-time-challenge"),
        scep(5, "SubjectName", "chr", "CN=lab-pc-01"),
        scep(6, "EKUMapping", "chr", "1.3.6.1.5.5.7.3.2"),
        scep(7, "KeyUsage", "int", "160"),
        scep(8, "KeyLength", "int", "2048"),
        scep(9, "HashAlgorithm", "chr", "SHA-2"),
        scep(
            10,
            "CAThumbprint",
            "chr",
            "0123456789ABCDEF0123456789ABCDEF01234567",
        ),
        scep(11, "KeyProtection", "int", "3"),
        scep(12, "Enroll", "", ""),
    ]
    .concat();
    let messages = converse(&mut twin, &mut fake, [say(parts.clone())], NOW);
    assert_eq!(code(&messages[1], 3), 500, "the whole of it is one Atomic");
    let atomic = format!("<Atomic><CmdID>2</CmdID>{parts}</Atomic>");
    let messages = converse(&mut twin, &mut fake, [say(atomic)], NOW);
    assert_eq!(
        (2..=12).map(|id| code(&messages[1], id)).collect::<Vec<_>>(),
        [200; 11]
    );
    let status = "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/LabCert1/Status";
    assert_eq!(twin.value(status, NOW).unwrap().data, "2", "pending");
    assert_eq!(twin.value(status, NOW + 60).unwrap().data, "1", "enrolled");
}
