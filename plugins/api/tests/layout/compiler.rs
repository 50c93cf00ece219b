//! The C and C++ compilers of this machine. Where there is none, the tests that need it skip and say so.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A compiler with the flags that the header promises to be clean under.
pub struct Compiler {
    program: &'static str,
    standard: &'static str,
    extension: &'static str,
    folder: TempDir,
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
        Some(Self { program, standard, extension, folder: tempfile::tempdir().unwrap() })
    }

    /// Compiles a program text and fails on any warning.
    pub fn compile(&self, text: &str) {
        self.call(text, &["-c"], "object");
    }

    /// Compiles a program and returns what it prints.
    pub fn run(&self, text: &str) -> String {
        let program = self.call(text, &[], "program");
        let output = Command::new(program).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn call(&self, text: &str, more: &[&str], result: &str) -> std::path::PathBuf {
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
        let source = self.folder.path().join("source").with_extension(self.extension);
        let result = self.folder.path().join(result);
        fs::write(&source, text).unwrap();
        let output = Command::new(self.program)
            .args([self.standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
            .arg(include)
            .args(more)
            .arg("-o")
            .arg(&result)
            .arg(&source)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        result
    }
}
