//! Faults by plan, and numbers that bring their own.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jibit_sandbox::{Answer, Fate, FaultPlan};
use serde_json::{Value, json};

use crate::bench::{Bench, order, read};

/// A bench with a paid order and this plan.
fn armed(plan: &str) -> (Bench, String) {
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.press(&id, "pay");
    arm(&mut bench, plan);
    (bench, id)
}

fn arm(bench: &mut Bench, plan: &str) {
    let now = bench.now;
    bench.gateway.arm(plan.parse().unwrap(), now);
}

fn ask(bench: &mut Bench, operation: &str, id: &str) -> Answer {
    let method = if operation == "inquiry" {
        "GET"
    } else {
        "POST"
    };
    let request = bench.request(method, &format!("/order/{operation}/{id}"));
    let now = bench.now;
    bench
        .gateway
        .handle(request.body(Bytes::new()).unwrap(), now)
}

fn result(answer: &Response<Bytes>) -> Value {
    let body = read(answer);
    body.get("result").cloned().unwrap_or(body)
}

#[test]
fn what_strikes_before_is_never_seen_by_the_gateway() {
    for (effect, fate) in [
        ("drop", Fate::Close),
        ("hang", Fate::Hang),
        ("reset", Fate::Reset),
        ("status=503", Fate::Deliver),
        ("html", Fate::Deliver),
        ("unauthorized", Fate::Deliver),
        ("too-many=3", Fate::Deliver),
        ("redirect=307", Fate::Deliver),
    ] {
        let (mut bench, id) = armed(&format!("verify before {effect}"));
        assert_eq!(ask(&mut bench, "verify", &id).fate, fate, "{effect}");
        assert_eq!(bench.state(&id), "PURCHASE_BY_USER", "{effect}");
    }
}

#[test]
fn what_strikes_after_strikes_what_is_done() {
    let half = |length: usize| Fate::Cut(length / 2);
    let whole = {
        let (mut bench, id) = armed("");
        ask(&mut bench, "verify", &id).response.body().len()
    };
    for (rule, fate) in [
        ("after drop", Fate::Close),
        ("after cut=5", Fate::Cut(5)),
        ("body drop", half(whole)),
        ("body dribble=2ms", Fate::Dribble(Duration::from_millis(2))),
        ("body huge", Fate::Flood(512 * 1024 * 1024)),
        ("after delay=1s", Fate::Delay(Duration::from_secs(1))),
        // A request that is only late is handled.
        ("before delay=1s", Fate::Delay(Duration::from_secs(1))),
    ] {
        let (mut bench, id) = armed(&format!("verify {rule}"));
        assert_eq!(ask(&mut bench, "verify", &id).fate, fate, "{rule}");
        arm(&mut bench, "");
        assert_eq!(bench.state(&id), "PURCHASE_CONFIRM_BY_MERCHANT", "{rule}");
    }
}

#[test]
fn answers_are_changed_as_the_plan_says() {
    let changed = |effect: &str, operation: &str| {
        let (mut bench, id) = armed(&format!("any after {effect}"));
        ask(&mut bench, operation, &id).response
    };
    let header =
        |answer: &Response<Bytes>, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(changed("status=418", "verify").status(), 418);
    let page = changed("html", "verify");
    assert_eq!(
        (page.status().as_u16(), header(&page, "content-type")),
        (502, "text/html".into())
    );
    assert!(serde_json::from_slice::<Value>(changed("garbage", "verify").body()).is_err());
    assert!(
        read(&changed("no-error-code", "verify"))
            .get("errorCode")
            .is_none()
    );
    let error = changed("error=77", "verify");
    assert_eq!(
        (error.status().as_u16(), &read(&error)["errorCode"]),
        (200, &json!(77))
    );
    let gzip = changed("gzip", "verify");
    assert_eq!(header(&gzip, "content-encoding"), "gzip");
    assert!(gzip.body().starts_with(&[0x1f, 0x8b]));
    let moved = changed("redirect=302", "verify");
    assert!(header(&moved, "location").starts_with("http://127.0.0.1:8090/order/verify/"));
    assert_eq!(changed("unauthorized", "verify").status(), 401);
    let many = changed("too-many=3", "verify");
    assert_eq!(
        (many.status().as_u16(), header(&many, "retry-after")),
        (429, "3".into())
    );
    assert_eq!(
        header(&changed("skew=-60", "verify"), "date"),
        "Fri, 15 Jan 2027 07:59:00 GMT"
    );
    for operation in ["verify", "inquiry"] {
        assert_eq!(
            result(&changed("amount=-1", operation))["amount"],
            json!(99)
        );
        let other = changed("other-order", operation);
        assert_eq!(result(&other)["merchantOrderId"], json!("another-order"));
    }
}

