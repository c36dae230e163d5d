//! `DMClient`: how often a device holds sessions, and what the enrollment is called.

use crate::xml::{Element, Error, Writer};

use super::{characteristic, find, need, parm, value, write_typed};

/// `DMClient/Provider/{PROVIDER-ID}`.
#[derive(Debug, Clone, PartialEq)]
pub struct DmClient {
    /// The management server's name, as in [`super::Application`].
    pub provider_id: String,
    /// `UPN`: the user.
    pub upn: Option<String>,
    /// `EntDeviceName`: a name for the device.
    pub device_name: Option<String>,
    /// `EntDMID`: the server's identifier of the enrollment. Renewals need it.
    pub ent_dm_id: Option<String>,
    /// `SyncApplicationVersion`.
    pub sync_application_version: Option<String>,
    /// `Poll`.
    pub poll: Option<Poll>,
}

/// When a device asks for work by itself: three stages of attempts after the enrollment. A count of 0 with an
/// interval means for ever, an interval of 0 that there is no such stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// How often in each stage: `NumberOfFirstRetries`, `NumberOfSecondRetries`, `NumberOfRemainingScheduledRetries`.
    pub counts: [u32; 3],
    /// Minutes between attempts in each stage: `IntervalForFirstSetOfRetries` and so on.
    pub intervals: [u32; 3],
    /// `PollOnLogin`: also when a user logs in.
    pub on_login: Option<bool>,
    /// `AllUsersPollOnFirstLogin`: also when any user logs in for the first time.
    pub on_first_login_of_all: Option<bool>,
}

/// What is wrong with a [`Poll`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollProblem {
    /// Six zeros. Windows takes that for a configuration failure. (With counts that come to an end it adds a daily
    /// poll itself.)
    Never,
    /// Two stages are endless. Windows drops the later one.
    TwoEndless,
    /// The first stage has the count 0, which MS-MDE2 forbids, and devices accept.
    FirstEndless,
    /// The last stage is more often than daily, which MS-MDE2 forbids, and devices accept.
    MoreThanDaily,
}

const COUNTS: [&str; 3] = [
    "NumberOfFirstRetries",
    "NumberOfSecondRetries",
    "NumberOfRemainingScheduledRetries",
];
const INTERVALS: [&str; 3] = [
    "IntervalForFirstSetOfRetries",
    "IntervalForSecondSetOfRetries",
    "IntervalForRemainingScheduledRetries",
];
/// What holds where a document says nothing: devices are known to try ten times first.
const DEFAULT_COUNTS: [u32; 3] = [10, 0, 0];

impl Poll {
    /// What is wrong with it.
    pub fn problems(&self) -> Vec<PollProblem> {
        let endless = |(count, interval): &(u32, u32)| *count == 0 && *interval > 0;
        let mut stages = self.counts.into_iter().zip(self.intervals);
        let endless_stages = stages.clone().filter(endless).count();
        let [first, ..] = self.counts;
        let [.., remaining] = self.intervals;
        let found = [
            (PollProblem::Never, stages.all(|stage| stage == (0, 0))),
            (PollProblem::TwoEndless, endless_stages > 1),
            (PollProblem::FirstEndless, first == 0),
            (PollProblem::MoreThanDaily, remaining < 1440),
        ];
        found
            .into_iter()
            .filter(|(_, there)| *there)
            .map(|(problem, _)| problem)
            .collect()
    }

    fn read(poll: Element<'_>) -> Result<Self, Error> {
        let numbers = |[first, second, remaining]: [&'static str; 3], default: [u32; 3]| {
            let [one, two, three] = default;
            Ok::<_, Error>([
                value(poll, first)?.unwrap_or(one),
                value(poll, second)?.unwrap_or(two),
                value(poll, remaining)?.unwrap_or(three),
            ])
        };
        Ok(Self {
            counts: numbers(COUNTS, DEFAULT_COUNTS)?,
            intervals: numbers(INTERVALS, [0; 3])?,
            on_login: value(poll, "PollOnLogin")?,
            on_first_login_of_all: value(poll, "AllUsersPollOnFirstLogin")?,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let numbers = COUNTS
            .into_iter()
            .zip(self.counts)
            .zip(INTERVALS.into_iter().zip(self.intervals));
        for (count, interval) in numbers {
            for (name, number) in [count, interval] {
                write_typed(xml, name, &number.to_string(), "integer");
            }
        }
        let flags = [
            ("PollOnLogin", self.on_login),
            ("AllUsersPollOnFirstLogin", self.on_first_login_of_all),
        ];
        for (name, flag) in flags {
            if let Some(flag) = flag {
                write_typed(xml, name, if flag { "true" } else { "false" }, "boolean");
            }
        }
    }
}

impl DmClient {
    pub(super) fn read(client: Element<'_>) -> Result<Self, Error> {
        let mut providers = need(client, "Provider")?.all("characteristic");
        let (Some(provider), None) = (providers.next(), providers.next()) else {
            return Err(Error::Value("Provider"));
        };
        let text = |name| Ok::<_, Error>(parm(provider, name)?.map(str::to_owned));
        Ok(Self {
            provider_id: provider.attribute("type").unwrap_or_default().to_owned(),
            upn: text("UPN")?,
            device_name: text("EntDeviceName")?,
            ent_dm_id: text("EntDMID")?,
            sync_application_version: text("SyncApplicationVersion")?,
            poll: find(provider, "Poll")?.map(Poll::read).transpose()?,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        let texts = [
            ("UPN", &self.upn),
            ("EntDeviceName", &self.device_name),
            ("EntDMID", &self.ent_dm_id),
            ("SyncApplicationVersion", &self.sync_application_version),
        ];
        characteristic(xml, "DMClient", |xml| {
            characteristic(xml, "Provider", |xml| {
                characteristic(xml, &self.provider_id, |xml| {
                    for (name, text) in texts {
                        if let Some(text) = text {
                            write_typed(xml, name, text, "string");
                        }
                    }
                    if let Some(poll) = &self.poll {
                        characteristic(xml, "Poll", |xml| poll.write(xml));
                    }
                });
            });
        });
    }
}
