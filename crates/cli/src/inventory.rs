//! What a device answers when it is asked, as `ordain device` shows it.

use std::collections::BTreeMap;

use ordain_server::api::Inventory;
use serde_json::Value;

use crate::table::clean;
use crate::{channel, time};

/// Each survey with its time, and what was answered.
pub(crate) fn view(inventory: &[Inventory], now: i64) -> String {
    let mut text = String::new();
    for survey in inventory {
        let when = survey.found_at.map(|at| time::ago(at, now));
        let count = survey.facts.as_ref().and_then(Value::as_array).map(Vec::len);
        let count = count.map(|count| format!(": {count} apps"));
        text += &format!(
            "\n{} ({}){}\n",
            survey.survey,
            when.as_deref().unwrap_or("not answered yet"),
            count.unwrap_or_default()
        );
        if let (Some(at), Some(failure)) = (survey.failed_at, &survey.failure) {
            text += &format!("  failed {}: {}\n", time::ago(at, now), clean(failure));
        }
        if let Some(Value::Object(facts)) = &survey.facts {
            let facts: BTreeMap<String, Value> = facts.clone().into_iter().collect();
            for line in channel::items(&facts) {
                text += &format!("  {}\n", clean(&line));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_shown_with_their_time() {
        let now = 1_795_264_807;
        let survey = |name: &str, facts| Inventory {
            survey: name.into(),
            found_at: Some(now - 3_700),
            facts,
            failed_at: None,
            failure: None,
        };
        let inventory = [
            survey(
                "DeviceInformation",
                Some(json!({"DeviceName": "Ann's\u{1b}[2J Mac", "BatteryLevel": 0.5})),
            ),
            survey("InstalledApplicationList", Some(json!([{"Name": "Maps"}, {}]))),
            Inventory {
                found_at: None,
                failed_at: Some(now - 60),
                failure: Some("MCMDMErrorDomain 12021: no".into()),
                ..survey("SecurityInfo", None)
            },
        ];
        insta::assert_snapshot!(view(&inventory, now).trim_start(), @r#"
        DeviceInformation (1 h ago)
          BatteryLevel  0.5
          DeviceName    Ann's�[2J Mac

        InstalledApplicationList (1 h ago): 2 apps

        SecurityInfo (not answered yet)
          failed 1 min ago: MCMDMErrorDomain 12021: no
        "#);
    }
}
