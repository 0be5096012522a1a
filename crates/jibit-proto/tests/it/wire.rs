//! Answers that are not the document's: each becomes the kind and the
//! certainty that the decision table gives it.

use bytes::Bytes;
use http::Response;
use jibit_proto::wire::{self, authenticate, initiate, inquiry, refresh, verify};
use jibit_proto::{
    BaseUrl, CallbackUrl, Certainty, Certainty::*, Error, ErrorKind, ErrorKind::*, HttpHosts,
    OrderId, OrderStatus, Secret,
};
use proptest::prelude::*;

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
}

fn order() -> initiate::NewOrder {
    initiate::NewOrder::new(
        "100".parse().unwrap(),
        CallbackUrl::new("https://shop.example/return").unwrap(),
        "09121234567".parse().unwrap(),
        "m-1".parse().unwrap(),
    )
    .unwrap()
}

/// What each operation makes of the same answer, in the table's order.
fn all(answer: &Response<Bytes>) -> [Result<(), Error>; 5] {
    let secret = Secret::new("s3cret-pw");
    let old = wire::authenticate::parse(
        &self::answer(
            200,
            r#"{"errorCode":0,"result":{"token":"old-token","refreshToken":"old-refresh"}}"#,
        ),
        &secret,
    )
    .unwrap();
    [
        authenticate::parse(answer, &secret).map(drop),
        refresh::parse(answer, &old).map(drop),
        initiate::parse(answer, &order(), &HttpHosts::loopback()).map(drop),
        verify::parse(answer).map(drop),
        inquiry::parse(answer).map(drop),
    ]
}

