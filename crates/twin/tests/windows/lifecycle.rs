//! F2.12: when sessions are held; leaving.

use ordain_twin::windows::{Event, Standing, Twin};

use crate::fake::{DAY, NOW, command, converse, enrolled, get, order, run, say, way};

const POLL: &str = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/Poll";
const MINUTE: i64 = 60;

#[test]
fn sessions_are_held_by_the_schedule() {
    let (mut twin, mut fake) = enrolled();
    let mut held = Vec::new();
    while let Some(due) = twin.due().filter(|due| *due < NOW + 3 * DAY) {
        fake.requests.clear();
        twin.wake(due - 1);
        assert!(twin.request(due - 1).is_none(), "not before");
        twin.wake(due);
        run(&mut twin, &mut fake, due);
        held.push((due - NOW) / MINUTE);
        assert!(fake.messages()[0].contains("<Data>1201</Data>"));
    }
    // Eight times 15 minutes, five times 3, then each 1560.
    let first: Vec<i64> = (1..=8)
        .map(|n| n * 15)
        .chain((1..=5).map(|n| 120 + n * 3))
        .collect();
    assert_eq!(held[..13], first);
    assert_eq!(held[13..], [135 + 1560, 135 + 2 * 1560]);
    // A schedule that the server changes begins anew.
    let now = NOW + 4 * DAY;
    let set = |id, name: &str, value: &str| command("Replace", id, &format!("{POLL}/{name}"), "int", value);
    let commands = [
        set(100, "NumberOfFirstRetries", "0"),
        set(101, "IntervalForFirstSetOfRetries", "5"),
    ];
    converse(&mut twin, &mut fake, [say(commands.concat())], now);
    assert_eq!(twin.due(), Some(now + 5 * MINUTE));
}

#[test]
fn a_login_begins_a_session() {
    let (mut twin, mut fake) = enrolled();
    twin.log_in(NOW + 1);
    run(&mut twin, &mut fake, NOW + 1);
    assert_eq!(fake.messages().len(), 1);
    assert_eq!(
        order(
            &mut twin,
            &mut fake,
            "Replace",
            &format!("{POLL}/PollOnLogin"),
            "bool",
            "false"
        ),
        200
    );
    fake.requests.clear();
    twin.log_in(NOW + 2);
    assert!(twin.request(NOW + 2).is_none());
}

#[test]
fn a_failed_session_is_held_again_with_growing_pauses_and_then_by_the_schedule() {
    let (mut twin, _) = enrolled();
    let mut now = NOW + 15 * MINUTE;
    let mut pauses = Vec::new();
    for _ in 0..7 {
        twin.wake(now);
        assert!(twin.request(now).is_some());
        twin.interrupted(now);
        let due = twin.due().unwrap();
        pauses.push(due - now);
        now = due;
    }
    // INITIALBACKOFFTIME 30 s, MAXBACKOFFTIME 120 s, CONNRETRYFREQ 6.
    assert_eq!(pauses[..6], [30, 60, 120, 120, 120, 120]);
    assert_eq!((now - NOW) % (15 * MINUTE), 0, "the next poll");
    assert_eq!(
        twin.history()
            .iter()
            .filter(|event| **event == Event::SessionFailed)
            .count(),
        7
    );
}

#[test]
fn refusals_end_sessions_and_retry_after_is_kept() {
    for (status, retry_after, pause) in [
        (401, None, 30),
        (403, None, 30),
        (500, None, 30),
        (503, None, 30),
        (429, Some(700), 700),
        (503, Some(5), 5),
        (429, None, 60),
    ] {
        let (mut twin, mut fake) = enrolled();
        twin.push(NOW);
        let request = twin.request(NOW).unwrap();
        let mut response = fake.answer(&request);
        response.status = status;
        response.retry_after = retry_after;
        twin.respond(&response, NOW);
        assert!(twin.request(NOW).is_none());
        assert_eq!(twin.due(), Some(NOW + pause), "{status} {retry_after:?}");
        assert_eq!(
            twin.standing(),
            Standing::Enrolled,
            "nobody leaves because of that"
        );
        twin.wake(NOW + pause);
        run(&mut twin, &mut fake, NOW + pause);
        assert!(
            fake.messages().pop().unwrap().contains("<Data>1200</Data>"),
            "the server still wanted it"
        );
        assert_eq!(twin.history().last(), Some(&Event::Session));
    }
}

