//! Live progress: a bar on a terminal, else a line now and then.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Shows on standard error how far something is.
pub(crate) struct Meter {
    bar: ProgressBar,
    shown: String,
}

impl Meter {
    /// A meter that ends at `length`.
    pub(crate) fn new(length: u64) -> Self {
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} [{bar:32}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            shown: String::new(),
        }
    }

    /// It turns out to end at `length`.
    pub(crate) fn reach(&self, length: u64) {
        self.bar.set_length(length);
    }

    /// How often there should be something new to show.
    pub(crate) fn period(&self) -> Duration {
        if self.bar.is_hidden() {
            Duration::from_secs(1)
        } else {
            Duration::from_millis(100)
        }
    }

    /// Shows how far it is, and says it in words. Where there is no terminal, only what has changed is said.
    pub(crate) fn show(&mut self, position: u64, words: String) {
        if !self.bar.is_hidden() {
            self.bar.set_position(position);
            self.bar.set_message(words);
        } else if words != self.shown {
            output::note(&words);
            self.shown = words;
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}
