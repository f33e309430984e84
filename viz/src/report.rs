//! Reports: one HTML page with all in it, light or dark as the reader's system is, without a script and without
//! anything to load.

use crate::drawing::{Drawing, Ink, Theme, escaped};
use std::fmt::Write;

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// A line below the title.
    pub subtitle: String,
    /// What stands on it, from top to bottom.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading; the pages's list of contents has it, too.
    pub heading: String,
    /// A sentence that explains it, or nothing.
    pub text: String,
    /// What it shows, from top to bottom.
    pub contents: Vec<Content>,
}

/// What a section shows.
#[derive(Clone, Debug)]
pub enum Content {
    /// Names and values.
    Pairs(Vec<(String, String)>),
    /// A table.
    Table {
        /// Titles of the columns.
        columns: Vec<String>,
        /// Cells, row by row.
        rows: Vec<Vec<String>>,
        /// Whether a column holds numbers, which stand to the right.
        numbers: Vec<bool>,
    },
    /// A chart of bars: names and numbers, and the unit.
    Bars {
        /// The bars.
        bars: Vec<(String, f64)>,
        /// What the numbers count.
        unit: String,
    },
    /// A drawing: a chart, a heat map, a timeline, a waveform.
    Picture(Drawing),
    /// Small drawings, as many beside each other as there is room for.
    Pictures(Vec<Drawing>),
    /// A sentence.
    Text(String),
    /// Text as it is, in letters of one width.
    Verbatim(String),
}

const STYLE: &str = "
*{box-sizing:border-box}
body{margin:0;background:var(--ink-paper);color:var(--ink-text);
  font:15px/1.5 'DejaVu Sans',Verdana,'Segoe UI',sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:24px;margin:0}
h2{font-size:17px;margin:36px 0 8px;padding-top:12px;border-top:1px solid var(--ink-faint)}
p{margin:4px 0 12px;color:var(--ink-muted)}
nav a{color:var(--ink-curve);margin-right:16px;text-decoration:none}
nav a:hover{text-decoration:underline}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:0}
dt{color:var(--ink-muted)}
dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13px}
th,td{padding:4px 14px 4px 0;text-align:left;border-bottom:1px solid var(--ink-faint);vertical-align:top}
th{color:var(--ink-muted);font-weight:normal}
.number{text-align:right;font-variant-numeric:tabular-nums}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:5px 12px;align-items:center;font-size:13px}
.bar{height:14px;background:var(--ink-curve);border-radius:2px;min-width:1px}
pre{white-space:pre-wrap;background:var(--ink-panel);padding:12px;overflow-x:auto;
  font:12px/1.4 'DejaVu Sans Mono',Menlo,Consolas,monospace}
svg{display:block;max-width:none}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(430px,1fr));gap:12px}
.pictures svg{max-width:100%;height:auto}
";

impl Page {
    /// The page as a file.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\
             :root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <h1>{title}</h1>\n<p>{}</p>\n",
            Ink::css_variables(Theme::Light),
            Ink::css_variables(Theme::Dark),
            escaped(&self.subtitle),
        );
        html.push_str("<nav>");
        for (number, section) in self.sections.iter().enumerate() {
            put(
                &mut html,
                format_args!("<a href=\"#s{number}\">{}</a>", escaped(&section.heading)),
            );
        }
        html.push_str("</nav>\n");
        for (number, section) in self.sections.iter().enumerate() {
            put(
                &mut html,
                format_args!(
                    "<section id=\"s{number}\">\n<h2>{}</h2>\n",
                    escaped(&section.heading)
                ),
            );
            if !section.text.is_empty() {
                put(
                    &mut html,
                    format_args!("<p>{}</p>\n", escaped(&section.text)),
                );
            }
            for content in &section.contents {
                write_content(&mut html, content);
            }
            html.push_str("</section>\n");
        }
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }
}

