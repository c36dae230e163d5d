//! Which channel a message is from: the keys that check-in and command messages share.

use ordain_model::ids::{EnrollmentId, InvalidId};

use crate::plist::{Dictionary, Error, optional_text};

/// The `UserID` of every user of a Shared iPad, whom `UserShortName` tells apart.
pub const SHARED_IPAD_USER: &str = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

/// The keys that [`Ids`] reads, and that are no part of a message's own content.
pub(crate) const KEYS: [&str; 6] = [
    "UDID",
    "EnrollmentID",
    "UserID",
    "EnrollmentUserID",
    "UserShortName",
    "UserLongName",
];

/// The identifiers in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The channel that they name.
    pub enrollment: EnrollmentId,
    /// Which keys name it.
    pub form: Form,
    /// `UserShortName`: the account's name.
    pub user_short_name: Option<String>,
    /// `UserLongName`: the user's full name.
    pub user_long_name: Option<String>,
}

/// The keys by which a message names its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `UDID`, and `UserID` on the user channel of a Mac.
    Udid,
    /// `UDID`, [`SHARED_IPAD_USER`] and the user in `UserShortName`.
    SharedIpad,
    /// `EnrollmentID`, and `EnrollmentUserID` on a user channel: user enrollment, which shows no UDID.
    EnrollmentId,
}

impl Ids {
    /// Reads the identifiers. Empty ones count as missing.
    ///
    /// A message with both `UDID` and `EnrollmentID` goes by the UDID: an EnrollmentID stands in where no UDID may be
    /// shown. A user's identifier under either key makes it a message of that user, lest it pass for the device's.
    pub fn read(message: &Dictionary) -> Result<Self, Error> {
        let text = |key| optional_text(message, key);
        let (user, enrollment_user) = (text("UserID")?, text("EnrollmentUserID")?);
        let (short_name, long_name) = (text("UserShortName")?, text("UserLongName")?);
        let (form, device, user) = match (text("UDID")?, text("EnrollmentID")?) {
            (Some(udid), _) if user.is_some_and(|user| user.eq_ignore_ascii_case(SHARED_IPAD_USER)) => (
                Form::SharedIpad,
                udid,
                Some(short_name.ok_or(Error::Missing("UserShortName"))?),
            ),
            (Some(udid), _) => (Form::Udid, udid, user.or(enrollment_user)),
            (None, Some(id)) => (Form::EnrollmentId, id, enrollment_user.or(user)),
            (None, None) => return Err(Error::Missing("UDID or EnrollmentID")),
        };
        let enrollment = match user {
            Some(user) => EnrollmentId::user(device, user),
            None => EnrollmentId::device(device),
        };
        Ok(Self {
            enrollment: enrollment
                .map_err(|InvalidId| Error::NotAllowed("the identifier of the device or the user"))?,
            form,
            user_short_name: short_name.map(str::to_owned),
            user_long_name: long_name.map(str::to_owned),
        })
    }

    /// Adds the identifiers to a message.
    pub fn write(&self, message: &mut Dictionary) {
        let mut insert = |key: &str, value: &str| message.insert(key.to_owned(), value.into());
        let user = self.enrollment.user_part();
        let mut short_name = self.user_short_name.as_deref();
        let (device_key, user_key, user_id) = match self.form {
            Form::Udid => ("UDID", "UserID", user),
            Form::SharedIpad => {
                short_name = user;
                ("UDID", "UserID", user.map(|_| SHARED_IPAD_USER))
            }
            Form::EnrollmentId => ("EnrollmentID", "EnrollmentUserID", user),
        };
        insert(device_key, self.enrollment.device_part());
        for (key, value) in [
            (user_key, user_id),
            ("UserShortName", short_name),
            ("UserLongName", self.user_long_name.as_deref()),
        ] {
            if let Some(value) = value {
                insert(key, value);
            }
        }
    }

    /// The UDID, where it is shown.
    pub fn udid(&self) -> Option<&str> {
        (self.form != Form::EnrollmentId).then(|| self.enrollment.device_part())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entries<'a> = &'a [(&'a str, &'a str)];

    fn read(entries: Entries<'_>) -> Result<Ids, Error> {
        Ids::read(
            &entries
                .iter()
                .map(|&(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    #[test]
    fn each_combination_names_its_channel() {
        let cases: [(Entries, &str, Form); 9] = [
            (&[("UDID", "D")], "D", Form::Udid),
            (
                &[("UDID", "D"), ("UserID", "U"), ("UserShortName", "ann")],
                "D:U",
                Form::Udid,
            ),
            (
                &[
                    ("UDID", "D"),
                    ("UserID", SHARED_IPAD_USER),
                    ("UserShortName", "a@b"),
                ],
                "D:a@b",
                Form::SharedIpad,
            ),
            (&[("EnrollmentID", "E")], "E", Form::EnrollmentId),
            (
                &[("EnrollmentID", "E"), ("EnrollmentUserID", "U")],
                "E:U",
                Form::EnrollmentId,
            ),
            (&[("UDID", "D"), ("EnrollmentID", "E")], "D", Form::Udid),
            (
                &[("UDID", ""), ("EnrollmentID", "E"), ("UserID", "")],
                "E",
                Form::EnrollmentId,
            ),
            (&[("UDID", "D"), ("EnrollmentUserID", "U")], "D:U", Form::Udid),
            (
                &[("EnrollmentID", "E"), ("UserID", "U")],
                "E:U",
                Form::EnrollmentId,
            ),
        ];
        for (entries, enrollment, form) in cases {
            let ids = read(entries).unwrap();
            assert_eq!(
                (ids.enrollment.to_string().as_str(), ids.form),
                (enrollment, form),
                "{entries:?}"
            );
            let mut written = Dictionary::new();
            ids.write(&mut written);
            assert_eq!(Ids::read(&written).unwrap(), ids);
        }
    }

    #[test]
    fn the_user_of_a_shared_ipad_is_told_by_the_short_name() {
        let lower_case = SHARED_IPAD_USER.to_lowercase();
        let entries = [
            ("UDID", "D"),
            ("UserID", lower_case.as_str()),
            ("UserShortName", "ann"),
        ];
        assert_eq!(read(&entries).unwrap().enrollment.user_part(), Some("ann"));
        assert_eq!(read(&entries[..2]), Err(Error::Missing("UserShortName")));
    }

    #[test]
    fn what_names_no_channel_is_refused() {
        assert_eq!(read(&[]), Err(Error::Missing("UDID or EnrollmentID")));
        assert_eq!(
            read(&[("UserID", "U")]),
            Err(Error::Missing("UDID or EnrollmentID"))
        );
        for bad in ["a:b", "a\nb", &"x".repeat(256)] {
            assert!(
                matches!(read(&[("UDID", bad)]), Err(Error::NotAllowed(_))),
                "{bad}"
            );
        }
        assert_eq!(
            read(&[("UDID", &"x".repeat(1025))]),
            Err(Error::NotAllowed("UDID"))
        );
        let number = Dictionary::from_iter([("UDID".to_owned(), 1)]);
        assert_eq!(
            Ids::read(&number),
            Err(Error::WrongType {
                key: "UDID",
                expected: "a string"
            })
        );
    }
}
