//! The table of a suite, in as many columns as the terminal has.

use console::{Alignment, measure_text_width, pad_str, style};
use tapwright_tasks::bench::summary::percent;
use tapwright_tasks::suite::CaseCounts;

use crate::output;

/// A part of the table, and what its first column is.
pub struct Lines<'a> {
    pub first: &'static str,
    pub rows: Vec<(&'a str, &'a CaseCounts)>,
}

/// A column: its name, how wide it is, and what stands in it.
type Column = (&'static str, usize, fn(&CaseCounts) -> String);

/// The columns, each with what it is worth: where a terminal is narrow, what is worth least is left out first.
const COLUMNS: [(Column, u8); 7] = [
    (("passed", 8, |counts| counts.passed.to_string()), 9),
    (("failed", 8, |counts| counts.failed.to_string()), 8),
    (("void", 6, |counts| counts.void.to_string()), 5),
    (("success", 9, |counts| percent(counts.success())), 7),
    (("steps", 7, |counts| counts.steps_mean().map_or_else(dash, |steps| format!("{steps:.1}"))), 4),
    (("ms/step", 9, |counts| counts.ms_per_step().map_or_else(dash, |ms| format!("{ms:.0}"))), 3),
    (("unasked", 9, |counts| counts.unasked.to_string()), 6),
];

fn dash() -> String {
    "–".to_owned()
}

impl Lines<'_> {
    /// A heading, the rows, and a line for all of them, in so many columns.
    pub fn shown(&self, all: &CaseCounts, unasked: bool, width: usize) -> Vec<String> {
        let names = self.rows.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or(0);
        let names = names.max(self.first.len()).min(width.saturating_sub(18));
        let mut columns: Vec<(Column, u8)> =
            COLUMNS.into_iter().filter(|((name, ..), _)| unasked || *name != "unasked").collect();
        while 2 + names + columns.iter().map(|((_, width, _), _)| width).sum::<usize>() > width && columns.len() > 2 {
            let least = columns.iter().map(|(_, worth)| *worth).min();
            columns.retain(|(_, worth)| Some(*worth) != least);
        }
        let line = |name: &str, cell: &dyn Fn(&Column) -> String| {
            let mut line = format!("  {}", pad_str(&output::fit(name, names), names, Alignment::Left, None));
            for (column, _) in &columns {
                line.push_str(&format!("{:>1$}", cell(column), column.1));
            }
            line
        };
        let heading = line(self.first, &|(name, ..)| (*name).to_owned());
        let rows = self.rows.iter().map(|(name, counts)| line(name, &|(.., value)| value(counts)));
        let all = line("all", &|(.., value)| value(all));
        let rows = rows.collect::<Vec<_>>();
        [vec![style(heading).dim().to_string()], rows, vec![style(all).bold().to_string()]].concat()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(unasked: bool, width: usize, expected: Expect) {
        let counts = CaseCounts { passed: 7, failed: 3, void: 1, unasked: 2, steps: 55, ms: 4000 };
        let rows = vec![("radio-then-message", &counts), ("note", &counts)];
        let lines = Lines { first: "template", rows }.shown(&counts, unasked, width);
        let lines: Vec<String> = lines.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect();
        let indented = lines.iter().map(|line| line.strip_prefix("  ").expect("all of it is indented"));
        let shown: Vec<&str> = indented.collect();
        assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{lines:#?}");
        expected.assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_table_fits_the_terminal() {
        check(
            true,
            80,
            expect![[r#"
              template            passed  failed  void  success  steps  ms/step  unasked
              radio-then-message       7       3     1   70.0 %    5.5       73        2
              note                     7       3     1   70.0 %    5.5       73        2
              all                      7       3     1   70.0 %    5.5       73        2"#]],
        );
        check(
            false,
            60,
            expect![[r#"
              template            passed  failed  void  success  steps
              radio-then-message       7       3     1   70.0 %    5.5
              note                     7       3     1   70.0 %    5.5
              all                      7       3     1   70.0 %    5.5"#]],
        );
        check(
            true,
            40,
            expect![[r#"
              template            passed  failed
              radio-then-message       7       3
              note                     7       3
              all                      7       3"#]],
        );
    }
}
