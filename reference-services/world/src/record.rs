//! Typed rows: one declaration gives a struct, its table and the way between them.

use crate::store::{Expect, Isolation, Kind, Row, Scan, Store, StoreError, Table, Tx, Value};

/// A struct that is a row of a declared table.
pub trait Record: Sized + Send {
    /// The table.
    const TABLE: &'static Table;
    /// As a row.
    fn to_row(&self) -> Row;
    /// From a row of this table.
    fn from_row(row: Row) -> Self;
}

/// A type that can be a column.
pub trait Field: Sized {
    /// Its column type.
    const KIND: Kind;
    /// Whether `NULL` is one of its values.
    const NULLABLE: bool = false;
    /// As a value.
    fn to_value(&self) -> Value;
    /// From a value of a column of this type; another type's value gives the type's empty value.
    fn from_value(value: Value) -> Self;
}

impl Field for i64 {
    const KIND: Kind = Kind::Int;
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
    fn from_value(value: Value) -> Self {
        if let Value::Int(n) = value { n } else { 0 }
    }
}

impl Field for std::sync::Arc<str> {
    const KIND: Kind = Kind::Text;
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn from_value(value: Value) -> Self {
        if let Value::Text(text) = value { text } else { "".into() }
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Field::to_value)
    }
    fn from_value(value: Value) -> Self {
        if value == Value::Null { None } else { Some(T::from_value(value)) }
    }
}

/// The key of a table that numbers its rows itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Serial(pub i64);

impl Field for Serial {
    const KIND: Kind = Kind::Serial;
    fn to_value(&self) -> Value {
        Value::Int(self.0)
    }
    fn from_value(value: Value) -> Self {
        Self(i64::from_value(value))
    }
}

/// Begins a transaction with the database's default isolation.
///
/// # Errors
/// As [`Store::begin`].
pub async fn begin(store: &dyn Store) -> Result<Box<dyn Tx>, StoreError> {
    store.begin(Isolation::ReadCommitted).await
}

/// The record with this key and its row version.
///
/// # Errors
/// As [`Tx::get`].
pub async fn load<R: Record>(tx: &mut dyn Tx, key: &str) -> Result<Option<(R, i64)>, StoreError> {
    Ok(tx.get(R::TABLE, &Value::text(key)).await?.map(|(row, version)| (R::from_row(row), version)))
}

/// The same as it is now, and nobody else writes it until this transaction is over.
///
/// # Errors
/// As [`Tx::lock`].
pub async fn lock<R: Record>(tx: &mut dyn Tx, key: &str) -> Result<Option<(R, i64)>, StoreError> {
    Ok(tx.lock(R::TABLE, &Value::text(key)).await?.map(|(row, version)| (R::from_row(row), version)))
}

/// Adds a record.
///
/// # Errors
/// As [`Tx::insert`].
pub async fn insert<R: Record>(tx: &mut dyn Tx, record: &R) -> Result<(), StoreError> {
    tx.insert(R::TABLE, record.to_row()).await
}

/// Replaces a record.
///
/// # Errors
/// As [`Tx::update`].
pub async fn update<R: Record>(tx: &mut dyn Tx, record: &R, expect: Expect) -> Result<(), StoreError> {
    tx.update(R::TABLE, record.to_row(), expect).await
}

/// The records that match.
///
/// # Errors
/// As [`Tx::scan`].
pub async fn scan<R: Record>(tx: &mut dyn Tx, scan: Scan) -> Result<Vec<(R, i64)>, StoreError> {
    let rows = tx.scan(R::TABLE, scan).await?;
    Ok(rows.into_iter().map(|(row, version)| (R::from_row(row), version)).collect())
}

/// Declares a record: the struct, its [`Table`] and a constant per column number.
///
/// ```
/// world::record! {
///     /// A parcel.
///     pub struct Parcel in "parcel" [column parcel_column] {
///         /// Its number.
///         id: std::sync::Arc<str>,
///         /// Its weight in grams.
///         weight: i64,
///     }
///     index [parcel_column::weight];
///     unique;
/// }
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[$doc:meta])* $vis:vis struct $name:ident in $table:literal [column $columns:ident] {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty ),+ $(,)?
        }
        index $( [ $($index:expr),+ ] )*;
        unique $( [ $($unique:expr),+ ] )*;
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name { $( $(#[$field_doc])* pub $field: $type ),+ }

        #[doc = concat!("Column numbers of `", $table, "`.")]
        #[expect(non_upper_case_globals, reason = "they are named as the columns are")]
        #[allow(dead_code, unused, clippy::allow_attributes, reason = "not every column is searched by")]
        $vis mod $columns {
            #[allow(non_camel_case_types, clippy::allow_attributes, reason = "they are named as the columns are")]
            enum Number { $( $field ),+ }
            $(
                #[doc = concat!("`", stringify!($field), "`")]
                $vis const $field: usize = Number::$field as usize;
            )+
        }

        impl $crate::record::Record for $name {
            const TABLE: &'static $crate::store::Table = &$crate::store::Table {
                name: $table,
                columns: &[ $( $crate::store::Column {
                    name: stringify!($field),
                    kind: <$type as $crate::record::Field>::KIND,
                    nullable: <$type as $crate::record::Field>::NULLABLE,
                } ),+ ],
                indexes: &[ $( &[ $($index),+ ] ),* ],
                indexed: true,
                unique: &[ $( &[ $($unique),+ ] ),* ],
            };
            fn to_row(&self) -> $crate::store::Row {
                vec![ $( $crate::record::Field::to_value(&self.$field) ),+ ]
            }
            fn from_row(row: $crate::store::Row) -> Self {
                let mut values = row.into_iter();
                Self { $( $field: $crate::record::Field::from_value(
                    values.next().unwrap_or($crate::store::Value::Null)) ),+ }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    crate::record! {
        /// A parcel.
        pub(crate) struct Parcel in "parcel" [column parcel] {
            /// Its number.
            id: Arc<str>,
            /// Its weight in grams.
            weight: i64,
            /// Who has it.
            holder: Option<Arc<str>>,
        }
        index [parcel::weight, parcel::id];
        unique [parcel::holder];
    }

    #[test]
    fn a_record_survives_the_way_through_a_row() {
        for holder in [None, Some("carrier".into())] {
            let parcel = Parcel { id: "p1".into(), weight: 120, holder };
            assert_eq!(Parcel::from_row(parcel.to_row()), parcel);
        }
    }

    #[test]
    fn the_table_is_declared_from_the_struct() {
        let table = Parcel::TABLE;
        assert_eq!(table.columns.iter().map(|column| column.name).collect::<Vec<_>>(), ["id", "weight", "holder"]);
        assert!(table.columns[2].nullable && !table.columns[1].nullable);
        assert_eq!(table.indexes, [[1, 0]]);
        assert_eq!(table.unique, [[2]]);
    }
}
