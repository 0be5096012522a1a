//! `jibit demo --web`: a gateway and a shop to click through, until Ctrl-C.

use std::net::{Ipv4Addr, SocketAddr};

use jibit_checkout::SqliteStore;
use jibit_sandbox::{Sandbox, Settings};
use serde::Serialize;
use tokio::net::TcpListener;

use super::{USERNAME, client, no_port};
use crate::{
    interrupt, print_line,
    report::{Failure, to_json, with_sources},
};

#[derive(Serialize)]
struct Open<'a> {
    shop: &'a str,
    operator: &'a str,
    sandbox: &'a str,
    dashboard: &'a str,
}

pub(super) async fn run(listen: SocketAddr, json: bool) -> Result<(), Failure> {
    // Whoever reaches the shop would be sent to a page on his own machine.
    if !listen.ip().is_loopback() {
        return Err(Failure::usage(
            "listen is not an address of this machine alone; give one such as 127.0.0.1:8080",
        ));
    }
    let settings = Settings::default().shop_name(USERNAME, jibit_shop::NAME);
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sandbox = Sandbox::bind(free, settings).await;
    let sandbox = sandbox.map_err(|error| no_port(&error))?;
    let (client, _) = client(&sandbox)?;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Failure::configuration(format!("listen: {listen} cannot be used: {error}"))
    })?;
    // The gateway forgets every order when it ends, and so does the shop.
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::configuration(format!("the demo gets no folder: {error}")))?;
    let store = SqliteStore::open(folder.path().join("orders.sqlite3")).await;
    let store = store.map_err(|error| Failure::configuration(with_sources(&error)))?;
    let shop = jibit_shop::serve(listener, client, store).await;
    let shop = shop.map_err(|error| Failure::configuration(with_sources(&error)))?;
    let (gateway, shop_url, operator) = (sandbox.url(), shop.url(), shop.operator_url());
    let dashboard = format!("{gateway}/_sandbox/");
    print_line(&if json {
        to_json(&Open {
            shop: &shop_url,
            operator: &operator,
            sandbox: &gateway,
            dashboard: &dashboard,
        })
    } else {
        format!(
            "A shop and a gateway are up; no money moves.\n\n  \
             buy something     {shop_url}\n  \
             run the shop      {operator}\n  \
             be the gateway    {dashboard}\n\n\
             Pay with any mobile number such as 09121234567; 09990000009 pays and never comes back.\n\
             Ctrl-C ends all of it.\n"
        )
    });
    interrupt::pressed().await;
    Ok(())
}
