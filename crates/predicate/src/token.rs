//! The words of the predicate language.

use serde_json::Number;

use crate::fact::Source;
use crate::formula::{Operator, Quantifier};

/// What the lexer hands to the parser. Names borrow from the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'a> {
    Text(String),
    Number(Number),
    /// `@status(name)` and its like.
    Fact(Source, &'a str),
    /// `@key(name)`.
    Key(&'a str),
    /// Any other word after an `@`; it can only be a collection operator.
    At(&'a str),
    /// A word that is not reserved, or one that `#` escapes; and whether a parenthesis follows.
    Name(&'a str, bool),
    /// `$name`.
    Variable(&'a str),
    Comparison(Operator),
    Quantifier(Quantifier),
    Word(Word),
    And,
    Or,
    Not,
    Plus,
    Minus,
    Times,
    Divide,
    Power,
    Dot,
    Comma,
    Open,
    Close,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    End,
}

/// Reserved words that are neither operators nor quantifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    True,
    False,
    Nil,
    SelfObject,
    First,
    Last,
    Size,
    Subquery,
    Cast,
    TruePredicate,
    FalsePredicate,
    /// CASEINSENSITIVE, CI, ANYKEY, FETCH, UNION, INTERSECT, MINUS: they have no use in an activation.
    Useless,
}

impl Token<'_> {
    /// The reserved word that `word` is, in whatever case.
    pub(crate) fn reserved(word: &str) -> Option<Token<'static>> {
        Some(match word.to_ascii_uppercase().as_str() {
            "AND" => Token::And,
            "OR" => Token::Or,
            "NOT" => Token::Not,
            "BETWEEN" => Token::Comparison(Operator::Between),
            "IN" => Token::Comparison(Operator::In),
            "CONTAINS" => Token::Comparison(Operator::Contains),
            "BEGINSWITH" => Token::Comparison(Operator::BeginsWith),
            "ENDSWITH" => Token::Comparison(Operator::EndsWith),
            "LIKE" => Token::Comparison(Operator::Like),
            "MATCHES" => Token::Comparison(Operator::Matches),
            "ANY" | "SOME" => Token::Quantifier(Quantifier::Any),
            "ALL" => Token::Quantifier(Quantifier::All),
            "NONE" => Token::Quantifier(Quantifier::None),
            "TRUE" | "YES" => Token::Word(Word::True),
            "FALSE" | "NO" => Token::Word(Word::False),
            "NULL" | "NIL" => Token::Word(Word::Nil),
            "SELF" => Token::Word(Word::SelfObject),
            "FIRST" => Token::Word(Word::First),
            "LAST" => Token::Word(Word::Last),
            "SIZE" => Token::Word(Word::Size),
            "SUBQUERY" => Token::Word(Word::Subquery),
            "CAST" => Token::Word(Word::Cast),
            "TRUEPREDICATE" => Token::Word(Word::TruePredicate),
            "FALSEPREDICATE" => Token::Word(Word::FalsePredicate),
            "CASEINSENSITIVE" | "CI" | "ANYKEY" | "FETCH" | "UNION" | "INTERSECT" | "MINUS" => {
                Token::Word(Word::Useless)
            }
            _ => return None,
        })
    }
}
