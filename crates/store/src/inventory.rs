//! What devices answered to the daily questions.

use ordain_model::ids::EnrollmentId;
use ordain_model::inventory::{Finding, Survey};
use serde_json::Value as Json;

use crate::commit::json;
use crate::{Step, Store, StoreError};

/// What is known of one survey of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct InventoryRecord {
    /// Which one.
    pub survey: Survey,
    /// When the device last answered it, in unix seconds, and what, if it said anything.
    pub found: Option<(i64, Option<Json>)>,
    /// When it has failed since then, and with what.
    pub failed: Option<(i64, String)>,
}

impl Store {
    /// What a device answered.
    pub async fn inventory(&self, id: &EnrollmentId) -> Result<Vec<InventoryRecord>, StoreError> {
        let sql = "SELECT survey, found_at, body, failed_at, failure FROM inventory WHERE enrollment = $1 ORDER BY survey";
        let rows = self.query(sql, vec![id.to_string().into()]).await?;
        let records = rows.iter().map(|row| {
            let word = row.text(0)?;
            let survey = Survey::ALL
                .into_iter()
                .find(|survey| survey.request_type() == word)
                .ok_or_else(|| StoreError::Corrupt(format!("the survey {word}")))?;
            let body = row.optional_text(2)?.map(|_| row.json(2)).transpose()?;
            let failure = row.optional_text(4)?.unwrap_or_default().to_owned();
            Ok(InventoryRecord {
                survey,
                found: row.optional_integer(1)?.map(|at| (at, body)),
                failed: row.optional_integer(3)?.map(|at| (at, failure)),
            })
        });
        records.collect()
    }
}

/// Keeps an answer. One that is a failure leaves what was found before.
pub(crate) fn note(id: &EnrollmentId, finding: &Finding) -> Result<Step, StoreError> {
    let mut values = vec![
        id.to_string().into(),
        finding.survey.request_type().into(),
        finding.at.into(),
    ];
    let step = match &finding.outcome {
        Ok(body) => {
            values.push(match body {
                Some(body) => json(body)?,
                None => crate::Value::Null,
            });
            Step::new(
                "INSERT INTO inventory (enrollment, survey, found_at, body) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (enrollment, survey) DO UPDATE SET found_at = excluded.found_at, body = excluded.body, \
                 failed_at = NULL, failure = NULL",
                values,
            )
        }
        Err(failure) => {
            values.push(failure.clone().into());
            Step::new(
                "INSERT INTO inventory (enrollment, survey, failed_at, failure) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (enrollment, survey) DO UPDATE SET failed_at = excluded.failed_at, \
                 failure = excluded.failure",
                values,
            )
        }
    };
    Ok(step.keyed())
}
