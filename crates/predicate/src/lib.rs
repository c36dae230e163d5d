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

mod code;
mod collect;
mod compare;
mod datum;
mod dialect;
mod document;
mod error;
mod evaluate;
mod explain;
mod expression;
mod fact;
mod fold;
mod formula;
mod glob;
mod lexer;
mod parser;
mod pattern;
mod predicate;
mod prepare;
mod print;
mod span;
mod term;
mod token;
mod truth;
mod value;
mod version;

pub use code::Code;
pub use dialect::{DEVICE_TERMS, Dialect};
pub use document::Document;
pub use error::ParseError;
pub use evaluate::{Cause, EvaluationError, MAX_STEPS};
pub use explain::{Explanation, Part, Shown, TermValue};
pub use fact::{Fact, Facts, Row, Source};
pub use parser::{MAX_LENGTH, MAX_NESTING, MAX_PATTERNS, parse};
pub use predicate::{Needs, Predicate};
pub use truth::Truth;
