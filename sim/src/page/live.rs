//! A machine while it runs, as a page that keeps itself up to date.

use super::maps;
use super::number::{folded, short};
use crate::run::{View, thousands};
use std::collections::BTreeMap;
use tina_engine::{ResultValue, StatisticValue};
use tina_viz::report::{Content, Page, Section};

/// Bars of harts, and rows of the table.
const HARTS_MAX: usize = 64;
const ROWS_MAX: usize = 200;

/// Asks for the page again whenever an event says how far the machine is, and shows that meanwhile.
const SCRIPT: &str = r#"<p id="now" role="status" style="position:fixed;right:24px;bottom:12px;margin:0;padding:4px 10px;background:var(--ink-panel)">waiting for news</p>
<script>
'use strict';
const source = new EventSource('/events');
let asking = false;
const show = text => { document.getElementById('now').textContent = text; };
async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch('/');
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      document.querySelector('main').replaceWith(page.querySelector('main'));
    }
  } catch {
    // The run ended meanwhile; the event says so.
  } finally {
    asking = false;
  }
}
source.addEventListener('progress', event => {
  const now = JSON.parse(event.data);
  show('cycle ' + now.cycle.toLocaleString('en') + ', ' + now.megahertz.toFixed(3) + ' MHz');
  refresh();
});
source.addEventListener('end', event => {
  source.close();
  show(JSON.parse(event.data).story);
});
source.onerror = () => show('the run is over, or cannot be reached');
</script>
"#;

/// The page of a machine where it stands.
#[must_use]
pub fn live_page(view: &View<'_>) -> String {
    let mut sections = vec![summary(view)];
    sections.extend(harts(view));
    sections.extend(maps::section_of(
        counts(view),
        "Counts so far by place: those that differ most from one place to another.",
    ));
    sections.extend(table(view));
    let page = Page {
        title: format!("{}: running", view.design.name),
        subtitle: format!("as it stood after {} cycles", thousands(view.cycle)),
        sections,
    };
    page.html().replace("</body>", &format!("{SCRIPT}</body>"))
}

fn summary(view: &View<'_>) -> Section {
    let mut pairs = vec![
        ("cycles".to_owned(), thousands(view.cycle)),
        (
            "instances".to_owned(),
            thousands(view.design.blueprint.instances.len() as u64),
        ),
    ];
    let value = |value: &ResultValue| match value {
        ResultValue::Count(count) => thousands(*count),
        ResultValue::Check(check) => format!("0x{check:016x}"),
    };
    let totals = view.totals.iter();
    pairs.extend(totals.map(|(name, total)| (name.clone(), value(total))));
    Section {
        heading: "Now".to_owned(),
        text: "What is simulated is the same whether anybody looks or not.".to_owned(),
        contents: vec![Content::Pairs(pairs)],
    }
}

fn harts(view: &View<'_>) -> Option<Section> {
    if view.harts.is_empty() {
        return None;
    }
    let harts = view.harts.iter().take(HARTS_MAX);
    let bars = harts.map(|hart| (hart.path.clone(), hart.instructions_per_cycle()));
    Some(Section {
        heading: "Instructions per cycle".to_owned(),
        text: String::new(),
        contents: vec![Content::Bars {
            bars: bars.collect(),
            unit: "per cycle".to_owned(),
        }],
    })
}

/// All counts: path, name, unit, number.
fn counts<'a>(view: &View<'a>) -> impl Iterator<Item = (&'a str, &'a str, &'a str, u64)> {
    let instances = &view.design.blueprint.instances;
    view.instances.iter().flat_map(move |results| {
        let path = instances[results.instance as usize].path.as_str();
        let statistics = results.statistics.iter();
        statistics.filter_map(move |statistic| match statistic.value {
            StatisticValue::Count(count) => Some((path, statistic.name, statistic.unit, count)),
            StatisticValue::Check(_) | StatisticValue::Histogram(_) => None,
        })
    })
}

/// Counts, those of an array added up.
fn table(view: &View<'_>) -> Option<Section> {
    let mut sums: BTreeMap<(String, &str), (u64, u64, &str)> = BTreeMap::new();
    for (path, name, unit, count) in counts(view) {
        let sum = sums.entry((folded(path), name)).or_insert((0, 0, unit));
        sum.0 = sum.0.saturating_add(count);
        sum.1 += 1;
    }
    let row = |((path, name), (sum, elements, unit)): ((String, &str), (u64, u64, &str))| {
        vec![
            path,
            name.to_owned(),
            thousands(sum),
            unit.to_owned(),
            short(sum as f64 / elements as f64),
        ]
    };
    let rows: Vec<Vec<String>> = sums.into_iter().take(ROWS_MAX).map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let columns = ["instances", "count", "sum", "unit", "mean"];
    Some(Section {
        heading: "Counts".to_owned(),
        text: "Instances of an array together.".to_owned(),
        contents: vec![Content::Table {
            columns: columns.map(str::to_owned).into(),
            rows,
            numbers: vec![false, false, true, false, true],
        }],
    })
}

/// All counts in the text format of Prometheus, version 0.0.4.
#[must_use]
pub fn live_metrics(view: &View<'_>) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "# HELP tina_hw_cycles_total Base-clock cycles run.\n# TYPE tina_hw_cycles_total counter\n\
         tina_hw_cycles_total {}\n",
        view.cycle
    );
    let mut put = |line: std::fmt::Arguments<'_>| {
        // A string takes everything.
        let _ = text.write_fmt(line);
    };
    put(format_args!(
        "# HELP tina_hw_result Totals of the netlist.\n# TYPE tina_hw_result gauge\n"
    ));
    for (name, value) in view.totals {
        if let ResultValue::Count(count) = value {
            put(format_args!(
                "tina_hw_result{{name=\"{}\"}} {count}\n",
                escaped(name)
            ));
        }
    }
    put(format_args!(
        "# HELP tina_hw_count_total Counts of instances.\n# TYPE tina_hw_count_total counter\n"
    ));
    for (path, name, _, count) in counts(view) {
        put(format_args!(
            "tina_hw_count_total{{instance=\"{}\",name=\"{}\"}} {count}\n",
            escaped(path),
            escaped(name)
        ));
    }
    text
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