#[test]
fn a_user_leaves_with_one_last_message() {
    for answers in [true, false] {
        let (mut twin, mut fake) = enrolled();
        let policy = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";
        order(&mut twin, &mut fake, "Replace", policy, "int", "0");
        twin.unenroll();
        let request = twin.request(NOW).unwrap();
        let message = String::from_utf8(request.body.clone()).unwrap();
        assert!(message.contains("<Data>1226</Data>") && message.contains("<MsgID>1</MsgID>"));
        if answers {
            let response = fake.answer(&request);
            twin.respond(&response, NOW);
        } else {
            twin.interrupted(NOW);
        }
        assert_eq!(twin.standing(), Standing::Unenrolled, "best effort: one try");
        assert!(twin.request(NOW).is_none());
        assert_eq!(twin.value(policy, NOW), None, "what was set is gone");
        twin.enroll(way()).unwrap();
        run(&mut twin, &mut fake, NOW);
        assert_eq!(twin.standing(), Standing::Enrolled, "and it may come back");
    }
}

#[test]
fn a_device_that_lost_its_server_leaves_where_it_was_told_to() {
    let (mut twin, mut fake) = enrolled();
    let days = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/NumberOfDaysAfterLostContactToUnenroll";
    order(&mut twin, &mut fake, "Replace", days, "int", "10");
    twin.wake(NOW + 10 * DAY);
    assert_eq!(twin.standing(), Standing::Enrolled);
    twin.interrupted(NOW + 10 * DAY);
    twin.wake(NOW + 10 * DAY + 1);
    assert_eq!(twin.standing(), Standing::Unenrolled);
}

#[test]
fn the_server_moves_its_address() {
    let (mut twin, mut fake) = enrolled();
    let list = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/ManagementServerAddressList";
    let moved = "<https://mdm.example.org/moved/omadm><https://b.example.org/>";
    assert_eq!(order(&mut twin, &mut fake, "Replace", list, "chr", moved), 200);
    twin.push(NOW);
    run(&mut twin, &mut fake, NOW);
    let last = fake.requests.last().unwrap();
    assert!(
        last.url.starts_with("https://mdm.example.org/moved/omadm?"),
        "{}",
        last.url
    );
}

/// O3.5: a package that the server sets leads to a channel, a session tells it, and a push begins one.
#[test]
fn a_channel_for_the_package_that_the_server_wants() {
    let (mut twin, mut fake) = enrolled();
    let node = |name: &str| format!("./Vendor/MSFT/DMClient/Provider/ExampleMDM/Push/{name}");
    let value = |twin: &Twin, name: &str| twin.value(&node(name), NOW).map(|value| value.data);
    assert_eq!((twin.wants_channel(), value(&twin, "Status")), (None, None));
    assert_eq!(
        order(&mut twin, &mut fake, "Replace", &node("PFN"), "chr", "A_1"),
        200
    );
    assert_eq!(twin.wants_channel(), Some("A_1"));
    assert_eq!(
        (value(&twin, "ChannelURI"), value(&twin, "Status").as_deref()),
        (None, Some("4"))
    );
    fake.requests.clear();
    twin.channel("A_1", Some("https://x.notify.windows.com/".to_owned()), NOW);
    run(&mut twin, &mut fake, NOW);
    assert_eq!(fake.messages().len(), 1, "it tells the server by itself");
    assert_eq!(twin.wants_channel(), None);
    assert_eq!(
        value(&twin, "ChannelURI").as_deref(),
        Some("https://x.notify.windows.com/")
    );
    assert_eq!(value(&twin, "Status").as_deref(), Some("0"));
    // Another package is another channel; WNS has none for it.
    assert_eq!(
        order(&mut twin, &mut fake, "Replace", &node("PFN"), "chr", "B_1"),
        200
    );
    assert_eq!(
        (twin.wants_channel(), value(&twin, "ChannelURI")),
        (Some("B_1"), None)
    );
    twin.channel("B_1", None, NOW);
    assert_eq!(value(&twin, "Status").as_deref(), Some("1"));
}

#[test]
fn a_computer_is_at_rest_when_a_session_leaves_it_as_it_was() {
    let (mut twin, mut fake) = enrolled();
    let camera = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";
    let set = |value: &str| command("Replace", 100, camera, "int", value);
    let mut rests_after = |what: String| {
        converse(&mut twin, &mut fake, [say(what)], NOW);
        twin.is_at_rest()
    };
    assert!(!rests_after(set("0")), "something was changed");
    assert!(rests_after(set("0")), "it has that value already");
    assert!(!rests_after(set("1")));
    assert!(rests_after(get(100, camera)), "it was only looked at");
}
