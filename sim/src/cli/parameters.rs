//! What a kind's parameters are, learnt from how it deserializes them.
//!
//! A kind's parameters are a type that only the kind knows. This deserializer offers every field a
//! sample of whatever it asks for, and writes down what that was. Samples mean nothing; they only
//! serve to see the ports of a kind whose ports depend on its parameters.

use serde::de::value::Error;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::cell::RefCell;
use tina_engine::{Kind, Params};

/// A parameter of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// What it may be, in words.
    pub(super) form: String,
    pub(super) required: bool,
}

/// The parameters of a kind in the order of their declaration.
pub(super) fn parameters(kind: &Kind) -> Vec<Parameter> {
    let log = RefCell::new(Vec::new());
    // All fields are seen even if the whole is refused.
    let _ = parse(kind, &log, &|_| Some(1));
    let mut parameters = log.into_inner();
    for parameter in &mut parameters {
        let without = |field: &str| (field != parameter.name).then_some(1);
        parameter.required = parse(kind, &RefCell::default(), &without).is_err();
    }
    parameters
}

/// A sample of a kind's parameters: of each field the number to use for it, or `None` to leave it
/// out.
pub(super) fn sample(kind: &Kind, number: &dyn Fn(&str) -> Option<u8>) -> Result<Params, String> {
    parse(kind, &RefCell::default(), number)
}

fn parse(
    kind: &Kind,
    log: &RefCell<Vec<Parameter>>,
    number: &dyn Fn(&str) -> Option<u8>,
) -> Result<Params, String> {
    let form = Form { log, number };
    kind.parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(form))
        .map_err(|error| error.to_string())
}

/// All parameters: a struct, or nothing.
struct Form<'a> {
    log: &'a RefCell<Vec<Parameter>>,
    number: &'a dyn Fn(&str) -> Option<u8>,
}

impl<'de> Deserializer<'de> for Form<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let number = |&name: &&'static str| (self.number)(name).map(|number| (name, number));
        let fields: Vec<(&'static str, u8)> = names.iter().filter_map(number).collect();
        visitor.visit_map(Fields {
            log: Some(self.log),
            fields: fields.into_iter(),
            next: None,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields of a struct, each with the number to use in its sample.
struct Fields<'a, F> {
    log: Option<&'a RefCell<Vec<Parameter>>>,
    fields: F,
    next: Option<(&'static str, u8)>,
}

impl<'de, F: Iterator<Item = (&'static str, u8)>> MapAccess<'de> for Fields<'_, F> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next = self.fields.next();
        let key = |(name, _): (&'static str, u8)| seed.deserialize(name.into_deserializer());
        self.next.map(key).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (name, number) = self.next.take().expect("a value follows its key");
        let form = RefCell::default();
        let value = seed.deserialize(Sample {
            form: &form,
            number,
        });
        if let Some(log) = self.log {
            log.borrow_mut().push(Parameter {
                name,
                form: form.into_inner(),
                required: false,
            });
        }
        value
    }
}

/// A value of whatever form is asked for, made of one number.
struct Sample<'a> {
    form: &'a RefCell<String>,
    number: u8,
}

impl Sample<'_> {
    fn note(&self, form: &str) {
        self.form.borrow_mut().push_str(form);
    }
}

macro_rules! samples {
    ($($method:ident $visit:ident $type:ty, $form:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.note($form);
            visitor.$visit(<$type>::from(self.number))
        }
    )*};
}

