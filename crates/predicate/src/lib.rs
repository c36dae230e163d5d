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

mod advisory;
mod call;
mod check;
mod code;
mod collect;
mod compare;
mod constancy;
mod cost;
mod datum;
mod dialect;
mod document;
mod error;
mod evaluate;
mod explain;
mod expression;
mod fact;
mod finding;
mod fit;
mod fold;
mod formula;
mod glob;
mod infer;
mod lexer;
mod parser;
mod pattern;
mod predicate;
mod prepare;
mod print;
mod schema;
mod shown;
mod span;
mod term;
mod token;
mod truth;
mod value;
mod version;
mod version_order;

pub use advisory::{Advisory, Trigger};
pub use check::check;
pub use code::Code;
pub use dialect::{DEVICE_TERMS, Dialect};
pub use document::Document;
pub use error::ParseError;
pub use evaluate::{Cause, EvaluationError, MAX_STEPS};
pub use explain::{Explanation, Part};
pub use fact::{Fact, Facts, Row, Source};
pub use finding::{Finding, Severity, Verdict};
pub use parser::{MAX_LENGTH, MAX_NESTING, MAX_PATTERNS, parse};
pub use predicate::{Needs, Predicate};
pub use schema::{Lack, Schema, Target, Type};
pub use shown::{Shown, TermValue};
pub use truth::Truth;
