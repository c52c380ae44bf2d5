//! Rows that something is done with: a table in a file, or the lines of an output.

use std::path::Path;

use super::values::Outputs;
use crate::mistake::read_text;

/// Whoever has more wants a program of their own.
pub const ROWS_MAX: usize = 2000;
const COLUMNS_MAX: usize = 100;

/// Reads a table of comma-separated values, whose first row names the columns.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(file: &Path) -> Result<Vec<Outputs>, String> {
    let text = read_text(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    parse(text.trim_start_matches('\u{feff}')).map_err(|why| format!("{}: {why}", file.display()))
}

/// Reads such a table's text. Values keep their blanks and line breaks.
///
/// # Errors
/// What is wrong with it, and in which line.
pub fn parse(text: &str) -> Result<Vec<Outputs>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => return Err(error.to_string()),
    };
    if names.is_empty() || names.len() > COLUMNS_MAX {
        return Err(format!("the first row names the columns; there may be 1 to {COLUMNS_MAX}"));
    }
    for (at, name) in names.iter().enumerate() {
        let fits = !name.is_empty() && !name.contains(['{', '}']) && name.len() <= 60;
        if !fits || names[..at].contains(name) {
            return Err(format!("{name:?} is no name for a column, or two have it: the first row names the columns"));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        if rows.len() >= ROWS_MAX {
            return Err(format!("it has more than {ROWS_MAX} rows"));
        }
        let mut row: Outputs = names.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
        row.entry("number".to_owned()).or_insert_with(|| (rows.len() + 1).to_string());
        rows.push(row);
    }
    Ok(rows)
}

/// The lines of an output as rows: `item` is the line, `title` what stands before `|` in it, `text` what stands after.
///
/// # Errors
/// If there are too many.
pub fn of_lines(lines: &str) -> Result<Vec<Outputs>, String> {
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > ROWS_MAX {
        return Err(format!("there are {} lines; {ROWS_MAX} are the most", lines.len()));
    }
    let row = |(at, line): (usize, &&str)| {
        let (title, text) = line.split_once(['|', '｜']).unwrap_or((line, ""));
        let pairs = [("item", *line), ("title", title.trim()), ("text", text.trim())];
        let mut row: Outputs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        row.insert("number".to_owned(), (at + 1).to_string());
        row
    };
    Ok(lines.iter().enumerate().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_with_quotes_and_line_breaks() {
        let rows = parse("name, price\n\"Tea, green\",\"3.50\"\n\"two\nlines\",\"say \"\"hi\"\"\"\n").unwrap();
        assert_eq!((rows[0]["name"].as_str(), rows[0]["price"].as_str()), ("Tea, green", "3.50"));
        assert_eq!((rows[1]["name"].as_str(), rows[1]["price"].as_str()), ("two\nlines", "say \"hi\""));
        assert_eq!(rows[1]["number"], "2");
        assert!(parse("a,b\n1\n").unwrap_err().contains("line"), "a row that is too short is pointed at");
        assert!(parse("a,a\n1,2\n").is_err());
        assert!(parse("").is_err());
        assert_eq!(parse("a\n").unwrap(), Vec::<Outputs>::new());
        let long = format!("a\n{}", "x\n".repeat(ROWS_MAX + 1));
        assert!(parse(&long).unwrap_err().contains("2000"));
    }

    #[test]
    fn lines_are_rows() {
        let rows = of_lines("Palace | ¥50\n\nLake\n").unwrap();
        assert_eq!((rows[0]["title"].as_str(), rows[0]["text"].as_str()), ("Palace", "¥50"));
        assert_eq!((rows[1]["item"].as_str(), rows[1]["number"].as_str()), ("Lake", "2"));
    }
}
