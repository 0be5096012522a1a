use std::{fmt, fs, io, path::Path};

use super::{CASES, Case};

/// How a transport does in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It keeps the sentence.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// It does not claim to speak what the case is about.
    NotApplicable,
}

impl Verdict {
    /// The verdict in a word: `passed`, `failed` or `not-applicable`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// One line of a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The case.
    pub case: Case,
    /// How the transport did.
    pub verdict: Verdict,
}

impl Row {
    pub(super) const fn new(case: &Case, verdict: Verdict) -> Self {
        Self {
            case: *case,
            verdict,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.verdict {
            Verdict::Passed => ("ok", ""),
            Verdict::Failed(why) => ("FAILED", &**why),
            Verdict::NotApplicable => ("--", ""),
        };
        write!(f, "{word:6}  {:36}  {}", self.case.name, self.case.rule)?;
        if !why.is_empty() {
            write!(f, "\n          {why}")?;
        }
        Ok(())
    }
}

/// How a transport does in every case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The transport.
    pub transport: String,
    /// A row for each of [`CASES`].
    pub rows: Vec<Row>,
}

impl Report {
    pub(super) fn new(transport: &str, rows: Vec<Row>) -> Self {
        debug_assert_eq!(rows.len(), CASES.len(), "no case is left out in silence");
        Self {
            transport: transport.to_owned(),
            rows,
        }
    }

    /// The names of the cases that failed.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.rows.iter();
        failed
            .filter(|row| matches!(row.verdict, Verdict::Failed(_)))
            .map(|row| row.case.name)
            .collect()
    }

    /// Writes the report for machines: a line a case, with its name and verdict
    /// behind a tab.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, file: impl AsRef<Path>) -> io::Result<()> {
        let lines = self
            .rows
            .iter()
            .map(|row| format!("{}\t{}\n", row.case.name, row.verdict.as_str()));
        fs::write(file, lines.collect::<String>())
    }

    /// For the end of a test.
    ///
    /// # Panics
    ///
    /// If a case failed.
    #[allow(clippy::panic, reason = "that is how a test fails")]
    pub fn assert_passed(&self) {
        let failed = self.failed();
        assert!(failed.is_empty(), "{} fails {failed:?}", self.transport);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.transport)?;
        self.rows.iter().try_for_each(|row| writeln!(f, "  {row}"))
    }
}
