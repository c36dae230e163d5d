//! A server that is killed, and started again where it was.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::dice::Dice;

/// Ports from here on are not given to outgoing connections: a twin that knocks while the server is down cannot take
/// the server's own.
const FIRST_PORT: u64 = 20_000;
const PORTS: u64 = 10_000;

/// `ordain serve`, running or not, always with the same words.
pub(crate) struct Server {
    data_dir: PathBuf,
    words: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// One on a free port, which does not run yet.
    pub(crate) fn new(data_dir: &Path, more: Vec<String>, dice: &mut Dice) -> Self {
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let mut ports = std::iter::repeat_with(|| FIRST_PORT + dice.below(PORTS));
        let port = ports.find_map(|port| u16::try_from(port).ok().filter(is_free));
        let listen = format!("127.0.0.1:{}", port.unwrap());
        let words = ["serve", "--listen", &listen].map(str::to_owned);
        Self {
            data_dir: data_dir.to_owned(),
            words: words.into_iter().chain(more).collect(),
            child: None,
        }
    }

    /// Begins to start, and does not wait for the end of that.
    pub(crate) fn begin(&mut self) {
        let child = ordain(&self.data_dir, &self.words)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Starts, and returns when it answers.
    pub(crate) fn start(&mut self) {
        self.begin();
        let stdout = self.child.as_mut().and_then(|child| child.stdout.take());
        let mut url = String::new();
        BufReader::new(stdout.unwrap()).read_line(&mut url).unwrap();
        assert!(!url.is_empty(), "the server does not start");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that ended by itself is no better.
            assert_eq!(child.try_wait().unwrap(), None, "the server has ended by itself");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What an administrator's command says, which must succeed.
    pub(crate) fn ask(&self, words: &[&str]) -> Value {
        serde_json::from_slice(&self.said(words)).unwrap()
    }

    /// The same of one that says something in each line.
    pub(crate) fn ask_lines(&self, words: &[&str]) -> Vec<Value> {
        let said = self.said(words);
        let lines = said
            .split(|octet| *octet == b'\n')
            .filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    fn said(&self, words: &[&str]) -> Vec<u8> {
        let output = run(&self.data_dir, words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {complaint}");
        output.stdout
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs an administrator's command, for machines, on the server's machine.
pub(crate) fn run(data_dir: &Path, words: &[&str]) -> Output {
    ordain(data_dir, words).arg("--json").output().unwrap()
}

fn ordain(data_dir: &Path, words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
    command.args(words).arg("--data-dir").arg(data_dir);
    command.stdin(Stdio::null());
    command
}
