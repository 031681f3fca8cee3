//! Tables: aligned text for people, Markdown for the manual.

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// Text, to the left.
    Text(&'static str),
    /// Numbers, to the right.
    Number(&'static str),
}

/// Rows under headings.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(columns: &[Column]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, one cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The table as aligned columns; nothing follows the last one.
    pub(crate) fn text(&self) -> String {
        let headings: Vec<String> = self.headings().map(str::to_owned).collect();
        let lines = || std::iter::once(&headings).chain(&self.rows);
        let length = |row: &[String], column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
        let widths: Vec<usize> =
            (0..self.columns.len()).map(|column| lines().map(|row| length(row, column)).max().unwrap_or(0)).collect();
        let mut text = String::new();
        for row in lines() {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                match column {
                    Column::Text(_) => line.push_str(&format!("{cell:width$}")),
                    Column::Number(_) => line.push_str(&format!("{cell:>width$}")),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let mut text = line(&mut self.headings());
        text.push_str(&line(&mut self.columns.iter().map(|column| match column {
            Column::Text(_) => "---",
            Column::Number(_) => "---:",
        })));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }

    fn headings(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(Column::Text(heading) | Column::Number(heading))| *heading)
    }
}

/// Names and values, one pair a line, the values aligned.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    pairs.iter().fold(String::new(), |mut text, (name, value)| {
        text.push_str(format!("{name:width$}  {value}").trim_end());
        text.push('\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stand_right() {
        let mut table = Table::new(&[Column::Number("NUMBER"), Column::Text("LABEL"), Column::Text("REST")]);
        table.row(vec!["1".into(), "ä".into(), "x".into()]);
        table.row(vec!["1000".into(), "two words".into(), String::new()]);
        assert_eq!(table.text(), "NUMBER  LABEL      REST\n     1  ä          x\n  1000  two words\n");
    }

    #[test]
    fn markdown_has_a_rule_under_the_headings() {
        let mut table = Table::new(&[Column::Text("A"), Column::Number("B")]);
        table.row(vec!["1".into(), "2".into()]);
        assert_eq!(table.markdown(), "| A | B |\n| --- | ---: |\n| 1 | 2 |\n");
    }

    #[test]
    fn pairs_align() {
        assert_eq!(pairs(&[("A", "1".to_owned()), ("Long", "2".to_owned())]), "A     1\nLong  2\n");
    }
}
