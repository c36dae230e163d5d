//! Reads a policy directory.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordain_server::api::{Policy, PolicyFile};

/// A directory whose files have more bytes in all is refused.
const MAX_OCTETS: u64 = 256 << 20;
/// So is one with more files,
const MAX_FILES: usize = 100_000;
/// and one with folders in folders beyond this, as links that lead round make them.
const MAX_DEPTH: usize = 32;

/// Something in a policy directory that cannot be read: its path in there, and why not.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: String,
    pub(crate) error: anyhow::Error,
}

/// Every file below `dir` that belongs to a policy, in the order of their paths. One that cannot be read is an error.
pub(crate) fn read(dir: &Path) -> anyhow::Result<Policy> {
    let (policy, unreadable) = read_what_can_be(dir)?;
    match unreadable.into_iter().next() {
        Some(Unreadable { path, error }) => Err(error.context(dir.join(path).display().to_string())),
        None => Ok(policy),
    }
}

/// The same but for what cannot be read, which is listed.
pub(crate) fn read_what_can_be(dir: &Path) -> anyhow::Result<(Policy, Vec<Unreadable>)> {
    let root = dir.canonicalize().with_context(|| dir.display().to_string())?;
    ensure!(root.is_dir(), "{} is no directory", dir.display());
    let mut reading = Reading {
        root,
        dir,
        octets: 0,
        policy: Policy::default(),
        unreadable: Vec::new(),
    };
    reading.folder("", 0)?;
    reading.policy.files.sort_by(|a, b| a.path.cmp(&b.path));
    reading.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((reading.policy, reading.unreadable))
}

struct Reading<'a> {
    /// The directory without links in its path.
    root: PathBuf,
    /// The same as it was named.
    dir: &'a Path,
    octets: u64,
    policy: Policy,
    unreadable: Vec<Unreadable>,
}

impl Reading<'_> {
    /// Reads what is in the folder `inside`, a path below the directory that is empty or ends in `/`.
    fn folder(&mut self, inside: &str, depth: usize) -> anyhow::Result<()> {
        let folder = self.dir.join(inside);
        ensure!(
            depth <= MAX_DEPTH,
            "{}: more than {MAX_DEPTH} folders in each other",
            folder.display()
        );
        let names = fs::read_dir(&folder).and_then(|entries| {
            let names = entries.map(|entry| Ok(entry?.file_name()));
            names.collect::<io::Result<Vec<_>>>()
        });
        let names = match names {
            Ok(names) => names,
            Err(error) => {
                let (path, error) = (inside.to_owned(), error.into());
                self.unreadable.push(Unreadable { path, error });
                return Ok(());
            }
        };
        for name in names {
            let path = format!("{inside}{}", name.to_string_lossy());
            if path
                .strip_prefix(inside)
                .is_some_and(|name| name.starts_with('.'))
            {
                continue;
            }
            match self.real(&folder.join(&name), name.to_str().is_some()) {
                Ok(real) if real.is_dir() => self.folder(&format!("{path}/"), depth + 1)?,
                Ok(real) if ordain_policy::is_policy_file(&path) => self.file(path, &real)?,
                Ok(_) => {}
                Err(error) => self.unreadable.push(Unreadable { path, error }),
            }
        }
        Ok(())
    }

    /// What `at` leads to. Follows links: a link into the directory is as good as what it leads to.
    fn real(&self, at: &Path, is_text: bool) -> anyhow::Result<PathBuf> {
        ensure!(is_text, "the name is not UTF-8");
        let real = at.canonicalize()?;
        ensure!(
            real.starts_with(&self.root),
            "the link leads out of the directory, to {}",
            real.display()
        );
        Ok(real)
    }

    fn file(&mut self, path: String, real: &Path) -> anyhow::Result<()> {
        let left = MAX_OCTETS - self.octets;
        let content = match content(real, left + 1) {
            Ok(content) => content,
            Err(error) => {
                let error = error.into();
                self.unreadable.push(Unreadable { path, error });
                return Ok(());
            }
        };
        let octets = content.len() as u64;
        ensure!(
            octets <= left,
            "a policy has at most {} MiB in all",
            MAX_OCTETS >> 20
        );
        self.octets += octets;
        ensure!(
            self.policy.files.len() < MAX_FILES,
            "a policy has at most {MAX_FILES} files"
        );
        self.policy.files.push(PolicyFile {
            path,
            content: STANDARD.encode(content),
        });
        Ok(())
    }
}

/// What is in a file, but for what comes after `most` bytes.
fn content(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    // To open something else may wait for ever.
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("neither a file nor a folder"));
    }
    let mut content = Vec::new();
    File::open(file)?.take(most).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn put(dir: &Path, path: &str, text: &str) {
        let file = dir.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn paths(policy: &Policy) -> Vec<&str> {
        policy.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn files_come_in_order_and_without_what_is_hidden() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "groups/b.yaml",
            "groups/a/z.yaml",
            "assets/x.bin",
            "README.md",
            ".git/config",
            "a/.b",
        ] {
            put(dir.path(), path, path);
        }
        let policy = read(dir.path()).unwrap();
        assert_eq!(
            paths(&policy),
            ["assets/x.bin", "groups/a/z.yaml", "groups/b.yaml"]
        );
        assert_eq!(policy.files[0].content, STANDARD.encode("assets/x.bin"));
    }

    #[test]
    fn links_may_lead_inside_only() {
        let outside = tempfile::tempdir().unwrap();
        put(outside.path(), "secret", "s");
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "assets/a.bin", "a");
        symlink("a.bin", dir.path().join("assets/b.bin")).unwrap();
        assert_eq!(
            paths(&read(dir.path()).unwrap()),
            ["assets/a.bin", "assets/b.bin"]
        );

        for target in [
            outside.path().join("secret"),
            outside.path().to_owned(),
            "/dev/zero".into(),
        ] {
            let link = dir.path().join("assets/out");
            symlink(target, &link).unwrap();
            let error = format!("{:#}", read(dir.path()).unwrap_err());
            assert!(
                error.contains("assets/out: the link leads out of the directory"),
                "{error}"
            );
            fs::remove_file(link).unwrap();
        }
        symlink("nowhere", dir.path().join("assets/dangling")).unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("dangling"));
        let (policy, unreadable) = read_what_can_be(dir.path()).unwrap();
        assert_eq!(paths(&policy), ["assets/a.bin", "assets/b.bin"]);
        assert_eq!(unreadable[0].path, "assets/dangling");
    }

    #[test]
    fn a_linked_directory_is_read_as_itself_and_a_circle_ends() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "real/groups/a.yaml", "a");
        let link = dir.path().join("link");
        symlink(dir.path().join("real"), &link).unwrap();
        assert_eq!(paths(&read(&link).unwrap()), ["groups/a.yaml"]);
        symlink(".", dir.path().join("real/round")).unwrap();
        assert!(
            read(&link)
                .unwrap_err()
                .to_string()
                .contains("folders in each other")
        );
    }

    #[test]
    fn a_directory_that_is_none_is_named() {
        let error = read(Path::new("/nonexistent/policy")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/policy"));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(
            read(file.path())
                .unwrap_err()
                .to_string()
                .ends_with("is no directory")
        );
    }
}
