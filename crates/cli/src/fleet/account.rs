//! How simulated devices fared, by their own word.

use std::collections::BTreeMap;

use ordain_twin::driver::{Outcome, windows};
use ordain_twin::{twin, windows as pc};
use serde::Serialize;

use crate::table::{NOTHING, Table, clean};

/// So many different complaints and errors are shown.
const SHOWN_TROUBLES: usize = 10;
/// How the platform of Windows twins is called.
const WINDOWS: &str = "Windows";

/// How a fleet fared, by its own word.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Account {
    /// The whole fleet.
    pub(crate) total: Tally,
    /// The same by platform.
    platforms: BTreeMap<String, Tally>,
    /// Requests that were answered.
    requests: u64,
    /// Pushes that reached the twins.
    pushes: u64,
    /// DeclarativeManagement commands that they got.
    syncs: u64,
    /// Management sessions that Windows twins held to their end.
    sessions: u64,
    /// Attempts that were not.
    pub(crate) errors: u64,
    /// Rules of the protocol that the server broke.
    pub(crate) complaints: u64,
    /// Errors and complaints in words, and on how many twins.
    troubles: BTreeMap<String, u64>,
}

/// Counts over some twins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// How many they are.
    pub(crate) twins: u64,
    /// Those that are enrolled.
    enrolled: u64,
    /// Those that have done all that they were told.
    pub(crate) converged: u64,
    /// The declarations that they hold; Windows twins hold none.
    declarations: usize,
    /// Those among them that they refuse.
    invalid: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.twins += other.twins;
        self.enrolled += other.enrolled;
        self.converged += other.converged;
        self.declarations += other.declarations;
        self.invalid += other.invalid;
    }
}

impl Account {
    /// Sums up twins of both kinds.
    pub(crate) fn of(apple: &Outcome, windows: &windows::Outcome) -> Self {
        let mut account = Self {
            requests: apple.progress.requests + windows.progress.requests,
            errors: apple.progress.errors + windows.progress.errors,
            complaints: apple.progress.complaints + windows.progress.complaints,
            pushes: apple.progress.pushes,
            syncs: apple.progress.syncs,
            sessions: windows.progress.sessions,
            ..Self::default()
        };
        for device in &apple.twins {
            use twin::Standing::{Converged, Enrolled};
            let tally = Tally {
                twins: 1,
                enrolled: u64::from(matches!(device.standing, Enrolled | Converged)),
                converged: u64::from(device.standing == Converged),
                declarations: device.declarations,
                invalid: device.invalid,
            };
            let complaints = device.complaints.iter().map(ToString::to_string);
            let troubles = complaints.chain(device.errors.iter().cloned());
            account.add(&device.platform.to_string(), tally, troubles.collect());
        }
        for device in &windows.twins {
            let tally = Tally {
                twins: 1,
                enrolled: u64::from(device.standing == pc::Standing::Enrolled),
                converged: u64::from(device.is_at_rest),
                ..Tally::default()
            };
            let complaints = device.complaints.iter().map(ToString::to_string);
            let error = device.error.iter().map(ToString::to_string);
            let troubles = complaints.chain(error).chain(device.errors.iter().cloned());
            account.add(WINDOWS, tally, troubles.collect());
        }
        account
    }

    /// One more device, with its complaints and errors in words.
    fn add(&mut self, platform: &str, tally: Tally, mut troubles: Vec<String>) {
        self.total.add(tally);
        self.platforms.entry(platform.to_owned()).or_default().add(tally);
        troubles.sort();
        troubles.dedup();
        for trouble in troubles {
            *self.troubles.entry(trouble).or_default() += 1;
        }
    }

    /// Whether nothing went wrong on the way.
    pub(crate) fn is_clean(&self) -> bool {
        self.errors == 0 && self.complaints == 0
    }

