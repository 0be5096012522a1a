use jibit_proto::Secret;

#[test]
fn a_secret_prints_as_redacted_inside_anything() {
    let secret = Secret::new("123456");
    assert_eq!(format!("{:?}", Some(&secret)), "Some([redacted])");
    assert_eq!(secret.expose(), "123456");
}

#[test]
fn a_bearer_is_one_word_and_a_blank_and_the_token_and_marked_sensitive() {
    let header = Secret::new("a.b-c_d").bearer().unwrap();
    assert_eq!(header.as_bytes(), b"Bearer a.b-c_d");
    assert_eq!(format!("{header:?}"), "Sensitive");
}

#[test]
fn a_token_that_would_change_the_header_is_refused_and_not_repeated() {
    for token in ["", "a b", "a\r\nx: y", "توکن"] {
        let invalid = Secret::new(token).bearer().unwrap_err().to_string();
        assert!(token.is_empty() || !invalid.contains(token));
    }
}
