//! Parameters of kinds: a serde deserializer over the tree that evaluates expressions on the way.
//!
//! A string is an expression where the type asks for a number or a boolean, the name of a word
//! parameter where it asks for an enum, and itself where it asks for a string. Serde's errors have
//! no place: the deserializer keeps the place of the innermost value that was refused. Unknown
//! fields are found here, all of them, and left out, so that they do not hide other mistakes.

mod access;

use super::scope::{Scope, unexpected};
use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::expression::Expression;
use crate::netlist::fields::expression;
use crate::netlist::node::{Form, Name, Node};
use crate::netlist::value::Value;
use access::{Entries, Fields, Items, Variant};
use serde::de::{self, Deserializer, Visitor};
use std::cell::RefCell;
use std::fmt;
use std::fmt::Write as _;
use tina_engine::{Kind, Params};

/// Reads the parameters of an instance of `kind`; `given` is `None` where the netlist gives none.
///
/// With them comes the text of all values that were computed on the way: where the same parameters
/// are read again and these are the same, so is the outcome.
pub(crate) fn read_params(
    kind: &Kind,
    given: Option<&Node>,
    instance_span: Span,
    scope: &Scope<'_>,
) -> Result<(Params, String), Vec<Diagnostic>> {
    let nothing = Node {
        span: instance_span,
        form: Form::Tuple(None, Vec::new()),
    };
    let found = RefCell::new(Vec::new());
    let computed = RefCell::new(String::new());
    let node = given.unwrap_or(&nothing);
    let reader = Reader {
        node,
        scope,
        found: &found,
        computed: &computed,
    };
    let outcome = kind.parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(reader));
    let mut found = found.into_inner();
    match outcome {
        Ok(params) if found.is_empty() => Ok((params, computed.into_inner())),
        Ok(_) => Err(found),
        Err(error) => {
            if found.is_empty() {
                found.push(
                    Diagnostic::error(Code::WrongType, error.to_string())
                        .at(node.span, format!("parameters of kind `{}`", kind.name())),
                );
            }
            Err(found)
        }
    }
}

/// The place of a field of the parameters, or of all of them.
pub(crate) fn field_span(given: Option<&Node>, field: &str, instance_span: Span) -> Span {
    let Some(node) = given else {
        return instance_span;
    };
    let Form::Struct(_, fields) = &node.form else {
        return node.span;
    };
    fields
        .iter()
        .find(|(name, _)| name.text == field)
        .map_or(node.span, |(_, value)| value.span)
}

#[derive(Clone, Copy)]
struct Reader<'n> {
    node: &'n Node,
    scope: &'n Scope<'n>,
    found: &'n RefCell<Vec<Diagnostic>>,
    computed: &'n RefCell<String>,
}

/// What travels through serde; where a diagnostic was kept already, its text is not used.
#[derive(Debug)]
struct ParamError {
    code: Code,
    message: String,
    suggestion: Option<(String, &'static [&'static str])>,
    kept: bool,
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl de::StdError for ParamError {}

impl ParamError {
    fn new(code: Code, message: String) -> Self {
        Self {
            code,
            message,
            suggestion: None,
            kept: false,
        }
    }
}

impl de::Error for ParamError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Code::WrongType, message.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("no variant is called `{variant}`");
        let suggestion = Some((variant.to_owned(), expected));
        Self {
            suggestion,
            ..Self::new(Code::UnknownVariant, message)
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("no parameter is called `{field}`");
        let suggestion = Some((field.to_owned(), expected));
        Self {
            suggestion,
            ..Self::new(Code::UnknownField, message)
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(
            Code::MissingField,
            format!("the parameter `{field}` is missing"),
        )
    }
}

impl<'n> Reader<'n> {
    fn at(self, node: &'n Node) -> Self {
        Self { node, ..self }
    }

    fn keep(&self, diagnostic: impl Into<Box<Diagnostic>>) {
        self.found.borrow_mut().push(*diagnostic.into());
    }

    /// Keeps a diagnostic and makes serde stop.
    fn stop(&self, refusal: Refusal) -> ParamError {
        let message = refusal.message().to_owned();
        let code = refusal.code();
        self.keep(refusal);
        ParamError {
            kept: true,
            ..ParamError::new(code, message)
        }
    }

    /// Gives an error without a place the place of this node, unless one inside had it.
    ///
    /// Errors that came through a type-erased visitor have lost `kept`: there, whether anything was
    /// kept since `before` tells it.
    fn placed<T>(&self, before: usize, outcome: Result<T, ParamError>) -> Result<T, ParamError> {
        outcome.map_err(|mut error| {
            if !error.kept && self.found.borrow().len() == before {
                let label = match error.code {
                    Code::MissingField => "missing here",
                    _ => "",
                };
                let mut diagnostic =
                    Diagnostic::error(error.code, error.message.clone()).at(self.node.span, label);
                if let Some((name, known)) = &error.suggestion {
                    diagnostic = diagnostic.suggest(name, known.iter().copied());
                }
                self.keep(diagnostic);
            }
            error.kept = true;
            error
        })
    }

