//! A run and the outside world: which UARTs lead where, and the journal of what came in.

use super::arguments::{RunArguments, UartArgument};
use super::failure::{DIGESTS_DIFFER, Failure};
use super::resume::Builds;
use super::terminal::complain;
use crate::bridge::{Bridge, Live, UartOrder};
use crate::checkpoint::Checkpoint;
use crate::design::Design;
use crate::diagnostic::nearest;
use crate::journal::{Base, End, Journal, JournalError, JournalFile};
use crate::origin::Origin;
use crate::run::{Onlooker, RunFolder, RunReport, Stopwatch, thousands};
use std::cmp::Ordering;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tina_engine::{Catalogue, EpochRecord, MachineEnd, Observer, Outcome};

/// How a run is joined to the outside world.
#[derive(Default)]
pub(super) struct Outside {
    bridge: Option<Bridge>,
    pub(super) lines: Vec<(u32, MachineEnd)>,
    /// What comes in as it was written down.
    pub(super) followed: Option<Arc<Journal>>,
    /// Where what comes in is written down.
    pub(super) journal_path: Option<PathBuf>,
    /// Where what is followed was read.
    followed_path: Option<PathBuf>,
    /// Why what came in is not written down, or not all of it.
    failure: Option<Failure>,
    /// What the file there holds of the run that is gone on with.
    begun: Option<Journal>,
    base: Base,
}

/// The instances that take bytes from outside: number and path.
fn uarts(design: &Design) -> Vec<(u32, &str)> {
    let instances = design.blueprint.instances.iter().zip(0..);
    let uarts = instances.filter(|(instance, _)| instance.shape.inlet_bytes > 0);
    uarts
        .map(|(instance, number)| (number, instance.path.as_str()))
        .collect()
}

/// Opens the bridge, and the journals that are asked for, before anything runs.
pub(super) fn open(
    arguments: &RunArguments,
    design: &Design,
    catalogue: &Catalogue,
    origin: &Origin,
    resumed: Option<&Checkpoint>,
) -> Result<Outside, Failure> {
    let outside = &arguments.outside;
    let base = resumed.map_or(Base::default(), |checkpoint| Base {
        cycle: checkpoint.cycle,
        mark: checkpoint.snapshot.input(),
    });
    let mut joined = Outside {
        base,
        ..Outside::default()
    };
    if let Some(path) = &outside.journal_in {
        let builds = Builds::of(arguments.checkpoints.any_build);
        let journal = read(path, origin, builds, outside.journal_partial)?;
        journal
            .check_start(base.cycle, base.mark)
            .map_err(|error| refused(path, &error))?;
        joined.followed = Some(Arc::new(journal));
        joined.followed_path = Some(path.clone());
    } else if outside.uart.is_empty() && base.mark.bytes > 0 {
        joined.keep_what_came(arguments, origin);
        if !arguments.quiet {
            complain("note: from here on nothing comes in from outside, as it did before");
        }
    }
    if !outside.uart.is_empty() {
        joined.prepare_journal(arguments, origin, resumed.is_some())?;
    }
    joined.open_bridge(arguments, design, catalogue)?;
    Ok(joined)
}

