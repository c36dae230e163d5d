//! Text that is nearly a predicate, and what has to hold whatever it is.

use ordain_predicate::{
    Advisory, Dialect, Document, Lack, MAX_LENGTH, Schema, Source, Target, Truth, Type, check, parse,
};
use serde_json::{Map, Value, json};

/// Predicates to start from.
const CORPUS: [&str; 18] = [
    include_str!("../corpus/affixes.txt"),
    include_str!("../corpus/arithmetic.txt"),
    include_str!("../corpus/between.txt"),
    include_str!("../corpus/collections.txt"),
    include_str!("../corpus/contains.txt"),
    include_str!("../corpus/equality.txt"),
    include_str!("../corpus/functions.txt"),
    include_str!("../corpus/groups.txt"),
    include_str!("../corpus/like.txt"),
    include_str!("../corpus/logic.txt"),
    include_str!("../corpus/matches.txt"),
    include_str!("../corpus/membership.txt"),
    include_str!("../corpus/options.txt"),
    include_str!("../corpus/order.txt"),
    include_str!("../corpus/paths.txt"),
    include_str!("../corpus/published.txt"),
    include_str!("../corpus/quantifiers.txt"),
    include_str!("../corpus/subquery.txt"),
];

const WORDS: [&str; 78] = [
    "@status(a.b-c)",
    "@property(x)",
    "@property(y)",
    "@device(os.version)",
    "@tag(t)",
    "@status",
    "@",
    "(",
    ")",
    "((",
    "))",
    "'a'",
    "\"b\"",
    "'",
    "\\",
    "\\u00",
    "'17.4'",
    "'\\\\d+'",
    "'[a-z]*'",
    "'*?'",
    "18",
    "1.5e3",
    "0x",
    "0xFF",
    "1e",
    "-",
    "- ",
    "true",
    "NIL",
    "AND",
    "&&",
    "or",
    "||",
    "|",
    "NOT",
    "!",
    "==",
    "=<",
    "<>",
    ">",
    "%@",
    "{",
    "}",
    "{1, 2}",
    ",",
    "[c]",
    "==[cd]",
    "IN",
    "CONTAINS",
    "LIKE",
    "MATCHES",
    "BETWEEN",
    "BEGINSWITH[c]",
    "SUBQUERY(",
    "SUBQUERY(@property(x), $x, ",
    "$x",
    ".@key(k)",
    ".@count",
    ".@sum",
    ".",
    ".k",
    "[0]",
    "[FIRST]",
    "ANY",
    "ALL",
    "NONE",
    "TRUEPREDICATE",
    "+",
    "*",
    "/",
    "**",
    "now()",
    "CAST(",
    "TERNARY(",
    "#in",
    "\u{202e}",
    "é",
    "’",
];

/// Makes the same of the same seed.
pub(crate) struct Soup(u64);

impl Soup {
    pub(crate) fn new(seed: u64) -> Soup {
        Soup(seed | 1)
    }

