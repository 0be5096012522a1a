//! The shops' processes: started, killed, and started again on the same port.

use std::{
    env,
    fs::File,
    net::TcpListener,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use clap::ValueEnum as _;

use crate::{
    Outcome, said,
    shop::{Mistake, STORE},
};

/// What every shop of a fleet is started with.
pub(crate) struct Site {
    pub(crate) gateway: String,
    /// The store's address.
    pub(crate) store: String,
    /// Where the shop's book and its logs are.
    pub(crate) folder: PathBuf,
    pub(crate) mistake: Option<Mistake>,
}

/// Shops that share a store and a book. They end when it is dropped.
pub(crate) struct Fleet {
    site: Site,
    shops: Vec<Running>,
}

struct Running {
    /// The port stays open when the process dies, so that nobody else takes it.
    socket: TcpListener,
    log: File,
    child: Child,
}

impl Site {
    /// The shop's book.
    pub(crate) fn goods(&self) -> PathBuf {
        self.folder.join("goods.sqlite")
    }

    fn spawn(&self, socket: &TcpListener, log: &File) -> Outcome<Child> {
        let mut command = Command::new(env::current_exe().map_err(said)?);
        command.args(["shop", "--gateway", &self.gateway, "--goods"]);
        command.arg(self.goods());
        if let Some(mistake) = self.mistake.and_then(|it| it.to_possible_value()) {
            command.args(["--mistake", mistake.get_name()]);
        }
        let socket = socket.try_clone().map_err(said)?;
        command
            .env(STORE, &self.store)
            .stdin(OwnedFd::from(socket))
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_err(said)?)
            .spawn()
            .map_err(|error| format!("a shop does not start: {error}"))
    }
}

impl Fleet {
    pub(crate) fn start(site: Site, shops: usize) -> Outcome<Self> {
        let mut fleet = Self {
            site,
            shops: Vec::new(),
        };
        for number in 1..=shops {
            let socket = TcpListener::bind("127.0.0.1:0").map_err(said)?;
            let log = fleet.site.folder.join(format!("shop-{number}.log"));
            let log = File::options().create(true).append(true).open(log);
            let log = log.map_err(said)?;
            let child = fleet.site.spawn(&socket, &log)?;
            fleet.shops.push(Running { socket, log, child });
        }
        Ok(fleet)
    }

    /// Where the shops are, such as `http://127.0.0.1:4711`.
    pub(crate) fn urls(&self) -> Outcome<Vec<String>> {
        let urls = self.shops.iter().map(|shop| {
            let address = shop.socket.local_addr().map_err(said)?;
            Ok(format!("http://{address}"))
        });
        urls.collect()
    }

    /// Ends one by SIGKILL, and starts it again.
    pub(crate) fn kill(&mut self, which: u64) -> Outcome<()> {
        self.check()?;
        let place = which % self.shops.len().max(1) as u64;
        let shop = self
            .shops
            .get_mut(usize::try_from(place).unwrap_or_default());
        let shop = shop.ok_or("there is no shop")?;
        shop.child.kill().map_err(said)?;
        shop.child.wait().map_err(said)?;
        shop.child = self.site.spawn(&shop.socket, &shop.log)?;
        Ok(())
    }

    /// Fails if a shop ended that nobody killed.
    pub(crate) fn check(&mut self) -> Outcome<()> {
        for (number, shop) in (1..).zip(&mut self.shops) {
            if let Some(status) = shop.child.try_wait().map_err(said)? {
                return Err(format!("shop {number} ended by itself: {status}"));
            }
        }
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for shop in &mut self.shops {
            let _ = shop.child.kill();
            let _ = shop.child.wait();
        }
    }
}