impl Outside {
    /// Finds out where what comes in is written down.
    fn prepare_journal(
        &mut self,
        arguments: &RunArguments,
        origin: &Origin,
        is_resumed: bool,
    ) -> Result<(), Failure> {
        let of_run = || {
            arguments
                .out
                .as_ref()
                .map(|out| RunFolder::new(out).journal())
        };
        self.journal_path = arguments.outside.journal_out.clone().or_else(of_run);
        match &self.journal_path {
            None => needs_journal(arguments)?,
            Some(path) if is_resumed && path.exists() => {
                self.begun = Some(continued(path, origin, self.base)?);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Nothing comes in any more: the journal of the run that is gone on with ends here, if the same folder holds
    /// it.
    fn keep_what_came(&mut self, arguments: &RunArguments, origin: &Origin) {
        let Some(out) = &arguments.out else {
            return;
        };
        let path = RunFolder::new(out).journal();
        if let Ok(journal) = continued(&path, origin, self.base) {
            self.begun = Some(journal);
            self.journal_path = Some(path);
        }
    }

    /// Has a run's folder hold the journal that is followed, and not that of a run before it.
    pub(super) fn prepare_folder(&self, folder: &RunFolder) -> Result<(), Failure> {
        let kept = folder.journal();
        match (&self.followed_path, &self.journal_path) {
            (Some(path), _) => copy(path, &kept),
            (None, Some(path)) if *path == kept || is_same(path, &kept) => Ok(()),
            (None, _) => match fs::remove_file(&kept) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Failure::file("remove", &kept, &error))
                }
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    /// Has a run's folder hold what was written down elsewhere.
    pub(super) fn complete_folder(&mut self, folder: &RunFolder) {
        if let Some(path) = self.journal_path.as_ref().filter(|path| path.is_file())
            && let Err(failure) = copy(path, &folder.journal())
        {
            self.failure.get_or_insert(failure);
        }
    }

    fn open_bridge(
        &mut self,
        arguments: &RunArguments,
        design: &Design,
        catalogue: &Catalogue,
    ) -> Result<(), Failure> {
        let outside = &arguments.outside;
        if outside.uart.is_empty() && outside.http.is_none() {
            return Ok(());
        }
        let orders = if outside.uart.is_empty() {
            Vec::new()
        } else {
            orders(&outside.uart, design, catalogue)?
        };
        let (bridge, lines) = Bridge::open(orders, outside.http).map_err(Failure::input)?;
        for port in bridge.reached() {
            if !arguments.quiet {
                complain(&format!("uart `{}` at {}", port.path, port.address));
            }
        }
        if let Some((_, address)) = bridge.live()
            && !arguments.quiet
        {
            complain(&format!("live at http://{address}/"));
        }
        self.bridge = Some(bridge);
        self.lines = lines;
        Ok(())
    }
}

/// What is run again needs to know what came in.
fn needs_journal(arguments: &RunArguments) -> Result<(), Failure> {
    let aftermath = &arguments.aftermath;
    let flags = [
        (arguments.verify, "--verify"),
        (aftermath.what_if_depth, "--what-if-depth"),
        (
            aftermath.flight.is_some_and(|cycles| cycles > 0),
            "--flight",
        ),
    ];
    match flags.iter().find(|(is_given, _)| *is_given) {
        Some((_, flag)) => Err(Failure::input(format_args!(
            "{flag} runs it again, with what came in from outside: give it --journal-out"
        ))),
        None => Ok(()),
    }
}

/// Reads a journal to go by.
pub(super) fn read(
    path: &Path,
    origin: &Origin,
    builds: Builds,
    partial: bool,
) -> Result<Journal, Failure> {
    let read = || {
        let journal = Journal::read(path)?;
        journal.check(origin)?;
        if !partial {
            journal.check_whole()?;
        }
        match (journal.check_build(), builds) {
            (Err(error), Builds::Own) => Err(error),
            (Ok(()) | Err(_), _) => Ok(journal),
        }
    };
    read().map_err(|error| refused(path, &error))
}

/// The journal that a run which is gone on with had begun.
fn continued(path: &Path, origin: &Origin, base: Base) -> Result<Journal, Failure> {
    let read = || {
        let journal = Journal::read(path)?;
        journal.check(origin)?;
        journal.check_start(base.cycle, base.mark)?;
        Ok(journal)
    };
    read().map_err(|error: JournalError| {
        Failure::input(format_args!(
            "{} {error}; to begin another, name a file that does not exist",
            path.display()
        ))
    })
}

/// Whether both are names of one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).map(|it| (it.dev(), it.ino()));
    matches!((file(one), file(other)), (Ok(one), Ok(other)) if one == other)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if is_same(from, to) {
        return Ok(());
    }
    let bytes = fs::read(from).map_err(|error| Failure::file("read", from, &error))?;
    fs::write(to, bytes).map_err(|error| Failure::file("write", to, &error))
}

pub(super) fn refused(path: &Path, error: &JournalError) -> Failure {
    Failure::input(format_args!("{} {error}", path.display()))
}

/// Which UART leads where.
fn orders(
    arguments: &[UartArgument],
    design: &Design,
    catalogue: &Catalogue,
) -> Result<Vec<UartOrder>, Failure> {
    let uarts = uarts(design);
    if uarts.is_empty() {
        return Err(Failure::input(format_args!(
            "`{}` has no UART: none of its instances takes bytes from outside, as those of the kinds \
             `riscv.console` and `io.host` do",
            design.name
        )));
    }
    let mut orders: Vec<UartOrder> = Vec::new();
    for argument in arguments {
        let (instance, path) = match &argument.instance {
            None => only(&uarts)?,
            Some(name) => named(name, &uarts, design, catalogue)?,
        };
        if orders.iter().any(|order| order.instance == instance) {
            return Err(Failure::input(format_args!(
                "`{path}` leads to two places; a UART has one line"
            )));
        }
        orders.push(UartOrder {
            instance,
            path: path.to_owned(),
            address: argument.address,
        });
    }
    Ok(orders)
}

/// Names that are shown of many.
const NAMES_SHOWN: usize = 6;

fn only<'d>(uarts: &[(u32, &'d str)]) -> Result<(u32, &'d str), Failure> {
    if let [uart] = uarts {
        return Ok(*uart);
    }
    let names = uarts.iter().take(NAMES_SHOWN);
    let names: Vec<String> = names.map(|(_, path)| format!("`{path}`")).collect();
    let rest = if uarts.len() > NAMES_SHOWN {
        ", …"
    } else {
        ""
    };
    Err(Failure::input(format_args!(
        "there are {} UARTs: say which is meant, as in --uart {}=tcp:127.0.0.1:5555; they are {}{rest}",
        uarts.len(),
        uarts[0].1,
        names.join(", ")
    )))
}