fn write_content(html: &mut String, content: &Content) {
    match content {
        Content::Pairs(pairs) => {
            html.push_str("<dl>\n");
            for (name, value) in pairs {
                put(
                    html,
                    format_args!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value)),
                );
            }
            html.push_str("</dl>\n");
        }
        Content::Table {
            columns,
            rows,
            numbers,
        } => {
            html.push_str("<div class=\"scroll\"><table>\n<thead>");
            write_row(html, "th", columns, numbers);
            html.push_str("</thead>\n<tbody>\n");
            rows.iter()
                .for_each(|row| write_row(html, "td", row, numbers));
            html.push_str("</tbody>\n</table></div>\n");
        }
        Content::Bars { bars, unit } => write_bars(html, bars, unit),
        Content::Picture(drawing) => {
            put(
                html,
                format_args!("<div class=\"scroll\">{}</div>\n", drawing.svg(Theme::Page)),
            );
        }
        Content::Pictures(drawings) => {
            html.push_str("<div class=\"pictures\">\n");
            for drawing in drawings {
                html.push_str(&drawing.svg(Theme::Page));
            }
            html.push_str("</div>\n");
        }
        Content::Text(text) => put(html, format_args!("<p>{}</p>\n", escaped(text))),
        Content::Verbatim(text) => put(html, format_args!("<pre>{}</pre>\n", escaped(text))),
    }
}

fn write_row(html: &mut String, element: &str, cells: &[String], numbers: &[bool]) {
    html.push_str("<tr>");
    for (number, cell) in cells.iter().enumerate() {
        let is_number = numbers.get(number).is_some_and(|&is_number| is_number);
        let class = if is_number { " class=\"number\"" } else { "" };
        put(
            html,
            format_args!("<{element}{class}>{}</{element}>", escaped(cell)),
        );
    }
    html.push_str("</tr>\n");
}

/// The longest bar is as wide as there is room.
fn write_bars(html: &mut String, bars: &[(String, f64)], unit: &str) {
    let most = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
    html.push_str("<div class=\"bars\">\n");
    for (name, number) in bars {
        let share = if most > 0.0 {
            number.max(0.0) / most * 100.0
        } else {
            0.0
        };
        put(
            html,
            format_args!(
                "<span>{}</span><div><div class=\"bar\" style=\"width:{share:.2}%\"></div></div>\
                 <span class=\"number\">{} {}</span>\n",
                escaped(name),
                short(*number),
                escaped(unit)
            ),
        );
    }
    html.push_str("</div>\n");
}

/// Whole numbers as they are, others with three places.
fn short(number: f64) -> String {
    if number.fract() == 0.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.3}")
    }
}

fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("writing to a string succeeds");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_all_in_it() {
        let section = |heading: &str, content| Section {
            heading: heading.to_owned(),
            text: "why & how".to_owned(),
            contents: vec![content],
        };
        let page = Page {
            title: "run <1>".to_owned(),
            subtitle: String::new(),
            sections: vec![
                section(
                    "Pairs",
                    Content::Pairs(vec![("a".to_owned(), "<b>".to_owned())]),
                ),
                section(
                    "Table",
                    Content::Table {
                        columns: vec!["name".to_owned(), "n".to_owned()],
                        rows: vec![vec!["x".to_owned(), "12".to_owned()]],
                        numbers: vec![false, true],
                    },
                ),
                section(
                    "Bars",
                    Content::Bars {
                        bars: vec![("one".to_owned(), 1.0), ("two".to_owned(), 2.5)],
                        unit: "MHz".to_owned(),
                    },
                ),
                section(
                    "Time",
                    Content::Picture(crate::timeline::tests::sample().picture("shards")),
                ),
                section("Text", Content::Verbatim("a\n  b".to_owned())),
                section("Maps", Content::Pictures(vec![Drawing::new(9.0, 9.0); 2])),
            ],
        };
        let html = page.html();
        for text in [
            "<title>run &lt;1&gt;</title>",
            "<dd>&lt;b&gt;</dd>",
            "<td class=\"number\">12</td>",
            "width:40.00%",
            "2.500 MHz",
            "var(--ink-text)",
            "prefers-color-scheme:dark",
            "why &amp; how",
            "<a href=\"#s4\">Text</a>",
        ] {
            assert!(html.contains(text), "{text}: {html}");
        }
        let namespace = "http://www.w3.org/2000/svg";
        assert!(
            !html.replace(namespace, "").contains("http"),
            "nothing is loaded"
        );
        assert_eq!(
            html.matches("<section").count(),
            html.matches("</section>").count()
        );
    }
}
