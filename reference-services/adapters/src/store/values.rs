//! Values on their way to Postgres and back.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::{
    Row as Answer,
    types::{IsNull, ToSql, Type, to_sql_checked},
};
use world::store::{Kind, Row, StoreError, Table, Value};

/// A value as a parameter.
#[derive(Debug)]
pub(super) struct Bind<'a>(pub(super) &'a Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql(ty, out),
            Value::Text(text) => text.as_ref().to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

/// A row of a table and its version, from an answer that holds the table's columns and then the version.
pub(super) fn read(table: &Table, answer: &Answer) -> Result<(Row, i64), StoreError> {
    let unreadable = |error: tokio_postgres::Error| StoreError::Unavailable(error.to_string());
    let mut row = Vec::with_capacity(table.columns.len());
    for (number, column) in table.columns.iter().enumerate() {
        row.push(match column.kind {
            Kind::Serial | Kind::Int => {
                answer.try_get::<_, Option<i64>>(number).map_err(unreadable)?.map_or(Value::Null, Value::Int)
            }
            Kind::Text => answer.try_get::<_, Option<&str>>(number).map_err(unreadable)?.map_or(Value::Null, Value::text),
        });
    }
    Ok((row, answer.try_get(table.columns.len()).map_err(unreadable)?))
}
