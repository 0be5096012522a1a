//! What requests and answers allocate, which does not grow with the number of calls.

use bytes::Bytes;
use http::{Request, Response};
use jibit_proto::{
    BaseUrl, CallbackUrl, HttpHosts, InvalidInput, OrderId, Rial, Secret,
    wire::{
        initiate::{self, NewOrder},
        inquiry, verify,
    },
};

/// Fails if any of many calls allocates more than so often.
fn at_most(limit: u64, mut work: impl FnMut()) {
    work();
    for _ in 0..100 {
        let count = allocation_counter::measure(&mut work).count_total;
        assert!(count <= limit, "{count} allocations");
    }
}

#[test]
fn a_request_costs_its_headers_and_its_path_or_body() {
    let hosts = HttpHosts::loopback();
    let bearer = Secret::new("a.token").bearer().unwrap();
    let order = OrderId::new("7wvkgrn0").unwrap();
    let new = NewOrder::new(
        Rial::new(125_000).unwrap(),
        CallbackUrl::new("https://shop.example/return?session=17").unwrap(),
        "09121234567".parse().unwrap(),
        "shop-1405-17".parse().unwrap(),
    );
    let new = new
        .unwrap()
        .description("دو جلد کتاب")
        .additional_data("17");
    for base in [BaseUrl::PRODUCTION, "https://gw.example/prefix"] {
        let base = BaseUrl::new(base, &hosts).unwrap();
        let built = |request: Result<Request<Bytes>, InvalidInput>| drop(request.unwrap());
        at_most(3, || built(verify::request(&base, &bearer, &order)));
        at_most(3, || built(inquiry::request(&base, &bearer, &order)));
        at_most(3, || built(initiate::request(&base, &bearer, &new)));
    }
}

#[test]
fn an_answer_costs_one_text_whatever_it_holds() {
    let payment = r#""merchantOrderId":"m-1","amount":100,"refId":"775743540",
        "additionalData":"{\"key1\":value1,\"key2\":\"value2\"}",
        "userIdentity":"09121234567","clientIP":"37.32.127.129""#;
    let verified = format!(r#"{{"errorCode":0,"result":{{{payment}}}}}"#);
    let inquired = format!(r#"{{"statusV":"PURCHASE_BY_USER",{payment}}}"#);
    let [verified, inquired] = [verified, inquired].map(|body| Response::new(body.into()));
    at_most(1, || drop(verify::parse(&verified).unwrap()));
    at_most(1, || drop(inquiry::parse(&inquired).unwrap()));
}
