//! The sandbox: whatever a client sends it, and whatever plan of faults it is given.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jibit_proto::Timestamp;
use jibit_sandbox::{FaultPlan, Gateway, Settings, State};
use serde_json::Value;

const START: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

/// Between two requests of a conversation.
const BREAK: &str = "\n---\n";

/// A gateway, and what a client has learned of it.
struct Conversation {
    gateway: Gateway,
    now: Timestamp,
    token: String,
    order: String,
    /// What is known of each order: it is captured once, and its amount stays.
    orders: HashMap<String, (u64, State)>,
}

impl Conversation {
    fn begin() -> Self {
        Self {
            gateway: Gateway::new(Settings::default()),
            now: START,
            token: String::new(),
            order: String::new(),
            orders: HashMap::new(),
        }
    }

    /// What a customer does, or a request.
    fn say(&mut self, text: &str) {
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let order = self.order.clone();
        self.now = self.now + Duration::from_secs(1);
        match text.trim() {
            "PAY" => drop(self.gateway.pay(&order, from, self.now).map(drop)),
            "CANCEL" => drop(self.gateway.cancel(&order, self.now).map(drop)),
            "EXPIRE" => drop(self.gateway.expire(&order, self.now).map(drop)),
            other => {
                let text = other
                    .replace("{{token}}", &self.token)
                    .replace("{{order}}", &self.order);
                if let Some(request) = request(&text) {
                    self.send(request);
                }
            }
        }
        self.check();
    }

    fn send(&mut self, request: Request<Bytes>) {
        let resets = request.uri().path() == "/_sandbox/reset";
        let answer = self.gateway.handle(request, self.now).response;
        if resets && answer.status().is_success() {
            // It counts its orders anew, and what was known is of others.
            self.orders.clear();
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let told = |name: &str| body["result"][name].as_str().map(str::to_owned);
        self.token = told("token").unwrap_or_else(|| std::mem::take(&mut self.token));
        self.order = told("orderId").unwrap_or_else(|| std::mem::take(&mut self.order));
    }

    fn check(&mut self) {
        let Some(order) = self.gateway.order(&self.order) else {
            return;
        };
        let (amount, state) = (order.amount(), order.state());
        let was = self.orders.insert(self.order.clone(), (amount, state));
        let Some((was, before)) = was else { return };
        assert_eq!(was, amount, "an order's amount changed");
        let is_final = matches!(
            before,
            State::PurchaseConfirmByMerchant | State::CancelByUser | State::CancelBySystem
        );
        assert!(!is_final || before == state, "{before:?} became {state:?}");
    }
}

fn request(text: &str) -> Option<Request<Bytes>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut line = head.lines().next()?.split(' ');
    let mut request = Request::builder()
        .method(line.next()?)
        .uri(line.next()?)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .ok()?;
    request.headers_mut().extend(crate::headers(head));
    Some(request)
}

pub(crate) fn requests(bytes: &[u8]) {
    let mut conversation = Conversation::begin();
    for text in String::from_utf8_lossy(bytes).split(BREAK).take(20) {
        conversation.say(text);
    }
}

const LOGIN: &str = "POST /authenticate\ncontent-type: application/json\n\n{\"username\": \"7746\", \"password\": \"123456\"}";
const INITIATE: &str = "POST /order/initiate\ncontent-type: application/json\nauthorization: Bearer {{token}}\n\n{\"amount\":125000,\"callBackUrl\":\"https://shop.example/back\",\"userIdentity\":\"09121234567\",\"merchantOrderId\":\"order-17-1\"}";
const VERIFY: &str = "POST /order/verify/{{order}}\nauthorization: Bearer {{token}}\n\n";
const INQUIRY: &str = "GET /order/inquiry/{{order}}\nauthorization: Bearer {{token}}\n\n";

/// Whole payments, and each fixture's request.
pub(crate) fn conversations() -> Vec<Vec<u8>> {
    let whole = [
        &[
            LOGIN, INITIATE, INQUIRY, "PAY", INQUIRY, VERIFY, VERIFY, INQUIRY,
        ][..],
        &[LOGIN, INITIATE, "CANCEL", INQUIRY, VERIFY],
        &[LOGIN, INITIATE, "PAY", "EXPIRE", INQUIRY, VERIFY],
        &[
            LOGIN,
            INITIATE,
            "GET /order/{{order}}\n\n",
            "POST /order/{{order}}/pay\n\n",
        ],
        &[
            "GET /_sandbox/\n\n",
            "GET /_sandbox/orders\n\n",
            "POST /_sandbox/reset\n\n",
        ],
    ];
    let recorded = crate::fixtures("").into_iter().map(|(_, fixture)| {
        let request = fixture.request;
        let mut text = format!("{} {}", request.method(), request.uri());
        for (name, value) in request.headers() {
            text += &format!("\n{name}: {}", value.to_str().unwrap_or_default());
        }
        text += "\n\n";
        text += std::str::from_utf8(request.body()).unwrap();
        format!("{LOGIN}{BREAK}{text}").into_bytes()
    });
    let whole = whole.iter().map(|parts| parts.join(BREAK).into_bytes());
    whole.chain(recorded).collect()
}

/// A plan that is read is written and read again as the same, and strikes whatever it
/// will without an end of the gateway.
pub(crate) fn faults(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let plan: FaultPlan = match text.parse() {
        Ok(plan) => plan,
        Err(error) => {
            let _ = format!("{error}");
            return;
        }
    };
    assert_eq!(plan.to_string().parse(), Ok(plan.clone()));
    let mut conversation = Conversation::begin();
    conversation.gateway.arm(plan, START);
    for text in [LOGIN, INITIATE, INQUIRY, "PAY", INQUIRY, VERIFY, INQUIRY] {
        conversation.say(text);
    }
}

pub(crate) fn plans() -> Vec<Vec<u8>> {
    let plans = [
        "seed=7; verify after nth=1 reset; any before chance=5% delay=2s until=10m",
        "any after every=3 cut=17; any body chance=20% dribble=100ms",
        "any before status=503; any after html; inquiry after garbage",
        "authenticate after skew=-600; refresh after drop; any before every=4 revoke",
        "any before too-many=3; any before redirect=307; any after huge",
        "verify after verified-again; inquiry after amount=-10; any after other-order",
        "any after no-error-code; any after error=9; any after gzip; any before unauthorized; any before hang",
    ];
    plans.map(|plan| plan.as_bytes().to_vec()).to_vec()
}
