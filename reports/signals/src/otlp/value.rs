//! Attribute values and numbers, as tolerantly as OTLP JSON is written in the wild.

use std::{borrow::Cow, fmt};

use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A 64-bit number: a decimal text by the standard, a bare number from some writers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Number(pub(super) i128);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 64-bit integer, as a number or as text")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number.into()))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number.into()))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Number {
    /// As a time; `None` where it is no unsigned 64-bit number.
    pub(super) fn nanoseconds(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

/// A floating-point number; what is not finite comes as text.
#[derive(Clone, Copy, Debug)]
struct Float(f64);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Float;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Float, E> {
                Ok(Float(number))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Float, E> {
                Ok(Float(number as f64))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Float, E> {
                Ok(Float(number as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Float, E> {
                text.parse().map(Float).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A key and its value.
#[derive(Debug, Deserialize)]
pub(super) struct Attribute<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<AnyValue<'a>>,
}

/// OTLP's `AnyValue`: one of these, or none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
    bool_value: Option<bool>,
    int_value: Option<Number>,
    double_value: Option<Float>,
    #[serde(borrow)]
    array_value: Option<ArrayValue<'a>>,
    kvlist_value: Option<serde_json::Value>,
    bytes_value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ArrayValue<'a> {
    #[serde(borrow, default)]
    values: Vec<AnyValue<'a>>,
}

/// Attributes as OpenTelemetry's own. What its API has no type for (maps, bytes, mixed arrays) becomes text.
pub(super) fn attributes(attributes: Vec<Attribute<'_>>) -> Vec<KeyValue> {
    attributes.into_iter().map(|one| KeyValue::new(one.key.into_owned(), value(one.value.unwrap_or_default()))).collect()
}

fn value(any: AnyValue<'_>) -> Value {
    match any {
        AnyValue { string_value: Some(text), .. } => text.into_owned().into(),
        AnyValue { bool_value: Some(flag), .. } => flag.into(),
        AnyValue { int_value: Some(Number(number)), .. } => match i64::try_from(number) {
            Ok(number) => number.into(),
            Err(_) => number.to_string().into(),
        },
        AnyValue { double_value: Some(Float(number)), .. } => number.into(),
        AnyValue { array_value: Some(array), .. } => Value::Array(array_of(array.values.into_iter().map(value).collect())),
        AnyValue { kvlist_value: Some(map), .. } => map.to_string().into(),
        AnyValue { bytes_value: Some(base64), .. } => base64.into(),
        AnyValue { .. } => "".into(),
    }
}

/// An array of one type; an empty or a mixed one is of texts.
fn array_of(values: Vec<Value>) -> Array {
    fn all<T>(values: &[Value], one: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
        values.iter().map(one).collect::<Option<Vec<T>>>().filter(|all| !all.is_empty())
    }
    if let Some(flags) = all(&values, |value| if let Value::Bool(flag) = value { Some(*flag) } else { None }) {
        return Array::Bool(flags);
    }
    if let Some(integers) = all(&values, |value| if let Value::I64(integer) = value { Some(*integer) } else { None }) {
        return Array::I64(integers);
    }
    if let Some(floats) = all(&values, |value| if let Value::F64(float) = value { Some(*float) } else { None }) {
        return Array::F64(floats);
    }
    Array::String(values.into_iter().map(|value| StringValue::from(value.as_str().into_owned())).collect())
}
