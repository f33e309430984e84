//! RON text to a tree of values with their places.
//!
//! The `ron` crate does the reading; places come from its raw values, which borrow from the source
//! text, so that the address of a value minus the address of the text is its offset. Each level
//! of nesting reads its part of the text again, which the limit on nesting bounds.
//!
//! Knows nothing of what a netlist is.

use crate::diagnostic::{Code, Diagnostic, Refusal, SourceId, Span};
use crate::netlist::expression::Located;
use ron::value::RawValue;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Values nest at most so deep.
pub const NESTING_MAX: usize = 16;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The place of the value.
    pub span: Span,
    /// The value.
    pub form: Form,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub struct Name {
    /// The place of the name.
    pub span: Span,
    /// The name.
    pub text: String,
}

/// The forms a value may have.
#[derive(Clone, Debug)]
pub enum Form {
    /// `12`, `0x1f`
    Integer(i128),
    /// `0.25`
    Float(f64),
    /// `true`
    Boolean(bool),
    /// `'c'`
    Character(char),
    /// `"text"`, and whether it stands in the source exactly as it is, one byte after the quote.
    Text(String, bool),
    /// `b"bytes"`
    Bytes(Vec<u8>),
    /// `Uniform`
    Word(String),
    /// `[1, 2]`
    List(Vec<Node>),
    /// `{"a": 1}`
    Map(Vec<(Node, Node)>),
    /// `(a: 1)`, `Name(a: 1)`
    Struct(Option<Name>, Vec<(Name, Node)>),
    /// `(1, 2)`, `Name(1, 2)`, `()`
    Tuple(Option<Name>, Vec<Node>),
}

impl Node {
    /// Reads a whole source text.
    ///
    /// # Errors
    /// When it is not RON, or nests too deep.
    pub fn read(text: &str, source: SourceId) -> Result<Self, Refusal> {
        let reader = Reader { text, source };
        let raw: &RawValue = ron::from_str(text).map_err(|error| reader.syntax(&error))?;
        reader.node(raw.get_ron(), NESTING_MAX)
    }

    /// What it is, with an article, as errors name it.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.form {
            Form::Integer(value) => format!("the integer {value}"),
            Form::Float(value) => format!("the float {value:?}"),
            Form::Boolean(value) => format!("the boolean {value}"),
            Form::Character(value) => format!("the character {value:?}"),
            Form::Text(..) => "a string".to_owned(),
            Form::Bytes(_) => "a byte string".to_owned(),
            Form::Word(word) => format!("the word `{word}`"),
            Form::List(_) => "a list `[..]`".to_owned(),
            Form::Map(_) => "a map `{..}`".to_owned(),
            Form::Struct(Some(name), _) | Form::Tuple(Some(name), _) => {
                format!("`{}(..)`", name.text)
            }
            Form::Struct(None, _) => "a struct `(..: ..)`".to_owned(),
            Form::Tuple(None, items) if items.is_empty() => "the unit `()`".to_owned(),
            Form::Tuple(None, _) => "a tuple `(..)`".to_owned(),
        }
    }

    /// The string it is, if it is one, with the place of its characters.
    #[must_use]
    pub fn text(&self) -> Option<Located<'_>> {
        let Form::Text(text, exact) = &self.form else {
            return None;
        };
        let inner = Span {
            start: self.span.start + 1,
            end: self.span.end.saturating_sub(1),
            ..self.span
        };
        Some(Located {
            text,
            span: if *exact { inner } else { self.span },
            exact: *exact,
        })
    }
}

struct Reader<'a> {
    text: &'a str,
    source: SourceId,
}

impl<'a> Reader<'a> {
    fn span(&self, part: &str) -> Span {
        let start = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        assert!(
            start + part.len() <= self.text.len(),
            "raw values borrow from the source text"
        );
        Span {
            source: self.source,
            start: start as u32,
            end: (start + part.len()) as u32,
        }
    }

