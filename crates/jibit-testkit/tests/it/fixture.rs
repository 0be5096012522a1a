//! The fixture reader.
#![allow(clippy::unwrap_used)]

use jibit_testkit::{Fixture, FixtureError};

const GOOD: &str = "\
# source: section 3.1 of the manual
# note: amounts changed

POST /order/initiate HTTP/1.1
content-type: application/json

{
  \"amount\": 1
}

HTTP/1.1 200 OK
content-type: application/json

{\"errorCode\": 0}
";

#[test]
fn a_fixture_is_read_whole_and_written_the_same() {
    let fixture: Fixture = GOOD.parse().unwrap();
    assert_eq!(fixture.source(), "section 3.1 of the manual");
    assert_eq!(fixture.notes.len(), 2);
    assert_eq!(fixture.request.method(), "POST");
    assert_eq!(fixture.request.body(), "{\n  \"amount\": 1\n}");
    assert_eq!(fixture.answer.headers()["content-type"], "application/json");
    assert_eq!(fixture.answer.body(), "{\"errorCode\": 0}");
    assert_eq!(fixture.to_string(), GOOD);
}

#[test]
fn bodies_may_be_empty() {
    let text = "# source: x\n\nGET /a HTTP/1.1\nx: y\n\n\nHTTP/1.1 404 Not Found\n\n";
    let fixture: Fixture = text.parse().unwrap();
    assert!(fixture.request.body().is_empty() && fixture.answer.body().is_empty());
    assert_eq!(fixture.to_string(), text);
    let terse = "# source: x\n\nGET /a HTTP/1.1\n\nHTTP/1.1 204 No Content\n";
    assert_eq!(terse.parse::<Fixture>().unwrap().answer.status(), 204);
    let asking = "# source: x\n\nGET /a?b=c HTTP/1.1\n\n\nHTTP/1.1 204 No Content\n\n";
    assert_eq!(asking.parse::<Fixture>().unwrap().to_string(), asking);
}

#[test]
fn each_planted_fault_is_found() {
    let fault = |text: &str| text.parse::<Fixture>().unwrap_err();
    assert_eq!(
        fault(&GOOD.replace('\n', "\r\n")),
        FixtureError::CarriageReturn
    );
    assert_eq!(fault(GOOD.trim_end()), FixtureError::Unfinished);
    assert_eq!(
        fault(&GOOD.replace("POST /", "POST ")),
        FixtureError::Target("order/initiate".to_owned())
    );
    assert_eq!(
        fault(&GOOD.replace("# source", "# origin")),
        FixtureError::Source
    );
    assert_eq!(
        fault(&GOOD.replace("# note: ", "#note ")),
        FixtureError::Note("#note amounts changed".to_owned())
    );
    assert_eq!(
        fault(&GOOD.replace("section 3.1 of the manual", " ")),
        FixtureError::Note("# source:  ".to_owned())
    );
    assert_eq!(
        fault(&format!("{GOOD}\nHTTP/1.1 404 Not Found\n\n")),
        FixtureError::Parts
    );
    assert_eq!(
        fault(&GOOD.replace("HTTP/1.1 200", "HTTP/1.0 200")),
        FixtureError::Parts
    );
    assert_eq!(
        fault(&GOOD.replace(
            "content-type: application/json\n\n{\n",
            "content-length: 3\n\n{\n"
        )),
        FixtureError::ContentLength
    );
    for broken in [
        GOOD.replace("1.1 200", "1.1 20"),
        GOOD.replace("type: app", "type app"),
    ] {
        assert!(matches!(fault(&broken), FixtureError::Head(_)), "{broken}");
    }
}
