//! Where the agent is reached.

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::Router;
use tokio::net::TcpListener;

use crate::server;

/// An address of TCP, or a socket's file.
pub struct Listener(Kind);

enum Kind {
    Tcp(TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, Socket),
}

/// Why an agent cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address is taken, or not this machine's.
    #[error("{0} cannot be listened at: {1}; give another address or end who has it")]
    Address(SocketAddr, #[source] io::Error),
    /// Somebody answers at the socket's file.
    #[error("somebody listens at {0} already; end it or give another path")]
    Taken(PathBuf),
    /// The socket's file cannot be made.
    #[error("{0} cannot be made: {1}; see that its folder is there and this user may write it")]
    Socket(PathBuf, #[source] io::Error),
}

impl Listener {
    /// Listens at an address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// If it is taken or none of this machine's.
    pub async fn tcp(address: SocketAddr) -> Result<Self, ListenError> {
        let bound = TcpListener::bind(address).await;
        bound
            .and_then(Self::of)
            .map_err(|error| ListenError::Address(address, error))
    }

    /// Listens with what somebody else opened, such as a supervisor who keeps the port.
    ///
    /// # Errors
    ///
    /// If it is no open listener.
    pub fn opened(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::of(TcpListener::from_std(listener)?)
    }

    fn of(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self(Kind::Tcp(listener, address)))
    }

    /// Listens at a socket's file, which only this user may open. One that was left
    /// behind is replaced.
    ///
    /// # Errors
    ///
    /// If somebody listens there, or the file cannot be made.
    #[cfg(unix)]
    pub fn socket(path: impl Into<PathBuf>) -> Result<Self, ListenError> {
        use std::os::unix::net::UnixStream;
        let path = path.into();
        if UnixStream::connect(&path).is_ok() {
            return Err(ListenError::Taken(path));
        }
        match private_socket(&path) {
            Ok(listener) => Ok(Self(Kind::Unix(listener, Socket(path)))),
            Err(error) => Err(ListenError::Socket(path, error)),
        }
    }

    /// How it is reached: a URL, or the socket's path.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.0 {
            Kind::Tcp(_, address) => format!("http://{address}"),
            #[cfg(unix)]
            Kind::Unix(_, socket) => socket.0.display().to_string(),
        }
    }

    /// Whether others than this machine reach it.
    pub(crate) fn is_open(&self) -> bool {
        match &self.0 {
            Kind::Tcp(_, address) => !address.ip().is_loopback(),
            #[cfg(unix)]
            Kind::Unix(..) => false,
        }
    }

    pub(crate) fn is_socket(&self) -> bool {
        !matches!(self.0, Kind::Tcp(..))
    }

    /// Answers until `stop`, and then what is under way.
    pub(crate) async fn serve(self, router: Router, stop: impl Future<Output = ()>) {
        match self.0 {
            Kind::Tcp(listener, _) => server::serve(listener, router, stop).await,
            #[cfg(unix)]
            Kind::Unix(listener, _socket) => server::serve(listener, router, stop).await,
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.address()).finish()
    }
}

/// Its file, which goes with it.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // One that stays is replaced by the next agent.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the file under another name first: nobody opens it before only its owner may.
#[cfg(unix)]
fn private_socket(path: &Path) -> io::Result<tokio::net::UnixListener> {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = tokio::net::UnixListener::bind(&new)?;
    fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    fs::rename(&new, path)?;
    Ok(listener)
}
