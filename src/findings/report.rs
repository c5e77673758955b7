//! What was found, for people and for machines.

use std::fmt;

use serde::Serialize;

use crate::config::PracticeSettings;
use crate::messages::Advice;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How it is.
    pub(crate) level: Level,
    /// Where: a place in the configuration, or a server.
    pub(crate) place: String,
    /// What is wrong, or what is well.
    pub(crate) message: String,
    /// What to do; absent where all is well, and where the message says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it must be.
    Ok,
    /// Worth knowing; the bridge works.
    Note,
    /// The bridge, or a part of it, will not work.
    Problem,
}

/// What a finding about a practice is filed under.
pub(crate) fn title(practice: &PracticeSettings) -> String {
    format!("practice {}", practice.id)
}

/// All findings, in the order in which things were looked at.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn ok(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.push(Level::Ok, place, message, None);
    }

    pub(crate) fn note(&mut self, place: impl Into<String>, advice: Advice) {
        self.push(Level::Note, place, advice.problem, Some(advice.remedy));
    }

    pub(crate) fn problem(&mut self, place: impl Into<String>, advice: Advice) {
        self.push(Level::Problem, place, advice.problem, Some(advice.remedy));
    }

    /// A problem whose sentence holds its remedy.
    pub(crate) fn sentence(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.push(Level::Problem, place, message, None);
    }

    pub(crate) fn problems(&self) -> usize {
        self.findings.iter().filter(|finding| finding.level == Level::Problem).count()
    }

    /// One JSON array.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.findings)
    }

    fn push(&mut self, level: Level, place: impl Into<String>, message: impl Into<String>, remedy: Option<String>) {
        self.findings.push(Finding { level, place: place.into(), message: message.into(), remedy });
    }
}

impl fmt::Display for Report {
    /// A table, then a line that counts the problems.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.place.chars().count()).max().unwrap_or(0);
        for Finding { level, place, message, remedy } in &self.findings {
            writeln!(f, "{:<7}  {place:<width$}  {message}", level.word())?;
            if let Some(remedy) = remedy {
                writeln!(f, "{:<7}  {:<width$}    {remedy}", "", "")?;
            }
        }
        match self.problems() {
            0 => write!(f, "\nNo problem found."),
            1 => write!(f, "\n1 problem found."),
            several => write!(f, "\n{several} problems found."),
        }
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "PROBLEM",
        }
    }
}
