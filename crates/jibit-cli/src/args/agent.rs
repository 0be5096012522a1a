//! The command that a shop in another language runs beside itself.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::{StoreArgs, address};

const EXAMPLES: &str = "\
Examples:
  jibit agent --new-webhook-secret > webhook.secret     once; the shop gets it, too

  export JIBIT_BASE_URL=http://127.0.0.1:8090 JIBIT_USERNAME=7746 JIBIT_PASSWORD=123456
  jibit agent --callback-url http://127.0.0.1:8092/paid \\
      --webhook-url http://127.0.0.1:8000/jibit --webhook-secret-file webhook.secret
  curl http://127.0.0.1:8092/orders -H 'Content-Type: application/json' \\
      -d '{\"number\":\"order-17\",\"amount\":125000,\"mobile\":\"09121234567\"}'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Agent {
    /// Where to listen; port 0 takes a free one. Beyond this machine it needs a token.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8092", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Listen at a socket's file instead, which only this user may open.
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    pub(crate) socket: Option<PathBuf>,
    /// Where customers come back to, as their browsers see it. The agent answers its
    /// path by a page of its own.
    #[arg(
        long,
        value_name = "URL",
        env = "JIBIT_CALLBACK_URL",
        hide_env_values = true
    )]
    pub(crate) callback_url: Option<String>,
    /// Where the shop is told what becomes of orders.
    #[arg(
        long,
        value_name = "URL",
        env = "JIBIT_WEBHOOK_URL",
        hide_env_values = true
    )]
    pub(crate) webhook_url: Option<String>,
    /// A file that holds what webhooks are signed with; or JIBIT_WEBHOOK_SECRET or
    /// JIBIT_WEBHOOK_SECRET_FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_secret_file: Option<PathBuf>,
    /// Print a new secret for webhooks, and end.
    #[arg(long)]
    pub(crate) new_webhook_secret: bool,
    /// A file that holds the token which callers send as Authorization: Bearer; or
    /// JIBIT_AGENT_TOKEN or JIBIT_AGENT_TOKEN_FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// What the customer's page calls the shop.
    #[arg(
        long,
        value_name = "NAME",
        env = "JIBIT_SHOP_NAME",
        hide_env_values = true,
        default_value = ""
    )]
    pub(crate) shop_name: String,
    /// Where the customer's page leads on to; the callback URL's own site if it is not
    /// given.
    #[arg(
        long,
        value_name = "URL",
        env = "JIBIT_SHOP_URL",
        hide_env_values = true,
        default_value = "/"
    )]
    pub(crate) shop_url: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
