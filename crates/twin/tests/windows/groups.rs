//! F2.5: `Atomic` and `Sequence`.

use ordain_twin::windows::{Event, Fault, Standing};
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;

use crate::fake::{NOW, code, command, converse, enrolled, get, say};

const CONFIG: &str = "./Device/Vendor/MSFT/Policy/Config";

fn set(id: u32, policy: &str, value: &str) -> String {
    command("Replace", id, &format!("{CONFIG}/{policy}"), "int", value)
}

fn atomic(commands: &[String]) -> String {
    format!("<Atomic><CmdID>1</CmdID>{}</Atomic>", commands.concat())
}

#[test]
fn all_or_nothing() {
    let (mut twin, mut fake) = enrolled();
    let value = |twin: &ordain_twin::windows::Twin, policy: &str| {
        twin.value(&format!("{CONFIG}/{policy}"), NOW)
            .map(|value| value.data)
    };
    let good = atomic(&[set(2, "Camera/AllowCamera", "0"), set(3, "System/A", "1")]);
    let messages = converse(&mut twin, &mut fake, [say(good)], NOW);
    assert_eq!([1, 2, 3].map(|id| code(&messages[1], id)), [200; 3]);
    // What was changed, taken away and added comes back; what was to happen afterwards does not.
    let bad = atomic(&[
        set(2, "Camera/AllowCamera", "1"),
        command("Delete", 3, &format!("{CONFIG}/System/A"), "", ""),
        set(4, "System/B", "1"),
        command("Exec", 5, "./Vendor/MSFT/RemoteWipe/doWipe", "chr", ""),
        command("Add", 6, &format!("{CONFIG}/Camera/AllowCamera"), "int", "1"),
        set(7, "System/C", "1"),
    ]);
    let messages = converse(&mut twin, &mut fake, [say(bad.clone())], NOW);
    let codes = [1, 2, 3, 4, 5, 6, 7].map(|id| code(&messages[1], id));
    assert_eq!(codes, [507, 216, 216, 216, 216, 418, 215]);
    assert_eq!(value(&twin, "Camera/AllowCamera").as_deref(), Some("0"));
    assert_eq!(value(&twin, "System/A").as_deref(), Some("1"));
    assert_eq!(value(&twin, "System/B"), None);
    assert_eq!(twin.standing(), Standing::Enrolled);
    // 516: what cannot be rolled back stays.
    twin.fail_rollbacks(true);
    let bad = bad.replace(
        "./Vendor/MSFT/RemoteWipe/doWipe",
        "./Vendor/MSFT/Reboot/RebootNow",
    );
    let messages = converse(&mut twin, &mut fake, [say(bad)], NOW);
    assert_eq!(code(&messages[1], 1), 516);
    assert_eq!(value(&twin, "Camera/AllowCamera").as_deref(), Some("1"));
    assert_eq!(twin.history().last(), Some(&Event::Rebooted));
}

#[test]
fn what_is_not_within_an_atomic() {
    let (mut twin, mut fake) = enrolled();
    let inner = |kind: &str| format!("<{kind}><CmdID>3</CmdID>{}</{kind}>", set(4, "System/B", "1"));
    for inside in [get(3, "./DevInfo/Man"), inner("Atomic"), inner("Sequence")] {
        let messages = converse(
            &mut twin,
            &mut fake,
            [say(atomic(&[set(2, "System/A", "1"), inside]))],
            NOW,
        );
        assert_eq!([1, 2, 3].map(|id| code(&messages[1], id)), [507, 216, 500]);
    }
    // A node that is added is not replaced in the same Atomic.
    let uri = format!("{CONFIG}/System/A");
    let both = atomic(&[
        command("Add", 2, &uri, "int", "1"),
        command("Replace", 3, &uri, "int", "2"),
    ]);
    let messages = converse(&mut twin, &mut fake, [say(both)], NOW);
    assert_eq!([1, 2, 3].map(|id| code(&messages[1], id)), [507, 216, 500]);
    assert_eq!(twin.value(&uri, NOW), None);
    let unknown = atomic(&[
        set(2, "System/A", "1"),
        "<Copy><CmdID>3</CmdID></Copy>".to_owned(),
    ]);
    let messages = converse(&mut twin, &mut fake, [say(unknown)], NOW);
    assert_eq!([1, 2, 3].map(|id| code(&messages[1], id)), [507, 216, 400]);
}

#[test]
fn a_sequence_goes_on_and_may_have_atomics() {
    let (mut twin, mut fake) = enrolled();
    twin.inject(Fault {
        node: LocUri::parse(&format!("{CONFIG}/System/A")).unwrap(),
        verb: None,
        status: StatusCode::COMMAND_FAILED,
        original_error: None,
        times: Some(1),
    });
    let atomic = format!("<Atomic><CmdID>5</CmdID>{}</Atomic>", set(6, "System/B", "1"));
    let sequence = format!(
        "<Sequence><CmdID>1</CmdID>{}{}{atomic}</Sequence>",
        set(2, "System/A", "1"),
        get(3, "./DevInfo/Man")
    );
    let messages = converse(&mut twin, &mut fake, [say(sequence.clone()), say(sequence)], NOW);
    assert_eq!(
        [1, 2, 3, 5, 6].map(|id| code(&messages[1], id)),
        [200, 500, 200, 200, 200]
    );
    assert_eq!(code(&messages[2], 2), 200, "the fault was for once");
}
