//! `ordain demo`: the whole of Ordain on one machine, in half a minute.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use ordain_server::api::{DeviceFilter, Devices, NewPushCertificate, Policy, Published, PushCertificate};
use ordain_server::{Server, Settings};
use ordain_twin::apns::Apns;
use ordain_twin::driver::{Fleet, Identities, Keys, MIX, Options, Proof, Target, Until, windows};
use ordain_twin::twin;
use ordain_twin::windows::{Pc, Way};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::devices::summary;
use crate::fleet::{Course, TOPIC, Twins, enrollment_token, in_order, roots, server_issuer};
use crate::meter::Meter;
use crate::serve::{End, log};
use crate::table::Table;
use crate::{example, output};

const APPLE: usize = 40;
const WINDOWS: usize = 10;
const DEVICES: usize = APPLE + WINDOWS;
/// For everything together.
const TIME: Duration = Duration::from_secs(28);
/// How long a twin sleeps when nobody pushes it: longer than the demo lasts.
const POLL: Duration = Duration::from_secs(60 * 60);
/// The same of Windows twins, which nobody pushes.
const WINDOWS_POLL: Duration = Duration::from_secs(2);
const SESSIONS: usize = 32;

/// Options of `ordain demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Stay up afterwards, for a look around
    #[arg(long)]
    stay: bool,
}

/// Starts a server that lasts as long as the demo, and plays it there.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let deadline = Instant::now() + TIME;
    log("error");
    let mut end = End::new()?;
    let dir = tempfile::Builder::new()
        .prefix("ordain-demo-")
        .tempdir()
        .context("a directory for the data")?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let apns = Arc::new(Apns::start().await?);
    let apns_ca = dir.path().join("apns-ca.pem");
    fs::write(&apns_ca, apns.authority().certificate().to_pem())?;
    let settings = Settings {
        apns_url: Some(apns.url()),
        apns_ca: Some(apns_ca),
        ..Settings::new(listen, dir.path().to_owned())
    };
    let server = Server::start(settings).await?;
    output::note(&format!(
        "a server runs at {}, its data in {}",
        server.url(),
        dir.path().display()
    ));
    let played = play(dir.path(), &apns, args.stay, deadline, &mut end).await;
    server.stop().await;
    played
}

/// The demo from the outside: all that it does, it does by the API and as devices do.
async fn play(
    dir: &Path,
    apns: &Arc<Apns>,
    stay: bool,
    deadline: Instant,
    end: &mut End,
) -> anyhow::Result<()> {
    let connection = Connection::local(dir)?;
    let client = Client::new(&connection)?;
    let new = NewPushCertificate {
        pem: apns.push_certificate(TOPIC)?,
        other_topic: false,
    };
    let _: PushCertificate = client.post("push-certificate", &new).await?;
    let settings = twin::Settings {
        topic: TOPIC.to_owned(),
        gather: 0,
    };
    let mut apple = Fleet::new(APPLE, 1, MIX, &settings);
    apple
        .equip(&Identities {
            keys: Keys::Fresh,
            issuer: server_issuer(client.clone()),
        })
        .await?;
    let keys = windows::source(&Keys::Fresh, WINDOWS).await?;
    let token = enrollment_token(&client, WINDOWS, TIME).await?.token;
    let server = connection.address.to_string();
    let way = |_: usize, pc: &Pc| {
        Way::new(
            server.as_str(),
            format!("{}@example.org", pc.name),
            token.as_str(),
        )
    };
    let twins = Twins {
        apple,
        windows: windows::Fleet::new(WINDOWS, 1, Default::default(), &keys, way),
    };
    let course = Course {
        target: Target {
            server_url: format!("{}/mdm", connection.address),
            check_in_url: None,
            roots: roots(&connection),
            proof: Proof::Tls,
        },
        options: Options {
            sessions: SESSIONS,
            poll: POLL,
            until: Until::Stopped,
            apns: Some(apns.clone()),
            silent: None,
        },
        windows_poll: WINDOWS_POLL,
    };
    let (stop, stopped) = watch::channel(false);
    let life = twins.run(&course, &stopped);
    tokio::pin!(life);
    let story = async {
        converge_twice(&client, apns, deadline).await?;
        if stay {
            output::text(&invitation(&connection, dir))?;
            end.asked().await;
        } else if Instant::now() > deadline {
            bail!("it took longer than {} s", TIME.as_secs());
        }
        anyhow::Ok(())
    };
    let told = tokio::select! {
        ended = &mut life => Err(ended.err().map_or_else(|| anyhow::anyhow!("the devices ended"), Into::into)),
        told = story => told,
    };
    stop.send_replace(true);
    told?;
    let account = life.await?;
    ensure!(account.is_clean(), "the devices complain:\n{}", account.view());
    Ok(())
}

