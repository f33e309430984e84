//! Pictures as files.

use super::failure::Failure;
use crate::diagnostic::nearest;
use std::fs;
use std::path::Path;
use tina_viz::drawing::{Drawing, Theme};

/// A format of picture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PictureFormat {
    Svg,
    Png,
}

impl PictureFormat {
    /// The format that a file name asks for.
    pub(super) fn of_path(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            ending => {
                let near = ending.and_then(|ending| nearest(ending, &["svg", "png"]));
                let hint = near.map_or(String::new(), |known| {
                    format!("; did you mean `{}`?", path.with_extension(known).display())
                });
                Err(Failure::input(format_args!(
                    "the name of a picture ends in `.svg` or `.png`, not as {}{hint}",
                    path.display()
                )))
            }
        }
    }
}

/// Writes a picture; what stood there before goes only when all of it is written.
pub(super) fn write(drawing: &Drawing, path: &Path, is_dark: bool) -> Result<(), Failure> {
    let theme = if is_dark { Theme::Dark } else { Theme::Light };
    let bytes = match PictureFormat::of_path(path)? {
        PictureFormat::Svg => drawing.svg(theme).into_bytes(),
        PictureFormat::Png => drawing
            .png(theme)
            .map_err(|error| Failure::input(format_args!("{}: {error}", path.display())))?,
    };
    fs::write(path, bytes).map_err(|error| Failure::file("write", path, &error))
}
