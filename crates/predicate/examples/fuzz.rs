//! Exercises the parser, the checker and the evaluation with random text for some seconds:
//! `cargo run --release -p ordain-predicate --example fuzz -- 600 [SEED]`.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::time::{Duration, Instant};

#[path = "../tests/soup/mod.rs"]
mod soup;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().expect("a number"));
    let seconds = arguments.next().unwrap_or(10);
    let seed: u64 = arguments.next().unwrap_or(1);
    let start = Instant::now();
    let mut executions: u64 = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..1000 {
            let seed = seed.wrapping_add(executions).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            if std::panic::catch_unwind(|| soup::exercise(seed)).is_err() {
                println!("found by seed {seed}");
                std::process::exit(1);
            }
            executions += 1;
        }
    }
    println!("{executions} executions in {seconds} s found nothing");
}