/// Publishes the example and has the fleet converge, then does both once more with a declaration changed.
async fn converge_twice(client: &Client, apns: &Apns, deadline: Instant) -> anyhow::Result<()> {
    let published = publish(client, &example::policy()).await?;
    output::note(&format!(
        "revision {} is published: the example policy, {} declarations",
        published.revision,
        published.changes.declarations.added.len()
    ));
    output::note(&format!(
        "{DEVICES} devices enroll, and are told what they should be"
    ));
    let first = converge(client, apns, published.revision, deadline).await?;

    let (policy, [before, after]) = example::changed()?;
    let published = publish(client, &policy).await?;
    ensure!(published.published, "the change was not published");
    output::note(&format!(
        "revision {} is published: passcodes go from {before} to {after} characters, by {}",
        published.revision,
        published.changes.declarations.changed.join(" and ")
    ));
    let second = converge(client, apns, published.revision, deadline).await?;
    output::text(&view(&first, &second))
}

async fn publish(client: &Client, policy: &Policy) -> anyhow::Result<Published> {
    client.post("policy", policy).await.context("the example policy")
}

/// Watches the server until it says of each device that it has converged on `revision`.
async fn converge(
    client: &Client,
    apns: &Apns,
    revision: u64,
    deadline: Instant,
) -> anyhow::Result<Converged> {
    let begun = Instant::now();
    let path = with_query("devices", &DeviceFilter::default())?;
    let mut meter = Meter::new(u64::try_from(DEVICES)?);
    loop {
        let devices: Devices = client.get(&path).await?;
        let converged = devices.states.get("converged").copied().unwrap_or(0);
        meter.show(
            u64::try_from(converged)?,
            summary(&devices.states, devices.revision),
        );
        if converged == DEVICES && devices.revision == revision {
            meter.end();
            return Ok(Converged {
                devices,
                seconds: begun.elapsed().as_secs_f64(),
                pushes: apns.counts().accepted,
            });
        }
        if Instant::now() > deadline {
            meter.end();
            bail!(
                "not all devices have converged within {} s: {}",
                TIME.as_secs(),
                summary(&devices.states, devices.revision)
            );
        }
        sleep(meter.period()).await;
    }
}

/// The fleet when all of it had converged, by the server's word.
struct Converged {
    devices: Devices,
    seconds: f64,
    /// Since the beginning.
    pushes: u64,
}

/// Both times side by side, by platform.
fn view(first: &Converged, second: &Converged) -> String {
    let [before, after] = [by_platform(&first.devices), by_platform(&second.devices)];
    let names = [
        "platform",
        "devices",
        "converged",
        "confirmed",
        "converged again",
        "confirmed",
    ];
    let mut table = Table::new(names);
    for (platform, again) in in_order(after) {
        let once = before.get(&platform).copied().unwrap_or_default();
        table.row([
            platform,
            again.devices.to_string(),
            once.converged.to_string(),
            once.confirmed.to_string(),
            again.converged.to_string(),
            again.confirmed.to_string(),
        ]);
    }
    format!(
        "{table}\n\nall {DEVICES} devices converged on revision {} in {:.1} s, and again on revision {} in {:.1} s; \
         {} pushes told Apple's devices to come, and {} of the change; Windows' came by themselves",
        first.devices.revision,
        first.seconds,
        second.devices.revision,
        second.seconds,
        first.pushes,
        second.pushes - first.pushes
    )
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    devices: usize,
    converged: usize,
    /// Declarations.
    confirmed: u64,
}

fn by_platform(devices: &Devices) -> BTreeMap<String, Tally> {
    let mut platforms: BTreeMap<String, Tally> = BTreeMap::new();
    for device in &devices.devices {
        let tally = platforms
            .entry(device.platform.clone().unwrap_or_default())
            .or_default();
        tally.devices += 1;
        tally.converged += usize::from(device.state == "converged");
        tally.confirmed += u64::from(device.counts.confirmed);
    }
    platforms
}

fn invitation(connection: &Connection, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "
The server stays at {} until you interrupt it. Its data directory is {dir}:
  {dir}/admin.token    an administrator's token
  {dir}/server.json    where the server is, and which authority to trust

Try, in another terminal:
  ordain devices --data-dir {dir}
  ordain device SERIAL --data-dir {dir}
  ordain apply examples/policy --data-dir {dir}
  ordain revisions --data-dir {dir}",
        connection.address
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::tests::row;

    #[test]
    fn the_end_is_told_by_platform() {
        let of = |revision, state: &str| {
            let mut phone = row("phone", "converged");
            phone.platform = Some("iOS".into());
            let devices = vec![row("a", state), row("b", "converged"), phone];
            Devices {
                devices,
                matching: 3,
                states: BTreeMap::new(),
                revision,
            }
        };
        let first = Converged {
            devices: of(1, "pending"),
            seconds: 2.34,
            pushes: 50,
        };
        let second = Converged {
            devices: of(2, "converged"),
            seconds: 1.0,
            pushes: 100,
        };
        insta::assert_snapshot!(view(&first, &second), @r#"
        PLATFORM  DEVICES  CONVERGED  CONFIRMED  CONVERGED AGAIN  CONFIRMED
        iOS       1        1          9          1                9
        macOS     2        1          18         2                18

        all 50 devices converged on revision 1 in 2.3 s, and again on revision 2 in 1.0 s; 50 pushes told Apple's devices to come, and 50 of the change; Windows' came by themselves
        "#);
    }
}
