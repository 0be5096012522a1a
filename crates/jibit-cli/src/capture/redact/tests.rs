//! What becomes of exchanges, by example.

use bytes::Bytes;
use http::{Request, Response};
use jibit_testkit::Fixture;

use super::{Redactor, Withheld};

pub(super) fn notes() -> [(String, String); 1] {
    [("source".to_owned(), "a test".to_owned())]
}

pub(super) fn initiate(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("/order/initiate").body(body.into()).unwrap()
}

pub(super) fn answer(body: impl Into<Bytes>) -> Response<Bytes> {
    Response::new(body.into())
}

impl Redactor {
    pub(super) fn text(&mut self, request: &Request<Bytes>, answer: &Response<Bytes>) -> String {
        self.fixture(&notes(), request, answer).unwrap()
    }

    /// What becomes of an answer's body.
    fn answered(&mut self, body: &str) -> String {
        let text = self.text(&initiate(""), &answer(body.to_owned()));
        let fixture: Fixture = text.parse().unwrap();
        String::from_utf8(fixture.answer.body().to_vec()).unwrap()
    }
}

#[test]
fn the_document_s_samples_keep_their_flaws_and_lose_their_people() {
    let mut redactor = Redactor::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
    for operation in ["authenticate", "refresh", "initiate", "verify", "inquiry"] {
        let file = format!("{folder}/{operation}/document.http");
        let text = std::fs::read_to_string(file).unwrap();
        let fixture: Fixture = text.parse().unwrap();
        let text = redactor.text(&fixture.request, &fixture.answer);
        for private in [
            "123456",
            "09121234567",
            "37.32.127.129",
            "7wvkgrn0",
            "775743540",
            "merchant-1234-123",
            "callbackurl.com",
            "additionaldata1",
            "value1",
            "gLfKvw7wUJgipNpxhVAHHSBj4g9caq",
        ] {
            assert!(!text.contains(private), "{private} in {text}");
        }
        let kept = match operation {
            "authenticate" => "\"username\":\"7746\",\n    \"password\":\"password-1\",\n}",
            "refresh" => "\"token\": \"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.",
            "initiate" => {
                "\"redirectUrl\": \"https://qrpg-test.jibit.ir/order/0aaaaaa1\",\n    \"additionalData\": \"text-2\""
            }
            "verify" => {
                "\"merchantOrderId\": \"aaaaaaaa-0000-001\",\n    \"amount\": 100,\n    \"refId\": \"100000001\""
            }
            _ => {
                "\"statusV\": \"PURCHASE_CONFIRM_BY_MERCHANT\",\n  \"merchantOrderId\": \" aaaaaaaa-0000-001\""
            }
        };
        assert!(text.contains(kept), "{text}");
        if operation == "verify" || operation == "inquiry" {
            assert!(text.contains(&format!("/order/{operation}/0aaaaaa1 HTTP/1.1")));
            assert!(text.contains("authorization: Bearer {{token}}\n"));
            assert!(text.contains("\"userIdentity\": \"09120000001\""));
            assert!(text.contains("\"192.0.2.1\""));
        }
    }
}

#[test]
fn what_is_kept_stays_byte_for_byte() {
    let mut redactor = Redactor::default();
    for kept in [
        "{ \"errorCode\" : 0,\r\n\t\"errorCode\":0, \"result\" : { } }\n",
        r#"{"errorCode":9001,"message":"username \u0648 password غلط است\/wrong"}"#,
        r#"{"amount":1.250e5,"amount":"125000","\u0061mount":-0,"x":[1,22,99999,true,null,""," "]}"#,
        "[,,]}{{\"errorCode\":}",
        "\u{feff}{\"status\":\"PGENTRY\",\"statusV\":\"NEW_STATE\",\"x\":\"INITIAL\"}",
        "<html><body>502 Bad Gateway</body></html>\n",
        "null",
        "",
    ] {
        assert_eq!(redactor.answered(kept), kept.replace("\r\n", "\n"));
    }
}

