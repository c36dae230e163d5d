//! `ordain groups`.

use clap::Args;
use ordain_server::api::{Evaluation, GroupMember, GroupMembers, GroupPage, GroupRow, Groups};
use serde::Serialize;

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, encoded, with_query};
use crate::connection::Connection;
use crate::meter::Meter;
use crate::output;
use crate::table::{NOTHING, Table, clean, shortened};

/// Options of `ordain groups`.
#[derive(Debug, Args)]
pub(crate) struct GroupsArgs {
    /// Show who is in this one; `all` has every device
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Lists the groups, or shows one.
pub(crate) async fn run(args: GroupsArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    match args.name {
        None => {
            let groups: Groups = client.get("groups").await?;
            match args.output.json {
                true => output::json(&groups),
                false => output::text(&list(&groups)),
            }
        }
        Some(name) => {
            let group = look(&client, &name).await?;
            match args.output.json {
                true => output::json(&Looked::from(group)),
                false => output::text(&view(&group)),
            }
        }
    }
}

/// A group with all its members, as `--json` prints it.
#[derive(Serialize)]
struct Looked {
    #[serde(flatten)]
    group: serde_json::Map<String, serde_json::Value>,
}

impl From<GroupMembers> for Looked {
    fn from(group: GroupMembers) -> Self {
        let group = serde_json::to_value(group).unwrap_or_default();
        let mut group = group.as_object().cloned().unwrap_or_default();
        // There is nothing to go on with.
        group.remove("after");
        Self { group }
    }
}

/// All of a group, read stretch by stretch.
async fn look(client: &Client, name: &str) -> anyhow::Result<GroupMembers> {
    let path = format!("groups/{}", encoded(name));
    let mut all: GroupMembers = client.get(&path).await?;
    if all.after.is_none() {
        return Ok(all);
    }
    let mut meter = Meter::new(all.evaluation.devices);
    while let Some(after) = all.after.take() {
        let looked_at = u64::try_from(all.looked_at).unwrap_or(u64::MAX);
        let words = format!("{looked_at} of {} devices looked at", all.evaluation.devices);
        meter.show(looked_at, words);
        let page = GroupPage {
            after: Some(after),
            limit: Some(5_000),
        };
        let next: GroupMembers = client.get(&with_query(&path, &page)?).await?;
        all.members.extend(next.members);
        all.unknown.extend(next.unknown);
        all.looked_at += next.looked_at;
        all.after = next.after;
        all.evaluation = next.evaluation;
        all.revision = next.revision;
    }
    meter.end();
    Ok(all)
}

fn list(groups: &Groups) -> String {
    if groups.groups.is_empty() {
        return format!("no groups but `all` at revision {}", groups.revision);
    }
    let mut table = Table::new(["name", "members", "who"]);
    for row in &groups.groups {
        let GroupRow {
            name,
            condition,
            listed,
            members,
            ..
        } = row;
        let who = match condition {
            Some(condition) => format!("where {condition}"),
            None => format!("{listed} listed"),
        };
        table.row([shortened(name, 30), members.to_string(), shortened(&who, 58)]);
    }
    let is_any_by_predicate = groups.groups.iter().any(|row| row.condition.is_some());
    match is_any_by_predicate {
        true => format!("{table}\n\n{}", evaluation(&groups.evaluation)),
        false => table.to_string(),
    }
}

/// How far memberships are decided.
fn evaluation(Evaluation { decided, devices }: &Evaluation) -> String {
    match decided == devices {
        true => format!("memberships of all {devices} devices are decided"),
        false => {
            format!("memberships of {decided} of {devices} devices are decided; the others stand as before")
        }
    }
}

fn view(group: &GroupMembers) -> String {
    let mut text = clean(&group.name);
    if let Some(description) = &group.description {
        text += &format!(": {}", clean(description));
    }
    text += &match &group.condition {
        Some(condition) => format!(
            "\nwhere {}\n{}\n",
            clean(condition),
            evaluation(&group.evaluation)
        ),
        None => "\n".to_owned(),
    };
    match group.members.len() {
        0 => text += "\nno device is in it\n",
        count => {
            let mut table = Table::new(["name", "device"]);
            for member in &group.members {
                table.row(columns(member));
            }
            text += &format!("\n{table}\n\n{count} of {} devices are in it\n", group.looked_at);
        }
    }
    if !group.unknown.is_empty() {
        let mut table = Table::new(["unknown of", "device", "meanwhile", "not known"]);
        for unknown in &group.unknown {
            let [name, device] = columns(&unknown.device);
            let meanwhile = if unknown.is_member {
                "a member"
            } else {
                "no member"
            };
            let missing = match unknown.missing.as_slice() {
                [] => NOTHING.to_owned(),
                missing => missing.join(", "),
            };
            table.row([name, device, meanwhile.to_owned(), missing]);
        }
        text += &format!("\n{table}\n");
    }
    text
}

fn columns(member: &GroupMember) -> [String; 2] {
    [
        shortened(member.name.as_deref().unwrap_or(NOTHING), 28),
        shortened(member.serial.as_deref().unwrap_or(&member.id), 20),
    ]
}

#[cfg(test)]
mod tests {
    use ordain_server::api::UnknownMembership;

