//! One cell, in all its forms, over a real socket.

use std::{error, iter, thread, time::Duration};

use http::{Response, header};
use jibit_proto::{
    CallbackUrl, Config, Error, Expected, OrderId, Secret, Verdict,
    wire::initiate::{Initiated, NewOrder},
};
use jibit_sandbox::{Effect, Fault, Operation, Phase, Sandbox, Settings};
use tokio::runtime::Runtime;

use jibit_canary::{Ears, PASSWORD, leak};

use crate::{CELLS, Cell, Row};

mod gate;

use gate::Gate;

const MERCHANT_ORDER_ID: &str = "m-1";
const AMOUNT: &str = "1000";

/// How long nobody listens.
const AWAY: Duration = Duration::from_millis(150);

/// A client under test, whatever it runs on.
pub trait Shop {
    /// Logs in.
    ///
    /// # Errors
    ///
    /// The client's own.
    fn authenticate(&self) -> Result<(), Error>;
    /// Makes an order.
    ///
    /// # Errors
    ///
    /// The client's own.
    fn initiate(&self, order: NewOrder) -> Result<Initiated, Error>;
    /// Settles an order.
    ///
    /// # Errors
    ///
    /// The client's own.
    fn settle(&self, id: OrderId, expected: Expected) -> Result<Verdict, Error>;
    /// Its tokens.
    fn export_tokens(&self) -> Option<Secret>;
    /// Takes up another's tokens.
    fn restore_tokens(&self, tokens: &Secret);
}