    fn count(&self) -> usize {
        self.found.borrow().len()
    }

    fn wrong_type(&self, expected: &str) -> ParamError {
        self.stop(crate::netlist::fields::wrong_type(self.node, expected))
    }

    fn formula(&self) -> Result<Expression, ParamError> {
        expression(self.node).map_err(|refusal| self.stop(refusal))
    }

    fn integer(&self, least: i128, most: i128) -> Result<i128, ParamError> {
        let formula = self.formula()?;
        let value = self
            .scope
            .integer(&formula, "this parameter", least..=most)
            .map_err(|refusal| self.stop(refusal))?;
        self.note(&value);
        Ok(value)
    }

    /// Remembers a value that was computed, in the order of computing.
    fn note(&self, value: &dyn fmt::Debug) {
        write!(self.computed.borrow_mut(), "{value:?};").expect("writing to a string cannot fail");
    }

    fn visit_number<V: Visitor<'n>>(self, value: i128, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        let outcome = if let Ok(value) = u64::try_from(value) {
            visitor.visit_u64(value)
        } else if let Ok(value) = i64::try_from(value) {
            visitor.visit_i64(value)
        } else {
            visitor.visit_i128(value)
        };
        self.placed(before, outcome)
    }

    fn sequence<V: Visitor<'n>>(
        self,
        items: &'n [Node],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let before = self.count();
        let outcome = visitor.visit_seq(Items {
            reader: self,
            items: items.iter(),
        });
        self.placed(before, outcome)
    }

    /// Fields as a map; with `known`, unknown fields are reported and left out.
    fn fields<V: Visitor<'n>>(
        self,
        fields: &'n [(Name, Node)],
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let mut list: Vec<(&'n Name, &'n Node)> = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            if let Some(known) = known
                && !known.contains(&name.text.as_str())
            {
                let message = format!("no parameter is called `{}`", name.text);
                self.keep(
                    Diagnostic::error(Code::UnknownField, message)
                        .at(name.span, "unknown parameter")
                        .suggest(&name.text, known.iter().copied()),
                );
            } else if let Some((first, _)) = list.iter().find(|(other, _)| other.text == name.text)
            {
                self.keep(crate::netlist::fields::duplicate(name, first));
            } else {
                list.push((name, value));
            }
        }
        let before = self.count();
        let outcome = visitor.visit_map(Fields {
            reader: self,
            list: list.into_iter(),
            value: None,
        });
        self.placed(before, outcome)
    }

    fn map<V: Visitor<'n>>(
        self,
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        match &self.node.form {
            Form::Struct(_, fields) => self.fields(fields, known, visitor),
            Form::Tuple(_, items) if items.is_empty() => self.fields(&[], known, visitor),
            Form::Map(entries) => {
                let before = self.count();
                let outcome = visitor.visit_map(Entries {
                    reader: self,
                    list: entries.iter(),
                    value: None,
                });
                self.placed(before, outcome)
            }
            _ => Err(self.wrong_type("expected a struct `(field: value, ..)`")),
        }
    }
}

macro_rules! integers {
    ($($method:ident $type:ty, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
            let value = self.integer(<$type>::MIN as i128, <$type>::MAX as i128)?;
            let before = self.count();
            let outcome = visitor.$visit(value as $type);
            self.placed(before, outcome)
        }
    )*};
}