    use super::*;

    const CONDITION: &str = "@device(platform) == 'macOS' AND @status(passcode.is-present) == TRUE";

    fn member(name: Option<&str>, serial: Option<&str>) -> GroupMember {
        GroupMember {
            id: "5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C".into(),
            name: name.map(str::to_owned),
            serial: serial.map(str::to_owned),
        }
    }

    #[test]
    fn groups_are_listed_with_how_they_are_defined() {
        let row = |name: &str, condition: Option<&str>, listed, members| GroupRow {
            name: name.into(),
            description: None,
            condition: condition.map(str::to_owned),
            listed,
            members,
        };
        let mut groups = Groups {
            groups: vec![
                row("lab", None, 12, 11),
                row("protected", Some(CONDITION), 0, 1_204),
            ],
            evaluation: Evaluation {
                decided: 1_500,
                devices: 2_000,
            },
            revision: 7,
        };
        insta::assert_snapshot!(list(&groups), @r#"
        NAME       MEMBERS  WHO
        lab        11       12 listed
        protected  1204     where @device(platform) == 'macOS' AND @status(passcode.i…

        memberships of 1500 of 2000 devices are decided; the others stand as before
        "#);
        groups.groups.pop();
        insta::assert_snapshot!(list(&groups), @r#"
        NAME  MEMBERS  WHO
        lab   11       12 listed
        "#);
        groups.groups.clear();
        assert_eq!(list(&groups), "no groups but `all` at revision 7");
    }

    #[test]
    fn a_group_is_shown_with_whom_nobody_knows_of() {
        let mut group = GroupMembers {
            name: "protected".into(),
            description: Some("Macs with a passcode".into()),
            condition: Some(CONDITION.into()),
            listed: 0,
            members: vec![
                member(Some("Kim's Mac"), Some("C02XK1ZZJGH5")),
                member(None, None),
            ],
            unknown: vec![UnknownMembership {
                device: member(None, None),
                is_member: true,
                missing: vec!["@status(passcode.is-present)".into()],
            }],
            looked_at: 50,
            after: None,
            evaluation: Evaluation {
                decided: 50,
                devices: 50,
            },
            revision: 7,
        };
        insta::assert_snapshot!(view(&group), @r#"
        protected: Macs with a passcode
        where @device(platform) == 'macOS' AND @status(passcode.is-present) == TRUE
        memberships of all 50 devices are decided

        NAME       DEVICE
        Kim's Mac  C02XK1ZZJGH5
        -          5F8C0F9A-6B5C-4C55-…

        2 of 50 devices are in it

        UNKNOWN OF  DEVICE                MEANWHILE  NOT KNOWN
        -           5F8C0F9A-6B5C-4C55-…  a member   @status(passcode.is-present)
        "#);
        group.members.clear();
        group.unknown.clear();
        group.condition = None;
        group.description = None;
        insta::assert_snapshot!(view(&group), @r#"
        protected

        no device is in it
        "#);
    }
}
