//! What comes out of a run: the table for people, as text or Markdown, and the JSON with every figure.

use std::fmt::Write as _;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::benches::{Bench, Unit};
use crate::measure::{Problem, Record, Summary};
use crate::token::Token;

/// Everything one run has found.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Where and when.
    pub(crate) machine: Machine,
    /// How.
    pub(crate) settings: Settings,
    /// The columns; the first is ours if `has_ours`.
    pub(crate) modules: Vec<ModuleDescription>,
    /// Whether the first column is the module that the others are compared with.
    pub(crate) has_ours: bool,
    /// The rows.
    pub(crate) rows: Vec<ReportRow>,
}

/// The machine of the run.
#[derive(Serialize)]
pub(crate) struct Machine {
    processor: String,
    processors_usable: usize,
    kernel: String,
    unix_time_s: u64,
}

/// The settings of the run.
#[derive(Serialize)]
pub(crate) struct Settings {
    pub(crate) round_s: f64,
    pub(crate) rounds: usize,
    pub(crate) tokens_in: String,
    pub(crate) strongroom_settings: Vec<String>,
    pub(crate) bench_version: &'static str,
}

/// One column.
#[derive(Serialize)]
pub(crate) struct ModuleDescription {
    pub(crate) name: String,
    path: String,
    manufacturer: String,
    description: String,
    library_version: String,
    cryptoki_version: String,
}

/// One row of the table.
#[derive(Serialize)]
pub(crate) struct ReportRow {
    name: String,
    unit: &'static str,
    /// For a scaling factor: what it would be if nothing but the machine set the limit.
    ideal: Option<f64>,
    /// In the order of the modules.
    cells: Vec<Cell>,
    /// The raw library call, where the row has one.
    limit: Option<Cell>,
    /// Ours to the best peer's as times: below 1, ours is the faster one.
    ours_to_best_peer: Option<f64>,
    /// Ours to the raw library call as times.
    ours_to_limit: Option<f64>,
}

/// One figure, or why there is none.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Cell {
    /// Measured.
    Ok { figure: f64, samples: Option<Summary> },
    /// The module does not offer this.
    None,
    /// The module gave a wrong result.
    Wrong { reason: String },
    /// A call failed.
    Failed { reason: String },
}

/// How a trial ended; none where the column has no trial in this bench.
pub(crate) type Outcome = Option<Result<Record, Problem>>;

impl Report {
    /// An empty report.
    pub(crate) fn new(settings: Settings, modules: Vec<ModuleDescription>, has_ours: bool) -> Self {
        Self { machine: Machine::this(), settings, modules, has_ours, rows: Vec::new() }
    }

    /// Adds the rows of one bench: an outcome for each module, and last that of the limit.
    pub(crate) fn add(&mut self, bench: &Bench, mut outcomes: Vec<Outcome>) {
        let limit = outcomes.pop().flatten();
        let mut columns: Vec<_> = outcomes
            .iter()
            .map(|outcome| {
                outcome.as_ref().map_or_else(|| cells_of(bench, &Err(Problem::Missing)), |o| cells_of(bench, o))
            })
            .map(Vec::into_iter)
            .collect();
        let mut limits = limit.map(|outcome| cells_of(bench, &outcome).into_iter());
        for row in &bench.rows {
            let cells: Vec<Cell> = columns.iter_mut().map(|column| column.next().unwrap_or(Cell::None)).collect();
            let limit = limits.as_mut().and_then(Iterator::next);
            self.rows.push(ReportRow::new(row.name.clone(), row.unit, cells, limit, self.has_ours));
        }
    }