    fn syntax(&self, error: &ron::error::SpannedError) -> Refusal {
        if error.code == ron::Error::ExceededRecursionLimit {
            return self.too_deep(self.offset(error.span.start));
        }
        let start = self.offset(error.span.start);
        let end = self.offset(error.span.end).max(start);
        let span = Span {
            source: self.source,
            start: start as u32,
            end: end as u32,
        };
        Diagnostic::error(Code::Syntax, "this is not RON")
            .at(span, error.code.to_string())
            .into()
    }

    fn too_deep(&self, offset: usize) -> Refusal {
        let span = Span {
            source: self.source,
            start: offset as u32,
            end: offset as u32,
        };
        Diagnostic::error(
            Code::NestingTooDeep,
            format!("values nest deeper than {NESTING_MAX}"),
        )
        .at(span, "")
        .into()
    }

    /// Offset of a line and column, both counted from 1, the column in characters.
    fn offset(&self, position: ron::error::Position) -> usize {
        let mut line_start = 0;
        for _ in 1..position.line {
            match self.text[line_start..].find('\n') {
                Some(newline) => line_start += newline + 1,
                None => return self.text.len(),
            }
        }
        let line = &self.text[line_start..];
        line.char_indices()
            .nth(position.col.saturating_sub(1))
            .map_or(self.text.len(), |(offset, _)| line_start + offset)
    }

    /// The node of a raw value, which is known to be RON.
    fn node(&self, raw: &'a str, nesting_left: usize) -> Result<Node, Refusal> {
        let raw = &raw[blank_length(raw)..];
        if nesting_left == 0 {
            return Err(self.too_deep(self.span(raw).start as usize));
        }
        let word_length = word_length(raw);
        let after_word = &raw[word_length..];
        let opening = &after_word[blank_length(after_word)..];
        let first = raw.chars().next().unwrap_or('\0');
        if word_length > 0 && opening.starts_with('(') {
            let word = &raw[..word_length];
            let name = Name {
                span: self.span(word),
                text: word.to_owned(),
            };
            return self.compound(opening, Some(name), self.span(raw), nesting_left);
        }
        if matches!(first, '(' | '[' | '{') {
            return self.compound(raw, None, self.span(raw), nesting_left);
        }
        if let Some(form) = plain_leaf(raw.trim_end()) {
            let raw = raw.trim_end();
            return Ok(Node {
                span: self.span(raw),
                form,
            });
        }
        // A leaf: short, so reading it once more to cut off a comment behind it costs nothing.
        let raw = RawValue::from_ron(raw)
            .map_err(|error| self.leaf_error(raw, &error))?
            .trim()
            .get_ron();
        let form = self.leaf(raw, word_length)?;
        Ok(Node {
            span: self.span(raw),
            form,
        })
    }

    fn leaf_error(&self, raw: &str, error: &ron::error::SpannedError) -> Refusal {
        Diagnostic::error(Code::Syntax, "this is not a value")
            .at(self.span(raw), error.code.to_string())
            .into()
    }

    fn leaf(&self, raw: &'a str, word_length: usize) -> Result<Form, Refusal> {
        match raw {
            "true" => return Ok(Form::Boolean(true)),
            "false" => return Ok(Form::Boolean(false)),
            _ => {}
        }
        if word_length == raw.len() {
            return Ok(Form::Word(raw.to_owned()));
        }
        let fail = |error| self.leaf_error(raw, &error);
        let bytes = raw.as_bytes();
        match bytes[0] {
            b'"' => {
                let text: String = ron::from_str(raw).map_err(fail)?;
                let exact = text.len() + 2 == raw.len() && !raw.contains('\\');
                Ok(Form::Text(text, exact))
            }
            b'r' => ron::from_str(raw)
                .map(|text| Form::Text(text, false))
                .map_err(fail),
            b'\'' => ron::from_str(raw).map(Form::Character).map_err(fail),
            b'b' if bytes.get(1) == Some(&b'\'') => ron::from_str::<u8>(raw)
                .map(|byte| Form::Integer(byte.into()))
                .map_err(fail),
            b'b' => ron::from_str(raw)
                .map(|Bytes(bytes)| Form::Bytes(bytes))
                .map_err(fail),
            _ => {
                if let Ok(value) = ron::from_str::<u64>(raw) {
                    return Ok(Form::Integer(value.into()));
                }
                if let Ok(value) = ron::from_str::<i64>(raw) {
                    return Ok(Form::Integer(value.into()));
                }
                ron::from_str(raw).map(Form::Float).map_err(fail)
            }
        }
    }

