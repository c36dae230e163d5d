//! Files of the data directory: written whole or not at all, and secrets for their owner only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;

use crate::settings::StartError;

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, StartError> {
    fs::read_to_string(path).map_err(StartError::file(path))
}

/// Puts `text` where everybody may read it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), StartError> {
    replace(path, text, 0o644)
}

/// Puts `text` where only the owner may read it.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), StartError> {
    replace(path, text, 0o600)
}

/// Takes the data directory for one server. The lock goes with the file, however the process ends.
pub(crate) fn lock(data_dir: &Path) -> Result<File, StartError> {
    let path = data_dir.join("lock");
    let file = File::create(&path).map_err(StartError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what =
                "another ordain serves this data directory; stop it, or give this one its own --data-dir";
            Err(StartError::State(format!("{}: {what}", data_dir.display())))
        }
        Err(TryLockError::Error(error)) => Err(StartError::file(&path)(error)),
    }
}

/// Under another name first, then renamed into place: who looks sees all of it or nothing.
fn replace(path: &Path, text: &str, mode: u32) -> Result<(), StartError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    let written = || {
        // One that was left behind may have other rights.
        match fs::remove_file(new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(new, path)?;
        // The new name is as durable as what it names.
        path.parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    written().map_err(StartError::file(path))
}