    /// Whether every module gave right results and no call failed.
    pub(crate) fn is_clean(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.cells).all(|cell| matches!(cell, Cell::Ok { .. } | Cell::None))
    }

    /// The table with its legend, as text for a terminal or as Markdown.
    pub(crate) fn render(&self, is_markdown: bool) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let _ = writeln!(
            text,
            "{}, {} processors, Linux {}; {} rounds of {} s; tokens in {}\n",
            machine.processor,
            machine.processors_usable,
            machine.kernel,
            self.settings.rounds,
            self.settings.round_s,
            self.settings.tokens_in,
        );
        let mut lines = vec![self.header()];
        lines.extend(self.rows.iter().map(|row| self.line(row)));
        text.push_str(&if is_markdown { markdown(&lines) } else { aligned(&lines) });
        text.push('\n');
        let bullet = if is_markdown { "- " } else { "" };
        for module in &self.modules {
            let _ = writeln!(
                text,
                "{bullet}{}: {}, {} {}, PKCS#11 {}",
                module.name, module.manufacturer, module.description, module.library_version, module.cryptoki_version
            );
        }
        for note in self.notes() {
            let _ = writeln!(text, "{bullet}{note}");
        }
        text
    }

    /// All figures.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    fn header(&self) -> Vec<String> {
        let mut header = vec!["bench (ns, or operations per s)".to_owned()];
        header.extend(self.modules.iter().map(|module| module.name.clone()));
        header.push("limit".to_owned());
        if self.has_ours {
            header.extend(["ours/best".to_owned(), "ours/limit".to_owned()]);
        }
        header
    }

    fn line(&self, row: &ReportRow) -> Vec<String> {
        let mut line = vec![row.name.clone()];
        line.extend(row.cells.iter().map(|cell| cell.text(row.unit)));
        line.push(row.limit.as_ref().map(|cell| cell.text(row.unit)).unwrap_or_default());
        if self.has_ours {
            line.extend(
                [row.ours_to_best_peer, row.ours_to_limit]
                    .map(|ratio| ratio.map(|ratio| format!("{}x", significant(ratio))).unwrap_or_default()),
            );
        }
        line
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for row in &self.rows {
            for (cell, module) in row.cells.iter().zip(&self.modules) {
                let note = match cell {
                    Cell::Wrong { reason } => format!("WRONG in {}: {reason}", module.name),
                    Cell::Failed { reason } => format!("FAILED in {}: {reason}", module.name),
                    Cell::Ok { .. } | Cell::None => continue,
                };
                // The rows of one bench share their reason: the first says it.
                if notes.last() != Some(&note) {
                    notes.push(note);
                }
            }
        }
        for row in &self.rows {
            if let (Some(ideal), Some(limit)) = (row.ideal, row.limit.as_ref().and_then(Cell::figure))
                && limit < ideal * (1.0 - NOISE)
            {
                notes.push(format!(
                    "{}: the machine itself gave {limit:.2}x of {ideal}x, \
                         so this bench says little; repeat it on a quiet one",
                    row.name
                ));
            }
        }
        let slower: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.ours_to_best_peer.is_some_and(|ratio| ratio > 1.0 + NOISE))
            .map(|row| row.name.as_str())
            .collect();
        if !slower.is_empty() {
            notes.push(format!("slower than the best peer by more than {:.0} %: {}", NOISE * 100.0, slower.join(", ")));
        }
        notes
    }
}

impl ReportRow {
    fn new(name: String, unit: Unit, cells: Vec<Cell>, limit: Option<Cell>, has_ours: bool) -> Self {
        let is_time = matches!(unit, Unit::Nanoseconds | Unit::MeanNanoseconds);
        let as_time = |figure: f64| if is_time { figure } else { 1.0 / figure };
        let mut times = cells.iter().map(|cell| cell.figure().map(as_time));
        let ours = if has_ours { times.next().flatten() } else { None };
        let best_peer = times.flatten().min_by(f64::total_cmp);
        let limit_time = limit.as_ref().and_then(Cell::figure).map(as_time);
        let ratio = |other: Option<f64>| Some(ours? / other?).filter(|ratio| ratio.is_finite());
        Self {
            name,
            unit: match unit {
                Unit::Nanoseconds | Unit::MeanNanoseconds => "ns",
                Unit::PerSecond => "1/s",
                Unit::Quotient { .. } => "x",
            },
            ideal: match unit {
                Unit::Quotient { ideal, .. } => Some(ideal),
                _ => None,
            },
            ours_to_best_peer: ratio(best_peer),
            ours_to_limit: ratio(limit_time),
            cells,
            limit,
        }
    }
}

impl Cell {
    fn figure(&self) -> Option<f64> {
        match self {
            Cell::Ok { figure, .. } => Some(*figure),
            _ => None,
        }
    }

    fn text(&self, unit: &str) -> String {
        match self {
            Cell::Ok { figure, .. } if unit == "1/s" => format!("{}/s", grouped(*figure)),
            Cell::Ok { figure, .. } if unit == "x" => format!("{figure:.2}x"),
            Cell::Ok { figure, .. } => grouped(*figure),
            Cell::None => "none".to_owned(),
            Cell::Wrong { .. } => "WRONG".to_owned(),
            Cell::Failed { .. } => "FAILED".to_owned(),
        }
    }
}

