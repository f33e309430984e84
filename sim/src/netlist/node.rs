//! RON text to a tree of values with their places.
//!
//! The `ron` crate reads the whole text once and so decides what is RON, then reads each leaf; here
//! only brackets, names and separators are walked, over a text that is known to be right. (Its raw
//! values would give places too, but each level of nesting is read again, twice: a hostile file of
//! 16 MiB took minutes.) Nothing here panics even if the two should ever disagree.
//!
//! Knows nothing of what a netlist is.

use crate::diagnostic::{Code, Diagnostic, Refusal, SourceId, Span};
use crate::netlist::expression::Located;
use serde::de::{Deserialize, Deserializer, IgnoredAny, Visitor};
use std::fmt;
use std::ops::Range;

/// Values nest at most so deep.
pub const NESTING_MAX: usize = 32;

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
        let mut reader = Reader {
            text,
            source,
            at: 0,
        };
        ron::from_str::<IgnoredAny>(text).map_err(|error| reader.syntax(&error))?;
        // Attributes of the file, such as `#![enable(..)]`, were heeded above.
        reader.skip_blanks();
        while reader.rest().starts_with("#!") {
            reader.at += reader.rest().find(']').map_or(2, |end| end + 1);
            reader.skip_blanks();
        }
        reader.value(NESTING_MAX)
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

/// A walk through the text.
struct Reader<'a> {
    text: &'a str,
    source: SourceId,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span {
            source: self.source,
            start: range.start as u32,
            end: range.end as u32,
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

    fn unexpected(&self) -> Refusal {
        Diagnostic::error(Code::Syntax, "this is not RON")
            .at(self.span(self.at..self.at), "unexpected here")
            .into()
    }

    fn skip_blanks(&mut self) {
        self.at += blank_length(self.rest());
    }

    /// Takes `wanted` if it comes next, after white space and comments.
    fn take(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    /// Takes the identifier that comes next, if one does.
    fn name(&mut self) -> Option<Name> {
        self.skip_blanks();
        let length = word_length(self.rest());
        let range = self.at..self.at + length;
        self.at = range.end;
        let text = self.text[range.clone()].trim_start_matches("r#").to_owned();
        (length > 0).then(|| Name {
            span: self.span(range),
            text,
        })
    }

    fn value(&mut self, nesting_left: usize) -> Result<Node, Refusal> {
        self.skip_blanks();
        if nesting_left == 0 {
            return Err(self.too_deep(self.at));
        }
        let start = self.at;
        let name = self.name();
        let word_end = self.at;
        self.skip_blanks();
        let form = match (self.rest().as_bytes().first(), name) {
            (Some(b'('), name) => self.parentheses(name, nesting_left)?,
            (_, Some(name)) => {
                self.at = word_end;
                match name.text.as_str() {
                    "true" => Form::Boolean(true),
                    "false" => Form::Boolean(false),
                    "inf" | "NaN" => self.leaf(start..word_end)?,
                    _ => Form::Word(name.text),
                }
            }
            (Some(b'['), None) => {
                self.at += 1;
                Form::List(self.items(']', nesting_left)?)
            }
            (Some(b'{'), None) => self.entries(nesting_left)?,
            (_, None) => {
                let length = literal_length(self.rest());
                if length == 0 {
                    return Err(self.unexpected());
                }
                self.at += length;
                self.leaf(start..self.at)?
            }
        };
        Ok(Node {
            span: self.span(start..self.at),
            form,
        })
    }

    /// Values up to a closing bracket, which is taken.
    fn items(&mut self, end: char, nesting_left: usize) -> Result<Vec<Node>, Refusal> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.value(nesting_left - 1)?);
            if !self.take(',') {
                if self.take(end) {
                    break;
                }
                return Err(self.unexpected());
            }
        }
        Ok(items)
    }

    fn entries(&mut self, nesting_left: usize) -> Result<Form, Refusal> {
        self.at += 1;
        let mut entries = Vec::new();
        while !self.take('}') {
            let key = self.value(nesting_left - 1)?;
            if !self.take(':') {
                return Err(self.unexpected());
            }
            entries.push((key, self.value(nesting_left - 1)?));
            if !self.take(',') {
                if self.take('}') {
                    break;
                }
                return Err(self.unexpected());
            }
        }
        Ok(Form::Map(entries))
    }

    /// A struct, where a name and a colon follow, or a tuple.
    fn parentheses(&mut self, name: Option<Name>, nesting_left: usize) -> Result<Form, Refusal> {
        self.at += 1;
        let inside = self.at;
        let is_struct = self.name().is_some() && self.take(':');
        self.at = inside;
        if !is_struct {
            return Ok(Form::Tuple(name, self.items(')', nesting_left)?));
        }
        let mut fields = Vec::new();
        while !self.take(')') {
            let Some(field) = self.name() else {
                return Err(self.unexpected());
            };
            if !self.take(':') {
                return Err(self.unexpected());
            }
            fields.push((field, self.value(nesting_left - 1)?));
            if !self.take(',') {
                if self.take(')') {
                    break;
                }
                return Err(self.unexpected());
            }
        }
        Ok(Form::Struct(name, fields))
    }

    fn leaf(&self, range: Range<usize>) -> Result<Form, Refusal> {
        let raw = &self.text[range.clone()];
        if let Some(form) = plain_leaf(raw) {
            return Ok(form);
        }
        let fail = |error: ron::error::SpannedError| -> Refusal {
            Diagnostic::error(Code::Syntax, "this is not a value")
                .at(self.span(range.clone()), error.code.to_string())
                .into()
        };
        let bytes = raw.as_bytes();
        match (bytes[0], bytes.get(1)) {
            (b'"' | b'r', _) => ron::from_str(raw)
                .map(|text| Form::Text(text, false))
                .map_err(fail),
            (b'\'', _) => ron::from_str(raw).map(Form::Character).map_err(fail),
            (b'b', Some(b'\'')) => ron::from_str::<u8>(raw)
                .map(|byte| Form::Integer(byte.into()))
                .map_err(fail),
            (b'b', _) => ron::from_str(raw)
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
}

/// A leaf that can be read at a glance, as most of a large file: a short decimal number, or a
/// string without anything special in it.
fn plain_leaf(raw: &str) -> Option<Form> {
    if (1..=18).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return raw.parse().ok().map(Form::Integer);
    }
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then(|| Form::Text(text.to_owned(), true))
}

