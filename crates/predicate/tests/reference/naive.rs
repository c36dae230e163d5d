//! What the trees mean, as plainly as it can be said: every value is copied, and nothing is prepared.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{Operator, Term, Tree};

/// A value, or that there is none to tell: a missing fact, or an operation without an outcome.
type Known = Option<Thing>;

#[derive(Debug, Clone)]
enum Thing {
    Plain(Value),
    /// A list that the predicate makes; its elements may be unknown.
    Made(Vec<Known>),
}

/// The outcome, or `None` for unknown.
pub(crate) fn truth(tree: &Tree, facts: &Map<String, Value>) -> Option<bool> {
    tree_truth(tree, facts, None)
}

fn all(outcomes: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let outcomes: Vec<_> = outcomes.into_iter().collect();
    if outcomes.contains(&Some(false)) {
        Some(false)
    } else if outcomes.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn any(outcomes: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    all(outcomes.into_iter().map(not)).map(|all| !all)
}

fn not(outcome: Option<bool>) -> Option<bool> {
    outcome.map(|outcome| !outcome)
}

fn tree_truth(tree: &Tree, facts: &Map<String, Value>, x: Option<&Known>) -> Option<bool> {
    match tree {
        Tree::Constant(value) => Some(*value),
        Tree::Not(part) => not(tree_truth(part, facts, x)),
        Tree::And(parts) => all(parts.iter().map(|part| tree_truth(part, facts, x))),
        Tree::Or(parts) => any(parts.iter().map(|part| tree_truth(part, facts, x))),
        Tree::Compare(quantifier, left, operator, right) => {
            let (left, right) = (value(left, facts, x), value(right, facts, x));
            let Some(quantifier) = quantifier else {
                return compare(&left, *operator, &right);
            };
            let left = left?;
            let Some(elements) = elements(&left) else {
                return is_nil(&left).then_some(*quantifier == "NONE");
            };
            let outcomes = elements.iter().map(|element| compare(element, *operator, &right));
            match *quantifier {
                "ALL" => all(outcomes),
                "NONE" => not(any(outcomes)),
                _ => any(outcomes),
            }
        }
    }
}

fn elements(thing: &Thing) -> Option<Vec<Known>> {
    match thing {
        Thing::Plain(Value::Array(elements)) => Some(
            elements
                .iter()
                .map(|element| Some(Thing::Plain(element.clone())))
                .collect(),
        ),
        Thing::Plain(_) => None,
        Thing::Made(elements) => Some(elements.clone()),
    }
}

fn is_nil(thing: &Thing) -> bool {
    matches!(thing, Thing::Plain(Value::Null))
}

fn number(thing: &Thing) -> Option<f64> {
    match thing {
        Thing::Plain(Value::Bool(value)) => Some(f64::from(u8::from(*value))),
        Thing::Plain(value) => value.as_f64(),
        Thing::Made(_) => None,
    }
}

fn text(thing: &Thing) -> Option<&str> {
    match thing {
        Thing::Plain(value) => value.as_str(),
        Thing::Made(_) => None,
    }
}

fn value(term: &Term, facts: &Map<String, Value>, x: Option<&Known>) -> Known {
    let of = |term: &Term| value(term, facts, x);
    let plain = |value: Value| Some(Thing::Plain(value));
    let calculated = |left: &Term, right: &Term, calculate: fn(f64, f64) -> f64| {
        let (left, right) = (of(left)?, of(right)?);
        if is_nil(&left) || is_nil(&right) {
            return plain(json!(null));
        }
        plain(json!(calculate(number(&left)?, number(&right)?)))
    };
    match term {
        Term::Literal(value) => plain(value.clone()),
        Term::Aggregate(terms) => Some(Thing::Made(terms.iter().map(of).collect())),
        Term::Property(key) => plain(facts.get(*key)?.clone()),
        Term::Variable => x?.clone(),
        Term::Key(term, key) => key_of(&of(term), key),
        Term::Count(term) => {
            let list = of(term)?;
            if is_nil(&list) {
                return Some(list);
            }
            plain(json!(elements(&list)?.len()))
        }
        Term::First(term) => {
            let list = of(term)?;
            if is_nil(&list) {
                return Some(list);
            }
            elements(&list)?
                .first()
                .cloned()
                .unwrap_or_else(|| plain(json!(null)))
        }
        Term::Index(term, index) => {
            let list = of(term)?;
            if is_nil(&list) {
                return Some(list);
            }
            elements(&list)?.get(*index)?.clone()
        }
        Term::Sum(left, right) => calculated(left, right, |left, right| left + right),
        Term::Difference(left, right) => calculated(left, right, |left, right| left - right),
        Term::Product(left, right) => calculated(left, right, |left, right| left * right),
        Term::Negative(term) => calculated(&Term::Literal(json!(0)), term, |zero, value| zero - value),
        Term::Subquery(list, tree) => {
            let list = of(list)?;
            if is_nil(&list) {
                return Some(Thing::Made(Vec::new()));
            }
            let mut found = Vec::new();
            for element in elements(&list)? {
                if tree_truth(tree, facts, Some(&element))? {
                    found.push(element);
                }
            }
            Some(Thing::Made(found))
        }
    }
}

fn key_of(value: &Known, key: &str) -> Known {
    let value = value.as_ref()?;
    match value {
        Thing::Plain(Value::Null) => Some(value.clone()),
        Thing::Plain(Value::Object(members)) => {
            Some(Thing::Plain(members.get(key).cloned().unwrap_or_default()))
        }
        list => {
            let values = elements(list)?
                .iter()
                .map(|element| key_of(element, key))
                .collect();
            Some(Thing::Made(values))
        }
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase().replace('é', "e")
}

fn equal(left: &Known, right: &Known, fold: bool) -> Option<bool> {
    let (left, right) = (left.as_ref()?, right.as_ref()?);
    if let (Some(left), Some(right)) = (elements(left), elements(right)) {
        let pairs = left
            .iter()
            .zip(&right)
            .map(|(left, right)| equal(left, right, fold));
        return all(std::iter::once(Some(left.len() == right.len())).chain(pairs));
    }
    if let (Some(left), Some(right)) = (text(left), text(right)) {
        return Some(left == right || fold && folded(left) == folded(right));
    }
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Some(left == right);
    }
    match (left, right) {
        (Thing::Plain(Value::Null), Thing::Plain(Value::Null)) => Some(true),
        (Thing::Plain(Value::Object(left)), Thing::Plain(Value::Object(right))) => {
            let same = left.iter().all(|(key, left)| {
                let wrap = |value: &Value| Some(Thing::Plain(value.clone()));
                right
                    .get(key)
                    .is_some_and(|right| equal(&wrap(left), &wrap(right), fold) == Some(true))
            });
            Some(same && left.len() == right.len())
        }
        _ => Some(false),
    }
}

fn ordered(left: &Known, right: &Known, holds: fn(Ordering) -> bool) -> Option<bool> {
    let (left, right) = (left.as_ref()?, right.as_ref()?);
    if is_nil(left) || is_nil(right) {
        return Some(false);
    }
    let order = match (text(left), text(right)) {
        (Some(left), Some(right)) => left.cmp(right),
        _ => number(left)?.partial_cmp(&number(right)?)?,
    };
    Some(holds(order))
}

/// Whether the list has the element, or the string the part.
fn has(list: &Known, element: &Known, fold: bool) -> Option<bool> {
    let held = list.as_ref()?;
    if is_nil(held) {
        return Some(false);
    }
    if text(held).is_some() {
        return strings(list, element, |whole, part| match fold {
            true => folded(whole).contains(&folded(part)),
            false => whole.contains(part),
        });
    }
    let elements = elements(held)?;
    if element.as_ref().is_some_and(is_nil) {
        return Some(false);
    }
    any(elements.iter().map(|member| equal(element, member, fold)))
}

fn strings(left: &Known, right: &Known, holds: impl Fn(&str, &str) -> bool) -> Option<bool> {
    let (left, right) = (left.as_ref()?, right.as_ref()?);
    if is_nil(left) || is_nil(right) {
        return Some(false);
    }
    Some(holds(text(left)?, text(right)?))
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match (text, pattern) {
        (text, ['*', after @ ..]) => (0..=text.len()).any(|taken| like(&text[taken..], after)),
        ([_, text @ ..], ['?', pattern @ ..]) => like(text, pattern),
        ([one, text @ ..], [other, pattern @ ..]) => one == other && like(text, pattern),
        ([], []) => true,
        _ => false,
    }
}

fn compare(left: &Known, operator: Operator, right: &Known) -> Option<bool> {
    match operator {
        Operator::Equal => equal(left, right, false),
        Operator::EqualFolded => equal(left, right, true),
        Operator::NotEqual => not(equal(left, right, false)),
        Operator::Less => ordered(left, right, Ordering::is_lt),
        Operator::AtLeast => ordered(left, right, Ordering::is_ge),
        Operator::Between => {
            let bounds = elements(right.as_ref()?)?;
            let [low, high] = &bounds[..] else {
                return None;
            };
            all([
                ordered(left, low, Ordering::is_ge),
                ordered(left, high, Ordering::is_le),
            ])
        }
        Operator::In => has(right, left, false),
        Operator::InFolded => has(right, left, true),
        Operator::Contains => has(left, right, false),
        Operator::BeginsWith => strings(left, right, |left, right| left.starts_with(right)),
        Operator::EndsWith => strings(left, right, |left, right| left.ends_with(right)),
        Operator::Like => strings(left, right, |left, right| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            like(&chars(left), &chars(right))
        }),
    }
}
