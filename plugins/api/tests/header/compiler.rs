//! The C and C++ compilers of this machine. Where there is none, the tests that need it skip and say so.

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A compiler with the flags that the header promises to be clean under.
pub struct Compiler {
    program: &'static str,
    standard: &'static str,
    extension: &'static str,
    /// Flags that find memory errors, where the compiler has them.
    sanitizers: &'static [&'static str],
    folder: TempDir,
    files: Cell<u32>,
}

impl Compiler {
    /// Returns the C compiler, if there is one.
    pub fn c11() -> Option<Self> {
        Self::find("cc", "-std=c11", "c")
    }

    /// Returns the C++ compiler, if there is one.
    pub fn cpp17() -> Option<Self> {
        Self::find("c++", "-std=c++17", "cpp")
    }

    fn find(program: &'static str, standard: &'static str, extension: &'static str) -> Option<Self> {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            eprintln!("skipped: there is no {program} on this machine");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut compiler = Self { program, standard, extension, sanitizers: &[], folder, files: Cell::new(0) };
        let source = compiler.write("int main(void) { return 0; }\n");
        let mut trial = Command::new(program);
        trial.args(SANITIZERS).arg("-o").arg(compiler.fresh("trial")).arg(source).stderr(Stdio::null());
        if trial.status().is_ok_and(|status| status.success()) {
            compiler.sanitizers = SANITIZERS;
        }
        Some(compiler)
    }

    /// Compiles a text, with the header of today, and fails on any warning.
    pub fn compile(&self, text: &str) {
        self.object(&self.write(text), &include());
    }

    /// Compiles a program and returns what it prints.
    pub fn run(&self, text: &str) -> String {
        let path = self.link(&[self.object(&self.write(text), &include())]);
        let output = Command::new(path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Compiles a file with the header of a folder.
    pub fn object(&self, source: &Path, include: &Path) -> PathBuf {
        let object = self.fresh("o");
        let strict = [self.standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
        self.call(Command::new(self.program).args(strict).arg("-I").arg(include).arg("-c").arg(source), &object);
        object
    }

    /// Builds a folder with its own Makefile, in a copy, and returns the copy; `None` where there is no make.
    pub fn make(&self, folder: &Path, variable: &str) -> Option<PathBuf> {
        let copy = self.fresh("folder");
        fs::create_dir(&copy).unwrap();
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            fs::copy(&entry, copy.join(entry.file_name().unwrap())).unwrap();
        }
        let Ok(output) = Command::new("make").arg("-C").arg(&copy).arg(variable).output() else {
            eprintln!("skipped: there is no make on this machine");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(copy)
    }

    /// Makes a program of objects. It is gone when the compiler is.
    pub fn link(&self, objects: &[PathBuf]) -> PathBuf {
        let path = self.fresh("program");
        self.call(Command::new(self.program).args(objects), &path);
        path
    }

    fn call(&self, command: &mut Command, result: &Path) {
        let output = command.args(self.sanitizers).arg("-o").arg(result).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, text: &str) -> PathBuf {
        let path = self.fresh(self.extension);
        fs::write(&path, text).unwrap();
        path
    }

    fn fresh(&self, extension: &str) -> PathBuf {
        self.files.set(self.files.get() + 1);
        self.folder.path().join(format!("{}.{extension}", self.files.get()))
    }
}

const SANITIZERS: &[&str] = &["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}
