//! Databases that programs left, asked in memory: read only, with neither files nor extensions in reach, and steps counted.

use rusqlite::hooks::{AuthAction, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB};
use serde_json::{Number, Value};

use crate::error::EvaluatorErrorKind as Kind;
use crate::python::value::parse_float;

/// How often the engine asks whether to go on, and how often it may: some seconds of work.
const STEPS_PER_CHECK: i32 = 10_000;
const CHECKS_MAX: u32 = 20_000;
const ROWS_MAX: usize = 200_000;
const CELL_BYTES_MAX: i32 = 16 << 20;

/// `float(row[0] or 0)` of the first row.
///
/// # Errors
/// If it is no database, the statement is none or does more than read, takes too long, or gives nothing that is a number.
pub fn first_number(name: &str, bytes: &[u8], sql: &str) -> Result<f64, Kind> {
    let connection = open(name, bytes)?;
    let failed = |error: rusqlite::Error| Kind::unreadable(name, error);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Err(Kind::output("the query gave no row")) };
    match row.get_ref(0).map_err(failed)? {
        ValueRef::Null => Ok(0.0),
        ValueRef::Integer(number) => Ok(number as f64),
        ValueRef::Real(number) => Ok(number),
        ValueRef::Text([]) | ValueRef::Blob([]) => Ok(0.0),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            let text = std::str::from_utf8(text).ok().and_then(parse_float);
            text.ok_or_else(|| Kind::output("the query gave what is no number"))
        }
    }
}

/// All rows of a query, each as a list.
///
/// # Errors
/// As above; and if there are too many.
pub fn rows(name: &str, bytes: &[u8], sql: &str) -> Result<Value, Kind> {
    let connection = open(name, bytes)?;
    let failed = |error: rusqlite::Error| Kind::unreadable(name, error);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let columns = statement.column_count();
    let mut found = statement.query([]).map_err(failed)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(failed)? {
        if rows.len() == ROWS_MAX {
            return Err(Kind::unreadable(name, format!("it has more than {ROWS_MAX} rows")));
        }
        let cells =
            (0..columns).map(|column| row.get_ref(column).map(cell)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        rows.push(Value::Array(cells));
    }
    Ok(Value::Array(rows))
}

fn cell(value: ValueRef) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        // What is encrypted is compared with nothing.
        ValueRef::Blob(bytes) => Value::Array(bytes.iter().take(64).map(|byte| Value::from(*byte)).collect()),
    }
}

fn open(name: &str, bytes: &[u8]) -> Result<Connection, Kind> {
    let failed = |error: rusqlite::Error| Kind::unreadable(name, error);
    let mut connection = Connection::open_in_memory().map_err(failed)?;
    let mut bytes = bytes.to_vec();
    // A database that was written with a log beside it can be read without one only if it does not say so.
    if bytes.len() > 19 && bytes.starts_with(b"SQLite format 3\0") {
        for version in &mut bytes[18..20] {
            *version = 1;
        }
    }
    if !bytes.is_empty() {
        let length = bytes.len();
        connection.deserialize_read_exact(MAIN_DB, bytes.as_slice(), length, true).map_err(failed)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, CELL_BYTES_MAX).map_err(failed)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA hard_heap_limit = 268435456;").map_err(failed)?;
    connection.authorizer(Some(|context: rusqlite::hooks::AuthContext| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }));
    let mut checks = 0_u32;
    let is_too_long = move || {
        checks += 1;
        checks > CHECKS_MAX
    };
    connection.progress_handler(STEPS_PER_CHECK, Some(is_too_long));
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with a table of numbers.
    fn sample() -> Vec<u8> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t(a, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (NULL, 'z');")
            .unwrap();
        connection.serialize(MAIN_DB).unwrap().to_vec()
    }

    #[test]
    fn the_first_number_of_a_query() {
        let bytes = sample();
        for (sql, number) in [
            ("SELECT COUNT(*) FROM t", Some(3.0)),
            ("SELECT a FROM t WHERE b = 'z'", Some(0.0)),
            ("SELECT '2.5'", Some(2.5)),
            ("SELECT ''", Some(0.0)),
            ("SELECT b FROM t", None),
            ("SELECT a FROM t WHERE 0", None),
            ("SELECT nothing FROM t", None),
            ("DELETE FROM t", None),
            ("ATTACH '/tmp/x' AS x", None),
            ("PRAGMA user_version", None),
            ("SELECT load_extension('x')", None),
            ("SELECT length(zeroblob(1000000000))", None),
        ] {
            let result = first_number("it", &bytes, sql);
            assert_eq!(result.clone().ok(), number, "{sql}: {result:?}");
        }
    }

    #[test]
    fn a_database_in_wal_mode_is_read() {
        let mut bytes = sample();
        (bytes[18], bytes[19]) = (2, 2);
        assert_eq!(first_number("it", &bytes, "SELECT COUNT(*) FROM t"), Ok(3.0));
    }

    #[test]
    fn what_is_damaged_or_without_end_is_an_error() {
        let bytes = sample();
        assert!(first_number("it", &bytes[..bytes.len() - 4096], "SELECT COUNT(*) FROM t").is_err());
        assert!(first_number("it", b"no database at all, but long enough", "SELECT COUNT(*) FROM t").is_err());
        assert!(first_number("it", b"", "SELECT COUNT(*) FROM t").is_err());
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n";
        assert!(first_number("it", &bytes, endless).expect_err("endless").to_string().contains("interrupted"));
        assert_eq!(rows("it", &bytes, "SELECT a, b FROM t"), Ok(serde_json::json!([[1, "x"], [2, "y"], [null, "z"]])));
    }
}
