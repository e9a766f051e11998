//! Other decisions on action pages: a new version, all links of a host, a link
//! without a copy that may open; and the key that signs the links.

use onreserve::domain::action_token::{ActionToken, Purpose, SigningKey};

use super::{A, B, BASE, READER, ask, configure, emails, harness, journal, path_in, serving};
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of, run_on};

const TOOLS: [&str; 3] = ["http://tools.test/1", "http://tools.test/2", "http://tools.test/3"];
const STILL_THERE: &str = "http://tools.test/4";

/// The article from the second night on.
fn revised() -> String {
    let section = |n: u32| {
        format!("<p>A new section {n} is about flow matching, its proof and exercise {}.</p>", n * 7)
    };
    let more = (0..30).map(section).collect::<Vec<_>>().concat();
    article("The reading at http://notes.test/b").replace("</main>", &format!("{more}</main>"))
}

/// `b` has another version from the second night on.
async fn changing() -> Harness {
    let harness =
        Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&[A, B])),
            ("notes.test", "/b") if night > 1 => Reply::page(&revised()),
            ("notes.test", target @ ("/a" | "/b")) => {
                Reply::page(&article(&format!("The reading at http://notes.test{target}")))
            }
            _ => Reply::not_found(),
        })
        .await;
    configure(&harness, "c", "");
    harness
}

/// The values of the hidden field with a version.
fn versions_in(page: &str) -> Vec<String> {
    let fields = page.split("name=\"version\" value=\"").skip(1);
    fields.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_shown_accepted_and_withdrawn_on_the_page() {
    let harness = changing().await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    let email = emails(&harness).pop().unwrap();
    assert!(email.contains("Compare the two versions, accept the new one or snooze:"), "{email}");
    let path = path_in(&email, "act");
    let (service, at) = serving(&harness, 3).await;
    let (_, page) = ask(at, "GET", &path, "").await;
    assert!(page.contains("Now: opens, but reads differently"), "{page}");
    assert!(page.contains("What changed since") && page.contains("<ins>A new section 0"), "{page}");
    let [new] = versions_in(&page).try_into().unwrap();

    let before = journal(&harness);
    let another = "0".repeat(64);
    for nonsense in ["", "x", &another] {
        ask(at, "POST", &path, &format!("choice=version&version={nonsense}")).await;
        assert_eq!(journal(&harness), before, "{nonsense}");
    }
    let accept = format!("choice=version&version={new}");
    for _ in 0..2 {
        assert_eq!(ask(at, "POST", &path, &accept).await.0, 303);
    }
    assert_eq!(journal(&harness).matches("\"kind\":\"accepted\"").count(), 1);
    let (_, page) = ask(at, "GET", &path, "").await;
    assert!(page.contains("is accepted; the next night compares with it."), "{page}");
    assert!(page.contains("Go back to the version of") && !page.contains("Accept the new version"), "{page}");
    let [old] = versions_in(&page).try_into().unwrap();
    assert_ne!(old, new);

    ask(at, "POST", &path, &format!("choice=version&version={old}")).await;
    let (_, page) = ask(at, "GET", &path, "").await;
    assert!(page.contains("Accept the new version") && !page.contains("is accepted;"), "{page}");
    ask(at, "POST", &path, &accept).await;
    service.stop().await;

    let count = emails(&harness).len();
    assert_eq!(harness.check(4).await.state("/b"), "ok", "the next night compares with the accepted version");
    assert_eq!(emails(&harness).len(), count, "{}", emails(&harness).pop().unwrap());
    let (code, said) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(harness.check(5).await.state("/b"), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_host_with_the_same_failure_are_decided_together() {
    let links = [TOOLS[0], TOOLS[1], TOOLS[2], STILL_THERE];
    let harness = Harness::start(["course.test", "tools.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&links)),
            ("tools.test", "/") => Reply::page(&article("Welcome")),
            ("tools.test", "/1" | "/2" | "/3") if night > 1 => {
                Reply::new(410, "content-type: text/html", "<p>no")
            }
            ("tools.test", target) if target.len() == 2 => {
                Reply::page(&article(&format!("The reading at http://tools.test{target}")))
            }
            _ => Reply::not_found(),
        }
    })
    .await;
    configure(&harness, "c", "");
    for night in 1..=3 {
        harness.check(night).await;
    }
    let email = emails(&harness).pop().unwrap();
    assert!(email.contains("3 links on tools.test"), "{email}");
    let path = path_in(&email, "act");
    let (service, at) = serving(&harness, 3).await;
    let (_, page) = ask(at, "GET", &path, "").await;
    assert!(page.contains("applies to all 3 links on tools.test"), "{page}");
    ask(at, "POST", &path, "choice=accept-dead").await;
    let decided = journal(&harness);
    for tool in TOOLS {
        let line = decided.lines().rfind(|line| line.contains("accepted_dead") && line.contains(tool));
        assert!(line.is_some(), "{tool}: {decided}");
    }
    assert_eq!(decided.matches("accepted_dead").count(), 3, "{STILL_THERE} still works");
    assert!(ask(at, "GET", &path, "").await.1.contains("no longer reported as dead."));
    ask(at, "POST", &path, "choice=undo").await;
    let health = ask(at, "GET", "/c/c/health", "").await.1;
    assert!(!health.contains("<h2>Decisions</h2>"), "all three decisions are withdrawn: {health}");
    assert_eq!(health.matches("the decision was withdrawn.").count(), 3, "the history has them: {health}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_may_never_open_is_not_offered() {
    for (rights, to_do) in [
        ("taken-down", "replace or remove the link."),
        ("licensed", "replace the link; our copy is not open to students."),
    ] {
        let harness = harness(|night| if night == 1 { 200 } else { 410 }).await;
        let rule = format!("[[course.rights]]\ncontains = \"notes.test/a\"\nrights = \"{rights}\"\n");
        configure(&harness, "c", &rule);
        for night in 1..=3 {
            harness.check(night).await;
        }
        let email = emails(&harness).pop().unwrap();
        assert!(!email.contains("hand out our copy"), "{email}");
        let path = path_in(&email, "act");
        let (service, at) = serving(&harness, 3).await;
        let (_, page) = ask(at, "GET", &path, "").await;
        assert!(page.contains(to_do) && !page.contains("our-copy"), "{page}");
        let before = journal(&harness);
        ask(at, "POST", &path, "choice=our-copy").await;
        assert_eq!(journal(&harness), before, "{rights}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_signed_with_the_key_in_the_credentials_directory() {
    let harness = harness(|night| if night == 1 { 200 } else { 410 }).await;
    let credentials = harness.dir.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let key = "a key of the operator with 40 characters.";
    std::fs::write(credentials.join("signing-key"), format!("{key}\n")).unwrap();
    for night in 1..=3 {
        let checked =
            harness.checking(night).env("CREDENTIALS_DIRECTORY", &credentials).output().await.unwrap();
        assert!(matches!(checked.status.code(), Some(0 | 2)), "{checked:?}");
    }
    assert!(!harness.archive().join("signing-key").exists(), "no other key is made");
    let path = path_in(&emails(&harness).pop().unwrap(), "act");
    let sealed = path.rsplit('/').next().unwrap();
    let ticket = ActionToken::verify(sealed, &SigningKey::parse(key).unwrap()).expect("signed with that key");
    assert!(matches!(ticket.purpose, Purpose::Act(_)) && ticket.is_for(&READER.parse().unwrap()));
    let (code, said) = run_on(&harness.archive(), &["status"]).await;
    assert!(code == 0 && !said.contains(key) && !path.starts_with(BASE), "{said}");
}
