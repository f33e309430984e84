//! `tina-hw report`: a run that is over, on one page.

use super::arguments::ReportArguments;
use super::failure::Failure;
use super::terminal::complain;
use crate::page::page;
use crate::run::RunFolder;
use std::fs;

pub(super) fn report(arguments: &ReportArguments) -> Result<u8, Failure> {
    let folder = RunFolder::new(&arguments.folder);
    let (page, warnings) = page(&folder).map_err(Failure::input)?;
    for warning in warnings {
        complain(&format!("warning: {warning}"));
    }
    let path = &arguments.output;
    fs::write(path, page.html()).map_err(|error| Failure::file("write", path, &error))?;
    Ok(0)
}