/// A form that an outcome comes in.
#[derive(Clone, Debug)]
enum Form {
    /// Nobody listens at first.
    Away,
    /// The effect of a plan's rule.
    Struck(Phase, &'static str),
    /// Another answer than the gateway's own, after it did what was asked.
    Answered(u16, String),
    /// The order is in another state than just made.
    Is(State),
}

#[derive(Clone, Copy, Debug)]
enum State {
    New,
    Paid,
    Captured,
    Cancelled,
    Expired,
}

fn forms(cell: &Cell) -> Vec<Form> {
    use Form::{Answered, Is, Struck};
    use Phase::{After, Before};
    let both = |effects: &[&'static str]| {
        let forms = effects
            .iter()
            .flat_map(|it| [Struck(Before, it), Struck(After, it)]);
        forms.collect::<Vec<_>>()
    };
    let after = |effects: &[&'static str]| {
        effects
            .iter()
            .map(|it| Struck(After, it))
            .collect::<Vec<_>>()
    };
    match cell.row {
        Row::NotSent => vec![Form::Away],
        Row::Lost => [both(&["reset", "drop", "hang"]), after(&["cut=9", "huge"])].concat(),
        Row::Unauthorized => both(&["unauthorized", "error=401"]),
        // A bare 404 to inquiry is a proxy's word, not the gateway's.
        Row::ClientError if cell.operation == "inquiry" => {
            both(&["status=400", "status=403", "status=404"])
        }
        Row::ClientError => both(&["status=400", "status=403"]),
        Row::NotFound => {
            let told = r#"{"errorCode":5,"message":"none"}"#.to_owned();
            let mut forms = vec![Answered(404, told)];
            if cell.operation != "inquiry" {
                forms.extend(both(&["status=404"]));
            }
            forms
        }
        Row::TooMany => both(&["status=429", "too-many=1"]),
        Row::Busy => both(&["status=408", "status=503"]),
        Row::ServerError => both(&["status=500", "html"]),
        Row::Redirect => both(&["redirect=302", "redirect=307"]),
        Row::Refused => both(&["error=9"]),
        Row::Unreadable => {
            let mut forms = both(&["garbage"]);
            forms.extend(after(&["gzip"]));
            forms.push(Answered(200, r#"{"errorCode":0}"#.to_owned()));
            // Inquiry has no envelope whose code could be missing.
            if cell.operation != "inquiry" {
                forms.extend(after(&["no-error-code"]));
            }
            forms
        }
        Row::Differs if cell.operation == "initiate" => after(&["other-order"]),
        Row::Differs => after(&["amount=-10", "other-order"]),
        Row::UnknownState => vec![Answered(200, inquired("REFUNDED"))],
        Row::Purchased => vec![Is(State::Paid)],
        Row::Confirmed => vec![Is(State::Captured)],
        Row::NotYet => vec![Is(State::New), Answered(200, inquired("PGENTRY"))],
        Row::Cancelled => vec![Is(State::Cancelled), Is(State::Expired)],
        Row::UnsafeRedirectUrl => ["http://pay.example/", "https://user@pay.example/"]
            .map(|url| {
                let order = format!(r#""orderId":"o1","merchantOrderId":"{MERCHANT_ORDER_ID}""#);
                let result = format!(r#"{{{order},"redirectUrl":"{url}"}}"#);
                Answered(200, format!(r#"{{"errorCode":0,"result":{result}}}"#))
            })
            .to_vec(),
    }
}

fn inquired(status: &str) -> String {
    format!(r#"{{"statusV":"{status}","merchantOrderId":"{MERCHANT_ORDER_ID}","amount":{AMOUNT}}}"#)
}

/// Holds the cell of this name to the table, in every form of its row, and that no log
/// and no error tells a secret meanwhile.
///
/// # Panics
///
/// If the table has no such cell, or something else came of it.
pub fn hold<S: Shop>(name: &str, shop: impl Fn(Config) -> S + Sync) {
    let ears = Ears::everywhere();
    let cell = CELLS.iter().find(|it| it.name() == name);
    let cell = cell.expect("a cell of the table");
    let runtime = Runtime::new().expect("a runtime");
    let forms = forms(cell);
    // Most of their time is pauses.
    let wrong: Vec<_> = thread::scope(|threads| {
        let plays: Vec<_> = (forms.iter())
            .map(|form| threads.spawn(|| differs(cell, form, &runtime, &shop)))
            .collect();
        let ends = plays.into_iter().map(|it| it.join());
        ends.filter_map(|it| it.expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n"));
    ears.assert_silence();
}

/// How what came of a form is not what the table says.
fn differs<S: Shop>(
    cell: &Cell,
    form: &Form,
    runtime: &Runtime,
    shop: &impl Fn(Config) -> S,
) -> Option<String> {
    let is_after = match form {
        Form::Struck(phase, _) => *phase != Phase::Before,
        Form::Answered(..) | Form::Is(_) => true,
        Form::Away => false,
    };
    let path = match cell.after {
        after if is_after && !after.is_empty() => after,
        _ => cell.before,
    };
    let expected = (cell.outcome.to_owned(), path.to_owned());
    let found = play(cell, form, runtime, shop);
    (found != expected).then(|| format!("{form:?}\n  expected {expected:?}\n  found    {found:?}"))
}

/// What came of it, and the requests that arrived.
fn play<S: Shop>(
    cell: &Cell,
    form: &Form,
    runtime: &Runtime,
    shop: &impl Fn(Config) -> S,
) -> (String, String) {
    let merchant = [("7746", Secret::new(PASSWORD))];
    let settings = Settings::default().merchants(merchant);
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    let sandbox = runtime.block_on(Sandbox::bind(anywhere, settings));
    let sandbox = sandbox.expect("a sandbox");
    let gate = Gate::open(runtime.handle().clone(), sandbox.address());
    let url = match form {
        Form::Away => gate.url(),
        _ => sandbox.url(),
    };
    let anew = || {
        let config = Config::new(url.clone(), "7746", Secret::new(PASSWORD));
        shop(config.attempt_timeout(Duration::from_millis(400)))
    };
    let mut client = anew();
    let mut id = None;
    if cell.operation != "authenticate" {
        client.authenticate().expect("a login");
        if cell.operation != "initiate" {
            id = Some(client.initiate(order()).expect("an order").order_id);
        }
        if matches!(form, Form::Away) {
            // A client of its own, whose first connection is the one that is refused.
            let tokens = client.export_tokens().expect("tokens");
            client = anew();
            client.restore_tokens(&tokens);
        }
    }
    if let Some(id) = &id {
        prepare(cell, form, &sandbox, id.as_str(), &client);
    }
    let seen = sandbox.journal().len();
    strike(cell, form, &sandbox, &gate);
    let outcome = match (cell.operation, id) {
        ("authenticate", _) => client.authenticate().map(|()| "done"),
        (_, None) => client.initiate(order()).map(|_| "done"),
        (_, Some(id)) => client.settle(id, expected()).map(|it| it.as_str()),
    };
    let outcome = match outcome {
        Ok(word) => word.to_owned(),
        Err(error) => {
            assert_eq!(leak(&all_of(&error)), None, "{}", all_of(&error));
            format!("error {}, {}", error.kind(), error.certainty())
        }
    };
    let journal = sandbox.journal();
    let arrived = journal.iter().skip(seen).map(|it| operation_of(&it.path));
    (outcome, arrived.collect::<Vec<_>>().join(" "))
}

/// Brings the order into the state that the cell is about.
fn prepare(cell: &Cell, form: &Form, sandbox: &Sandbox, id: &str, client: &impl Shop) {
    let state = match (form, cell.operation, cell.row) {
        (Form::Is(state), _, _) => *state,
        (_, "verify", _) | (_, "inquiry", Row::Differs) => State::Paid,
        _ => State::New,
    };
    match state {
        State::New => return,
        State::Cancelled => sandbox.cancel(id),
        State::Expired => sandbox.expire(id),
        State::Paid | State::Captured => sandbox.pay(id),
    }
    .expect("an order that was just made");
    if let State::Captured = state {
        let id = OrderId::new(id).expect("the order's id");
        client.settle(id, expected()).expect("a verdict");
    }
}

/// Has the outcome come about at the next request of the operation.
fn strike(cell: &Cell, form: &Form, sandbox: &Sandbox, gate: &Gate) {
    let operation = Operation::ALL
        .into_iter()
        .find(|it| it.as_str() == cell.operation);
    let operation = operation.expect("one of the five");
    match form {
        Form::Is(_) => {}
        Form::Struck(phase, effect) => {
            let phase = if *phase == Phase::Before {
                "before"
            } else {
                "after"
            };
            let rule = format!("{} {phase} nth=1 {effect}", cell.operation);
            sandbox.arm(rule.parse().expect("a plan"));
        }
        Form::Answered(status, body) => sandbox.inject(answer(operation, *status, body, false)),
        Form::Away => match operation {
            // Something goes before it on the way; after that nobody listens.
            Operation::Verify => {
                let seen = inquired("PURCHASE_BY_USER");
                sandbox.inject(answer(Operation::Inquiry, 200, &seen, true));
                gate.shut_at_the_next_answer(AWAY);
            }
            Operation::Refresh => {
                sandbox.inject(answer(Operation::Inquiry, 401, "", true));
                gate.shut_at_the_next_answer(AWAY);
            }
            _ => gate.shut(AWAY),
        },
    }
    if operation == Operation::Refresh && !matches!(form, Form::Away) {
        sandbox.inject(Fault::status_before(Operation::Inquiry, 401));
    }
}

/// This answer in place of the gateway's own, on a connection that may end with it.
fn answer(operation: Operation, status: u16, body: &str, last: bool) -> Fault {
    let mut answer = Response::builder().status(status);
    if last {
        answer = answer.header(header::CONNECTION, "close");
    }
    let answer = answer.body(body.to_owned().into()).expect("an answer");
    Fault::new(operation, Phase::After, Effect::Answer(answer))
}

/// All that an error says, to whoever asks it.
fn all_of(error: &Error) -> String {
    let sources = iter::successors(Some(error as &dyn error::Error), |it| it.source());
    let texts = sources.map(|it| format!("{it} / {it:?}"));
    texts.collect::<Vec<_>>().join(": ")
}

fn order() -> NewOrder {
    let Expected {
        amount,
        merchant_order_id,
    } = expected();
    let url = CallbackUrl::new("https://shop.example/return").expect("a URL");
    let mobile = "09121234567".parse().expect("a number");
    NewOrder::new(amount, url, mobile, merchant_order_id).expect("an order")
}

fn expected() -> Expected {
    Expected {
        amount: AMOUNT.parse().expect("an amount"),
        merchant_order_id: MERCHANT_ORDER_ID.parse().expect("an id"),
    }
}

fn operation_of(path: &str) -> &'static str {
    match path {
        "/authenticate" => "authenticate",
        "/authenticate/refresh" => "refresh",
        "/order/initiate" => "initiate",
        path if path.starts_with("/order/verify/") => "verify",
        path if path.starts_with("/order/inquiry/") => "inquiry",
        _ => "another",
    }
}
