//! What is wrong with an input, where, and how it is shown.
//!
//! A [`Diagnostic`] has a stable code, a place in a source text and the nearest known name; all
//! diagnostics of a load are collected in [`Diagnostics`] and rendered together, in the order in
//! which they were found. The crate that draws the snippets is used here and nowhere else.
//!
//! Knows nothing of netlists: a source is a name and a text.

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Snippet};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The most diagnostics that are rendered; the rest is counted.
pub const DIAGNOSTICS_MAX: usize = 100;

/// After so many findings reading and checking stop.
const FINDINGS_MAX: usize = 1000;

/// The most names a suggestion is chosen from.
const CANDIDATES_MAX: usize = 10_000;

/// Longer lines are named by line and column but not shown.
const SHOWN_LINE_BYTES_MAX: usize = 4096;

/// Labels further apart than this are shown in snippets of their own.
const SNIPPET_BYTES_MAX: usize = 64 << 10;

/// Number of a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(u32);

/// A range of bytes in a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The part of this span that `range`, counted from its start, covers.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        let at = |offset: usize| (self.start + offset as u32).min(self.end);
        Self {
            start: at(range.start),
            end: at(range.end),
            ..self
        }
    }
}

#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: Arc<str>,
}

/// The texts that diagnostics point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Adds a text under the name shown to the user.
    ///
    /// # Panics
    /// When the text has 4 GiB or more: callers limit files long before.
    pub fn add(&mut self, name: impl Into<String>, text: Arc<str>) -> SourceId {
        assert!(
            u32::try_from(text.len()).is_ok(),
            "source texts are limited when they are read"
        );
        let id = SourceId(u32::try_from(self.list.len()).expect("fewer sources than files"));
        self.list.push(Source {
            name: name.into(),
            text,
        });
        id
    }

    /// The text of a source.
    #[must_use]
    pub fn text(&self, id: SourceId) -> Arc<str> {
        self.list[id.0 as usize].text.clone()
    }

    /// The name of a source.
    #[must_use]
    pub fn name(&self, id: SourceId) -> &str {
        &self.list[id.0 as usize].name
    }

    /// Names and texts, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list
            .iter()
            .map(|source| (source.name.as_str(), &*source.text))
    }

    fn source(&self, id: SourceId) -> &Source {
        &self.list[id.0 as usize]
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal,)*) => {
        /// What kind of mistake a diagnostic is about; its text is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])* $name,)* }

        impl Code {
            /// The stable text, such as `N0012`.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

codes! {
    /// A file cannot be read.
    Unreadable = "N0001",
    /// A file is larger than the limit.
    FileTooLarge = "N0002",
    /// A file is not RON.
    Syntax = "N0003",
    /// Values nest deeper than the limit.
    NestingTooDeep = "N0004",
    /// A field or parameter that does not exist.
    UnknownField = "N0010",
    /// A field or parameter that must be there is not.
    MissingField = "N0011",
    /// A value of another type was expected.
    WrongType = "N0012",
    /// A name is given twice.
    Duplicate = "N0013",
    /// A name has characters that names must not have.
    BadName = "N0014",
    /// A pattern, total or variant that does not exist.
    UnknownVariant = "N0015",
    /// An expression cannot be read.
    ExpressionSyntax = "N0020",
    /// An expression has no value: division by zero, overflow, wrong types.
    Expression = "N0021",
    /// An expression uses a name that is not defined.
    UnknownName = "N0022",
    /// A number is outside its limits.
    OutOfRange = "N0023",
    /// No kind has this name.
    UnknownKind = "N0030",
    /// No instance has this name.
    UnknownInstance = "N0031",
    /// No port has this name.
    UnknownPort = "N0032",
    /// No clock has this name.
    UnknownClock = "N0033",
    /// No netlist parameter has this name.
    UnknownParam = "N0034",
    /// A module refuses its parameters.
    Refused = "N0035",
    /// An index lies outside its array or row.
    IndexOutOfRange = "N0040",
    /// Two selections do not have the same shape.
    ShapeMismatch = "N0041",
    /// Two wires on one port.
    PortTaken = "N0042",
    /// A port without a wire.
    Unconnected = "N0043",
    /// Two ends of a wire carry different signals.
    SignalMismatch = "N0044",
    /// An input where an output is needed, or the reverse.
    Direction = "N0045",
    /// A netlist includes itself.
    IncludeCycle = "N0050",
    /// Sub-netlists nest deeper than the limit.
    IncludeDepth = "N0051",
    /// More instances, wires or ports than a machine may have.
    TooMany = "N0052",
    /// Clocks that cannot be.
    Clock = "N0060",
    /// A total that matches nothing.
    EmptyTotal = "N0070",
    /// A program that cannot be loaded.
    Program = "N0080",
    /// The host refuses what checking needs.
    Host = "N0081",
    /// A netlist parameter that nothing uses.
    UnusedParam = "N0090",
    /// A wire whose depth is below its round trip.
    RateCap = "N0091",
    /// A field that says nothing where its netlist is included.
    IgnoredField = "N0092",
}

/// Whether a diagnostic stops the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The input is wrong.
    Error,
    /// The input is probably not what was meant.
    Warning,
}

#[derive(Clone, Debug)]
struct Label {
    span: Span,
    text: String,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    severity: Severity,
    code: Code,
    message: String,
    primary: Option<Label>,
    context: Vec<Label>,
    notes: Vec<String>,
    help: Vec<String>,
}

/// A diagnostic on its way to whoever collects them.
pub type Refusal = Box<Diagnostic>;

impl Diagnostic {
    /// An error without a place yet.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: None,
            context: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning without a place yet.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The place it is about, and what stands there or should.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Another place that explains it.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.context.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// A fact that explains it.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Suggests the nearest of `known` names, or lists them when they are few.
    #[must_use]
    pub fn suggest<'n>(self, name: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let known: Vec<&str> = known.into_iter().take(CANDIDATES_MAX).collect();
        match nearest(name, &known) {
            Some(found) => self.help(format!("did you mean `{found}`?")),
            None if !known.is_empty() && known.len() <= 12 => {
                self.note(format!("known here: {}", quoted(&known)))
            }
            None => self,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether it stops the load.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }
}

/// The known name that is most like `name`, if one is like it at all.
#[must_use]
pub fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let mut best: Option<(f64, &str)> = None;
    for &candidate in known {
        let likeness = strsim::jaro_winkler(name, candidate)
            .max(strsim::normalized_damerau_levenshtein(name, candidate));
        // One slip in a name of three letters: `sgv` for `svg`.
        let is_slip = candidate.len() == 3 && strsim::damerau_levenshtein(name, candidate) == 1;
        // Strictly better, so that of equals the first one named wins.
        if (likeness >= 0.7 || is_slip) && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What was found so far; how reading and checking go on after a mistake.
///
/// The same diagnostic at the same place is kept once: a sub-netlist that is elaborated with many
/// parameters has each of its mistakes once.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Diagnostic>,
    seen: BTreeSet<(Code, Option<Span>, String)>,
    count: usize,
}

impl Findings {
    /// Keeps a diagnostic.
    pub fn add(&mut self, diagnostic: impl Into<Box<Diagnostic>>) {
        let diagnostic = *diagnostic.into();
        self.count += 1;
        let place = diagnostic.primary.as_ref().map(|label| label.span);
        if self
            .seen
            .insert((diagnostic.code, place, diagnostic.message.clone()))
        {
            self.list.push(diagnostic);
        }
    }

    /// The value, or nothing after keeping why there is none.
    pub fn keep<T>(&mut self, result: Result<T, Refusal>) -> Option<T> {
        result.map_err(|refusal| self.add(refusal)).ok()
    }

    /// How often something was found, so that a part can tell whether it found anything.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether so much was found that looking for more is of no use.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count >= FINDINGS_MAX
    }

    /// Forgets what was found with this code since `count` things had been kept: the echo of
    /// something else.
    pub fn forget(&mut self, code: Code, count: usize) {
        let mut number = 0;
        self.list.retain(|diagnostic| {
            number += 1;
            number <= count || diagnostic.code != code
        });
    }

    /// How many different things are kept.
    #[must_use]
    pub fn kept_count(&self) -> usize {
        self.list.len()
    }

    /// Errors, and warnings, each in the order they were found.
    #[must_use]
    pub fn split(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        self.list
            .into_iter()
            .partition(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// All that was found wrong in one load, with the texts it points into.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sources: Sources,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Diagnostics that point into `sources`.
    #[must_use]
    pub fn new(sources: Sources, list: Vec<Diagnostic>) -> Self {
        Self { sources, list }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// All of them, in the order they were found.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// The text for a user, with colour if the terminal has it.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = String::new();
        for diagnostic in self.list.iter().take(DIAGNOSTICS_MAX) {
            text.push_str(&renderer.render(&self.groups(diagnostic)));
            text.push_str("\n\n");
        }
        if self.list.len() > DIAGNOSTICS_MAX {
            text.push_str(&format!(
                "… and {} more\n",
                self.list.len() - DIAGNOSTICS_MAX
            ));
        }
        text
    }

    fn groups<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.text());
        let mut group = Group::with_title(title);
        for element in self.snippets(diagnostic) {
            group = group.element(element);
        }
        for note in &diagnostic.notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        for help in &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        vec![group]
    }

    /// The primary label with the labels near it, then a snippet for each that is far away.
    fn snippets<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Element<'a>> {
        let Some(primary) = &diagnostic.primary else {
            return Vec::new();
        };
        let mut together = vec![(primary, AnnotationKind::Primary)];
        let mut apart = Vec::new();
        for label in &diagnostic.context {
            let near = label.span.source == primary.span.source
                && (label.span.start.abs_diff(primary.span.start) as usize) < SNIPPET_BYTES_MAX;
            if near {
                together.push((label, AnnotationKind::Context));
            } else {
                apart.push((label, AnnotationKind::Primary));
            }
        }
        let mut elements = vec![self.snippet(&together)];
        elements.extend(apart.into_iter().map(|label| self.snippet(&[label])));
        elements
    }

    fn snippet<'a>(&'a self, labels: &[(&'a Label, AnnotationKind)]) -> Element<'a> {
        let source = self.sources.source(labels[0].0.span.source);
        let starts = labels.iter().map(|(label, _)| label.span.start as usize);
        let ends = labels.iter().map(|(label, _)| label.span.end as usize);
        let first = starts.min().expect("a snippet has a label");
        let last = ends
            .max()
            .expect("a snippet has a label")
            .min(source.text.len());
        let text = &*source.text;
        // A line of context below keeps a label on the last line readable.
        let from = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[last..]
            .find('\n')
            .map_or(text.len(), |newline| last + newline);
        let window = &text[from..to];
        let line = text[..from].bytes().filter(|&byte| byte == b'\n').count() + 1;
        if window
            .split('\n')
            .any(|line| line.len() > SHOWN_LINE_BYTES_MAX)
        {
            let start = labels[0].0.span.start as usize;
            let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
            let line = text[..begin].bytes().filter(|&byte| byte == b'\n').count() + 1;
            let column = text[begin..start].chars().count() + 1;
            return Origin::path(source.name.as_str())
                .line(line)
                .char_column(column)
                .into();
        }
        let annotations = labels.iter().map(|(label, kind)| {
            let start = label.span.start as usize - from;
            let end = (label.span.end as usize - from).clamp(start, window.len());
            let text = (!label.text.is_empty()).then_some(label.text.as_str());
            kind.span(start..end).label(text)
        });
        Snippet::source(window)
            .path(source.name.as_str())
            .line_start(line)
            .annotations(annotations)
            .into()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> (Sources, SourceId) {
        let mut sources = Sources::default();
        let id = sources.add("a.ron", text.into());
        (sources, id)
    }

    #[test]
    fn a_place_is_shown_with_its_line_and_caret() {
        let (sources, source) = sources("first\nkind: \"rooter\"\nlast\n");
        let span = Span {
            source,
            start: 12,
            end: 20,
        };
        let diagnostic = Diagnostic::error(Code::UnknownKind, "no kind is called `rooter`")
            .at(span, "not in the catalogue")
            .suggest("rooter", ["router", "sink"]);
        let text = Diagnostics::new(sources, vec![diagnostic]).to_string();
        insta::assert_snapshot!(text, @r#"
        error[N0030]: no kind is called `rooter`
         --> a.ron:2:7
          |
        2 | kind: "rooter"
          |       ^^^^^^^^ not in the catalogue
          |
          = help: did you mean `router`?
        "#);
    }

    #[test]
    fn a_very_long_line_is_named_but_not_shown() {
        let (sources, source) = sources(&"x".repeat(10_000));
        let diagnostic = Diagnostic::error(Code::Syntax, "no").at(
            Span {
                source,
                start: 77,
                end: 78,
            },
            "",
        );
        let text = Diagnostics::new(sources, vec![diagnostic]).to_string();
        assert!(text.contains("a.ron:1:78"), "{text}");
        assert!(text.len() < 200, "{text}");
    }

    #[test]
    fn the_nearest_name_is_the_first_of_the_best() {
        assert_eq!(
            nearest("sourc", &["sink", "source", "sources"]),
            Some("source")
        );
        assert_eq!(nearest("zzz", &["sink", "source"]), None);
        assert_eq!(nearest("sgv", &["png", "svg"]), Some("svg"));
        assert_eq!(nearest("pdf", &["png", "svg"]), None);
    }
}