#[test]
fn every_row_of_answers_gets_its_kind_and_certainty() {
    type Row = (u16, &'static str, [(ErrorKind, Certainty); 5]);
    const fn every(kind: ErrorKind, certainty: Certainty) -> [(ErrorKind, Certainty); 5] {
        [(kind, certainty); 5]
    }
    // A refused verify is never "nothing happened": only an inquiry tells.
    const fn refusal(login: ErrorKind, order: ErrorKind) -> [(ErrorKind, Certainty); 5] {
        [
            (login, NothingHappened),
            (login, NothingHappened),
            (order, NothingHappened),
            (order, Unknown),
            (order, NothingHappened),
        ]
    }
    let rows: &[Row] = &[
        (401, "", refusal(Credentials, Credentials)),
        (
            200,
            r#"{"errorCode":401}"#,
            refusal(Credentials, Credentials),
        ),
        (
            400,
            r#"{"errorCode":401}"#,
            refusal(Credentials, Credentials),
        ),
        (400, "", refusal(Credentials, Refused)),
        (403, "<html>", refusal(Credentials, Refused)),
        (404, "", refusal(Refused, Refused)),
        (404, "<html>", refusal(Refused, Refused)),
        (404, r#"{"errorCode":0}"#, refusal(Refused, Refused)),
        (
            404,
            r#"{"errorCode":9020,"message":"no such order"}"#,
            [
                (Refused, NothingHappened),
                (Refused, NothingHappened),
                (Refused, NothingHappened),
                (Refused, Unknown),
                // Its own word, and only inquiry asks for it.
                (NoSuchOrder, NothingHappened),
            ],
        ),
        (422, r#"{"errorCode":7}"#, refusal(Refused, Refused)),
        (429, "", refusal(Unavailable, Unavailable)),
        (408, "", every(Unavailable, Unknown)),
        (500, r#"{"errorCode":401}"#, every(Unavailable, Unknown)),
        (502, "<html>", every(Unavailable, Unknown)),
        (503, "", every(Unavailable, Unknown)),
        (
            302,
            "",
            [
                (Configuration, NothingHappened),
                (Configuration, Unknown),
                (Configuration, Unknown),
                (Configuration, Unknown),
                (Configuration, NothingHappened),
            ],
        ),
        (
            200,
            r#"{"errorCode":12,"message":"no"}"#,
            refusal(Credentials, Refused),
        ),
        (
            200,
            r#"{"errorCode":12,"result":{}}"#,
            refusal(Credentials, Refused),
        ),
        (200, "", every(Unreadable, Unknown)),
        (200, "\u{feff}{}", every(Unreadable, Unknown)),
        (200, r#"{"errorCode":0"#, every(Unreadable, Unknown)),
        (200, r#"{"errorCode":0}"#, every(Unreadable, Unknown)),
        (
            200,
            r#"{"errorCode":0,"result":null}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"errorCode":0,"result":{}}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"errorCode":0,"result":[]}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"errorCode":-1,"result":{"statusV":"INITIAL"}}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"errorCode":-1,"statusV":"INITIAL"}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"errorCode":"0","statusV":"INITIAL"}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"errorCode":0,"errorCode":0,"statusV":"INITIAL"}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"statusV":"INITIAL","status":"PGENTRY"}"#,
            every(Unreadable, Unknown),
        ),
        (
            200,
            r#"{"statusV":"INITIAL","amount":1,"amount":2}"#,
            every(Unreadable, Unknown),
        ),
        (204, "", every(Unreadable, Unknown)),
    ];
    for (status, body, expected) in rows {
        let got = all(&answer(*status, *body)).map(|result| {
            let error = result.expect_err(body);
            assert_eq!(error.answer().unwrap().status(), *status);
            (error.kind(), error.certainty())
        });
        assert_eq!(&got, expected, "{status} {body}");
    }
}

#[test]
fn a_success_without_a_code_is_success_for_nobody_but_a_bare_inquiry() {
    let body = r#"{"result":{"token":"t","refreshToken":"r","orderId":"o","merchantOrderId":"m-1","amount":1,
        "redirectUrl":"https://a/"},"statusV":"INITIAL"}"#;
    for result in all(&answer(200, body)) {
        assert_eq!(result.unwrap_err().kind(), Unreadable);
    }
    // Nor is a result that stands by itself.
    let bare = r#"{"token":"t","refreshToken":"r","orderId":"o","merchantOrderId":"m-1","amount":1,
        "redirectUrl":"https://a/","statusV":"INITIAL"}"#;
    let bare = answer(200, bare);
    assert!(inquiry::parse(&bare).is_ok());
    let others = all(&bare).into_iter().filter_map(Result::err);
    let kinds: Vec<_> = others.map(|error| error.kind()).collect();
    assert_eq!(kinds, [Unreadable; 4]);
}

#[test]
fn a_verify_that_does_not_say_what_was_paid_is_unreadable() {
    for result in [r#"{"merchantOrderId":"m-1"}"#, r#"{"amount":1}"#, "{}"] {
        let body = format!(r#"{{"errorCode":0,"result":{result}}}"#);
        let error = verify::parse(&answer(200, body)).unwrap_err();
        assert_eq!(error.kind(), Unreadable, "{result}");
    }
}

#[test]
fn an_oversize_answer_is_unreadable_however_good_it_looks() {
    let body = format!(
        r#"{{"statusV":"PURCHASE_BY_USER","x":"{}"}}"#,
        "y".repeat(wire::MAX_BODY)
    );
    assert_eq!(
        inquiry::parse(&answer(200, body)).unwrap_err().kind(),
        Unreadable
    );
    // The longest that is read, and a byte more.
    let answered = r#"{"statusV":"PURCHASE_BY_USER"}"#;
    let longest = answered.to_owned() + &" ".repeat(wire::MAX_BODY - answered.len());
    assert!(inquiry::parse(&answer(200, longest.clone())).is_ok());
    assert!(inquiry::parse(&answer(200, longest + " ")).is_err());
}

#[test]
fn inquiry_reads_every_shape_that_was_seen() {
    for body in [
        r#"{"statusV":"PGENTRY","merchantOrderId":" m-1","amount":100,"refId":"7","clientIp":"1.2.3.4"}"#,
        r#"{"status":"PGENTRY","merchantOrderId":"m-1","amount":"100","refId":7,"clientIP":"1.2.3.4","new":[1]}"#,
        r#"{"status":"PGENTRY","merchantOrderId":"m-1","amount":100,"refId":7,"clientIp":"1.2.3.4","clientIP":"1.2.3.4"}"#,
        r#"{"errorCode":0,"statusV":"PGENTRY","merchantOrderId":"m-1","amount":100,"refId":7,"clientIp":"1.2.3.4"}"#,
        r#"{"errorCode":0,"result":{"statusV":"PGENTRY","status":"PGENTRY","merchantOrderId":"m-1","amount":100,
            "refId":"7","clientIp":"1.2.3.4"}}"#,
    ] {
        let inquired = inquiry::parse(&answer(200, body)).expect(body);
        assert_eq!(inquired.status, OrderStatus::PgEntry);
        assert_eq!(inquired.payment.merchant_order_id().unwrap().trim(), "m-1");
        assert_eq!(inquired.payment.amount().unwrap().get(), 100);
        assert_eq!(inquired.payment.ref_id().unwrap().as_str(), "7");
        assert_eq!(inquired.payment.client_ip().unwrap().as_str(), "1.2.3.4");
    }
}

#[test]
fn bytes_that_are_no_text_lose_no_payment() {
    const NO_TEXT: &[u8] = b"\"\xe3\xc8\xcf\"";
    let body = |name: &str| {
        let mut id: &[u8] = b"\"m-1\"";
        if name == "merchantOrderId" {
            id = NO_TEXT;
        }
        let own = br#"{"statusV":"PURCHASE_BY_USER","amount":100,"merchantOrderId":"#;
        let other = match name {
            "merchantOrderId" => Vec::new(),
            name => [b",\"", name.as_bytes(), b"\":", NO_TEXT].concat(),
        };
        [own, id, &other, b"}"].concat()
    };
    // A description came back in another encoding, or cut within a letter.
    for name in ["additionalData", "userIdentity", "refId", "description"] {
        let read = inquiry::parse(&answer(200, body(name))).expect(name);
        assert_eq!(read.status, OrderStatus::PurchaseByUser);
        assert!(read.payment.ref_id().is_none());
        let whole = [b"{\"errorCode\":0,\"result\":", &body(name)[..], b"}"].concat();
        assert!(
            inquiry::parse(&answer(200, whole.clone())).is_ok(),
            "{name}"
        );
        assert!(verify::parse(&answer(200, whole)).is_ok(), "{name}");
    }
    // What says whose payment it is has to be whole.
    let error = inquiry::parse(&answer(200, body("merchantOrderId"))).unwrap_err();
    assert_eq!(error.kind(), Unreadable);
    let made = [
        br#"{"errorCode":0,"result":{"merchantOrderId":"m-1","redirectUrl":"https://a/","orderId":"#,
        NO_TEXT,
        b"}}",
    ];
    let made = initiate::parse(
        &answer(200, made.concat()),
        &order(),
        &HttpHosts::loopback(),
    );
    let error = made.unwrap_err();
    assert_eq!(
        (error.kind(), error.certainty()),
        (Unreadable, Certainty::Unknown)
    );
}

#[test]
fn an_amount_that_is_no_whole_number_is_not_guessed_at() {
    for amount in [
        "1.5",
        "100.0",
        "-1",
        "1e2",
        "\"1,000\"",
        "9007199254740992",
        "[]",
        "true",
    ] {
        let body =
            format!(r#"{{"errorCode":0,"result":{{"merchantOrderId":"m-1","amount":{amount}}}}}"#);
        let error = verify::parse(&answer(200, body)).unwrap_err();
        assert_eq!(
            (error.kind(), error.certainty()),
            (Unreadable, Unknown),
            "{amount}"
        );
    }
}

#[test]
fn an_initiate_that_answers_about_another_order_is_a_mismatch() {
    let initiated = |echo: &str, redirect: &str| {
        let body = format!(
            r#"{{"errorCode":0,"result":{{"orderId":"o1","merchantOrderId":{echo},"redirectUrl":"{redirect}"}}}}"#
        );
        initiate::parse(&answer(200, body), &order(), &HttpHosts::loopback())
    };
    assert_eq!(
        initiated("\" m-1 \"", "https://a/")
            .unwrap()
            .merchant_order_id
            .as_str(),
        "m-1"
    );
    assert_eq!(
        initiated("\"m-2\"", "https://a/").unwrap_err().kind(),
        Mismatch
    );
    assert_eq!(
        initiated("null", "https://a/").unwrap_err().kind(),
        Mismatch
    );
    for redirect in ["http://evil.example/", "javascript:x", "https://a@b/"] {
        let error = initiated("\"m-1\"", redirect).unwrap_err();
        assert_eq!(
            (error.kind(), error.certainty()),
            (Unreadable, Unknown),
            "{redirect}"
        );
    }
}

#[test]
fn an_order_of_nothing_is_refused() {
    let free = initiate::NewOrder::new(
        "0".parse().unwrap(),
        CallbackUrl::new("https://shop.example/").unwrap(),
        "09121234567".parse().unwrap(),
        "m-1".parse().unwrap(),
    );
    assert_eq!(
        free.unwrap_err().to_string(),
        "amount is 0; give an amount of 1 Rial or more"
    );
}

#[test]
fn the_gateways_words_are_kept_and_what_is_private_in_them_is_not() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NzU3In0.gLfKvw7wUJgipNpxhVAHHSBj4g9c";
    for (said, kept) in [
        ("order is closed", "order is closed"),
        ("line one\\nline two", "line one line two"),
        ("user 0912 123-4567 is blocked", "user [number] is blocked"),
        ("کاربر ۰۹۱۲۱۲۳۴۵۶۷", "کاربر [number]"),
        ("refId 775743540", "refId 775743540"),
        (&format!("bad token {token}!"), "bad token [token]!"),
        // Ten digits inside a token are no telephone number.
        (
            "bad token eyJhbGciOiJIUzI1NiJ9.1234567890.gLfKvw7wUJgipN",
            "bad token [token]",
        ),
        (
            "password s3cret-pw is wrong",
            "[withheld: it repeats a secret]",
        ),
    ] {
        let body = format!(r#"{{"errorCode":12,"message":"{said}"}}"#);
        let error = authenticate::parse(&answer(200, body), &Secret::new("s3cret-pw")).unwrap_err();
        let gateway = error.answer().unwrap();
        assert_eq!((gateway.code(), gateway.message()), (Some(12), Some(kept)));
    }
    let long = format!(r#"{{"errorCode":12,"message":"{}"}}"#, "a ".repeat(5000));
    let error = inquiry::parse(&answer(200, long)).unwrap_err();
    assert_eq!(
        error.answer().unwrap().message().unwrap().chars().count(),
        300
    );
}

#[test]
fn a_token_that_cannot_stand_in_a_header_is_unreadable() {
    let body = r#"{"errorCode":0,"result":{"token":"a\r\nb","refreshToken":"r"}}"#;
    let error = authenticate::parse(&answer(200, body), &Secret::new("pw")).unwrap_err();
    assert_eq!(error.kind(), Unreadable);
}

proptest! {
    #[test]
    fn any_bytes_under_any_status_are_an_answer_and_never_a_panic(
        status in 200_u16..600,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "\\{\"(errorCode|statusV|result|amount)\":(0|1|-1|null|\"\\PC{0,9}\"|\\{\\}|\\[\\])\\}".prop_map(String::into_bytes),
        ],
    ) {
        for result in all(&answer(status, body)) {
            if result.is_ok() {
                prop_assert!((200..300).contains(&status));
            }
        }
    }

    #[test]
    fn no_order_id_changes_the_method_host_path_or_headers(id in "\\PC{0,20}[./?#%\\\\@:]{0,4}\\PC{0,20}") {
        let Ok(order) = OrderId::new(id) else { return Ok(()) };
        let base = BaseUrl::new("https://gw.example/prefix", &HttpHosts::loopback()).unwrap();
        let request = verify::request(&base, &Secret::new("t").bearer().unwrap(), &order).unwrap();
        prop_assert_eq!(request.uri().host(), Some("gw.example"));
        prop_assert_eq!(request.uri().query(), None);
        let segment = request.uri().path().strip_prefix("/prefix/order/verify/").unwrap();
        prop_assert!(!segment.contains('/'));
        prop_assert_eq!(request.headers().len(), 2);
    }
}