fn named<'d>(
    name: &str,
    uarts: &[(u32, &'d str)],
    design: &Design,
    catalogue: &Catalogue,
) -> Result<(u32, &'d str), Failure> {
    if let Some(uart) = uarts.iter().find(|(_, path)| *path == name) {
        return Ok(*uart);
    }
    let mut instances = design.blueprint.instances.iter();
    if let Some(instance) = instances.find(|instance| instance.path == name) {
        let kind = catalogue.kind(instance.kind).name();
        return Err(Failure::input(format_args!(
            "`{name}` is a `{kind}`, which takes no bytes from outside"
        )));
    }
    let known: Vec<&str> = uarts.iter().map(|(_, path)| *path).collect();
    let hint = match nearest(name, &known) {
        Some(path) => format!("did you mean `{path}`?"),
        None => format!("there is `{}`", known[0]),
    };
    Err(Failure::input(format_args!(
        "there is no UART `{name}`; {hint}"
    )))
}

impl Outside {
    /// Runs with everything that comes in written down, where that is asked for. What cannot be written is a
    /// failure for later: the run has its result all the same.
    pub(super) fn observed<R>(
        &mut self,
        origin: &Origin,
        inner: &mut dyn Observer,
        run: impl FnOnce(&mut dyn Observer) -> Result<R, Failure>,
        end: impl FnOnce(&R) -> End,
    ) -> Result<R, Failure> {
        let Some(path) = &self.journal_path else {
            return run(inner);
        };
        let failed = |error| Failure::file("write", path, &error);
        let file = match &self.begun {
            Some(journal) => JournalFile::resume(path, journal, self.base.cycle, inner),
            None => JournalFile::create(path, origin, self.base, inner),
        };
        let mut file = file.map_err(failed)?;
        let result = run(&mut file)?;
        self.failure = file.finish(end(&result)).map_err(failed).err();
        Ok(result)
    }

    /// Says what could not be written down, once.
    pub(super) fn check_written(&mut self) -> Result<(), Failure> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Who looks at the machine, if there is a live page.
    pub(super) fn live(&self) -> Option<Live> {
        let (live, _) = self.bridge.as_ref()?.live()?;
        Some(live.clone())
    }

    /// The run is over, as `story` says: what it printed last is sent, and who was not heard is told of.
    pub(super) fn close(&mut self, story: &str, quiet: bool) {
        let Some(bridge) = self.bridge.take() else {
            return;
        };
        if let Some((live, _)) = bridge.live() {
            live.end(story);
        }
        for port in bridge.close() {
            if port.dropped > 0 && !quiet {
                complain(&format!(
                    "note: `{}` printed {} bytes while nobody was connected",
                    port.path,
                    thousands(port.dropped)
                ));
            }
        }
    }

    /// What came in, for whoever runs it again.
    pub(super) fn journal(&self) -> Result<Option<Arc<Journal>>, Failure> {
        match (&self.followed, &self.journal_path) {
            (Some(journal), _) => Ok(Some(journal.clone())),
            (None, Some(path)) => {
                let journal = Journal::read(path).map_err(|error| refused(path, &error))?;
                Ok(Some(Arc::new(journal)))
            }
            (None, None) => Ok(None),
        }
    }

    /// Whether the run gave what was written down of it, if it was let go as far.
    pub(super) fn check_end(&self, report: &RunReport) -> Result<(), Failure> {
        let Some(end) = self.followed.as_ref().and_then(|journal| journal.end) else {
            return Ok(());
        };
        let told_to_stop = matches!(
            report.outcome,
            Outcome::CyclesDone | Outcome::LimitReached | Outcome::Interrupted
        );
        let text = match report.cycles.cmp(&end.cycle) {
            Ordering::Equal if end.digest == report.digest => return Ok(()),
            Ordering::Less if told_to_stop => return Ok(()),
            Ordering::Equal => format!(
                "error: the digest is 0x{:016x}, and the journal is of a run that gave 0x{:016x}",
                report.digest, end.digest
            ),
            Ordering::Less | Ordering::Greater => format!(
                "error: it ended after {} cycles, and the journal is of a run that ended after {}",
                thousands(report.cycles),
                thousands(end.cycle)
            ),
        };
        Err(Failure {
            text,
            code: DIGESTS_DIFFER,
        })
    }
}

/// Passes everything on, and tells those who follow the live page how far the run is.
pub(super) struct Watched<'a> {
    live: Live,
    inner: &'a mut dyn Observer,
    time: Stopwatch,
    /// When they were told last, and where the machine was then.
    told: (f64, u64),
}

