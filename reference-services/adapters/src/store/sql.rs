//! SQL from declared tables.
//!
//! Text columns have the collation `C`, so that Postgres sorts them by bytes, as the simulated store does; `NULL` sorts first.

use std::fmt::Write as _;

use world::store::{Column, Direction, Kind, Scan, Table, Value};

/// The hidden column that counts a row's committed updates from 1.
const VERSION: &str = "row_version";

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list<T>(items: impl IntoIterator<Item = T>, render: impl Fn(T) -> String) -> String {
    items.into_iter().map(render).collect::<Vec<_>>().join(", ")
}

fn columns(table: &Table) -> String {
    list(table.columns, |column| quoted(column.name))
}

/// The number of the first column that an insert gives: a serial key is made by the database.
pub(super) fn first_given(table: &Table) -> usize {
    usize::from(matches!(table.columns.first(), Some(Column { kind: Kind::Serial, .. })))
}

/// The table and its indexes, where they are not there yet.
pub(super) fn create(table: &Table) -> String {
    let name = quoted(table.name);
    let declared = list(table.columns.iter().enumerate(), |(number, column)| {
        let kind = match column.kind {
            Kind::Serial => "bigint generated always as identity",
            Kind::Int => "bigint",
            Kind::Text => "text collate \"C\"",
        };
        let key = if number == 0 { " primary key" } else { "" };
        let null = if column.nullable { "" } else { " not null" };
        format!("{} {kind}{null}{key}", quoted(column.name))
    });
    let mut sql = format!("create table if not exists {name} ({declared}, {VERSION} bigint not null default 1);");
    let made = if table.indexed { table.indexes } else { &[] };
    for (kind, indexes) in [("index", made), ("unique index", table.unique)] {
        for index in indexes {
            let names: Vec<&str> = index.iter().map(|number| table.columns[*number].name).collect();
            let suffix = if kind == "index" { "idx" } else { "key" };
            let index_name = quoted(&format!("{}_{}_{suffix}", table.name, names.join("_")));
            let indexed = list(names, quoted);
            let _ = write!(sql, " create {kind} if not exists {index_name} on {name} ({indexed});");
        }
    }
    sql
}

/// The row with key `$1`.
pub(super) fn get(table: &Table) -> String {
    let key = quoted(table.columns[0].name);
    format!("select {}, {VERSION} from {} where {key} = $1", columns(table), quoted(table.name))
}

/// The same, and nobody else writes it until the transaction is over.
pub(super) fn lock(table: &Table) -> String {
    get(table) + " for update"
}

/// A new row; without the key where the database makes it.
pub(super) fn insert(table: &Table) -> String {
    let given = &table.columns[first_given(table)..];
    let names = list(given, |column| quoted(column.name));
    let parameters = list(1..=given.len(), |number| format!("${number}"));
    format!("insert into {} ({names}) values ({parameters})", quoted(table.name))
}

/// Replaces the row with key `$1`; with `versioned` only in the version after the last column's parameter.
pub(super) fn update(table: &Table, versioned: bool) -> String {
    let key = quoted(table.columns[0].name);
    let set =
        list(table.columns.iter().enumerate().skip(1), |(number, column)| format!("{} = ${}", quoted(column.name), number + 1));
    let comma = if set.is_empty() { "" } else { ", " };
    let version = if versioned { format!(" and {VERSION} = ${}", table.columns.len() + 1) } else { String::new() };
    let name = quoted(table.name);
    format!("update {name} set {set}{comma}{VERSION} = {VERSION} + 1 where {key} = $1{version} returning {VERSION}")
}