impl Machine {
    fn this() -> Self {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: processor.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned()),
            processors_usable: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            unix_time_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        }
    }
}

impl ModuleDescription {
    /// Describes the module of this token under the name of its column.
    pub(crate) fn new(name: String, token: &Token) -> Self {
        Self {
            name,
            path: token.module.path().display().to_string(),
            manufacturer: token.info.manufacturer.clone(),
            description: token.info.description.clone(),
            library_version: token.info.library_version.clone(),
            cryptoki_version: token.info.cryptoki_version.clone(),
        }
    }
}

fn cells_of(bench: &Bench, outcome: &Result<Record, Problem>) -> Vec<Cell> {
    let same = |cell: &dyn Fn() -> Cell| bench.rows.iter().map(|_| cell()).collect();
    match outcome {
        Ok(record) => {
            let cell = |figure: Option<(f64, Option<Summary>)>| match figure {
                Some((figure, samples)) => Cell::Ok { figure, samples },
                None => Cell::None,
            };
            bench.figures(record).into_iter().map(cell).collect()
        }
        Err(Problem::Missing) => same(&|| Cell::None),
        Err(Problem::Wrong(reason)) => same(&|| Cell::Wrong { reason: reason.clone() }),
        Err(Problem::Failed(reason)) => same(&|| Cell::Failed { reason: reason.clone() }),
    }
}

/// Columns as wide as their widest cell, names to the left, figures to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let widths = widths(lines);
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

pub(crate) fn markdown(lines: &[Vec<String>]) -> String {
    let widths = widths(lines);
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(text, "| {cell:<width$} ") } else { write!(text, "| {cell:>width$} ") };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = if column == 0 { write!(text, "|{dashes}-") } else { write!(text, "|{dashes}:") };
            }
            text.push_str("|\n");
        }
    }
    text
}

fn widths(lines: &[Vec<String>]) -> Vec<usize> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(String::len).max().unwrap_or(0);
    (0..columns).map(width).collect()
}

/// Whole numbers with separators; one decimal below a hundred.
pub(crate) fn grouped(figure: f64) -> String {
    if figure < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two or three digits that mean something.
pub(crate) fn significant(ratio: f64) -> String {
    match ratio {
        _ if ratio < 0.095 => format!("{ratio:.3}"),
        _ if ratio < 10.0 => format!("{ratio:.2}"),
        _ => format!("{ratio:.0}"),
    }
}

/// On a machine that does other work too, smaller differences mean nothing.
const NOISE: f64 = 0.15;

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(figure: f64) -> Cell {
        Cell::Ok { figure, samples: None }
    }

    #[test]
    fn ratios_below_one_mean_ours_is_faster_whatever_the_unit() {
        let cells = vec![ok(100.0), ok(400.0), Cell::None, ok(200.0)];
        let row = ReportRow::new("a".to_owned(), Unit::Nanoseconds, cells, Some(ok(50.0)), true);
        assert_eq!((row.ours_to_best_peer, row.ours_to_limit), (Some(0.5), Some(2.0)));
        let rates = vec![ok(400.0), ok(100.0), ok(200.0)];
        let row = ReportRow::new("b".to_owned(), Unit::PerSecond, rates, None, true);
        assert_eq!((row.ours_to_best_peer, row.ours_to_limit), (Some(0.5), None));
        let peers = vec![ok(400.0), ok(100.0)];
        assert_eq!(ReportRow::new("c".to_owned(), Unit::PerSecond, peers, None, false).ours_to_best_peer, None);
    }

    #[test]
    fn figures_are_grouped() {
        assert_eq!(
            [0.15, 99.94, 999.6, 1234.0, 80_006_000.0].map(grouped),
            ["0.1", "99.9", "1,000", "1,234", "80,006,000"]
        );
        assert_eq!([0.004, 0.25, 84.35].map(significant), ["0.004", "0.25", "84"]);
    }

    #[test]
    fn markdown_has_one_rule_and_as_many_cells_in_each_line() {
        let lines = [vec!["bench".to_owned(), "ours".to_owned()], vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(markdown(&lines), "| bench | ours |\n|-------|-----:|\n| a     |    1 |\n");
    }
}