/// Seconds between two events of the live page.
const NEWS_SECONDS: f64 = 0.5;

impl<'a> Watched<'a> {
    pub(super) fn new(live: Live, inner: &'a mut dyn Observer) -> Self {
        Self {
            live,
            inner,
            time: Stopwatch::start(),
            told: (0.0, 0),
        }
    }
}

impl Observer for Watched<'_> {
    fn console(&mut self, bytes: &[u8]) {
        self.inner.console(bytes);
    }

    fn input(&mut self, cycle: u64, instance: u32, bytes: &[u8]) {
        self.inner.input(cycle, instance, bytes);
    }

    fn epoch(&mut self, record: EpochRecord) {
        self.inner.epoch(record);
    }

    fn progress(&mut self, cycle: u64) {
        self.inner.progress(cycle);
        let (seconds, (then, from)) = (self.time.seconds(), self.told);
        if seconds - then >= NEWS_SECONDS {
            let megahertz = cycle.saturating_sub(from) as f64 / (seconds - then) / 1e6;
            self.live.progress(cycle, megahertz);
            self.told = (seconds, cycle);
        }
    }

    fn interrupted(&mut self) -> bool {
        self.inner.interrupted()
    }

    fn looks(&mut self) -> bool {
        self.live.wants() || self.inner.looks()
    }
}

/// What a journal says of how a run ended.
pub(super) fn end_of(report: &RunReport) -> End {
    End {
        cycle: report.cycles,
        digest: report.digest,
        interrupted: report.outcome == Outcome::Interrupted,
    }
}

/// The journal for a part of a run that is simulated again, from a folder or as named.
pub(super) fn of_folder(
    arguments: &OutsideReplay<'_>,
    checkpoint: &Checkpoint,
    start: Option<&Checkpoint>,
) -> Result<Option<Arc<Journal>>, Failure> {
    let kept = RunFolder::new(arguments.folder).journal();
    let path = arguments
        .journal_in
        .or(Some(&kept).filter(|it| it.is_file()).map(PathBuf::as_path));
    let Some(path) = path else {
        if checkpoint.snapshot.input().bytes > 0 {
            return Err(Failure::input(
                "something came into the run from outside: give its journal with --journal-in",
            ));
        }
        return Ok(None);
    };
    let journal = read(path, &checkpoint.origin, arguments.builds, true)?;
    let (cycle, mark) = start.map_or_else(Default::default, |it| (it.cycle, it.snapshot.input()));
    journal
        .check_start(cycle, mark)
        .map_err(|error| refused(path, &error))?;
    Ok(Some(Arc::new(journal)))
}

/// Where `replay` looks for the journal.
pub(super) struct OutsideReplay<'a> {
    pub(super) folder: &'a Path,
    pub(super) journal_in: Option<&'a Path>,
    pub(super) builds: Builds,
}
