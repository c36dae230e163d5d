//! The way to a database, which can be cut.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Hands connections on to PostgreSQL.
pub(crate) struct Relay(Arc<watch::Sender<bool>>);

impl Relay {
    /// A relay before the server of `url`, and the URL that leads through it.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let (_, after) = url.split_once("://").expect("a URL");
        let (authority, _) = after.split_once('/').expect("a database");
        let target = authority.rsplit('@').next().expect("an address").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let by_relay = url.replace(&target, &address);
        let whole = Arc::new(watch::Sender::new(true));
        tokio::spawn(serve(listener, target, whole.clone()));
        (Self(whole), by_relay)
    }

    /// Ends every connection, and those to come.
    pub(crate) fn cut(&self) {
        self.0.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.0.send_replace(true);
    }
}

async fn serve(listener: TcpListener, target: String, whole: Arc<watch::Sender<bool>>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let (target, mut whole) = (target.clone(), whole.subscribe());
        tokio::spawn(async move {
            if !*whole.borrow() {
                return;
            }
            let mut far = TcpStream::connect(target).await.expect("PostgreSQL");
            tokio::select! {
                // Either end may leave when it likes.
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = whole.wait_for(|whole| !whole) => {}
            }
        });
    }
}
