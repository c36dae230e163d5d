//! Whom to look at, and when: the rows that the push sweep works through.

use ordain_model::ids::EnrollmentId;

use crate::Step;

/// Somebody is to look at the channel from `at` on, if not earlier. What was pushed before is remembered, so that it is
/// not pushed again; a push token that was dead counts as a new one.
pub(crate) fn wake(id: &EnrollmentId, at: i64) -> Step {
    Step::new(
        "INSERT INTO push (enrollment, due_at, attempts) VALUES ($1, $2, 0) \
         ON CONFLICT (enrollment) DO UPDATE SET attempts = 0, problem = NULL, \
         due_at = CASE WHEN push.due_at < excluded.due_at THEN push.due_at ELSE excluded.due_at END",
        vec![id.to_string().into(), at.into()],
    )
}