#[test]
fn a_second_verify_may_say_success() {
    let (mut bench, id) = armed("verify after verified-again");
    for _ in 0..2 {
        assert_eq!(
            read(&ask(&mut bench, "verify", &id).response)["errorCode"],
            json!(0)
        );
    }
    assert_eq!(bench.merchant(), 100);
    // It changes no other refusal.
    let unpaid = bench.initiate();
    assert_eq!(
        read(&ask(&mut bench, "verify", &unpaid).response)["errorCode"],
        json!(9021)
    );
}

#[test]
fn revoked_tokens_are_dead_and_new_ones_live() {
    let (mut bench, id) = armed("inquiry before nth=1 revoke");
    assert_eq!(ask(&mut bench, "inquiry", &id).response.status(), 401);
    assert_eq!(ask(&mut bench, "verify", &id).response.status(), 401);
    bench.log_in("7746", "123456");
    assert_eq!(ask(&mut bench, "inquiry", &id).response.status(), 200);
}

#[test]
fn rules_say_which_request() {
    let struck = |plan: &str, requests: usize| {
        let (mut bench, id) = armed(plan);
        let fates = (0..requests).map(|_| ask(&mut bench, "inquiry", &id).fate != Fate::Deliver);
        fates.collect::<Vec<_>>()
    };
    assert_eq!(
        struck("inquiry after nth=2 drop", 4),
        [false, true, false, false]
    );
    assert_eq!(
        struck("inquiry after every=2 drop", 4),
        [false, true, false, true]
    );
    assert_eq!(struck("verify after drop", 2), [false, false]);
    // The first rule whose turn it is strikes; each counts for itself.
    assert_eq!(
        struck(
            "inquiry after nth=1 drop; any after nth=1 hang; any after nth=3 hang",
            3
        ),
        [true, false, true]
    );
    let (mut bench, id) = armed("inquiry after drop until=1m");
    assert_eq!(ask(&mut bench, "inquiry", &id).fate, Fate::Close);
    bench.advance(60);
    assert_eq!(ask(&mut bench, "inquiry", &id).fate, Fate::Deliver);
}

/// Everything that a hundred requests are answered, and its fate.
fn transcript(prepare: impl Fn(&mut Bench)) -> Vec<String> {
    let mut bench = Bench::new();
    prepare(&mut bench);
    let mut said = Vec::new();
    for n in 0..100 {
        let request = bench.request("POST", "/order/initiate");
        let now = bench.now;
        let body = Bytes::from(order().to_string());
        let initiated = bench.gateway.handle(request.body(body).unwrap(), now);
        said.push(format!("{:?} {:?}", initiated.fate, initiated.response));
        let inquired = ask(&mut bench, "inquiry", &format!("unknown{n}"));
        said.push(format!("{:?} {:?}", inquired.fate, inquired.response));
    }
    said
}