/// Bytes of the literal at the front.
fn literal_length(text: &str) -> usize {
    let quoted = |start: usize, quote: u8| {
        let bytes = text.as_bytes();
        let mut at = start;
        while at < bytes.len() && bytes[at] != quote {
            // An escaped character never ends the literal.
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        (at + 1).min(text.len())
    };
    let raw = |start: usize| {
        let hashes = text[start..]
            .bytes()
            .take_while(|&byte| byte == b'#')
            .count();
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = (start + hashes + 1).min(text.len());
        text.get(inside..)
            .and_then(|inner| inner.find(&end))
            .map_or(text.len(), |length| inside + length + end.len())
    };
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.get(1)) {
        (Some(b'"'), _) => quoted(1, b'"'),
        (Some(b'\''), _) => quoted(1, b'\''),
        (Some(b'b'), Some(b'"')) => quoted(2, b'"'),
        (Some(b'b'), Some(b'\'')) => quoted(2, b'\''),
        (Some(b'b'), Some(b'r')) => raw(2),
        (Some(b'r'), Some(b'"' | b'#')) => raw(1),
        _ => text
            .find(|c: char| matches!(c, ',' | ':' | ')' | ']' | '}' | '/') || c.is_whitespace())
            .unwrap_or(text.len()),
    }
}

/// Bytes of white space and comments at the front.
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
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    // `r#name` is a name too.
    let prefix = if text.starts_with("r#") && text[2..].starts_with(is_start) {
        2
    } else {
        0
    };
    let starts_literal = ["r\"", "r#", "b\"", "br\"", "br#", "b'"]
        .iter()
        .any(|start| text.starts_with(start));
    if prefix == 0 && (starts_literal || !text.starts_with(is_start)) {
        return 0;
    }
    let rest = &text[prefix..];
    prefix
        + rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())
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
