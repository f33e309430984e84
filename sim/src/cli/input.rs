//! From the arguments to a design: the netlist and its program.

use super::arguments::InputArguments;
use super::failure::Failure;
use super::terminal::complain;
use crate::design::{Design, LoadOptions, load};
use crate::origin::{Origin, ProgramFile, hash_of};
use crate::profile::Profile;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use tina_engine::{Catalogue, Resources};
use tina_modules::riscv::image::{FILE_BYTES_MAX, Image, ImageError};

/// Loads the netlist; its warnings go to standard error.
pub(super) fn design(arguments: &InputArguments, catalogue: &Catalogue) -> Result<Design, Failure> {
    let design = design_in_silence(arguments, catalogue)?;
    if !design.warnings.is_empty() {
        complain(
            design
                .warnings
                .render(io::stderr().is_terminal())
                .trim_end(),
        );
    }
    Ok(design)
}

/// Loads the netlist.
pub(super) fn design_in_silence(
    arguments: &InputArguments,
    catalogue: &Catalogue,
) -> Result<Design, Failure> {
    let options = LoadOptions {
        set: arguments.set.clone(),
        program: arguments.program.clone(),
        seed: arguments.seed,
        load_program: Some(&load_program),
        ..LoadOptions::default()
    };
    Ok(load(&arguments.netlist, &options, catalogue)?)
}

/// Makes the design of an origin again, from the files it names.
pub(super) fn design_of(origin: &Origin, catalogue: &Catalogue) -> Result<Design, Failure> {
    let netlist = origin
        .netlist()
        .ok_or_else(|| Failure::input("it does not say of which netlist it was made"))?;
    let arguments = InputArguments {
        netlist: PathBuf::from(&netlist.path),
        set: origin.set_list(),
        seed: origin.seed,
        program: origin
            .program
            .as_ref()
            .map(|file| PathBuf::from(&file.path)),
    };
    let design = design_in_silence(&arguments, catalogue)?;
    match origin.difference(&Origin::of(&design, &arguments.set)) {
        Some(difference) => Err(Failure::input(format_args!(
            "it cannot be simulated again: {difference}"
        ))),
        None => Ok(design),
    }
}

/// Reads a program as a RISC-V ELF file and lends it to the modules that ask for it.
fn load_program(path: &Path, resources: &mut Resources) -> Result<(), String> {
    let bytes = read_program(path)?;
    resources.insert(Image::from_elf(&bytes).map_err(|error| error.to_string())?);
    resources.insert(ProgramFile {
        path: path.to_owned(),
        blake3: hash_of(&bytes),
    });
    Ok(())
}

/// Reads a file, but no more of it than a program may have.
fn read_program(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX as u64 {
        return Err(ImageError::FileTooLarge {
            bytes: length as usize,
        }
        .to_string());
    }
    let mut bytes = Vec::new();
    // A file that is no plain one may have more to say than its length.
    file.take(FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

/// Reads what was measured of a design before; says what does not fit.
pub(super) fn profile(
    path: Option<&Path>,
    design: &Design,
    catalogue: &Catalogue,
) -> Result<Option<Profile>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let name = path.display();
    let (profile, note) = Profile::from_json(&text, design, catalogue)
        .map_err(|error| Failure::input(format_args!("{name}: {error}")))?;
    if let Some(note) = note {
        complain(&format!("warning: {name}: {note}"));
    }
    Ok(Some(profile))
}
