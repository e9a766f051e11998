//! Signed tokens: in the links of emails, and in the cookies of devices.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use onreserve::domain::action_token::{ActionToken, SigningKey};
use onreserve::domain::course::CourseId;
use onreserve::domain::policy::device_token::Device;

fuzz_target!(|text: &str| {
    let key = SigningKey::parse("0123456789abcdef0123456789abcdef").expect("a key of 32 characters");
    let course: CourseId = "flows".parse().expect("a course");
    let now = Timestamp::from_second(1_780_000_000).expect("a valid time");
    // A signature of 128 bits is not found by chance.
    assert!(ActionToken::verify(text, &key).is_err());
    assert!(Device::verify(text, &course, &key, now).is_none());
    let _ = SigningKey::parse(text);
    let _ = text.parse::<CourseId>();
});
