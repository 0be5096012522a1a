//! The processes of shops and agents: started, killed, and started again on the same port.

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
    /// Where agents tell what becomes of orders, if shops ask agents.
    pub(crate) webhook: Option<String>,
}

/// What a process of the fleet is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A shop with a checkout of its own.
    Shop,
    Agent,
    /// A shop that asks agents.
    Client,
}

/// Shops that share a store and a book. They end when it is dropped.
pub(crate) struct Fleet {
    site: Site,
    /// Where the agents are.
    agents: Vec<String>,
    shops: Vec<Running>,
}

struct Running {
    role: Role,
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

    fn spawn(
        &self,
        role: Role,
        agents: &[String],
        socket: &TcpListener,
        log: &File,
    ) -> Outcome<Child> {
        let mut command = Command::new(env::current_exe().map_err(said)?);
        match role {
            Role::Shop => command.args(["shop", "--gateway", &self.gateway]),
            Role::Agent => command.args(["agent", "--gateway", &self.gateway]),
            Role::Client => command.args(["client", "--agents", &agents.join(",")]),
        };
        if role == Role::Agent {
            command.args(["--webhook", self.webhook.as_deref().unwrap_or_default()]);
        } else {
            command.arg("--goods").arg(self.goods());
            if let Some(mistake) = self.mistake.and_then(|it| it.to_possible_value()) {
                command.args(["--mistake", mistake.get_name()]);
            }
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
    /// Starts so many shops; over so many agents, if there are any.
    pub(crate) fn start(site: Site, shops: usize, agents: usize) -> Outcome<Self> {
        let mut fleet = Self {
            site,
            agents: Vec::new(),
            shops: Vec::new(),
        };
        for number in 1..=agents {
            fleet.add(Role::Agent, &format!("agent-{number}"))?;
        }
        fleet.agents = fleet.urls(|role| role == Role::Agent)?;
        let role = if agents > 0 { Role::Client } else { Role::Shop };
        for number in 1..=shops {
            fleet.add(role, &format!("shop-{number}"))?;
        }
        Ok(fleet)
    }

    fn add(&mut self, role: Role, name: &str) -> Outcome<()> {
        let socket = TcpListener::bind("127.0.0.1:0").map_err(said)?;
        let log = self.site.folder.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log);
        let log = log.map_err(said)?;
        let child = self.site.spawn(role, &self.agents, &socket, &log)?;
        self.shops.push(Running {
            role,
            socket,
            log,
            child,
        });
        Ok(())
    }

    /// Where customers buy, such as `http://127.0.0.1:4711`.
    pub(crate) fn shops(&self) -> Outcome<Vec<String>> {
        self.urls(|role| role != Role::Agent)
    }

    fn urls(&self, which: impl Fn(Role) -> bool) -> Outcome<Vec<String>> {
        let some = self.shops.iter().filter(|shop| which(shop.role));
        let urls = some.map(|shop| {
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
        let (site, agents) = (&self.site, &self.agents);
        shop.child = site.spawn(shop.role, agents, &shop.socket, &shop.log)?;
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
