//! A run on one page, and what its shards did with their time, as a user meets them.
#![forbid(unsafe_code)]

mod common;

use common::{folder, tina};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A folder with runs of the RISC-V machine, `cpu` on two shards and `again` on one, and of a mesh, `mesh`.
fn runs(name: &str) -> PathBuf {
    let folder = folder(name, &[]);
    for old in ["cpu", "again", "mesh"] {
        let _ = fs::remove_dir_all(folder.join(old));
    }
    for line in [
        "cpu.ron --cycles 24000 --out cpu --checkpoint-every 8000 --shards 2",
        "cpu.ron --cycles 24000 --out again",
        "w2_mesh.ron --set k=4 --set rate=0.6 --cycles 6000 --out mesh --shards 3 --threads 3 --stalls",
    ] {
        let (_, err, code) = tina(&folder, &format!("run {TREE}/netlists/{line} --quiet"));
        assert_eq!(code, 0, "{err}");
    }
    folder
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page of a run.
fn page(folder: &Path, run: &str) -> String {
    let (out, err, code) = tina(folder, &format!("report {run} -o {run}.html"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""), "{run}");
    read(&folder.join(format!("{run}.html")))
}

/// Elements that have no end.
const VOID: [&str; 3] = ["meta", "link", "!DOCTYPE"];

/// Every tag is closed in its order, every attribute quoted, every link leads somewhere, nothing is loaded.
fn check_html(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut links = BTreeSet::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>'), "a loose `>` in {text:?}");
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let attributes = attributes.trim_end_matches('/');
        assert_ne!(name, "script", "a page without a script");
        if name != "!DOCTYPE" {
            let quotes = attributes.matches('"').count();
            assert_eq!(quotes, 2 * attributes.matches("=\"").count(), "{tag}");
        }
        for attribute in attributes.split("\" ").filter(|it| !it.is_empty()) {
            match attribute.trim_end_matches('"').split_once("=\"") {
                Some(("id", id)) => assert!(ids.insert(id), "`{id}` twice"),
                Some(("href", link)) => {
                    links.extend(link.strip_prefix('#'));
                    assert!(
                        link.starts_with('#') || link == "data:,",
                        "{link} is loaded"
                    );
                }
                Some(("src", link)) => panic!("{link} is loaded"),
                _ => {}
            }
        }
        if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    assert_eq!(ids, links, "every section is in the list of contents");
    let namespace = "http://www.w3.org/2000/svg";
    assert!(
        !html.replace(namespace, "").contains("http"),
        "nothing is loaded"
    );
    assert!(!html.contains("url(") && !html.contains("@import"));
}

/// What stands on the page of the RISC-V machine.
const SECTIONS: [&str; 9] = [
    "Summary",
    "Instructions per cycle",
    "Results over time",
    "Heat maps",
    "Statistics",
    "Histograms",
    "Host",
    "Manifest",
    "Digests",
];

#[test]
fn a_page_is_whole_and_has_all_its_charts() {
    let folder = runs("report_page");
    let html = page(&folder, "cpu");
    check_html(&html);
    for section in SECTIONS {
        assert!(html.contains(&format!("<h2>{section}</h2>")), "{section}");
    }
    let stats: Value = serde_json::from_str(&read(&folder.join("cpu/stats.json"))).unwrap();
    for text in [
        stats["digest"].as_str().unwrap(),
        "mean of 8 cores",
        "tile[1][3].core.execute",
        ">misses of tile[*][*].data_cache</text>",
        "miss_latency of tile[*][*].data_cache",
        ">shard 1</text>",
        "wait for shard 0",
        "netlists/tile.ron",
        "checkpoints/: 3, from cycle-0000000000008192.checkpoint",
    ] {
        assert!(html.contains(text), "{text}");
    }
    let mesh = page(&folder, "mesh");
    check_html(&mesh);
    assert!(!mesh.contains("Instructions per cycle"), "it has no cores");
    for text in [
        ">latency_sum of sink[*][*]</text>",
        "<h2>Stalls</h2>",
        "critical path along full wires",
        ">Outputs that were held up most</text>",
        ">Load of router[*][*]</text>",
        ">Stalls of router[*][*]</text>",
        ">noc.router.east (out) ×12</text>",
        "router[1][0], east: 0.",
    ] {
        assert!(mesh.contains(text), "{text}");
    }
    assert!(!html.contains("<h2>Stalls</h2>"), "nobody asked for them");
}

#[test]
fn what_is_simulated_is_the_same_at_every_shard_count() {
    let folder = runs("report_same");
    let file = |run: &str, name: &str| fs::read(folder.join(run).join(name)).unwrap();
    for name in ["series.json", "epochs.digests"] {
        assert!(file("cpu", name) == file("again", name), "{name} differs");
    }
    let series: Value = serde_json::from_slice(&file("cpu", "series.json")).unwrap();
    let cycles = series["cycles"].as_array().unwrap();
    assert_eq!((cycles.len(), &cycles[24]), (25, &24_000.into()));
    let stats: Value = serde_json::from_slice(&file("cpu", "stats.json")).unwrap();
    let curves = series["curves"].as_array().unwrap();
    for (path, name, expected) in [
        ("", "instructions", &stats["simInsts"]),
        (
            "tile[1][2].core.execute",
            "instructions",
            &stats["instances"]["tile[1][2].core.execute"]["instructions"],
        ),
        ("", "data_misses", &stats["results"]["data_misses"]),
    ] {
        let curve = curves
            .iter()
            .find(|it| it["path"] == path && it["name"] == name);
        assert_eq!(&curve.unwrap()["values"][24], expected, "{path} {name}");
    }
    // The pages differ where the host does, and nowhere else.
    let simulated = |run: &str| {
        let html = page(&folder, run);
        let (before, rest) = html.split_once("<h2>Instructions per cycle</h2>").unwrap();
        let (charts, rest) = rest.split_once("<h2>Host</h2>").unwrap();
        assert!(before.contains("host: time"));
        let digests = rest.split_once("<h2>Digests</h2>").unwrap().1;
        (charts.to_owned(), digests.to_owned())
    };
    assert!(simulated("cpu") == simulated("again"));
}

#[test]
fn a_page_of_half_a_run_says_what_is_missing() {
    let folder = runs("report_half");
    let run = folder.join("cpu");
    for gone in ["series.json", "host-timeline.json"] {
        fs::remove_file(run.join(gone)).unwrap();
    }
    fs::write(
        run.join("stats.json"),
        "{\"schema\": 99, \"statistics\": []}",
    )
    .unwrap();
    fs::write(run.join("epochs.digests"), "nonsense").unwrap();
    let mut manifest: Value = serde_json::from_str(&read(&run.join("run.json"))).unwrap();
    manifest["end"] = Value::Null;
    manifest["host"] = Value::Null;
    fs::write(run.join("run.json"), manifest.to_string()).unwrap();
    let (_, err, code) = tina(&folder, "report cpu -o half.html");
    assert_eq!(code, 0, "{err}");
    for warning in [
        "warning: the run has not ended, or was killed",
        "warning: cpu/stats.json is of no use: it is of schema 99, not ",
        "warning: cpu/series.json cannot be read: ",
        "warning: cpu/host-timeline.json cannot be read: ",
        "warning: cpu/epochs.digests is no stream of digests",
    ] {
        assert!(err.contains(warning), "{warning}: {err}");
    }
    let html = read(&folder.join("half.html"));
    check_html(&html);
    assert!(html.contains("the run has not ended, or was killed"));
    fs::remove_file(run.join("run.json")).unwrap();
    let (_, err, code) = tina(&folder, "report cpu -o half.html");
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: cpu/run.json cannot be read: "),
        "{err}"
    );
    let (_, err, code) = tina(&folder, "report cpu -o half.pdf");
    assert_eq!(code, 2);
    assert!(err.contains("its name ends in .html"), "{err}");
    let (_, err, code) = tina(&folder, "report again -o nowhere/a.html");
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: cannot write nowhere/a.html: "),
        "{err}"
    );
}

