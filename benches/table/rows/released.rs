//! The rows about the file that `release/make` has made, which other tools link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Bench, KIB, pair};
use crate::measure::rounds;
use crate::row::{Figures, Goal, Unit};
use crate::support::{TempDir, root};
use crate::work;

const MISSING: &str = "no file of release/make";

/// The shared library in `target/dist`, if there is one.
fn released_file() -> Option<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = root().join("target/dist/build").join(target).join("lib");
    let mut files = fs::read_dir(folder).ok()?.flatten();
    let is_library = |name: &str| name.starts_with("libwandb_login.so.");
    let file = files.find(|file| is_library(&file.file_name().to_string_lossy()))?;
    Some(file.path())
}

impl Bench {
    pub fn released(&mut self) {
        let figures = match released_file() {
            Some(file) => self.released_figures(&file),
            None => [Figures::Missing(MISSING); 3],
        };
        let [size, process, loading] = figures;
        let work = "shared library of a release";
        self.add(work, "", Unit::Bytes, Goal::AtMost(1.75e6), size);
        let work = "– peak memory of a process that logs in from netrc";
        let against = "the process without the library";
        let most = Goal::More(KIB * KIB);
        self.add(work, against, Unit::Bytes, most, process);
        let work = "– memory of `dlopen`";
        let against = "libcurl with its TLS library";
        self.add(work, against, Unit::Bytes, Goal::Times(0.1), loading);
    }

    /// Its size, the memory of a process that uses it, and the memory that loading it takes.
    fn released_figures(&self, file: &Path) -> [Figures; 3] {
        let size = fs::metadata(file).expect("it is there").len() as f64;
        // The programs find it before the library that they were linked with.
        let folder = TempDir::new();
        symlink(file, folder.path().join("libwandb_login.so.0")).expect("a link");
        let home = work::home(3);
        let mut ours = self.program(&home, "login", &[]);
        ours.env("LD_LIBRARY_PATH", folder.path());
        let theirs = self.program(&home, "nothing", &[]);
        let [_time, process] = rounds(21, || self.launch(&ours), || self.launch(&theirs));
        let ours = file.to_str().expect("UTF-8");
        let [_time, loading] = rounds(21, || self.load(ours), || self.load("libcurl.so.4"));
        [Figures::Ours(size), pair(process), pair(loading)]
    }
}