impl<'n> Deserializer<'n> for Reader<'n> {
    type Error = ParamError;

    integers! {
        deserialize_u8 u8, visit_u8;
        deserialize_u16 u16, visit_u16;
        deserialize_u32 u32, visit_u32;
        deserialize_u64 u64, visit_u64;
        deserialize_i8 i8, visit_i8;
        deserialize_i16 i16, visit_i16;
        deserialize_i32 i32, visit_i32;
        deserialize_i64 i64, visit_i64;
        deserialize_i128 i128, visit_i128;
    }

    fn deserialize_u128<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let value = self.integer(0, i128::MAX)?;
        let before = self.count();
        let outcome = visitor.visit_u128(value.unsigned_abs());
        self.placed(before, outcome)
    }

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Integer(value) => self.visit_number(*value, visitor),
            Form::Float(value) => self.placed(before, visitor.visit_f64(*value)),
            Form::Boolean(value) => self.placed(before, visitor.visit_bool(*value)),
            Form::Character(value) => self.placed(before, visitor.visit_char(*value)),
            Form::Text(text, _) | Form::Word(text) => self.placed(before, visitor.visit_str(text)),
            Form::Bytes(bytes) => self.placed(before, visitor.visit_bytes(bytes)),
            Form::Tuple(None, items) if items.is_empty() => {
                self.placed(before, visitor.visit_unit())
            }
            Form::List(items) | Form::Tuple(_, items) => self.sequence(items, visitor),
            Form::Struct(..) | Form::Map(_) => self.map(None, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let formula = self.formula()?;
        let value = self
            .scope
            .boolean(&formula, "this parameter")
            .map_err(|refusal| self.stop(refusal))?;
        self.note(&value);
        let before = self.count();
        self.placed(before, visitor.visit_bool(value))
    }

    fn deserialize_f32<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let formula = self.formula()?;
        let value = self
            .scope
            .float(&formula)
            .map_err(|refusal| self.stop(refusal))?;
        self.note(&value);
        let before = self.count();
        self.placed(before, visitor.visit_f64(value))
    }

    fn deserialize_char<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Character(value) => self.placed(before, visitor.visit_char(*value)),
            _ => Err(self.wrong_type("expected a character such as 'c'")),
        }
    }

    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Text(text, _) => self.placed(before, visitor.visit_borrowed_str(text)),
            _ => Err(self.wrong_type("expected a string")),
        }
    }

    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Bytes(bytes) => self.placed(before, visitor.visit_borrowed_bytes(bytes)),
            Form::Text(text, _) => {
                self.placed(before, visitor.visit_borrowed_bytes(text.as_bytes()))
            }
            Form::List(items) => self.sequence(items, visitor),
            _ => Err(self.wrong_type("expected a byte string b\"..\"")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Word(word) if word == "None" => self.placed(before, visitor.visit_none()),
            Form::Tuple(Some(name), items) if name.text == "Some" && items.len() == 1 => {
                self.placed(before, visitor.visit_some(self.at(&items[0])))
            }
            _ => self.placed(before, visitor.visit_some(self)),
        }
    }

    fn deserialize_unit<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Tuple(_, items) if items.is_empty() => self.placed(before, visitor.visit_unit()),
            Form::Struct(_, fields) if !fields.is_empty() => {
                let message = "this kind takes no parameters";
                let diagnostic = Diagnostic::error(Code::UnknownField, message);
                Err(self.stop(diagnostic.at(fields[0].0.span, "unknown parameter").into()))
            }
            _ => Err(self.wrong_type("expected nothing: `()`")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'n>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Word(word) if word == name => self.placed(before, visitor.visit_unit()),
            _ => self.deserialize_unit(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Tuple(_, items) if items.len() == 1 => {
                self.placed(before, visitor.visit_newtype_struct(self.at(&items[0])))
            }
            _ => self.placed(before, visitor.visit_newtype_struct(self)),
        }
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        match &self.node.form {
            Form::List(items) | Form::Tuple(None, items) => self.sequence(items, visitor),
            _ => Err(self.wrong_type("expected a list `[..]`")),
        }
    }

    fn deserialize_tuple<V: Visitor<'n>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        match &self.node.form {
            Form::List(items) | Form::Tuple(_, items) if items.len() == len => {
                self.sequence(items, visitor)
            }
            _ => Err(self.wrong_type(&format!("expected {len} values `(..)`"))),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.map(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let (variant, span) = match &self.node.form {
            Form::Word(word) => (word.clone(), self.node.span),
            Form::Struct(Some(name), _) | Form::Tuple(Some(name), _) => {
                (name.text.clone(), name.span)
            }
            Form::Text(..) => {
                let formula = self.formula()?;
                let evaluated = formula
                    .evaluate(self.scope)
                    .map_err(|refusal| self.stop(refusal))?;
                match evaluated.value {
                    Value::Word(word) => {
                        self.note(&word);
                        (word, self.node.span)
                    }
                    value => {
                        let refusal = unexpected(&value, "expected a bare word", self.node.span);
                        return Err(self.stop(refusal));
                    }
                }
            }
            _ => return Err(self.wrong_type("expected a variant such as `Name` or `Name(..)`")),
        };
        if !variants.contains(&variant.as_str()) {
            let message = format!("no variant is called `{variant}`");
            let diagnostic =
                Diagnostic::error(Code::UnknownVariant, message).at(span, "unknown variant");
            return Err(self.stop(
                diagnostic
                    .suggest(&variant, variants.iter().copied())
                    .into(),
            ));
        }
        let before = self.count();
        self.placed(
            before,
            visitor.visit_enum(Variant {
                reader: self,
                variant,
            }),
        )
    }

    fn deserialize_identifier<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let before = self.count();
        match &self.node.form {
            Form::Text(text, _) | Form::Word(text) => self.placed(before, visitor.visit_str(text)),
            _ => Err(self.wrong_type("expected a name")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }
}