/// What ui.perfetto.dev reads of it: events with `ph`, `pid`, `tid`, spans with `ts` and `dur` in microseconds
/// that do not overlap on a thread, and a name for every thread.
#[test]
fn a_timeline_is_what_viewers_read() {
    let folder = folder("report_timeline", &[]);
    let line =
        format!("run {TREE}/netlists/w2_mesh.ron --set k=4 --cycles 5000 --shards 3 --threads 3");
    let (out, err, code) = tina(&folder, &format!("{line} --timeline time.json"));
    assert_eq!(code, 0, "{err}");
    let object: Value = serde_json::from_str(&read(&folder.join("time.json"))).unwrap();
    assert_eq!(object["displayTimeUnit"], "ns");
    let events = object["traceEvents"].as_array().unwrap();
    let named = events.iter().filter(|event| event["name"] == "thread_name");
    let threads: Vec<&str> = named
        .map(|it| it["args"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(threads, ["shard 0", "shard 1", "shard 2"]);
    let mut ends = [0.0; 3];
    let mut names = BTreeSet::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        assert_eq!(event["pid"], 1);
        let end = &mut ends[event["tid"].as_u64().unwrap() as usize - 1];
        let (start, duration) = (
            event["ts"].as_f64().unwrap(),
            event["dur"].as_f64().unwrap(),
        );
        assert!(duration > 0.0);
        assert!(
            (start - *end).abs() < 0.000_5,
            "{event}: the one before ended at {end}"
        );
        *end = start + duration;
        names.insert(event["name"].as_str().unwrap());
    }
    assert!(ends.iter().all(|end| *end > 10.0), "{ends:?}");
    assert!(
        names.contains("work") && names.contains("end of epoch"),
        "{names:?}"
    );
    // It changes nothing, and its name is looked at before the run.
    let (plain, _, _) = tina(&folder, &line);
    let digest = |out: &str| {
        out.lines()
            .find(|line| line.starts_with("digest"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(digest(&out), digest(&plain));
    let (_, err, code) = tina(&folder, &format!("{line} --timeline time.txt"));
    assert_eq!(code, 2);
    assert!(err.contains("its name ends in .json"), "{err}");
}

/// Appended to a page: what a browser makes of it, as text. Labels may touch, but not meet; nothing is wider
/// than the page.
const PROBE: &str = r#"<script>
const box = it => it.getBoundingClientRect();
const found = [];
for (const svg of document.querySelectorAll('svg')) {
  if (box(svg).width < 50 || box(svg).height < 20) found.push('a drawing is not seen');
  if (box(svg).right > document.documentElement.clientWidth) found.push('a drawing is cut off');
  const texts = [...svg.querySelectorAll('text')];
  const boxes = texts.map(box);
  for (let i = 0; i < texts.length; i++) {
    const a = boxes[i], frame = box(svg);
    if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push('cut off: ' + texts[i].textContent);
    for (let j = 0; j < i; j++) {
      const b = boxes[j];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 4) found.push(texts[i].textContent + ' on ' + texts[j].textContent);
    }
  }
}
if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('the page is too wide');
document.title = 'drawings ' + document.querySelectorAll('svg').length + ', bars ' +
  document.querySelectorAll('.bar').length + ', found: ' + found.join('; ');
</script>"#;

/// What a real browser prints and what it makes of a page: its standard error, and its document.
fn browse(folder: &Path, file: &str) -> (String, String) {
    let profile = folder.join(format!("{file}.profile"));
    let _ = fs::remove_dir_all(&profile);
    let browser = std::env::var("TINA_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
        ])
        .args([
            "--window-size=1280,900",
            "--virtual-time-budget=4000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", folder.join(file).display()))
        .output()
        .expect("Chromium is there: apt-get install chromium, or name a browser in TINA_BROWSER");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stderr), text(&output.stdout))
}

