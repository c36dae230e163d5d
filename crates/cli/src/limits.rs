//! What the system lets this process have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many open files as the system allows: each connection is one, and what shells give by default is for people.
pub(crate) fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    // The limit that was there stays, and accepting connections waits when it is reached.
    let _ = setrlimit(Resource::Nofile, most);
}