/// The rows that match; `NULL`s to be equal to are in the text, other values are parameters in their order, then the key to
/// come after, then the limit of a column.
pub(super) fn scan(table: &Table, scan: &Scan) -> String {
    let mut sql = format!("select {}, {VERSION} from {}", columns(table), quoted(table.name));
    let key = quoted(table.columns[0].name);
    let mut parameter = 0;
    let mut conditions = Vec::new();
    for (number, value) in &scan.equals {
        let column = quoted(table.columns[*number].name);
        if *value == Value::Null {
            conditions.push(format!("{column} is null"));
        } else {
            parameter += 1;
            conditions.push(format!("{column} = ${parameter}"));
        }
    }
    if scan.after.is_some() {
        parameter += 1;
        conditions.push(format!("{key} > ${parameter}"));
    }
    if let Some((number, _)) = scan.at_most {
        parameter += 1;
        conditions.push(format!("{} <= ${parameter}", quoted(table.columns[number].name)));
    }
    if !conditions.is_empty() {
        sql += " where ";
        sql += &conditions.join(" and ");
    }
    sql += " order by ";
    if let Some((number, direction)) = scan.order_by {
        let order = match direction {
            Direction::Ascending => "asc nulls first",
            Direction::Descending => "desc nulls last",
        };
        let _ = write!(sql, "{} {order}, ", quoted(table.columns[number].name));
    }
    sql += &key;
    if let Some(limit) = scan.limit {
        let _ = write!(sql, " limit {limit}");
    }
    if scan.offset > 0 {
        let _ = write!(sql, " offset {}", scan.offset);
    }
    if scan.claim {
        sql += " for update skip locked";
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARCEL: Table = Table {
        name: "parcel",
        columns: &[
            Column { name: "id", kind: Kind::Text, nullable: false },
            Column { name: "weight", kind: Kind::Int, nullable: false },
            Column { name: "holder", kind: Kind::Text, nullable: true },
        ],
        indexes: &[&[1, 0]],
        indexed: true,
        unique: &[&[2]],
    };
    const EVENT: Table = Table {
        name: "event",
        columns: &[
            Column { name: "seq", kind: Kind::Serial, nullable: false },
            Column { name: "body", kind: Kind::Text, nullable: false },
        ],
        indexes: &[],
        indexed: true,
        unique: &[],
    };

    #[test]
    fn a_table_is_created_as_declared() {
        assert_eq!(
            create(&PARCEL),
            "create table if not exists \"parcel\" (\"id\" text collate \"C\" not null primary key, \
             \"weight\" bigint not null, \"holder\" text collate \"C\", row_version bigint not null default 1); \
             create index if not exists \"parcel_weight_id_idx\" on \"parcel\" (\"weight\", \"id\"); \
             create unique index if not exists \"parcel_holder_key\" on \"parcel\" (\"holder\");"
        );
    }

    #[test]
    fn a_serial_key_is_left_to_the_database() {
        assert_eq!(insert(&EVENT), "insert into \"event\" (\"body\") values ($1)");
        assert_eq!(insert(&PARCEL), "insert into \"parcel\" (\"id\", \"weight\", \"holder\") values ($1, $2, $3)");
    }

    #[test]
    fn a_row_that_is_to_be_written_is_read_for_update() {
        let read = "select \"seq\", \"body\", row_version from \"event\" where \"seq\" = $1";
        assert_eq!((get(&EVENT), lock(&EVENT)), (read.to_owned(), format!("{read} for update")));
    }

    #[test]
    fn an_update_counts_versions() {
        assert_eq!(
            update(&PARCEL, true),
            "update \"parcel\" set \"weight\" = $2, \"holder\" = $3, row_version = row_version + 1 \
             where \"id\" = $1 and row_version = $4 returning row_version"
        );
    }

    #[test]
    fn a_scan_says_all_that_was_asked() {
        let asked = Scan {
            equals: vec![(2, Value::Null), (1, Value::Int(5))],
            at_most: Some((1, 9)),
            order_by: Some((1, Direction::Descending)),
            limit: Some(10),
            offset: 20,
            after: Some(Value::text("p-1")),
            claim: true,
        };
        assert_eq!(
            scan(&PARCEL, &asked),
            "select \"id\", \"weight\", \"holder\", row_version from \"parcel\" where \"holder\" is null and \"weight\" = $1 \
             and \"id\" > $2 and \"weight\" <= $3 order by \"weight\" desc nulls last, \"id\" limit 10 offset 20 for update skip locked"
        );
    }
}