#[test]
fn a_run_repeats_by_its_one_line_and_a_plan_disarmed_is_none() {
    let plan = "seed=42; any after chance=10% reset; initiate before every=7 status=503; inquiry body chance=30% drop";
    let once = transcript(|bench| arm(bench, plan));
    let line = {
        let mut bench = Bench::new();
        arm(&mut bench, plan);
        bench.gateway.plan().to_string()
    };
    assert_eq!(once, transcript(|bench| arm(bench, &line)));
    assert_ne!(
        once,
        transcript(|bench| arm(bench, &plan.replace("42", "43")))
    );
    let none = transcript(|_| {});
    assert_ne!(once, none);
    assert_eq!(
        none,
        transcript(|bench| {
            arm(bench, plan);
            arm(bench, "");
        })
    );
}

#[test]
fn scripts_arm_and_disarm() {
    let (mut bench, id) = armed("");
    let set = bench.post(
        "/_sandbox/faults",
        &json!({"plan": "inquiry after nth=1 drop"}),
    );
    let shown = json!({"plan": "seed=0; inquiry after nth=1 drop", "struck": [0]});
    assert_eq!(read(&set), shown);
    ask(&mut bench, "inquiry", &id);
    assert_eq!(read(&bench.get("/_sandbox/faults"))["struck"], json!([1]));
    let wrong = bench.post("/_sandbox/faults", &json!({"plan": "inquiry whenever"}));
    assert_eq!(
        (wrong.status().as_u16(), &read(&wrong)["errorCode"]),
        (400, &json!(9015))
    );
    let request = bench
        .request("DELETE", "/_sandbox/faults")
        .body(Bytes::new());
    assert_eq!(read(&bench.send(request.unwrap()))["plan"], json!("seed=0"));
    assert_eq!(FaultPlan::default().to_string(), "seed=0");
}

/// An order of whoever has this number.
fn reserved(bench: &mut Bench, number: u32) -> String {
    let mut asked = order();
    asked["userIdentity"] = json!(format!("0999000{number:04}"));
    let answer = bench.post("/order/initiate", &asked);
    read(&answer)["result"]["orderId"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn reserved_numbers_bring_their_scenario() {
    let mut bench = Bench::new();
    for (number, code) in [(1, 9025), (2, 9026)] {
        let id = reserved(&mut bench, number);
        assert_eq!(read(&bench.press(&id, "pay"))["errorCode"], json!(code));
    }
    let mut paid = |number| {
        let id = reserved(&mut bench, number);
        bench.press(&id, "pay");
        id
    };
    let [lost, before, garbage, dead, again, other, plain] =
        [3, 4, 5, 6, 7, 8, 9999].map(&mut paid);

    assert_eq!(ask(&mut bench, "verify", &lost).fate, Fate::Reset);
    assert_eq!(bench.state(&lost), "PURCHASE_CONFIRM_BY_MERCHANT");
    assert_eq!(ask(&mut bench, "verify", &before).response.status(), 502);
    assert_eq!(bench.state(&before), "PURCHASE_BY_USER");
    assert_eq!(
        read(&ask(&mut bench, "verify", &before).response)["errorCode"],
        json!(0)
    );
    let first = ask(&mut bench, "inquiry", &garbage).response;
    assert!(serde_json::from_slice::<Value>(first.body()).is_err());
    assert_eq!(bench.state(&garbage), "PURCHASE_BY_USER");
    assert_eq!(ask(&mut bench, "verify", &dead).response.status(), 401);
    assert_eq!(bench.state(&dead), "PURCHASE_BY_USER", "the token lives");
    for _ in 0..2 {
        assert_eq!(
            read(&ask(&mut bench, "verify", &again).response)["errorCode"],
            json!(0)
        );
    }
    let answer = ask(&mut bench, "inquiry", &other).response;
    assert_eq!(result(&answer)["amount"], json!(1_000));
    assert_eq!(
        read(&ask(&mut bench, "verify", &plain).response)["errorCode"],
        json!(0)
    );
    assert!(bench.gateway.violations().is_empty());
}