    fn compound(
        &self,
        raw: &'a str,
        name: Option<Name>,
        span: Span,
        nesting_left: usize,
    ) -> Result<Node, Refusal> {
        let seed = PartsSeed {
            fields: raw.starts_with('('),
        };
        let parts = ron::Options::default()
            .from_str_seed(raw, seed)
            .map_err(|error| self.leaf_error(raw, &error))?;
        let nodes = |parts: Vec<&'a RawValue>| -> Result<Vec<Node>, Refusal> {
            parts
                .into_iter()
                .map(|part| self.node(part.get_ron(), nesting_left - 1))
                .collect()
        };
        let form = match parts {
            Parts::Items(items) if raw.starts_with('[') => Form::List(nodes(items)?),
            Parts::Items(items) => Form::Tuple(name, nodes(items)?),
            Parts::Fields(fields) => {
                let field = |(key, value): (&'a str, &'a RawValue)| {
                    let name = Name {
                        span: self.span(key),
                        text: key.to_owned(),
                    };
                    Ok((name, self.node(value.get_ron(), nesting_left - 1)?))
                };
                Form::Struct(
                    name,
                    fields
                        .into_iter()
                        .map(field)
                        .collect::<Result<_, Refusal>>()?,
                )
            }
            Parts::Entries(entries) => {
                let entry = |(key, value): (&'a RawValue, &'a RawValue)| {
                    let key = self.node(key.get_ron(), nesting_left - 1)?;
                    Ok((key, self.node(value.get_ron(), nesting_left - 1)?))
                };
                Form::Map(
                    entries
                        .into_iter()
                        .map(entry)
                        .collect::<Result<_, Refusal>>()?,
                )
            }
        };
        Ok(Node { span, form })
    }
}

/// A leaf that can be read at a glance, as most of a large file: a short decimal number, or a
/// string without anything special in it.
fn plain_leaf(raw: &str) -> Option<Form> {
    if (1..=18).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return raw.parse().ok().map(Form::Integer);
    }
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains(['"', '\\'])).then(|| Form::Text(text.to_owned(), true))
}

/// Bytes of white space and comments at the front. The text is known to be RON.
fn blank_length(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |newline| &comment[newline..]);
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest);
        } else {
            return text.len() - rest.len();
        }
    }
}

/// What follows a block comment; block comments nest.
fn after_block_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return &text[at..];
            }
        } else {
            at += 1;
        }
    }
    ""
}

/// Bytes of the identifier at the front; 0 where a literal starts instead.
fn word_length(text: &str) -> usize {
    let starts_literal = ["r\"", "r#", "b\"", "br", "b'"]
        .iter()
        .any(|start| text.starts_with(start));
    let starts_word = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if starts_literal || !starts_word {
        return 0;
    }
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The direct parts of a compound value.
enum Parts<'a> {
    Items(Vec<&'a RawValue>),
    Fields(Vec<(&'a str, &'a RawValue)>),
    Entries(Vec<(&'a RawValue, &'a RawValue)>),
}

/// Reads the direct parts of a compound value; `fields` where parentheses enclose them.
#[derive(Clone, Copy)]
struct PartsSeed {
    fields: bool,
}

impl<'de> DeserializeSeed<'de> for PartsSeed {
    type Value = Parts<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PartsSeed {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, a map, a struct or a tuple")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Parts::Items(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Parts::Items(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        if self.fields {
            let mut list = Vec::new();
            while let Some(entry) = entries.next_entry()? {
                list.push(entry);
            }
            return Ok(Parts::Fields(list));
        }
        let mut list = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            list.push(entry);
        }
        Ok(Parts::Entries(list))
    }
}

/// A byte string, which serde does not read into a plain vector.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

#[cfg(test)]
mod tests;