impl<'de> Deserializer<'de> for Sample<'_> {
    type Error = Error;

    samples! {
        deserialize_any visit_u64 u64, "a value";
        deserialize_u8 visit_u8 u8, "a whole number (u8)";
        deserialize_u16 visit_u16 u16, "a whole number (u16)";
        deserialize_u32 visit_u32 u32, "a whole number (u32)";
        deserialize_u64 visit_u64 u64, "a whole number (u64)";
        deserialize_u128 visit_u128 u128, "a whole number (u128)";
        deserialize_i16 visit_i16 i16, "a whole number (i16)";
        deserialize_i32 visit_i32 i32, "a whole number (i32)";
        deserialize_i64 visit_i64 i64, "a whole number (i64)";
        deserialize_i128 visit_i128 i128, "a whole number (i128)";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
        deserialize_char visit_char char, "a character";
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("a whole number (i8)");
        visitor.visit_u8(self.number)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("true or false");
        visitor.visit_bool(false)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("a text");
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("bytes");
        visitor.visit_bytes(&[])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("a list");
        visitor.visit_seq(Items::new(0, self.number))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("a map");
        visitor.visit_map(fields_of(&[], self.number))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("()");
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(name);
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(&format!("a list of {count}"));
        visitor.visit_seq(Items::new(count, self.number))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(count, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(&format!("({})", names.join(", ")));
        visitor.visit_map(fields_of(names, self.number))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note(&variants.join(" or "));
        visitor.visit_enum(FirstVariant {
            name: variants.first().copied().unwrap_or_default(),
            number: self.number,
        })
    }
}

/// So many samples.
struct Items {
    form: RefCell<String>,
    count: usize,
    number: u8,
}

impl Items {
    fn new(count: usize, number: u8) -> Self {
        Self {
            form: RefCell::default(),
            count,
            number,
        }
    }
}

/// The fields of a struct within a parameter, of which nothing is written down.
fn fields_of(
    names: &'static [&'static str],
    number: u8,
) -> Fields<'static, impl Iterator<Item = (&'static str, u8)>> {
    Fields {
        log: None,
        fields: names.iter().map(move |&name| (name, number)),
        next: None,
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.count == 0 {
            return Ok(None);
        }
        self.count -= 1;
        seed.deserialize(Sample {
            form: &self.form,
            number: self.number,
        })
        .map(Some)
    }
}

/// The first variant of an enum, with samples for whatever it holds.
struct FirstVariant {
    name: &'static str,
    number: u8,
}

impl<'de> EnumAccess<'de> for FirstVariant {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let variant = seed.deserialize(self.name.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for FirstVariant {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Sample {
            form: &RefCell::default(),
            number: self.number,
        })
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items::new(count, self.number))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(fields_of(names, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use tina_engine::{BuildError, Cycle, Effect, Module, Wiring};

    #[derive(Clone, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        count: u32,
        #[serde(default)]
        rate: f64,
        label: Option<String>,
        pattern: Pattern,
        corner: (u8, u8),
    }

    #[derive(Clone, Deserialize)]
    enum Pattern {
        Hot { node: u32 },
        Uniform,
    }

    struct Example;
    impl Module for Example {
        const KIND: &'static str = "test.example";
        const SUMMARY: &'static str = "an example";
        type Params = Shape;
        fn build(params: Shape, _: &mut Wiring<'_>) -> Result<Self, BuildError> {
            let Shape {
                count,
                rate,
                label,
                pattern,
                corner,
            } = params;
            let hot = matches!(pattern, Pattern::Hot { node: 1 });
            assert!(count == 1 && rate == 0.0 && label.is_none() && hot && corner == (1, 1));
            assert!(!matches!(pattern, Pattern::Uniform));
            Ok(Self)
        }
        fn clock(&mut self, _: Cycle) -> Effect {
            Effect::Done
        }
    }

    #[test]
    fn forms_and_requirements_are_learnt() {
        let kind = Kind::of::<Example>();
        let parameters = parameters(&kind);
        let lines: Vec<String> = parameters
            .iter()
            .map(|parameter| {
                let mark = if parameter.required { "!" } else { "" };
                format!("{}{mark}: {}", parameter.name, parameter.form)
            })
            .collect();
        assert_eq!(
            lines,
            [
                "count!: a whole number (u32)",
                "rate: a number",
                "label: a text",
                "pattern!: Hot or Uniform",
                "corner!: a list of 2"
            ]
        );
        let only =
            |names: &'static [&'static str]| move |field: &str| names.contains(&field).then_some(1);
        assert!(sample(&kind, &only(&["count", "pattern", "corner"])).is_ok());
        assert!(sample(&kind, &only(&["count", "pattern"])).is_err());
    }
}
