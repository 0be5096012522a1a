//! An agent in a process of its own.

use std::env;

use clap::Args;
use jibit_agent::{Agent, Listener, Settings, Webhook, WebhookSecret};
use jibit_axum::ReturnPage;
use jibit_checkout::{CallbackUrl, open_store};
use jibit_hyper::Secret;
use jibit_proto::HttpHosts;

use crate::{
    Outcome, runtime, said,
    shop::{self, BACK, STORE},
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    gateway: String,
    /// Where shops are told.
    #[arg(long)]
    webhook: String,
}

/// No secret: whom it is for ends with the run.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u";

pub(crate) fn command(arguments: &Arguments) -> Outcome<()> {
    shop::log();
    runtime()?.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Outcome<()> {
    let store = env::var(STORE).map_err(|_| format!("{STORE} is not set"))?;
    let store = open_store(&store).await.map_err(said)?;
    let secret = WebhookSecret::new(&Secret::new(SECRET)).map_err(said)?;
    let webhook = Webhook::new(&arguments.webhook, secret, &HttpHosts::loopback());
    let settings = Settings::default().webhook(webhook.map_err(said)?, shop::plain()?);
    let client = shop::client(&arguments.gateway)?;
    let back = CallbackUrl::new(BACK).map_err(said)?;
    let page = ReturnPage::new("", "/");
    let agent = Agent::open(client, store, back, page, settings).await;
    let listener = Listener::opened(shop::socket()?).map_err(said)?;
    let agent = agent.map_err(said)?;
    agent.serve(listener, shop::orphaned()).await.map_err(said)
}
