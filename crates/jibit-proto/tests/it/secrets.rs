use http::header;
use jibit_proto::{BaseUrl, HttpHosts, OrderId, Secret, wire::inquiry};

#[test]
fn a_secret_prints_as_redacted_inside_anything() {
    let secret = Secret::new("123456");
    assert_eq!(format!("{:?}", Some(&secret)), "Some([redacted])");
    assert_eq!(secret.expose(), "123456");
}

#[test]
fn a_bearer_is_one_word_and_a_blank_and_the_token_and_marked_sensitive() {
    let bearer = Secret::new("a.b-c_d").bearer().unwrap();
    let base = BaseUrl::new(BaseUrl::PRODUCTION, &HttpHosts::loopback()).unwrap();
    let order = OrderId::new("7wvkgrn0").unwrap();
    // Each request carries it, marked.
    for _ in 0..2 {
        let request = inquiry::request(&base, &bearer, &order).unwrap();
        let header = &request.headers()[header::AUTHORIZATION];
        assert_eq!(header.as_bytes(), b"Bearer a.b-c_d");
        assert!(!format!("{request:?}{bearer:?}").contains("a.b-c_d"));
    }
}

#[test]
fn a_token_that_would_change_the_header_is_refused_and_not_repeated() {
    for token in ["", "a b", "a\r\nx: y", "توکن"] {
        let invalid = Secret::new(token).bearer().unwrap_err().to_string();
        assert!(token.is_empty() || !invalid.contains(token));
    }
}
