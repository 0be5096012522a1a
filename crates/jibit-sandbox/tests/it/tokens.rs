use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::header;
use jibit_sandbox::{Operation, Refusal};
use serde_json::{Value, json};

use crate::bench::{Bench, read};

fn claims(token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn refresh(bench: &mut Bench, pair: &Value) -> Value {
    read(&bench.post("/authenticate/refresh", &pair["result"]))
}

fn status_with(bench: &mut Bench, token: &str) -> u16 {
    let mut request = (bench.request("GET", "/order/inquiry/none"))
        .body(bytes::Bytes::new())
        .unwrap();
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    bench.send(request).status().as_u16()
}

#[test]
fn tokens_have_the_documents_claims_and_our_issuer() {
    let mut bench = Bench::new();
    let pair = bench.log_in("7746", "123456");
    let second = 1_800_000_000;
    let expected = |audience: &str, life: u64| {
        json!({
            "aud": audience, "sub": "7746", "iss": "jibit-sandbox",
            "exp": second + life, "iat": second, "jti": "2",
        })
    };
    let result = &pair["result"];
    assert_eq!(claims(&result["token"]), expected("ir.jibit.qrpg", 86_400));
    assert_eq!(
        claims(&result["refreshToken"]),
        expected("ref.ir.jibit.qrpg", 7_776_000)
    );
    let head = result["token"].as_str().unwrap().split('.').next().unwrap();
    assert_eq!(
        BASE64_URL_SAFE_NO_PAD.decode(head).unwrap(),
        br#"{"typ":"JWT","alg":"HS256"}"#
    );
}

#[test]
fn wrong_credentials_are_refused_by_code() {
    let mut bench = Bench::new();
    for (username, password) in [("7746", "654321"), ("7747", "123456"), ("", "")] {
        let answer = bench.log_in(username, password);
        assert_eq!(answer["errorCode"], Refusal::Credentials.code());
        assert_eq!(answer.get("result"), None);
    }
    assert_eq!(bench.gateway.arrived(Operation::Authenticate), 4);
}

#[test]
fn a_token_dies_after_a_day_and_nothing_else_passes_for_one() {
    let mut bench = Bench::new();
    let pair = bench.log_in("7746", "123456");
    let token = pair["result"]["token"].as_str().unwrap().to_owned();
    let refresh = pair["result"]["refreshToken"].as_str().unwrap().to_owned();
    assert_eq!(status_with(&mut bench, &token), 404);
    assert_eq!(status_with(&mut bench, &refresh), 401);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let unsigned = format!("{signed}.");
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
    let claimed = format!("{none}.{}.", token.split('.').nth(1).unwrap());
    for forged in [unsigned.as_str(), &claimed, "", "a.b.c", &token[1..]] {
        assert_eq!(status_with(&mut bench, forged), 401);
    }
    bench.pass(Duration::from_secs(86_399));
    assert_eq!(status_with(&mut bench, &token), 404);
    bench.pass(Duration::from_secs(1));
    assert_eq!(status_with(&mut bench, &token), 401);
}

#[test]
fn a_pair_is_refreshed_once_even_when_its_token_is_dead() {
    let mut bench = Bench::new();
    let pair = bench.log_in("7746", "123456");
    bench.advance(6 * 86_400);
    let next = refresh(&mut bench, &pair);
    assert_eq!(next["errorCode"], 0);
    let token = next["result"]["token"].as_str().unwrap().to_owned();
    assert_eq!(status_with(&mut bench, &token), 404);
    assert_eq!(
        refresh(&mut bench, &pair)["errorCode"],
        Refusal::Refresh.code()
    );
    assert_eq!(refresh(&mut bench, &next)["errorCode"], 0);
}

#[test]
fn a_pair_that_is_none_or_too_old_is_not_refreshed() {
    let mut bench = Bench::new();
    let pair = bench.log_in("7746", "123456");
    let other = bench.log_in("7746", "123456");
    let refused = Refusal::Refresh.code();
    let mixed = json!({"result": {
        "token": pair["result"]["token"], "refreshToken": other["result"]["refreshToken"],
    }});
    assert_eq!(refresh(&mut bench, &mixed)["errorCode"], refused);
    let swapped = json!({"result": {
        "token": pair["result"]["refreshToken"], "refreshToken": pair["result"]["token"],
    }});
    assert_eq!(refresh(&mut bench, &swapped)["errorCode"], refused);
    bench.advance(7_776_000);
    assert_eq!(refresh(&mut bench, &pair)["errorCode"], refused);
}
