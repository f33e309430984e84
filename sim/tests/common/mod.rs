//! Runs the program in a folder with files of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of the test's own, with these files.
pub fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

/// Standard output, standard error, exit code.
pub fn tina(folder: &Path, arguments: &str) -> (String, String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_tina-hw"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("it ends by itself");
    (text(output.stdout), text(output.stderr), code)
}