    /// Xorshift.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    /// A predicate of the corpus.
    fn line(&mut self) -> String {
        let lines: Vec<&str> = CORPUS[self.below(CORPUS.len())]
            .lines()
            .filter(|line| {
                ["true", "false", "unknown"]
                    .iter()
                    .any(|outcome| line.starts_with(outcome))
            })
            .collect();
        let words = lines[self.below(lines.len())].split_whitespace().skip(3);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Bare words, or lines of the corpus with words put in, taken out, doubled and exchanged.
    pub(crate) fn text(&mut self) -> String {
        let mut words: Vec<String> = Vec::new();
        if self.below(4) == 0 {
            for _ in 0..self.below(30) {
                words.push(self.word().to_owned());
            }
        } else {
            for _ in 0..=self.below(3) {
                let line = self.line();
                words.extend(line.split(' ').map(str::to_owned));
                words.push(["AND", "OR", "AND NOT", ""][self.below(4)].to_owned());
            }
            words.pop();
        }
        for _ in 0..self.below(4) {
            let at = self.below(words.len());
            let word = self.word().to_owned();
            match self.below(5) {
                0 => words.insert(at.min(words.len()), word),
                1 if !words.is_empty() => drop(words.remove(at)),
                2 if !words.is_empty() => words[at] = word,
                3 if !words.is_empty() => words.insert(at, words[at].clone()),
                _ => {
                    let other = self.below(words.len());
                    if !words.is_empty() {
                        words.swap(at, other);
                    }
                }
            }
        }
        let mut text = words.join([" ", " ", " ", ""][self.below(4)]);
        if self.below(200) == 0 {
            text = text.repeat(MAX_LENGTH / text.len().max(1) + self.below(2));
        }
        if self.below(10) == 0 {
            let at = self.below(text.len() + 1);
            if text.is_char_boundary(at) {
                text.insert(at, char::from_u32(self.below(0x3000) as u32).unwrap_or('\0'));
            }
        }
        text
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(20)),
            3 => json!(self.next() as i64),
            4 => json!(self.below(100) as f64 / 8.0),
            5 => json!(self.word()),
            6 | 7 => (0..self.below(5)).map(|_| self.value(depth - 1)).collect(),
            _ => json!({"k": self.value(depth - 1), "identifier": self.value(depth - 1)}),
        }
    }

    fn values(&mut self, names: &[&str]) -> Map<String, Value> {
        let mut values = Map::new();
        for name in names {
            if self.below(3) > 0 {
                let value = self.value(3);
                values.insert((*name).to_owned(), value);
            }
        }
        values
    }

    fn document(&mut self) -> Document {
        Document {
            status: self.values(&[
                "a.b-c",
                "mdm.app",
                "passcode.is-present",
                "device.operating-system.version",
            ]),
            properties: self.values(&[
                "x", "y", "age", "name", "roles", "groups", "numbers", "nothing", "list",
            ]),
            device: self.values(&["os.version", "supervised"]),
            tags: self.values(&["t"]),
        }
    }
}

/// Parses, prints, checks, evaluates and explains one text, and asserts what holds of any.
pub(crate) fn exercise(seed: u64) {
    let mut soup = Soup::new(seed);
    let text = soup.text();
    let dialect = [Dialect::Device, Dialect::Server][soup.below(2)];
    let verdict = check(&text, dialect, &Anything, &Advisory::shipped());
    for finding in &verdict.findings {
        assert!(text.get(finding.span.clone()).is_some(), "{text:?}: {finding:?}");
        assert!(finding.render(&text).contains('^'));
    }
    let predicate = match parse(&text, dialect) {
        Ok(predicate) => predicate,
        Err(error) => {
            assert!(
                text.get(error.span.clone()).is_some(),
                "{text:?}: {:?}",
                error.span
            );
            assert!(!error.message.is_empty() && error.render(&text).contains('^'));
            assert!(!verdict.is_publishable() && verdict.predicate.is_none());
            return;
        }
    };
    let printed = predicate.to_string();
    assert_eq!(
        parse(&printed, dialect).as_ref(),
        Ok(&predicate),
        "{text:?} is {printed}"
    );
    assert_eq!(verdict.predicate.as_ref(), Some(&predicate));

    let mut facts = soup.document();
    let outcome = predicate.evaluate_with_unknown(&facts);
    let on_device = predicate.evaluate_with_nil(&facts);
    if let (Ok(on_device), true) = (&on_device, outcome != Truth::Unknown) {
        assert_eq!(Truth::from(*on_device), outcome, "{printed}");
    }
    let explanation = predicate.explain(&facts);
    assert_eq!(explanation.outcome, outcome, "{printed}");
    assert!(explanation.to_string().len() < 40 * MAX_LENGTH);
    // With fewer facts nothing is decided otherwise.
    facts.status.retain(|_, _| soup.below(2) == 0);
    facts.properties.retain(|_, _| soup.below(2) == 0);
    let fewer = predicate.evaluate_with_unknown(&facts);
    assert!(
        fewer == Truth::Unknown || fewer == outcome,
        "{printed}: {fewer} became {outcome}"
    );
}

/// Knows every name, and nothing of it.
struct Anything;

impl Schema for Anything {
    fn status(&self, name: &str) -> Option<Type> {
        Some(match name.len() % 4 {
            0 => Type::Version,
            1 => Type::List(Box::new(Type::Any)),
            2 => Type::Text,
            _ => Type::Any,
        })
    }
    fn property(&self, key: &str) -> Option<Type> {
        self.status(key)
    }
    fn names(&self, _: Source) -> Vec<&str> {
        Vec::new()
    }
    fn knows_all_properties(&self) -> bool {
        true
    }
    fn targets(&self) -> &[Target] {
        &[]
    }
    fn lack(&self, _: &Target, _: &str) -> Option<Lack> {
        None
    }
}
