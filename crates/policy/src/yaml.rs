//! YAML 1.2 as far as it says what JSON can say: one document, the core schema, no anchors, aliases, tags or merge
//! keys.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::problem::Place;
use crate::tree::{Broken, Builder, Member, Node, Value};

/// Reads `text`, which is a whole file but for a byte order mark.
pub(crate) fn read(text: &str, builder: &mut Builder<'_>) -> Result<Node, Broken> {
    Reader {
        parser: Parser::new_from_str(text),
        builder,
    }
    .document()
}

struct Reader<'a, 'b, 'p> {
    parser: Parser<'a, StrInput<'a>>,
    builder: &'b mut Builder<'p>,
}

impl<'a> Reader<'a, '_, '_> {
    fn document(&mut self) -> Result<Node, Broken> {
        let mut document = None;
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::DocumentStart(_), place) if document.is_some() => {
                    return Err(Broken {
                        place,
                        message: "a second YAML document; put it into its own file".into(),
                    });
                }
                (Event::DocumentStart(_), _) => {
                    let (event, place) = self.next()?;
                    document = Some(self.node(event, place, 0)?);
                }
                (_, place) => {
                    return document.ok_or_else(|| Broken {
                        place,
                        message: "the file is empty".into(),
                    });
                }
            }
        }
    }

    /// The tree of the node that begins with `event`.
    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Broken> {
        self.builder.begin(place, depth)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(place, anchor, tag);
                Ok(match style {
                    ScalarStyle::Plain => self.builder.plain(place, &text),
                    _ => self.builder.string(place, text.into_owned()),
                })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_properties(place, anchor, tag);
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => {
                            return Ok(Node {
                                place,
                                value: Value::List(items),
                            });
                        }
                        (event, place) => items.push(self.node(event, place, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_properties(place, anchor, tag);
                let mut members = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => return Ok(self.builder.object(place, members)),
                        (event, place) => members.push(self.member(event, place, depth + 1)?),
                    }
                }
            }
            Event::Alias(_) => {
                self.builder
                    .error(place, "YAML aliases are not taken; write the value out");
                Ok(Node {
                    place,
                    value: Value::Null,
                })
            }
            _ => Err(Broken {
                place,
                message: "a value is expected".into(),
            }),
        }
    }

    fn member(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Member, Broken> {
        if matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<") {
            self.builder
                .error(place, "YAML merge keys are not taken; write the keys out");
        }
        let key = self.node(event, place, depth)?;
        let (event, place) = self.next()?;
        let value = self.node(event, place, depth)?;
        self.builder.member(key, value)
    }

    fn refuse_properties(&mut self, place: Place, anchor: usize, tag: Option<Cow<'_, Tag>>) {
        // The parser numbers anchors from one.
        if anchor != 0 {
            self.builder
                .error(place, "YAML anchors are not taken, since aliases are not");
        }
        if tag.is_some() {
            self.builder
                .error(place, "YAML tags are not taken; a value in quotes is a string");
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Place), Broken> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, self.place(start))),
            Some(Err(error)) => Err(self.broken(&error)),
            None => Ok((Event::StreamEnd, Place::start_of(self.builder.file))),
        }
    }

    fn broken(&self, error: &ScanError) -> Broken {
        Broken {
            place: self.place(*error.marker()),
            message: format!("not YAML: {}", error.info()),
        }
    }

    fn place(&self, marker: Marker) -> Place {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Place {
            file: self.builder.file,
            line: count(marker.line()).max(1),
            column: count(marker.col()).saturating_add(1),
        }
    }
}
