//! A table of what was measured, as Markdown.

use super::stats::Summary;
use std::fmt::Write;

/// What one run gave: figures under the names of their columns.
pub(super) type Sample = Vec<(&'static str, f64)>;

/// The runs of one scenario.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    first: &'static str,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    label: String,
    samples: Vec<Sample>,
    failures: Vec<String>,
}

impl Table {
    /// An empty table; `first` is the head of the column of labels.
    pub(super) const fn new(title: String, first: &'static str) -> Self {
        Self { title, first, rows: Vec::new() }
    }

    /// Adds a run to the row of this label.
    pub(super) fn add(&mut self, label: &str, run: Result<Sample, String>) {
        let at = self.rows.iter().position(|row| row.label == label).unwrap_or_else(|| {
            self.rows.push(Row { label: label.into(), samples: Vec::new(), failures: Vec::new() });
            self.rows.len() - 1
        });
        match run {
            Ok(sample) => self.rows[at].samples.push(sample),
            Err(why) => self.rows[at].failures.push(why),
        }
    }

    /// Whether no run failed.
    pub fn is_whole(&self) -> bool {
        self.rows.iter().all(|row| row.failures.is_empty())
    }

    /// Every figure as median and range; below it what went wrong.
    pub fn markdown(&self) -> String {
        let mut columns: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| row.samples.iter().flatten()) {
            if !columns.contains(name) {
                columns.push(name);
            }
        }
        let mut text = format!("### {}\n\n| {} |", self.title, self.first);
        columns.iter().for_each(|name| _ = write!(text, " {name} |"));
        text += &format!("\n|{}\n", "---|".repeat(columns.len() + 1));
        for row in &self.rows {
            let _ = write!(text, "| {} |", row.label);
            for column in &columns {
                let figures = row.samples.iter().flatten().filter(|(name, _)| name == column);
                let figures: Vec<f64> = figures.map(|(_, figure)| *figure).collect();
                let _ = write!(text, " {} |", Summary::of(&figures).map_or_else(String::new, Summary::text));
            }
            text.push('\n');
        }
        for row in &self.rows {
            for why in &row.failures {
                let runs = row.samples.len() + row.failures.len();
                let _ = write!(text, "\n- {}: a run of {runs} failed: {}", row.label, first_line(why));
            }
        }
        if !self.is_whole() {
            text.push('\n');
        }
        text
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_label_share_a_row_and_failures_stand_below() {
        let mut table = Table::new("Work".into(), "client");
        table.add("a", Ok(vec![("wall s", 2.0), ("MiB/s", 512.0)]));
        table.add("b", Err("gone\nand more".into()));
        assert!(!table.is_whole());
        table.add("a", Ok(vec![("wall s", 1.0), ("MiB/s", 1024.0)]));
        table.add("c", Ok(vec![("wall s", 3.0), ("connected", 5.0)]));
        let expected = "\
### Work

| client | wall s | MiB/s | connected |
|---|---|---|---|
| a | 1.50 (1.00–2.00) | 768 (512–1,024) |  |
| b |  |  |  |
| c | 3.00 |  | 5.00 |

- b: a run of 1 failed: gone
";
        assert_eq!(table.markdown(), expected);
    }
}
