use jibit_agent::{Agent as Running, Listener, Settings as AgentSettings, Webhook, WebhookSecret};
use jibit_axum::ReturnPage;
use jibit_checkout::CallbackUrl;
use jibit_hyper::HyperTransport;
use jibit_proto::HttpHosts;
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::{Agent, Settings},
    interrupt, print_line,
    report::{Failure, Report, to_json, with_sources},
    secret,
    store::Place,
};

#[derive(Serialize)]
struct Listening<'a> {
    listening: &'a str,
}

/// Runs until the process is told to end.
pub(crate) async fn run(args: Agent, settings: &Settings) -> Result<Option<Report>, Failure> {
    if args.new_webhook_secret {
        let secret = WebhookSecret::random().map_err(|error| {
            Failure::configuration(format!("the system gives no random bytes: {error}"))
        })?;
        print_line(secret.expose());
        return Ok(None);
    }
    let callback_url = args.callback_url.as_deref().ok_or_else(|| {
        Failure::usage(
            "callback-url is missing; give where customers come back to, such as \
             https://shop.example/paid",
        )
    })?;
    let callback_url = CallbackUrl::new(callback_url)?;
    let agent_settings = agent_settings(&args, settings)?;
    let listener = listener(&args).await?;
    let account = account::open(settings, Moves::Money)?;
    let store = Place::named(&args.store)?.make().await?;
    let page = ReturnPage::new(args.shop_name, args.shop_url);
    let agent = Running::open(account.client, store, callback_url, page, agent_settings).await;
    let agent = agent.map_err(|error| Failure::configuration(with_sources(&error)))?;
    let address = listener.address();
    print_line(&if settings.json {
        to_json(&Listening {
            listening: &address,
        })
    } else {
        format!("listening on {address}")
    });
    let served = agent.serve(listener, interrupt::pressed()).await;
    served.map_err(|error| Failure::configuration(with_sources(&error)))?;
    Ok(None)
}

async fn listener(args: &Agent) -> Result<Listener, Failure> {
    let listener = match &args.socket {
        None => Listener::tcp(args.listen).await,
        #[cfg(unix)]
        Some(path) => Listener::socket(path),
        #[cfg(not(unix))]
        Some(_) => {
            return Err(Failure::usage(
                "socket is not known on this system; give listen",
            ));
        }
    };
    listener.map_err(|error| Failure::configuration(error.to_string()))
}

fn agent_settings(args: &Agent, settings: &Settings) -> Result<AgentSettings, Failure> {
    let mut agent = AgentSettings::default();
    if let Some(token) = secret::read(&secret::AGENT_TOKEN, args.token_file.as_deref())? {
        agent = agent.token(token);
    }
    let secret = secret::read(&secret::WEBHOOK, args.webhook_secret_file.as_deref())?;
    match (&args.webhook_url, secret) {
        (Some(url), Some(secret)) => {
            let hosts = account::allowed(settings).fold(HttpHosts::loopback(), HttpHosts::allow);
            let webhook = Webhook::new(url, WebhookSecret::new(&secret)?, &hosts)?;
            Ok(agent.webhook(webhook, transport(url)?))
        }
        (None, None) => {
            tracing::warn!(
                "nobody is told what becomes of orders; give --webhook-url and a secret, or ask \
                 GET /orders/{{number}}"
            );
            Ok(agent)
        }
        (Some(_), None) => Err(Failure::configuration(
            "webhook-secret is missing; make one by `jibit agent --new-webhook-secret` and give \
             it by --webhook-secret-file or JIBIT_WEBHOOK_SECRET_FILE",
        )),
        (None, Some(_)) => Err(Failure::configuration(
            "webhook-url is missing; give where the shop takes webhooks",
        )),
    }
}

fn transport(url: &str) -> Result<HyperTransport, Failure> {
    Ok(account::transport_to(url).build()?)
}
