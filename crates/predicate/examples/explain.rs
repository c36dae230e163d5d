//! Explains a predicate against facts:
//! `cargo run -p ordain-predicate --example explain -- "@property(shard) <= 75" '{"properties": {"shard": 80}}'`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use ordain_predicate::{Dialect, Document, parse};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(text), facts) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: explain PREDICATE [FACTS]");
        return ExitCode::FAILURE;
    };
    let facts: Document = match facts.map(|facts| serde_json::from_str(&facts)).transpose() {
        Ok(facts) => facts.unwrap_or_default(),
        Err(error) => {
            eprintln!("these are no facts: {error}");
            return ExitCode::FAILURE;
        }
    };
    match parse(&text, Dialect::Device) {
        Ok(predicate) => {
            println!("{}", predicate.explain(&facts));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", error.render(&text));
            ExitCode::FAILURE
        }
    }
}
