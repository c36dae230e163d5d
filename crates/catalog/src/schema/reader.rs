//! What a file says at one place, and what is wrong there.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use super::Problem;
use super::yaml::Value;

/// Reads one file.
pub(super) struct Reader<'r> {
    path: &'r str,
    /// The names of the keys that lead to what is read, outermost first.
    pub(super) at: Vec<String>,
    /// The media types that an asset's data may have: a key states them that names no asset.
    pub(super) content_types: BTreeSet<String>,
    memory: &'r mut usize,
    unknown: &'r mut Vec<Problem>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(path: &'r str, memory: &'r mut usize, unknown: &'r mut Vec<Problem>) -> Self {
        Self {
            path,
            at: Vec::new(),
            content_types: BTreeSet::new(),
            memory,
            unknown,
        }
    }

    /// The file's name, without its ending.
    pub(super) fn stem(&self) -> &'r str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".yaml").unwrap_or(name)
    }

    pub(super) fn problem(&self, message: impl Display) -> Problem {
        Problem {
            path: self.path.to_owned(),
            key: self.at.join("/"),
            message: message.to_string(),
        }
    }

    /// Takes this much of the memory that is left, in octets.
    pub(super) fn spend(&mut self, octets: usize) -> Result<(), Problem> {
        match self.memory.checked_sub(octets) {
            Some(left) => {
                *self.memory = left;
                Ok(())
            }
            None => Err(self.problem("the schema is too large")),
        }
    }

    /// What is there.
    pub(super) fn required<T>(&self, value: Option<T>, key: &str) -> Result<T, Problem> {
        value.ok_or_else(|| self.problem(format_args!("no {key}")))
    }

    /// The text of a key. Memory for it is taken.
    pub(super) fn text<'d>(&mut self, holder: Value<'d>, key: &str) -> Result<Option<&'d str>, Problem> {
        let Some(value) = holder.get(key) else {
            return Ok(None);
        };
        match value.text() {
            Some(text) => {
                self.spend(text.len())?;
                Ok(Some(text))
            }
            None => Err(self.problem(format_args!("{key} is no string"))),
        }
    }

    /// A name: the text of a key that must be there.
    pub(super) fn name<'d>(&mut self, holder: Value<'d>, key: &str) -> Result<&'d str, Problem> {
        let name = self.text(holder, key)?;
        let name = self.required(name, key)?;
        if name.is_empty() {
            return Err(self.problem(format_args!("{key} is empty")));
        }
        Ok(name)
    }

    pub(super) fn boolean(&self, holder: Value<'_>, key: &str) -> Result<Option<bool>, Problem> {
        let value = holder.get(key).map(|value| {
            value
                .boolean()
                .ok_or_else(|| self.problem(format_args!("{key} is neither true nor false")))
        });
        value.transpose()
    }

    /// The values of a list, each as `read` takes it, which says no to those of another type.
    pub(super) fn list<'d, T>(
        &mut self,
        holder: Value<'d>,
        key: &str,
        read: impl Fn(Value<'d>) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Problem> {
        let Some(value) = holder.get(key) else {
            return Ok(None);
        };
        let values = value.list();
        let values = values.ok_or_else(|| self.problem(format_args!("{key} is no list")))?;
        let mut list = Vec::with_capacity(values.len());
        for value in values {
            self.spend(size_of::<T>() + value.text().map_or(0, str::len))?;
            let read = read(value);
            list.push(read.ok_or_else(|| self.problem(format_args!("{key} has a value of another type")))?);
        }
        Ok(Some(list))
    }

    /// The texts of a list; none when it is not there.
    pub(super) fn texts<C: FromIterator<String>>(
        &mut self,
        holder: Value<'_>,
        key: &str,
    ) -> Result<C, Problem> {
        let texts = self.list(holder, key, |value| value.text().map(str::to_owned))?;
        Ok(texts.into_iter().flatten().collect())
    }

    /// The word of a key; `None` as well when it is not known.
    pub(super) fn word<T: FromStr<Err: Display>>(
        &mut self,
        holder: Value<'_>,
        key: &str,
    ) -> Result<Option<T>, Problem> {
        Ok(self.text(holder, key)?.and_then(|word| self.known(word)))
    }

    /// The words of a list, those that are known.
    pub(super) fn words<T: FromStr<Err: Display> + Ord>(
        &mut self,
        holder: Value<'_>,
        key: &str,
    ) -> Result<Option<BTreeSet<T>>, Problem> {
        let words = self.list(holder, key, |value| value.text().map(str::to_owned))?;
        Ok(words.map(|words| words.iter().filter_map(|word| self.known(word)).collect()))
    }

    /// What the word stands for; when it is not known, that is noted.
    pub(super) fn known<T: FromStr<Err: Display>>(&mut self, word: &str) -> Option<T> {
        match word.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(format_args!("{word} is {error}"));
                None
            }
        }
    }

    /// Notes what is left out. The next one to need memory says when that was too much.
    pub(super) fn note(&mut self, message: impl Display) {
        let note = self.problem(message);
        let octets = size_of::<Problem>() + note.path.len() + note.key.len() + note.message.len();
        *self.memory = self.memory.saturating_sub(octets);
        self.unknown.push(note);
    }
}
