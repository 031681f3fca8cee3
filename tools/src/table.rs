//! Tables: aligned text for people, Markdown for the manual.

/// Rows under headings.
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(headings: &[&'static str]) -> Table {
        Table { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, one cell for each heading.
    pub fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headings.len());
        self.rows.push(cells);
    }

    /// The table as aligned columns; the last one is as long as it is. Columns of numbers stand to the right.
    pub fn text(&self) -> String {
        let columns = self.headings.len();
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column: usize| {
            let heading = self.headings.get(column).map_or(0, |heading| heading.len());
            self.rows.iter().map(|row| cell(row, column).chars().count()).fold(heading, usize::max)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let right: Vec<bool> = (0..columns).map(|column| self.is_numeric(column)).collect();
        let headings: Vec<String> = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let mut text = String::new();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for (column, (width, right)) in widths.iter().zip(&right).enumerate() {
                let cell = cell(row, column);
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                line.push_str(if column == 0 { "" } else { "  " });
                match right {
                    true => line.extend([padding.as_str(), &cell]),
                    false => line.extend([cell.as_str(), &padding]),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let mut text = line(&mut self.headings.iter().copied());
        text.push_str(&line(&mut self.headings.iter().map(|_| "---")));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.bytes().all(|byte| byte.is_ascii_digit()))
            && !matches!(self.headings.get(column), Some(&("ID" | "KCV" | "LABEL" | "SERIAL")))
    }
}

/// Names and values, one pair a line, the values aligned.
pub fn pairs(pairs: &[(impl AsRef<str>, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.as_ref().chars().count()).max().unwrap_or(0);
    pairs.iter().fold(String::new(), |mut text, (name, value)| {
        text.push_str(format!("{:width$}  {value}", name.as_ref()).trim_end());
        text.push('\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stand_right() {
        let mut table = Table::new(&["NUMBER", "LABEL", "REST"]);
        table.row(vec!["1".into(), "ä".into(), "x".into()]);
        table.row(vec!["1000".into(), "two words".into(), String::new()]);
        assert_eq!(table.text(), "NUMBER  LABEL      REST\n     1  ä          x\n  1000  two words\n");
    }

    #[test]
    fn markdown_has_a_rule_under_the_headings() {
        let mut table = Table::new(&["A", "B"]);
        table.row(vec!["1".into(), "2".into()]);
        assert_eq!(table.markdown(), "| A | B |\n| --- | --- |\n| 1 | 2 |\n");
    }

    #[test]
    fn pairs_align() {
        assert_eq!(pairs(&[("A", "1".to_owned()), ("Long", "2".to_owned())]), "A     1\nLong  2\n");
    }
}
