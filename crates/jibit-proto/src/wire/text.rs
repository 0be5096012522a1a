//! Text as the gateway writes it, read where it lies in the answer.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Number, Value, value::RawValue};

use crate::{Rial, ids::LOST};

/// Text, also where a number is printed; nothing for null. An escape costs a copy.
pub(super) fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    let scalar = deserializer.deserialize_any(ScalarVisitor)?;
    Ok(scalar.map(|scalar| match scalar {
        Scalar::Text(text) => text,
        Scalar::Whole(number) => Cow::Owned(number.to_string()),
    }))
}

/// The same, none of whose bytes were lost on the way.
pub(super) fn exact<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    let text = text(deserializer)?;
    if text.as_ref().is_some_and(|it| it.contains(LOST)) {
        return Err(de::Error::custom("bytes that are no text"));
    }
    Ok(text)
}

/// A whole number of Rial, also where its digits are printed as text.
pub(super) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rial>, D::Error> {
    let scalar = deserializer.deserialize_any(ScalarVisitor)?;
    let amount = scalar.map(|scalar| match scalar {
        Scalar::Text(digits) => digits.parse(),
        Scalar::Whole(number) => Rial::new(number),
    });
    amount.transpose().map_err(de::Error::custom)
}

/// The text of a value that was not looked into before.
pub(super) fn of(json: Option<&RawValue>) -> serde_json::Result<Option<Cow<'_, str>>> {
    json.map_or(Ok(None), |json| {
        text(&mut serde_json::Deserializer::from_str(json.get()))
    })
}

enum Scalar<'a> {
    Text(Cow<'a, str>),
    Whole(u64),
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Option<Scalar<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a number")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Whole(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("not a number"))?;
        Ok(Some(Scalar::Text(Cow::Owned(number.to_string()))))
    }

    /// So serde_json brings numbers if anything in the build wants all their digits.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        match Value::deserialize(MapAccessDeserializer::new(map))? {
            Value::Number(number) => Ok(Some(Scalar::Text(Cow::Owned(number.to_string())))),
            _ => Err(de::Error::custom("neither text nor a number")),
        }
    }
}