    /// A table by platform, and what went wrong.
    pub(crate) fn view(&self) -> String {
        let mut table = Table::new([
            "platform",
            "twins",
            "enrolled",
            "converged",
            "declarations",
            "invalid",
        ]);
        let all = ("all".to_owned(), self.total);
        for (platform, tally) in in_order(self.platforms.clone()).into_iter().chain([all]) {
            let of_declarations = [tally.declarations, tally.invalid];
            let [declarations, invalid] = match platform == WINDOWS {
                true => of_declarations.map(|_| NOTHING.to_owned()),
                false => of_declarations.map(|count| count.to_string()),
            };
            table.row([
                platform,
                tally.twins.to_string(),
                tally.enrolled.to_string(),
                tally.converged.to_string(),
                declarations,
                invalid,
            ]);
        }
        let Self {
            requests,
            pushes,
            syncs,
            sessions,
            errors,
            complaints,
            ..
        } = self;
        let sessions = match self.platforms.contains_key(WINDOWS) {
            true => format!("{sessions} Windows sessions, "),
            false => String::new(),
        };
        let mut text = format!(
            "{table}\n\n{pushes} pushes, {syncs} DeclarativeManagement commands, {sessions}{requests} requests, \
             {errors} errors, {complaints} complaints"
        );
        for (trouble, twins) in self.troubles.iter().take(SHOWN_TROUBLES) {
            text += &format!("\n! {} (on {twins})", clean(trouble));
        }
        if let Some(more @ 1..) = self.troubles.len().checked_sub(SHOWN_TROUBLES) {
            text += &format!("\n! and {more} others");
        }
        text
    }
}

/// Platforms as people order them: by name, in any case.
pub(crate) fn in_order<T>(platforms: BTreeMap<String, T>) -> Vec<(String, T)> {
    let mut platforms: Vec<_> = platforms.into_iter().collect();
    platforms.sort_by_key(|(platform, _)| platform.to_lowercase());
    platforms
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ordain_twin::driver::{Fleet, MIX};
    use ordain_twin::twin::Settings;
    use ordain_twin::windows::{EnrollError, KeyPool, KeySource, Way};

    use super::*;
    use crate::fleet::TOPIC;

    async fn of(apple: usize, windows: usize) -> (Outcome, windows::Outcome) {
        let settings = Settings {
            topic: TOPIC.to_owned(),
            gather: 0,
        };
        let keys: Arc<dyn KeySource> = Arc::new(KeyPool::new(Vec::new()));
        let way = |_: usize, _: &pc::Pc| Way::new("https://localhost", "ada@example.org", "token");
        let computers = windows::Fleet::new(windows, 1, pc::Settings::default(), &keys, way);
        let apple = Fleet::new(apple, 1, MIX, &settings);
        (apple.outcome().await, computers.outcome().await)
    }

    #[tokio::test]
    async fn a_fleet_is_summed_up_by_platform() {
        let (mut apple, windows) = of(7, 0).await;
        apple.progress.requests = 123;
        apple.progress.errors = 3;
        for device in &mut apple.twins {
            device.standing = twin::Standing::Converged;
            device.declarations = 9;
        }
        apple.twins[0].standing = twin::Standing::Enrolled;
        apple.twins[1].errors = vec!["no answer".into(), "no answer".into()];
        apple.twins[2].errors = vec!["no answer".into()];
        let account = Account::of(&apple, &windows);
        assert!(!account.is_clean());
        assert_eq!((account.total.twins, account.total.converged), (7, 6));
        insta::assert_snapshot!(account.view(), @r#"
        PLATFORM  TWINS  ENROLLED  CONVERGED  DECLARATIONS  INVALID
        iOS       3      3         3          27            0
        iPadOS    1      1         1          9             0
        macOS     2      2         1          18            0
        tvOS      1      1         1          9             0
        all       7      7         6          63            0

        0 pushes, 0 DeclarativeManagement commands, 123 requests, 3 errors, 0 complaints
        ! no answer (on 2)
        "#);
    }

    #[tokio::test]
    async fn windows_is_a_platform_beside_the_others() {
        let (mut apple, mut windows) = of(1, 3).await;
        apple.twins[0].declarations = 9;
        windows.progress.sessions = 4;
        windows.progress.requests = 20;
        for device in &mut windows.twins {
            device.standing = pc::Standing::Enrolled;
            device.is_at_rest = true;
        }
        windows.twins[1].is_at_rest = false;
        windows.twins[2].standing = pc::Standing::Refused;
        windows.twins[2].is_at_rest = false;
        windows.twins[2].error = Some(EnrollError::SignInRefused);
        insta::assert_snapshot!(Account::of(&apple, &windows).view(), @"
        PLATFORM  TWINS  ENROLLED  CONVERGED  DECLARATIONS  INVALID
        macOS     1      0         0          9             0
        Windows   3      2         1          -             -
        all       4      2         1          9             0

        0 pushes, 0 DeclarativeManagement commands, 4 Windows sessions, 20 requests, 0 errors, 0 complaints
        ! the sign-in page refused the user (on 1)
        ");
    }
}