#[test]
#[ignore = "needs Chromium; .ci/run runs it"]
fn a_browser_shows_the_page_without_complaint() {
    let folder = runs("report_browser");
    for run in ["cpu", "mesh"] {
        let html = page(&folder, run);
        let probed = html.replace("</body>", &format!("{PROBE}</body>"));
        fs::write(folder.join("probed.html"), probed).unwrap();
        let (said, document) = browse(&folder, "probed.html");
        assert!(!said.contains("CONSOLE"), "{run}: {said}");
        let title = document
            .split("<title>")
            .nth(1)
            .unwrap()
            .split("</title>")
            .next()
            .unwrap();
        let (drawings, bars) = (
            html.matches("<svg").count(),
            html.matches("class=\"bar\"").count(),
        );
        assert_eq!(
            title,
            format!("drawings {drawings}, bars {bars}, found: "),
            "{run}"
        );
        assert!(drawings >= 4, "{run}: {drawings} drawings");
    }
    // It would have been seen if there were something to complain of.
    let planted = "<html><body><svg width=\"90\" height=\"40\"><text y=\"20\">one</text><text y=\"20\">two</text></svg>\
                   <script>console.error('planted')</script></body></html>";
    fs::write(
        folder.join("planted.html"),
        planted.replace("</body>", &format!("{PROBE}</body>")),
    )
    .unwrap();
    let (said, document) = browse(&folder, "planted.html");
    assert!(
        said.contains("CONSOLE") && said.contains("planted"),
        "{said}"
    );
    assert!(document.contains("found: two on one"), "{document}");
}
