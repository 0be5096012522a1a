//! A way to the sandbox that can be shut, so that connections are refused.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Handle,
    task::JoinHandle,
    time::sleep,
};

/// How many may wait to be let in.
const BACKLOG: u32 = 64;

/// Passes bytes on while it is open. It keeps its address when it opens again.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    runtime: Handle,
    address: SocketAddr,
    to: SocketAddr,
    /// Bound, and never listening: nobody else gets the port while it is shut.
    _holder: Option<TcpSocket>,
    listening: Mutex<Option<JoinHandle<()>>>,
    /// For how long it is shut once the next answer begins.
    shuts_for: Mutex<Option<Duration>>,
}

impl Gate {
    pub(super) fn open(runtime: Handle, to: SocketAddr) -> Self {
        let entered = runtime.enter();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = bound(anywhere).and_then(|it| it.listen(BACKLOG));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("its address");
        let holder = bound(address).ok();
        drop(entered);
        let gate = Self(Arc::new(Inner {
            runtime,
            address,
            to,
            _holder: holder,
            listening: Mutex::new(None),
            shuts_for: Mutex::new(None),
        }));
        gate.listen(listener);
        gate
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Refuses connections from now on, for so long.
    pub(super) fn shut(&self, time: Duration) {
        let gate = self.clone();
        self.0
            .runtime
            .block_on(async move { gate.refuse(time).await });
    }

    /// The same from when the next answer begins, before any of it is passed on.
    pub(super) fn shut_at_the_next_answer(&self, time: Duration) {
        *lock(&self.0.shuts_for) = Some(time);
    }

    async fn refuse(&self, time: Duration) {
        let listening = lock(&self.0.listening).take();
        if let Some(listening) = listening {
            listening.abort();
            // The listener is gone when its task is.
            let _ = listening.await;
        }
        let gate = self.clone();
        self.0.runtime.spawn(async move {
            sleep(time).await;
            let listener = bound(gate.0.address).and_then(|it| it.listen(BACKLOG));
            gate.listen(listener.expect("the same port"));
        });
    }

    fn listen(&self, listener: TcpListener) {
        let gate = self.clone();
        let listening = self.0.runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let gate = gate.clone();
                gate.0
                    .runtime
                    .clone()
                    .spawn(async move { gate.pass(client).await });
            }
        });
        *lock(&self.0.listening) = Some(listening);
    }

    async fn pass(&self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.0.to).await else {
            return;
        };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let asks = self
            .0
            .runtime
            .spawn(async move { copy(&mut from_client, &mut to_server).await });
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            let shuts_for = lock(&self.0.shuts_for).take();
            if let Some(time) = shuts_for {
                self.refuse(time).await;
            }
            let read = buffer.get(..length).unwrap_or_default();
            if to_client.write_all(read).await.is_err() {
                break;
            }
        }
        asks.abort();
    }
}

/// A socket on this address, which others like it may have as well.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