#[test]
fn the_same_value_gets_the_same_stand_in_wherever_it_is() {
    let mut redactor = Redactor::default();
    let request = initiate(
        r#"{"userIdentity":"09351112233","merchantOrderId":"shop-77","description":"Ali buys a book","callBackUrl":"https://my.shop.ir/back?x=9"}"#,
    );
    let body = r#"{"message":"Ali buys a book: shop-77 of +98 (935) 111-2233, ۰۰۹۸۹۳۵۱۱۱۲۲۳۳, calls my.shop.ir at 10.1.2.3:80 about k7xq2m9p","orderId":"k7xq2m9p","redirectUrl":"https://pay.example/o/k7xq2m9p?mobile=09351112233","merchantOrderId":" shop-77 ","owner":"k7xq2m9p","phone":9351112233}"#;
    let text = redactor.text(&request, &answer(body));
    let expected = r#"{"message":"text-1: aaaa-01 of +98 (912) 000-0001, ۰۰۹۸۹۱۲۰۰۰۰۰۰۱, calls shop.example at 192.0.2.1:80 about a0aa0a0b","orderId":"a0aa0a0b","redirectUrl":"https://pay.example/o/a0aa0a0b?mobile=09120000001","merchantOrderId":" aaaa-01 ","owner":"a0aa0a0b","phone":9120000001}"#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_is_empty_or_of_the_protocol_is_no_private_value() {
    let mut redactor = Redactor::default();
    for url in ["https://my.shop.ir", "https://my.shop.ir/order/verify"] {
        let request = initiate(format!(r#"{{"callBackUrl":"{url}"}}"#));
        let unsigned = r#"{"token":"eyJhIjoieCJ9.eyJhIjoieCJ9."}"#;
        redactor.text(&request, &answer(unsigned));
    }
    let verify = Request::post("/order/verify/k7xq2m9p");
    let answer = answer(r#"{"redirectUrl":"https://pay.example//order/"}"#);
    let text = redactor.text(&verify.body(Bytes::new()).unwrap(), &answer);
    assert!(text.contains("https://pay.example//order/\""), "{text}");
}

#[test]
fn tokens_keep_their_lives_and_relate_to_their_login() {
    let login = include_str!("../../../../../fixtures/authenticate/document.http");
    let login: Fixture = login.parse().unwrap();
    let mut redactor = Redactor::default();
    let text = redactor.text(&login.request, &login.answer);
    let read: Fixture = text.parse().unwrap();
    let body: serde_json::Value = serde_json::from_slice(read.answer.body()).unwrap();
    let token = body["result"]["token"].as_str().unwrap();
    let (header, claims, signature) = super::parts::of_jwt(token).unwrap();
    assert_eq!(header, r#"{"typ":"JWT","alg":"HS256"}"#);
    assert_eq!(
        claims,
        r#"{"aud":"ir.jibit.qrpg","sub":"7747","iss":"ir.jibit.tserver","exp":1535268767,"iat":1535182367,"jti":"2"}"#
    );
    assert_eq!((signature.len(), &signature[..2]), (43, "1A"));

    let body: serde_json::Value = serde_json::from_slice(login.answer.body()).unwrap();
    let bearer = format!("Bearer {}", body["result"]["token"].as_str().unwrap());
    let request = Request::get("/order/inquiry/7wvkgrn0?a=b").header("authorization", bearer);
    let text = redactor.text(&request.body(Bytes::new()).unwrap(), &answer("{}"));
    assert!(text.contains(&format!("# bearer: {signature}\n")), "{text}");
    assert!(
        text.contains("# query: ") && !text.contains("a=b"),
        "{text}"
    );
}

#[test]
fn nothing_private_hides_in_a_strange_place() {
    let canary = "Zahra-Karimi-77";
    for body in [
        r#"{"Password":"Zahra-Karimi-77"}"#,
        r#"{"pass\u0077ord":"Zahra-\u004barimi-77"}"#,
        r#"{"password":["Zahra-Karimi-77",{"a":"Zahra-Karimi-77"}]}"#,
        r#"{"Zahra-Karimi-77 rules":1}"#,
        r#"{"message":"Zahra-Karimi-77"}"#,
        r#"{"status":"Zahra Karimi-77","errorCode":"Zahra-Karimi-77 "}"#,
        r#"{"amount":"Zahra-Karimi-77"}"#,
        r#"{'password':'Zahra-Karimi-77',password:Zahra-Karimi-77}"#,
        r#"{"password":"Zahra-Karimi-77"#,
        r#""Zahra-Karimi-77""#,
        "password=Zahra-Karimi-77&username=1",
        "<b>Zahra-Karimi-77</b>",
    ] {
        let text = Redactor::default().fixture(&notes(), &initiate(body), &answer(""));
        if !body.contains("errorCode") {
            assert!(!text.unwrap().contains(canary), "{body}");
        }
    }
    // In the answer after the request named it, however it is spelled there.
    let request = initiate(r#"{"additionalData":"Zahra-Karimi-77"}"#);
    for body in [
        r#"{"message":"no \u005aahra-Karimi-77"}"#,
        r#"{"errorCode":"Zahra-Karimi-77","status":"Zahra-Karimi-77"}"#,
        r#"{"Zahra-Karimi-77":1}"#,
        "<b>ZAHRA-karimi-77</b>",
    ] {
        let text = Redactor::default().text(&request, &answer(body));
        assert!(!text.to_lowercase().contains("karimi"), "{text}");
    }
}

#[test]
fn a_file_that_would_give_a_value_away_is_withheld() {
    let request = initiate(r#"{"additionalData":"Zahra Karimi / 77"}"#);
    for spelled in ["Zahra%20Karimi%20%2f 77", r"Zahra Karimi \/ 77"] {
        let mut answer = answer(format!("<a href='{spelled}'>"));
        let withheld = Redactor::default().fixture(&notes(), &request, &answer);
        assert_eq!(withheld, Err(Withheld::Private), "{spelled}");
        *answer.body_mut() = Bytes::new();
        Redactor::default().text(&request, &answer);
    }
}

#[test]
fn what_nobody_can_look_into_is_left_out() {
    let left_out = |body: &[u8], why: &str| {
        let text = Redactor::default().text(&initiate(""), &answer(body.to_vec()));
        assert!(text.ends_with("\n\n[left out]\n"), "{text}");
        assert!(text.contains(why), "{text}");
    };
    left_out(b"\xff\xfe", "# answer-body: 2 bytes, left out: not UTF-8\n");
    left_out(b"a\0b", "control characters");
    left_out(&[b'<'; 5000], "too long");
    left_out(&[b'['; 70_000], "too long");
    left_out(b"x\nHTTP/1.1 200 OK\n\n", "a head of HTTP");
    let mut zipped = answer("{}");
    zipped
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());
    let text = Redactor::default().text(&initiate("user=1"), &zipped);
    assert!(text.contains("# request-body: 6 bytes, left out: no JSON\n"));
    assert!(text.contains("# answer-body: 2 bytes, left out: encoded"));
}

#[test]
fn a_second_redaction_changes_nothing() {
    let request = r#"{"userIdentity":"09351112233","merchantOrderId":"shop-77","description":"a","callBackUrl":"https://my.shop.ir/back"}"#;
    let body = r#"{"orderId":"k7xq2m9p","clientIP":"10.9.8.7","refId":775743540,"message":"for 09351112233"}"#;
    let once = Redactor::default().text(&initiate(request), &answer(body));
    let read: Fixture = once.parse().unwrap();
    assert_eq!(Redactor::default().text(&read.request, &read.answer), once);
}
