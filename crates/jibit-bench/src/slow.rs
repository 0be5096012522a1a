//! Peers that hold connections: three of four send a head byte by byte, the fourth
//! says nothing. Whom the server closes is back at once, so as many as can be are
//! open all the time.

use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpStream,
    task::LocalSet,
    time::{interval, sleep},
};

use crate::{Outcome, runtime};

/// A head that does not end for as long as anybody waits.
const HEAD: &[u8] = b"GET /order/inquiry/7wvkgrn0 HTTP/1.1\r\nHost: sandbox\r\nX-Slow: ";

/// Between two bytes of a head.
const PAUSE: Duration = Duration::from_secs(3);

/// How long the first connections take altogether, so that they do not end together.
const ARRIVAL: Duration = Duration::from_secs(8);

/// How long all of them may take to be open at last.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    peers: u32,
    /// How many of them must be open before the time begins.
    #[arg(long)]
    enough: u32,
    #[arg(long)]
    seconds: u64,
}

/// How many were open in that time.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Held {
    pub(crate) average: u32,
    pub(crate) least: u32,
    /// How many connections the server accepted from them altogether.
    pub(crate) opened: u64,
    /// How often it did not take one.
    pub(crate) failed: u64,
}

#[derive(Default)]
struct Count {
    open: Cell<u32>,
    opened: Cell<u64>,
    failed: Cell<u64>,
}

/// Says `ready` when enough are open, and what came of it after the time.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let wanted = u64::from(arguments.peers) + 50;
    let files = rlimit::increase_nofile_limit(wanted)
        .map_err(|error| format!("the limit of open files cannot be raised: {error}"))?;
    if files < wanted {
        return Err(format!(
            "this system lets a program open only {files} files"
        ));
    }
    let peers = LocalSet::new();
    runtime()?.block_on(peers.run_until(async {
        let count = Rc::new(Count::default());
        for number in 0..arguments.peers {
            let after = ARRIVAL * number / arguments.peers;
            let (address, count) = (arguments.address, Rc::clone(&count));
            tokio::task::spawn_local(async move {
                sleep(after).await;
                peer(address, number, &count).await;
            });
        }
        let held = watch(arguments, &count).await?;
        println!("{}", serde_json::json!(held));
        Ok(())
    }))
}

async fn watch(arguments: &Arguments, count: &Count) -> Outcome<Held> {
    let mut look = interval(Duration::from_millis(50));
    let begun = Instant::now();
    while count.open.get() < arguments.enough {
        if begun.elapsed() > PATIENCE {
            return Err(format!(
                "only {} connections came to be open",
                count.open.get()
            ));
        }
        look.tick().await;
    }
    println!("ready");
    let time = Duration::from_secs(arguments.seconds);
    let (mut sum, mut looks, mut least) = (0_u64, 0_u64, u32::MAX);
    let begun = Instant::now();
    while begun.elapsed() < time {
        look.tick().await;
        let open = count.open.get();
        sum += u64::from(open);
        looks += 1;
        least = least.min(open);
    }
    let average = sum.checked_div(looks).unwrap_or_default();
    Ok(Held {
        average: u32::try_from(average).unwrap_or(u32::MAX),
        least,
        opened: count.opened.get(),
        failed: count.failed.get(),
    })
}

async fn peer(address: SocketAddr, number: u32, count: &Count) {
    loop {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                count.opened.set(count.opened.get() + 1);
                count.open.set(count.open.get() + 1);
                hold(&stream, !number.is_multiple_of(4)).await;
                count.open.set(count.open.get() - 1);
            }
            Err(_) => {
                count.failed.set(count.failed.get() + 1);
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Ends when the server closes the connection.
async fn hold(stream: &TcpStream, speaks: bool) {
    let mut ended = pin!(ended(stream));
    let mut head = HEAD.iter().chain(std::iter::repeat(&b'x'));
    loop {
        tokio::select! {
            () = &mut ended => return,
            () = sleep(PAUSE) => {}
        }
        if speaks && let Some(byte) = head.next() {
            // One byte always fits; if it does not, `ended` says why.
            let _ = stream.try_write(&[*byte]);
        }
    }
}

/// Reads until the end; a server may say something before it closes.
async fn ended(stream: &TcpStream) {
    let mut bytes = [0; 512];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
