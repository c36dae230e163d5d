#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod compare;
mod error;
mod evaluate;
mod explain;
mod formula;
mod lexer;
mod parser;

pub use compare::Mismatch;
pub use error::ParseError;
pub use evaluate::{EvaluationError, Facts, Truth};
pub use explain::{Explanation, TermValue};
pub use formula::{Needs, Predicate};
pub use parser::{MAX_LENGTH, MAX_NESTING, parse};
