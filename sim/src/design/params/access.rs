//! Lists, maps and enums of the tree, as serde walks them.

use super::{ParamError, Reader};
use crate::netlist::node::{Form, Name, Node};
use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

pub(super) struct Items<'n> {
    pub(super) reader: Reader<'n>,
    pub(super) items: std::slice::Iter<'n, Node>,
}

impl<'n> SeqAccess<'n> for Items<'n> {
    type Error = ParamError;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ParamError> {
        self.items
            .next()
            .map(|node| seed.deserialize(self.reader.at(node)))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

pub(super) struct Fields<'n> {
    pub(super) reader: Reader<'n>,
    pub(super) list: std::vec::IntoIter<(&'n Name, &'n Node)>,
    pub(super) value: Option<&'n Node>,
}

impl<'n> MapAccess<'n> for Fields<'n> {
    type Error = ParamError;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ParamError> {
        let Some((name, value)) = self.list.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(de::value::BorrowedStrDeserializer::new(&name.text))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, ParamError> {
        let node = self
            .value
            .take()
            .expect("a map's value is asked for after its key");
        seed.deserialize(self.reader.at(node))
    }
}

pub(super) struct Entries<'n> {
    pub(super) reader: Reader<'n>,
    pub(super) list: std::slice::Iter<'n, (Node, Node)>,
    pub(super) value: Option<&'n Node>,
}

impl<'n> MapAccess<'n> for Entries<'n> {
    type Error = ParamError;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ParamError> {
        let Some((key, value)) = self.list.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(self.reader.at(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, ParamError> {
        let node = self
            .value
            .take()
            .expect("a map's value is asked for after its key");
        seed.deserialize(self.reader.at(node))
    }
}

pub(super) struct Variant<'n> {
    pub(super) reader: Reader<'n>,
    pub(super) variant: String,
}

impl<'n> EnumAccess<'n> for Variant<'n> {
    type Error = ParamError;
    type Variant = Content<'n>;

    fn variant_seed<V: DeserializeSeed<'n>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'n>), ParamError> {
        let name = de::value::StringDeserializer::<ParamError>::new(self.variant);
        Ok((
            seed.deserialize(name)?,
            Content {
                reader: self.reader,
            },
        ))
    }
}

pub(super) struct Content<'n> {
    pub(super) reader: Reader<'n>,
}

impl<'n> VariantAccess<'n> for Content<'n> {
    type Error = ParamError;

    fn unit_variant(self) -> Result<(), ParamError> {
        match &self.reader.node.form {
            Form::Word(_) | Form::Text(..) => Ok(()),
            _ => Err(self.reader.wrong_type("this variant holds nothing")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'n>>(self, seed: T) -> Result<T::Value, ParamError> {
        match &self.reader.node.form {
            Form::Tuple(_, items) if items.len() == 1 => {
                seed.deserialize(self.reader.at(&items[0]))
            }
            // `Hot(node: 3)` for a variant that holds a struct.
            Form::Struct(Some(_), _) => seed.deserialize(self.reader),
            _ => Err(self
                .reader
                .wrong_type("this variant holds one value `(..)`")),
        }
    }

    fn tuple_variant<V: Visitor<'n>>(self, len: usize, visitor: V) -> Result<V::Value, ParamError> {
        match &self.reader.node.form {
            Form::Tuple(_, items) if items.len() == len => self.reader.sequence(items, visitor),
            _ => Err(self
                .reader
                .wrong_type(&format!("this variant holds {len} values `(..)`"))),
        }
    }

    fn struct_variant<V: Visitor<'n>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        match &self.reader.node.form {
            Form::Struct(_, list) => self.reader.fields(list, Some(fields), visitor),
            _ => Err(self
                .reader
                .wrong_type("this variant holds fields `(field: value, ..)`")),
        }
    }
}
